"""What becomes of an assignment when its vote arrives, early or late."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta

from annotation.models import (
    Assignment,
    AssignmentState,
    Comparison,
    ComparisonKind,
    StudyState,
)

from .locks import LockedAnnotator, LockedAssignment, lock_assignment, lock_comparison
from .slots import free_slots, recount, slot_of_side, take_back_lapsed, used_slots

# Whoever was reading when a study was paused or closed may still answer.
GRACE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Settlement:
    """Whether the vote counts, whether it was late, and whether the study was over."""

    counted: bool
    late: bool
    study_over: bool


def lock_for_vote(annotator_id: int, public_id: uuid.UUID) -> LockedAssignment:
    """Lock the annotator and the assignment, until the transaction ends.

    Raises
    ------
    AssignmentNotFound
        If this annotator has no such assignment.
    """
    return lock_assignment(annotator_id, public_id)


def is_over(holder: LockedAnnotator) -> bool:
    """Whether the study takes no counted votes any more: paused or closed, and the grace spent.

    Whoever votes after the names could be read may have read them, so unblinding spends the
    grace. One that came while the study was open is the owner's recorded exception and does not.
    """
    study = holder.study
    if study.state == StudyState.OPEN:
        return False
    left_open = study.state_changed_at
    unblinded = study.unblinded_at is not None and study.unblinded_at >= left_open
    return unblinded or holder.now > left_open + GRACE


def settle(locked: LockedAssignment) -> Settlement:
    """Turn a reservation, lapsed or not, into a submitted or a surplus one.

    The caller has it from `lock_for_vote` and inserts the vote in the same transaction. Only for
    an assignment without a vote.
    """
    assignment, now = locked.assignment, locked.holder.now
    lapsed = assignment.lease_expires_at < now or assignment.state != AssignmentState.RESERVED
    over = is_over(locked.holder)
    held = assignment.slot_no is not None
    counted = not over and assignment.state != AssignmentState.RELEASED
    comparison = None
    if assignment.kind == ComparisonKind.WORK and assignment.pass_no == 0 and held != counted:
        # A slot changes hands. A vote that keeps its slot changes no counter and needs no lock
        # but its own row's, which no sweep can take from it.
        comparison = lock_comparison(assignment.comparison_id)
        if counted:
            take_back_lapsed([comparison.pk], now, keep=assignment.pk)
            counted = give_slot(assignment, comparison)
    if not counted:
        assignment.slot_no = None
    assignment.state = AssignmentState.SUBMITTED if counted else AssignmentState.LATE_SURPLUS
    Assignment.objects.filter(pk=assignment.pk).update(
        state=assignment.state, slot_no=assignment.slot_no, overlap=assignment.overlap
    )
    if comparison is not None and held != counted:
        recount([comparison.pk], now)
    return Settlement(counted=counted, late=lapsed, study_over=over)


def give_slot(assignment: Assignment, comparison: Comparison) -> bool:
    """A free slot for an assignment that lost its own, if there is one; not saved yet."""
    free = free_slots(comparison.overlap, used_slots(comparison.pk))
    if not free:
        return False
    assignment.slot_no = slot_of_side(free, bool(comparison.first_swapped), assignment.swapped)
    assignment.overlap = comparison.overlap
    return True
