"""The round of training pairs before the first pair of work: who takes it, and who passes.

An attempt is one walk through all training pairs of the study; `queue.training_state` says where an
annotator stands. It is graded when its last pair is answered or skipped.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from annotation import audit, queue
from annotation.models import (
    Annotator,
    AnnotatorState,
    Assignment,
    Comparison,
    ComparisonKind,
    Criterion,
    FindingAction,
    QualityReview,
    ReviewOutcome,
    Study,
    StudyVersion,
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

RUBRIC_CHANGED = "The rubric changed."


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


def let_in_again(annotator: Annotator) -> AnnotatorState:
    """Let an annotator go on who was stopped or had left, within the caller's transaction.

    The state follows from what is known: a rejection and a pause that nobody has answered stay in
    force, whoever was handed a pair of work had qualified, and a rubric that changed since asks for
    that anew. The caller holds the annotator's lock, or has just made or found the row.
    """
    study = annotator.study
    state = state_by_reviews(annotator) or state_by_training(annotator)
    Annotator.objects.filter(pk=annotator.pk).update(state=state, state_reason="")
    since = rubric_since(study)
    if since is not None and needs_training(study) and requalify_one(annotator.pk, since):
        return AnnotatorState.QUALIFYING
    return state


def state_by_reviews(annotator: Annotator) -> AnnotatorState | None:
    """The state that findings and reviews hold an annotator in; None if they hold nobody back."""
    last = annotator.reviews.order_by("-pk").first()
    if last is not None and last.outcome == ReviewOutcome.REJECT:
        return AnnotatorState.FAILED
    findings = annotator.findings.filter(action=FindingAction.PAUSE)
    if last is not None:
        findings = findings.filter(created_at__gt=last.created_at)
    return AnnotatorState.PAUSED if findings.exists() else None


def state_by_training(annotator: Annotator) -> AnnotatorState:
    """The state that the training pairs ask for.

    Whoever was handed work had qualified, unless they were sent back since.
    """
    if not needs_training(annotator.study) or has_qualified(annotator):
        return AnnotatorState.ACTIVE
    return state_by_attempts(annotator)


def has_qualified(annotator: Annotator) -> bool:
    """Whether the annotator passed, or was let to work, after they were last sent to train."""
    sent_back = annotator.reviews.filter(outcome=ReviewOutcome.RETRAIN).order_by("-pk").first()
    if sent_back is None:
        work = Assignment.objects.filter(annotator=annotator).exclude(kind=ComparisonKind.TRAINING)
        return work.exists()
    return annotator.study.audit_entries.filter(
        action=PASSED, detail__annotator=annotator.pk, at__gte=sent_back.created_at
    ).exists()


def state_by_attempts(annotator: Annotator) -> AnnotatorState:
    """Of somebody who has not qualified: they go on while the rules leave them an attempt."""
    used_up = queue.training_state(annotator).attempt >= queue.attempts_allowed(annotator)
    return AnnotatorState.FAILED if used_up else AnnotatorState.QUALIFYING


def conclude_training(annotator_id: int) -> None:
    """Grade the attempt that was just finished, if one was, and move the annotator along.

    Called after each answer to a training pair and each skip of one, inside the transaction of
    that; the caller holds the annotator's lock. Does nothing in the middle of an attempt, for an
    annotator who is not qualifying, and for an attempt that was graded before.
    """
    annotator = Annotator.objects.select_related("study").get(pk=annotator_id)
    if annotator.state != AnnotatorState.QUALIFYING:
        return
    state = queue.training_state(annotator)
    attempt = state.attempt - 1
    if state.done > 0 or attempt < 0 or was_graded(annotator, attempt):
        return
    right = count_right(annotator, attempt)
    qualification = rules_of(annotator.study.rules).qualification
    if right >= qualification.pass_mark * state.of - ROUNDING:
        action, target = PASSED, AnnotatorState.ACTIVE
    elif state.attempt < queue.attempts_allowed(annotator):
        action, target = ATTEMPT_FAILED, AnnotatorState.QUALIFYING
    else:
        action, target = FAILED, AnnotatorState.FAILED
    Annotator.objects.filter(pk=annotator.pk).update(state=target, state_reason="")
    audit.record(
        annotator.study,
        annotator.user,
        action,
        {"annotator": annotator.pk, "attempt": attempt, "right": right, "of": state.of},
    )


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


def requalify(study: Study) -> int:
    """Send the active annotators of an opened study to its training pairs once more.

    Called after the transaction that stored a new version whose rubric differs: whoever qualified
    before did so for other questions. Each gets the attempts of the rules anew, by a review of its
    own that says why. One annotator a transaction, so that nobody who votes waits long; running it
    again does what is missing and nothing else.

    Returns
    -------
    int
        How many annotators now qualify.
    """
    since = rubric_since(study)
    if since is None or not needs_training(study):
        return 0
    active = Annotator.objects.filter(
        study=study, state=AnnotatorState.ACTIVE, user__isnull=False
    ).order_by("pk")
    return sum(requalify_one(pk, since) for pk in list(active.values_list("pk", flat=True)))


def requalify_one(annotator_id: int, since: datetime) -> bool:
    """Send one annotator back, unless they trained under the rubric in force; False then."""
    with transaction.atomic():
        holder = queue.lock_annotator(annotator_id)
        annotator = holder.annotator
        if annotator.state != AnnotatorState.ACTIVE or trained_since(annotator, since):
            return False
        QualityReview.objects.create(
            annotator=annotator, outcome=ReviewOutcome.RETRAIN, reason=RUBRIC_CHANGED
        )
        Annotator.objects.filter(pk=annotator_id).update(state=AnnotatorState.QUALIFYING)
        audit.record(
            holder.study, None, "qualification.required_again", {"annotator": annotator_id}
        )
    return True


def trained_since(annotator: Annotator, since: datetime) -> bool:
    """Whether the annotator joined, was sent to the training pairs, or trained since a moment."""
    return (
        annotator.created_at >= since
        or QualityReview.objects.filter(
            annotator=annotator, outcome=ReviewOutcome.RETRAIN, created_at__gte=since
        ).exists()
        or passed_wholly_since(annotator, since)
    )


def passed_wholly_since(annotator: Annotator, since: datetime) -> bool:
    """Whether an attempt was passed of which every pair was handed out since a moment."""
    attempts = annotator.study.audit_entries.filter(
        action=PASSED, detail__annotator=annotator.pk, at__gte=since
    ).values_list("detail__attempt", flat=True)
    training = Assignment.objects.filter(annotator=annotator, kind=ComparisonKind.TRAINING)
    return any(
        not training.filter(pass_no=attempt, reserved_at__lt=since).exists()
        for attempt in list(attempts)
    )


def rubric_since(study: Study) -> datetime | None:
    """When the first version with the rubric in force was made; None if it is the first rubric."""
    versions = StudyVersion.objects.filter(study=study).order_by("-number")
    rows = list(versions.values_list("snapshot__rubric", "created_at"))
    same = list(itertools.takewhile(lambda row: row[0] == rows[0][0], rows))
    return None if len(same) == len(rows) else same[-1][1]
