"""Where somebody stands: the state that reviews, findings and training put an annotator in.

It follows from what is known and from the rules in force, so that whoever comes back, and whoever a
new version meets on the way, is where anybody else with the same past would be.
"""

from __future__ import annotations

import itertools
from datetime import datetime

from annotation import audit, queue
from annotation.models import (
    Annotator,
    AnnotatorState,
    Assignment,
    ComparisonKind,
    FindingAction,
    ReviewOutcome,
    Study,
    StudyVersion,
)

from .qualification import (
    CONCLUSIONS,
    PASSED,
    Graded,
    count_right,
    needs_training,
    record_grade,
)

SENT_BACK = "qualification.required_again"


def let_in_again(annotator: Annotator) -> AnnotatorState:
    """Let an annotator go on who was stopped or had left, within the caller's transaction.

    The state follows from what is known: a rejection and a pause that nobody has answered stay in
    force, whoever was handed a pair of work had qualified, and a rubric that changed since asks for
    that anew.
    """
    holder = queue.lock_annotator(annotator.pk)
    state = put_where_they_stand(holder.annotator)
    since = rubric_since(holder.study)
    if since is None or not needs_training(holder.study) or state != AnnotatorState.ACTIVE:
        return state
    if trained_since(holder.annotator, since):
        return state
    send_to_train(holder, since)
    return AnnotatorState.QUALIFYING


def put_where_they_stand(annotator: Annotator) -> AnnotatorState:
    """Store the state that follows from what is known, and an attempt that passes only now.

    The caller holds the annotator's lock.
    """
    state, passed = state_by_reviews(annotator), None
    if state is None:
        state, passed = state_by_training(annotator)
    Annotator.objects.filter(pk=annotator.pk).update(state=state, state_reason="")
    if passed is not None:
        record_grade(annotator, PASSED, passed, None)
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


def state_by_training(annotator: Annotator) -> tuple[AnnotatorState, Graded | None]:
    """The state that the training pairs ask for, and the attempt that is passed only now.

    Whoever has not qualified goes on while the rules leave them an attempt.
    """
    if not needs_training(annotator.study) or has_qualified(annotator):
        return AnnotatorState.ACTIVE, None
    if (passed := passing_attempt(annotator)) is not None:
        return AnnotatorState.ACTIVE, passed
    used_up = attempts_over(annotator) >= queue.attempts_allowed(annotator)
    return AnnotatorState.FAILED if used_up else AnnotatorState.QUALIFYING, None


def attempts_over(annotator: Annotator) -> int:
    """How many attempts were walked through, or graded before there were more training pairs."""
    graded = annotator.study.audit_entries.filter(
        action__in=CONCLUSIONS, detail__annotator=annotator.pk
    ).values_list("detail__attempt", flat=True)
    walked = queue.training_state(annotator).attempt
    return max([walked, *(int(attempt) + 1 for attempt in list(graded))])


def has_qualified(annotator: Annotator) -> bool:
    """Whether the annotator passed, or was let to work, after they were last sent to train.

    Whoever was handed work had qualified, unless they were sent back since.
    """
    passed = annotator.study.audit_entries.filter(action=PASSED, detail__annotator=annotator.pk)
    if annotator.sent_to_train_at is not None:
        return passed.filter(at__gte=annotator.sent_to_train_at).exists()
    work = Assignment.objects.filter(annotator=annotator).exclude(kind=ComparisonKind.TRAINING)
    return work.exists() or passed.exists()


def passing_attempt(annotator: Annotator) -> Graded | None:
    """The first attempt since they were last sent to train that reaches the mark in force.

    It was graded by another mark, or not at all, and lies wholly under the rubric in force.
    """
    state = queue.training_state(annotator)
    since = rubric_since(annotator.study)
    for attempt in range(state.first, state.attempt):
        graded = Graded(attempt, count_right(annotator, attempt), state.of)
        if graded.reaches_mark_of(annotator.study) and (
            since is None or handed_wholly_since(annotator, attempt, since)
        ):
            return graded
    return None


def send_to_train(holder: queue.LockedAnnotator, since: datetime) -> None:
    """Send an annotator to the training pairs, with the attempts of the rules anew.

    Nobody decided on the annotator: what was found stays open, and what was answered is looked at
    as before. `since` is the moment whose rubric asks for it.
    """
    Annotator.objects.filter(pk=holder.annotator.pk).update(
        state=AnnotatorState.QUALIFYING,
        # Two clocks may tell the time of versions and of locks.
        sent_to_train_at=max(holder.now, since),
    )
    audit.record(holder.study, None, SENT_BACK, {"annotator": holder.annotator.pk})


def trained_since(annotator: Annotator, since: datetime) -> bool:
    """Whether the annotator joined, was sent to the training pairs, or trained since a moment."""
    sent = annotator.sent_to_train_at
    return (
        annotator.created_at >= since
        or (sent is not None and sent >= since)
        or passed_wholly_since(annotator, since)
    )


def passed_wholly_since(annotator: Annotator, since: datetime) -> bool:
    """Whether an attempt was passed of which every pair was handed out since a moment."""
    attempts = annotator.study.audit_entries.filter(
        action=PASSED, detail__annotator=annotator.pk, at__gte=since
    ).values_list("detail__attempt", flat=True)
    return any(handed_wholly_since(annotator, attempt, since) for attempt in list(attempts))


def handed_wholly_since(annotator: Annotator, attempt: int, since: datetime) -> bool:
    training = Assignment.objects.filter(annotator=annotator, kind=ComparisonKind.TRAINING)
    return not training.filter(pass_no=attempt, reserved_at__lt=since).exists()


def rubric_since(study: Study) -> datetime | None:
    """When the first version with the rubric in force was made; None if it is the first rubric."""
    versions = StudyVersion.objects.filter(study=study).order_by("-number")
    rows = list(versions.values_list("snapshot__rubric", "created_at"))
    same = list(itertools.takewhile(lambda row: row[0] == rows[0][0], rows))
    return None if len(same) == len(rows) else same[-1][1]
