"""What becomes of an assignment when its vote arrives, early or late."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import CharField, F

from annotation.compiled import (
    KEY,
    CompiledInsert,
    CompiledTogether,
    CompiledUpdate,
    Parameter,
)
from annotation.models import (
    Annotator,
    Assignment,
    AssignmentState,
    Comparison,
    ComparisonKind,
    StudyState,
)

from .limits import is_within
from .locks import LockedAnnotator, LockedAssignment, lock_assignment, lock_comparison
from .slots import free_slots, recount, slot_of_side, take_back_lapsed, used_slots

# Whoever was reading when a study was paused or closed may still answer.
GRACE = timedelta(minutes=10)

SET_STATE = CompiledUpdate(
    lambda: Assignment.objects.filter(pk=Parameter("assignment", KEY)),
    state=Parameter("state", CharField()),
)
COUNT_ANSWER = CompiledUpdate(
    lambda: Annotator.objects.filter(pk=Parameter("annotator", KEY)), answered=F("answered") + 1
)
COUNT_ANSWER_TO_SKIPPED = CompiledUpdate(
    lambda: Annotator.objects.filter(pk=Parameter("annotator", KEY)),
    answered=F("answered") + 1,
    skipped=F("skipped") - 1,
)


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a vote is taken in: as one that came in time, late, or when the study was over.

    `accepted` is what the annotator is told. It says that a vote counts for work alone: checks and
    training are taken in as work would be, and nobody sees which is which. `counting` is what
    becomes of the annotator's counters.
    """

    accepted: bool
    late: bool
    study_over: bool
    assignment: Assignment
    counting: CompiledUpdate | None


class SettlingInsert:
    """An INSERT of a vote, and with it what is still to be stored of the settlement.

    One statement on PostgreSQL: it is what every vote waits for.
    """

    def __init__(self, insert: CompiledInsert) -> None:
        self.insert = insert
        self.counting = {
            count: CompiledTogether(None, settled=SET_STATE, counted=count, vote=insert)
            for count in (COUNT_ANSWER, COUNT_ANSWER_TO_SKIPPED)
        }
        self.uncounted = CompiledTogether(None, settled=SET_STATE, vote=insert)

    def run(self, settlement: Settlement, **vote: Any) -> int:
        """The new vote's key."""
        assignment, count = settlement.assignment, settlement.counting
        values = {**vote, "assignment": assignment.pk, "state": assignment.state}
        if count is None:
            answers, _ = self.uncounted.run(**values)
        else:
            answers, _ = self.counting[count].run(**values, annotator=assignment.annotator_id)
        return answers["vote"]


def lock_for_vote(annotator_id: int, public_id: uuid.UUID) -> LockedAssignment:
    """Lock the annotator and the assignment, until the transaction ends.

    Raises
    ------
    AssignmentNotFound
        If this annotator has no such assignment.
    """
    return lock_assignment(annotator_id, public_id)


def is_over(locked: LockedAssignment) -> bool:
    """Whether the study takes no counted votes any more: paused or closed, and the grace spent.

    Whoever votes after the names could be read may have read them, so unblinding spends the
    grace. One that came while the study was open is the owner's recorded exception and does not.
    """
    study = locked.study
    if study.state == StudyState.OPEN:
        return False
    left_open = study.state_changed_at
    unblinded = study.unblinded_at is not None and study.unblinded_at >= left_open
    return unblinded or locked.now > left_open + GRACE


def settle(locked: LockedAssignment) -> Settlement:
    """Turn a reservation, lapsed or not, into a submitted or a surplus one.

    The caller has it from `lock_for_vote` and stores the settlement with the vote, by a
    `SettlingInsert`, in the same transaction; what concerns others is stored here. Only for an
    assignment without a vote.
    """
    assignment, now = locked.assignment, locked.now
    before = assignment.state
    late = assignment.lease_expires_at < now or before != AssignmentState.RESERVED
    over = is_over(locked)
    accepted = not over and before != AssignmentState.RELEASED
    if accepted and before != AssignmentState.RESERVED and counts_for_limits(assignment):
        # It left room for another pair when it was taken back. Checks are told the same as work.
        accepted = is_within(LockedAnnotator(locked.annotator, locked.study, None, now))
    held = assignment.slot_no is not None
    if is_work(assignment) and held != accepted:
        # A slot changes hands. A vote that keeps its slot changes no counter and needs no lock
        # but its own row's, which no sweep can take from it.
        comparison = lock_comparison(assignment.comparison_id)
        if accepted:
            take_back_lapsed([comparison.pk], now, keep=assignment.pk)
            accepted = give_slot(assignment, comparison)
        else:
            assignment.slot_no = None
    assignment.state = AssignmentState.SUBMITTED if accepted else AssignmentState.LATE_SURPLUS
    if held != (assignment.slot_no is not None):
        move(assignment, now)
    counting = counting_of(assignment, was_skipped=before == AssignmentState.RELEASED)
    return Settlement(accepted, late, over, assignment, counting)


def move(assignment: Assignment, now: datetime) -> None:
    """Store that a slot changed hands; the caller has locked its comparison."""
    Assignment.objects.filter(pk=assignment.pk).update(
        state=assignment.state, slot_no=assignment.slot_no, overlap=assignment.overlap
    )
    recount([assignment.comparison_id], now)


def is_work(assignment: Assignment) -> bool:
    """Whether it holds a slot while it is held, and counts: no check, no repeat, no training."""
    return assignment.kind == ComparisonKind.WORK and assignment.pass_no == 0


def counts_for_limits(assignment: Assignment) -> bool:
    """Whether its answer is one of those that an annotator may give: all but training."""
    return assignment.kind != ComparisonKind.TRAINING


def give_slot(assignment: Assignment, comparison: Comparison) -> bool:
    """A free slot for an assignment that lost its own, if there is one; not saved yet.

    The overlap is copied anew: a later version may have raised it since.
    """
    free = free_slots(comparison.overlap, used_slots(comparison.pk))
    if not free:
        return False
    assignment.slot_no = slot_of_side(free, bool(comparison.first_swapped), assignment.swapped)
    assignment.overlap = comparison.overlap
    return True


def move_to_version(locked: LockedAssignment, study_version_id: int) -> None:
    """The pair was judged under a later version than it was claimed under; it is of that one."""
    locked.assignment.study_version_id = study_version_id
    Assignment.objects.filter(pk=locked.assignment.pk).update(study_version=study_version_id)


def counting_of(assignment: Assignment, *, was_skipped: bool) -> CompiledUpdate | None:
    """How it adds to what the annotator answered. Who answers a pair after all did not skip it."""
    if not counts_for_limits(assignment):
        return None
    return COUNT_ANSWER_TO_SKIPPED if was_skipped else COUNT_ANSWER
