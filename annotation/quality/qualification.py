"""The round of training pairs before the first pair of work: who takes it, and who passes.

An attempt is one walk through all training pairs of the study; `queue.training_state` says where an
annotator stands in it. It is graded when its last pair is answered or skipped. What follows from
attempts, reviews and findings together is in `standing`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import QuerySet

from annotation import audit, queue
from annotation.models import (
    Annotator,
    AnnotatorState,
    Comparison,
    ComparisonKind,
    Criterion,
    Study,
    User,
    Vote,
    VoteCriterion,
)
from annotation.quality_rules.grading import is_right
from annotation.rules import rules_of

PASSED = "qualification.passed"
ATTEMPT_FAILED = "qualification.attempt_failed"
FAILED = "qualification.failed"
CONCLUSIONS = (PASSED, ATTEMPT_FAILED, FAILED)

# 7 of 10 reach 0.7, whatever binary fractions make of it.
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Graded:
    """An attempt, counted from 0, with its right answers of how many."""

    attempt: int
    right: int
    of: int

    def reaches_mark_of(self, study: Study) -> bool:
        pass_mark = rules_of(study.rules).qualification.pass_mark
        return self.right >= pass_mark * self.of - ROUNDING


def needs_training(study: Study) -> bool:
    """Whether new annotators of the study begin with its training pairs.

    As `qualification.required` says, or, where it says nothing, if there are such pairs. Without
    any nobody is held up: a study that demands them is not ready to open.
    """
    if rules_of(study.rules).qualification.required is False:
        return False
    return training_pairs(study).exists()


def training_pairs(study: Study) -> QuerySet[Comparison]:
    return Comparison.objects.filter(study=study, kind=ComparisonKind.TRAINING)


def first_state(study: Study) -> AnnotatorState:
    """The state of whoever becomes an annotator of the study now."""
    return AnnotatorState.QUALIFYING if needs_training(study) else AnnotatorState.ACTIVE


def conclude_training(annotator_id: int) -> None:
    """Grade the attempt that was just finished, if one was, and move the annotator along.

    Called after each answer to a training pair and each skip of one, inside the transaction of
    that; the caller holds the annotator's lock. Does nothing in the middle of an attempt, for an
    annotator who is not qualifying, and for an attempt that was graded before or given up.
    """
    annotator = Annotator.objects.select_related("study").get(pk=annotator_id)
    if annotator.state != AnnotatorState.QUALIFYING:
        return
    state = queue.training_state(annotator)
    attempt = state.attempt - 1
    if state.done > 0 or attempt < state.first or was_graded(annotator, attempt):
        return
    graded = Graded(attempt, count_right(annotator, attempt), state.of)
    if graded.reaches_mark_of(annotator.study):
        action, target = PASSED, AnnotatorState.ACTIVE
    elif state.attempt < queue.attempts_allowed(annotator):
        action, target = ATTEMPT_FAILED, AnnotatorState.QUALIFYING
    else:
        action, target = FAILED, AnnotatorState.FAILED
    Annotator.objects.filter(pk=annotator.pk).update(state=target, state_reason="")
    record_grade(annotator, action, graded, annotator.user)


def record_grade(annotator: Annotator, action: str, graded: Graded, actor: User | None) -> None:
    detail = {"annotator": annotator.pk, **dataclasses.asdict(graded)}
    audit.record(annotator.study, actor, action, detail)


def was_graded(annotator: Annotator, attempt: int) -> bool:
    """Whether the log has a conclusion of this attempt.

    A vote of an old attempt can still be revised: that must not grade it once more.
    """
    return annotator.study.audit_entries.filter(
        action__in=CONCLUSIONS, detail__annotator=annotator.pk, detail__attempt=attempt
    ).exists()


def count_right(annotator: Annotator, attempt: int) -> int:
    """How many training pairs of an attempt were answered right.

    The first answer is graded: a revision was made with the explanation in view. A skipped pair
    has no answer, and so is not right.
    """
    votes = list(
        Vote.objects.filter(
            assignment__annotator=annotator,
            assignment__pass_no=attempt,
            assignment__kind=ComparisonKind.TRAINING,
            revision=0,
        ).values_list("pk", "verdict", "comparison__gold")
    )
    further = further_verdicts([pk for pk, _, _ in votes])
    return sum(
        is_right(gold or {}, {Criterion.OVERALL: verdict, **further.get(pk, {})})
        for pk, verdict, gold in votes
    )


def further_verdicts(vote_ids: list[int]) -> Mapping[int, dict[str, str]]:
    """The verdicts on further criteria, by vote and criterion."""
    found: dict[int, dict[str, str]] = {}
    rows = VoteCriterion.objects.filter(vote__in=vote_ids)
    for vote_id, key, verdict in rows.values_list("vote_id", "criterion__key", "verdict"):
        found.setdefault(vote_id, {})[key] = verdict
    return found


def begin_qualification(study: Study) -> int:
    """Send the active annotators of a study to its training pairs, if it needs them.

    Called when the study opens, first in that transaction since annotators are locked before the
    study: whoever joined early may have done so when there were no training pairs. Raters known
    from imports have no account and are left alone.

    Returns
    -------
    int
        How many annotators now qualify.
    """
    if not needs_training(study):
        return 0
    return Annotator.objects.filter(
        study=study, state=AnnotatorState.ACTIVE, user__isnull=False
    ).update(state=AnnotatorState.QUALIFYING)
