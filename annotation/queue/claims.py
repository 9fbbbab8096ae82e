"""What a claim answers: the pairs held, or the true reason why there is none."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from annotation.blinding import PresentedPair
from annotation.models import AnnotatorState


class EmptyReason(StrEnum):
    """Why an annotator gets no pair now. Only said when true."""

    FINISHED = "finished"  # a recount found nothing left for this annotator
    MAXIMUM_REACHED = "maximum_reached"  # the study's cap per annotator
    DAILY_MAXIMUM_REACHED = "daily_maximum_reached"  # until midnight; see retry_after_seconds
    HELD_BY_OTHERS = "held_by_others"  # others hold the rest; see retry_after_seconds
    STUDY_NOT_OPEN = "study_not_open"  # still a draft
    STUDY_PAUSED = "study_paused"
    STUDY_CLOSED = "study_closed"  # or archived
    INVITATION_PENDING = "invitation_pending"
    QUALIFICATION_PENDING = "qualification_pending"
    QUALIFICATION_FAILED = "qualification_failed"
    ANNOTATOR_PAUSED = "annotator_paused"  # under review
    ANNOTATOR_REMOVED = "annotator_removed"


@dataclass(frozen=True, slots=True)
class HeldPair:
    """A pair that is reserved for the annotator, as it may be shown.

    `texts` is None where the page has them already.
    """

    id: uuid.UUID
    texts: PresentedPair | None
    # By the database's clock; a browser counts down from lease_seconds, whatever its own says.
    lease_expires_at: datetime
    lease_seconds: int
    displayed: bool

    @property
    def pair(self) -> PresentedPair:
        """The pair with its texts.

        Raises
        ------
        LookupError
            If the claim was told that they are known.
        """
        if self.texts is None:
            raise LookupError(f"The texts of {self.id} were not asked for.")
        return self.texts


@dataclass(frozen=True, slots=True)
class Progress:
    """An annotator's own counts, and nothing of anybody else's."""

    voted: int
    skipped: int
    # How many pairs one annotator may rate in the study, if that is limited.
    maximum: int | None


@dataclass(frozen=True, slots=True)
class Practice:
    """Where an annotator stands in the training, all counted from 1.

    Attributes
    ----------
    number, of : int
        The current pair of how many.
    attempt, attempts : int
        The current walk through them of how many that are allowed, since the annotator was last
        sent to train.
    """

    number: int
    of: int
    attempt: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Claim:
    """The answer to a claim: the current pair first, then those held in advance.

    `empty` is None exactly when something is held; `practice` is set when that is a training pair.
    `study_version_id` is None before the study opens. `annotator_state` is beside the reason: of a
    study that is closed, `empty` does not tell who was under review or had failed.
    """

    held: tuple[HeldPair, ...]
    progress: Progress
    study_version_id: int | None
    empty: EmptyReason | None = None
    retry_after_seconds: int | None = None
    practice: Practice | None = None
    annotator_state: AnnotatorState = AnnotatorState.ACTIVE

    @property
    def current(self) -> HeldPair | None:
        return self.held[0] if self.held else None


class LeaseState(StrEnum):
    """What became of a lease that was to be renewed."""

    LIVE = "live"
    LOST = "lost"  # lapsed and taken back; a vote on it still counts if a slot is free
    ANSWERED = "answered"
    RELEASED = "released"  # skipped


@dataclass(frozen=True, slots=True)
class Lease:
    """A reservation's lease after a call; `seconds` is 0 unless it is live."""

    id: uuid.UUID
    state: LeaseState
    seconds: int


class AssignmentNotFound(LookupError):
    """No such reservation of this annotator; also said of other people's."""

    code = "unknown_assignment"


class AlreadyAnswered(ValueError):
    """A pair with a vote can be revised, but not skipped."""

    code = "already_voted"
