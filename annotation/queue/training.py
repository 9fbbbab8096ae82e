"""The round of training pairs: where an annotator stands in it, and which pair is next.

Attempt p is the passes numbered p over all training pairs of the study, from 0. It is over when
each of them was answered or skipped; `annotation.quality` then grades it. Whoever is sent to train
again begins a new attempt: one that was under way counts neither for nor against them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from annotation.draws import draw, shuffled
from annotation.models import (
    Annotator,
    Assignment,
    AssignmentState,
    Comparison,
    ComparisonKind,
)
from annotation.rules import rules_of

from .checks import Loan
from .slots import ANSWERED

FINISHED = (*ANSWERED, AssignmentState.RELEASED)


@dataclass(frozen=True, slots=True)
class TrainingState:
    """Where an annotator stands: the current attempt, counted from 0, and its pairs that are done.

    `of` is how many training pairs the study has; 0 is no training at all. `first` is the attempt
    at which the annotator began, or began again.
    """

    attempt: int
    done: int
    of: int
    first: int = 0


@dataclass(slots=True)
class Round:
    """The training pairs of a study with one annotator's assignments of them."""

    pairs: list[Comparison]
    # The attempt after all that was done before the annotator was last sent to train.
    first: int = 0
    # By pass, then by comparison: key, state and side.
    own: dict[int, dict[int, tuple[int, str, bool]]] = field(default_factory=dict)

    @classmethod
    def of(cls, annotator: Annotator) -> Round:
        pairs = Comparison.objects.filter(
            study=annotator.study_id, kind=ComparisonKind.TRAINING, open_seq__isnull=True
        )
        found = cls(
            list(pairs.only("item_id", "overlap", "system_a", "system_b").order_by("item_id"))
        )
        rows = Assignment.objects.filter(
            annotator=annotator, comparison__in=[pair.pk for pair in found.pairs]
        )
        sent = annotator.sent_to_train_at
        for pk, comparison, pass_no, state, swapped, reserved_at in rows.values_list(
            "pk", "comparison", "pass_no", "state", "swapped", "reserved_at"
        ):
            found.own.setdefault(pass_no, {})[comparison] = (pk, state, swapped)
            if sent is not None and state in FINISHED and reserved_at < sent:
                found.first = max(found.first, pass_no + 1)
        return found

    def finished(self, attempt: int) -> set[int]:
        return {
            comparison
            for comparison, (_, state, _) in self.own.get(attempt, {}).items()
            if state in FINISHED
        }

    @property
    def state(self) -> TrainingState:
        attempt = self.first
        while self.pairs and len(self.finished(attempt)) == len(self.pairs):
            attempt += 1
        return TrainingState(attempt, len(self.finished(attempt)), len(self.pairs), self.first)

    def next_pair(self, seed: int, external_id: str) -> Loan:
        """The first pair of the current attempt that is not done, in a drawn order."""
        attempt = self.state.attempt
        about = ("training", external_id, attempt)
        finished = self.finished(attempt)
        order = shuffled(self.pairs, seed, *about, key=lambda pair: pair.item_id)
        pair = next(pair for pair in order if pair.pk not in finished)
        lapsed = self.own.get(attempt, {}).get(pair.pk)
        side = bool(draw(seed, "side", *about, pair.item_id) & 1)
        return Loan(
            pair.pk,
            ComparisonKind.TRAINING,
            pair.overlap,
            pair.system_a_id,
            pair.system_b_id,
            side if lapsed is None else lapsed[2],
            pass_no=attempt,
            own=None if lapsed is None else lapsed[0],
        )


def training_state(annotator: Annotator) -> TrainingState:
    """Where the annotator stands in the study's training."""
    return Round.of(annotator).state


def attempts_allowed(annotator: Annotator) -> int:
    """How many attempts the annotator has in all.

    Those of the rules, counted from the attempt at which they were last sent to train again: what
    was left unused before does not add to them.
    """
    return rules_of(annotator.study.rules).qualification.attempts + training_state(annotator).first
