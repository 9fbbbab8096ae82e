"""A decision on its way in and the answer to it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from annotation.blinding import PresentedPair


@dataclass(frozen=True, slots=True)
class Answer:
    """What was clicked on one criterion: left, right, tie or both_bad; a margin if graded."""

    choice: str
    margin: int | None = None


def answers_as_json(answers: Mapping[str, Answer]) -> dict[str, dict[str, Any]]:
    """Answers as they are sent and kept: what `parse_answers` reads again."""
    return {
        key: {"choice": answer.choice, "margin": answer.margin} for key, answer in answers.items()
    }


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds by the browser's monotonic clock; clamped to the time since serving."""

    active_ms: int | None = None
    elapsed_ms: int | None = None
    hidden_ms: int | None = None
    first_choice_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Remarks:
    """What accompanies the answers, as far as the study asks for it.

    Attributes
    ----------
    rationale : str
        The annotator's own words.
    tags : tuple of str
        Of those that the study offers.
    confidence : float or None
        From 0 (a guess) to 1 (sure).
    """

    rationale: str = ""
    tags: tuple[str, ...] = ()
    confidence: float | None = None


class Received(StrEnum):
    """How a vote was taken in; in each case it is stored."""

    COUNTED = "counted"
    LATE_SURPLUS = "late_surplus"  # others completed the comparison meanwhile
    STUDY_CLOSED = "study_closed"  # after the grace period; kept as surplus


HTTP_STATUS = {Received.COUNTED: 200, Received.LATE_SURPLUS: 202, Received.STUDY_CLOSED: 409}


@dataclass(frozen=True, slots=True)
class Feedback:
    """What the annotator is told about a training pair once it is answered.

    `accepted` has, by criterion, the choices that are right as this person saw the pair.
    """

    correct: bool
    accepted: Mapping[str, tuple[str, ...]]
    # Markdown, by the researchers.
    explanation: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """A stored vote, as it was answered the first time.

    All fields but `replayed` are the same however often the request is repeated. `feedback` is
    given on training alone, and never on a hidden check.
    """

    assignment: uuid.UUID
    received: Received
    late: bool
    revision: int
    answers: Mapping[str, Answer]
    replayed: bool = False
    feedback: Feedback | None = None

    @property
    def status(self) -> int:
        """The HTTP status it means."""
        return HTTP_STATUS[self.received]


@dataclass(frozen=True, slots=True)
class EarlierVote:
    """An annotator's own vote with its pair, shown again."""

    pair: PresentedPair
    answers: Mapping[str, Answer]
    remarks: Remarks
    revision: int
