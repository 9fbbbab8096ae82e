"""Claiming pairs: the quick way, the slow way, and the recount before "finished" is said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from secrets import SystemRandom

from django.db import OperationalError, transaction
from django.db.models import F

from annotation.models import (
    Annotator,
    AnnotatorState,
    Assignment,
    AssignmentState,
    Comparison,
    ComparisonKind,
    Study,
    StudyState,
)

from .claims import Claim, EmptyReason, HeldPair
from .leases import expire_lapsed
from .locks import LockedAnnotator, lock_annotator, lock_comparison
from .policy import (
    MAX_HELD,
    RETRY_AFTER_SECONDS,
    SLOW_ATTEMPTS,
    SLOW_CANDIDATES,
)
from .presenting import presented_pairs
from .reserving import not_done_by, reservations_of, take, take_ahead
from .slots import ANSWERED

STUDY_REASONS = {
    StudyState.DRAFT: EmptyReason.STUDY_NOT_OPEN,
    StudyState.PAUSED: EmptyReason.STUDY_PAUSED,
    StudyState.CLOSED: EmptyReason.STUDY_CLOSED,
    StudyState.ARCHIVED: EmptyReason.STUDY_CLOSED,
}
ANNOTATOR_REASONS = {
    AnnotatorState.INVITED: EmptyReason.INVITATION_PENDING,
    AnnotatorState.QUALIFYING: EmptyReason.QUALIFICATION_PENDING,
    AnnotatorState.FAILED: EmptyReason.QUALIFICATION_FAILED,
    AnnotatorState.PAUSED: EmptyReason.ANNOTATOR_PAUSED,
    AnnotatorState.REMOVED: EmptyReason.ANNOTATOR_REMOVED,
}

# PostgreSQL: another transaction held the row longer than lock_timeout.
LOCK_NOT_AVAILABLE = "55P03"


@dataclass(frozen=True, slots=True)
class Attempt:
    held: tuple[int, ...]
    reason: EmptyReason | None
    now: datetime
    study: Study


def claim(annotator: Annotator, *, want: int = 2) -> Claim:
    """Reserve up to `want` pairs for the annotator, those already held included.

    Parameters
    ----------
    annotator : Annotator
        Who asks; state, study and cursor are read afresh.
    want : int
        1 to 3: the current pair and those held in advance.

    Returns
    -------
    Claim
        At least one pair, or the true reason why there is none.

    Raises
    ------
    ValueError
        If `want` is outside 1 to 3.
    """
    if not 1 <= want <= MAX_HELD:
        raise ValueError(f"An annotator can hold 1 to {MAX_HELD} pairs, not {want}.")
    attempt = reserve_ahead(annotator.pk, want)
    if not attempt.held and attempt.reason is None:
        attempt = reserve_anywhere(annotator.pk, attempt)
    if attempt.held:
        return Claim(held_pairs(attempt))
    if attempt.reason is not None:
        return Claim((), attempt.reason)
    if work_remains(annotator.pk, attempt.study):
        return Claim((), EmptyReason.HELD_BY_OTHERS, RETRY_AFTER_SECONDS)
    return Claim((), EmptyReason.FINISHED)


def held_pairs(attempt: Attempt) -> tuple[HeldPair, ...]:
    """The pairs as they may be shown; read outside every transaction."""
    rows, pairs = presented_pairs(attempt.held)
    return tuple(
        HeldPair(
            pair=pair,
            lease_expires_at=row.lease_expires_at,
            lease_seconds=max(0, int((row.lease_expires_at - attempt.now).total_seconds())),
            displayed=row.displayed_at is not None,
        )
        for row, pair in zip(rows, pairs, strict=True)
    )


def reason_for_none(holder: LockedAnnotator) -> EmptyReason | None:
    """Why this annotator gets nothing whatever is left."""
    annotator_state = AnnotatorState(holder.annotator.state)
    if annotator_state == AnnotatorState.REMOVED:
        return EmptyReason.ANNOTATOR_REMOVED
    study_state = StudyState(holder.study.state)
    return STUDY_REASONS.get(study_state) or ANNOTATOR_REASONS.get(annotator_state)


def room_under_cap(holder: LockedAnnotator, held: int) -> int:
    """How many more pairs the study's cap allows; those held count."""
    cap = holder.study.max_per_annotator
    if cap is None:
        return MAX_HELD
    answered = Assignment.objects.filter(
        annotator=holder.annotator,
        pass_no=0,
        state__in=ANSWERED,
    )
    return max(0, cap - held - answered.count())


def reserve_ahead(annotator_id: int, want: int) -> Attempt:
    """The quick way: what the annotator holds, then the next open pairs past the cursor."""
    with transaction.atomic():
        holder = lock_annotator(annotator_id)
        if reason := reason_for_none(holder):
            return Attempt((), reason, holder.now, holder.study)
        found = reservations_of(holder)
        wanted = want - len(found.held)
        if wanted > 0:
            room = room_under_cap(holder, len(found.held))
            if room == 0 and not found.held:
                reason = EmptyReason.MAXIMUM_REACHED
            take_ahead(found, min(wanted, room))
        return Attempt(tuple(found.held), reason, holder.now, holder.study)


def reserve_anywhere(annotator_id: int, before: Attempt) -> Attempt:
    """The slow way: take back what lapsed, then try a few comparisons that are open.

    The cursor is only a hint: what was locked when it passed lies behind it.
    """
    expire_lapsed(before.study)
    attempt = before
    for comparison_id in candidates(annotator_id, before.study):
        try:
            attempt = reserve_given(annotator_id, comparison_id)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                raise
            continue
        if attempt.held or attempt.reason is not None:
            break
    return attempt


def candidates(annotator_id: int, study: Study) -> Iterable[int]:
    """A few open comparisons for this annotator, in random order so that not all try the same."""
    open_now = Comparison.objects.filter(study=study, open=True).order_by("open_seq")
    found = list(not_done_by(annotator_id, open_now).values_list("pk", flat=True)[:SLOW_CANDIDATES])
    return SystemRandom().sample(found, min(SLOW_ATTEMPTS, len(found)))


def reserve_given(annotator_id: int, comparison_id: int) -> Attempt:
    """Take one comparison, waiting for its lock: one a transaction, so that nobody holds two."""
    with transaction.atomic():
        holder = lock_annotator(annotator_id)
        if reason := reason_for_none(holder):
            return Attempt((), reason, holder.now, holder.study)
        found = reservations_of(holder)
        if not found.held:
            if room_under_cap(holder, 0) == 0:
                reason = EmptyReason.MAXIMUM_REACHED
            else:
                take(found, lock_comparison(comparison_id))
        return Attempt(tuple(found.held), reason, holder.now, holder.study)


def work_remains(annotator_id: int, study: Study) -> bool:
    """The recount: does any comparison this annotator has not done lack votes?

    Either a slot is free, or somebody holds one without having answered. What belongs to a pair of
    systems that was stopped lacks none.
    """
    opened = not_done_by(
        annotator_id,
        Comparison.objects.filter(
            study=study,
            kind=ComparisonKind.WORK,
            open_seq__isnull=False,
            cell__stopped_at__isnull=True,
        ),
    )
    not_full = opened.filter(taken__lt=F("overlap"))
    if not_full.exists():
        return True
    reserved = Assignment.objects.filter(
        state=AssignmentState.RESERVED, slot_no__isnull=False, comparison__study=study
    ).values("comparison")
    return opened.filter(pk__in=reserved).exists()
