"""The slots of votes that were taken out of the count, and of those that were put back into it.

An exclusion is a row beside the vote, written by quality control or a researcher; the assignment
stays submitted. It only gives up its slot, so that the comparison gets another vote in its place.

These are the one act on many pairs at once, so the locks are taken kind by kind: every annotator,
then every assignment, then every comparison, each in the order of their keys. Whoever holds a
comparison waits for no annotator and no assignment, and whoever holds an annotator waits for no
other one (see `locks`), so no circle can close. The caller may hold the lock of one annotator
before, whose pairs these are, and no other lock of these three kinds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from annotation.models import Annotator, Assignment, AssignmentState, Comparison
from annotation.selectors import live_exclusions

from .settling import is_work
from .slots import ANSWERED, free_slots, recount, slot_of_side, take_back_lapsed

# Keys in one statement. It bounds the statements and not the time for which locks are held: whoever
# excludes thousands of votes of a study that is being rated does it in several transactions.
BATCH = 500

# So many are named in an error.
NAMED = 10

Item = TypeVar("Item")


@dataclass(slots=True)
class LockedPairs:
    """Assignments whose annotators, rows and, for work, comparisons are locked; read afterwards."""

    # By the database's clock; None where there is nothing to lock.
    now: datetime | None = None
    # In the order of their keys.
    assignments: list[Assignment] = field(default_factory=list)
    # Keys of those that an exclusion holds out.
    excluded: set[int] = field(default_factory=set)
    comparisons: dict[int, Comparison] = field(default_factory=dict)


def free_excluded(assignment_ids: Iterable[int]) -> int:
    """Take the slots of votes that were just excluded; their comparisons open for others.

    Called in the transaction that wrote the exclusions. Checks, repeats and surplus votes hold no
    slot: nothing changes for them.

    Parameters
    ----------
    assignment_ids : iterable of int
        Primary keys of assignments.

    Returns
    -------
    int
        How many slots came free.

    Raises
    ------
    ValueError
        If one of them has no vote or no exclusion in force: its slot would stand empty for good.
    """
    pairs = lock_pairs(assignment_ids)
    wrong = [
        row.pk
        for row in pairs.assignments
        if row.pk not in pairs.excluded or row.state not in ANSWERED
    ]
    if wrong:
        raise ValueError(
            "No vote, or no exclusion in force, of the assignments "
            f"{', '.join(map(str, wrong[:NAMED]))}: exclude votes first, then free their slots."
        )
    holding = [row for row in pairs.assignments if row.slot_no is not None]
    for batch in batches(holding):
        Assignment.objects.filter(pk__in=[row.pk for row in batch]).update(slot_no=None)
    recount_all(pairs)
    return len(holding)


def restore_excluded(assignment_ids: Iterable[int]) -> int:
    """Give slots back to votes whose exclusion was just lifted, or make them surplus.

    Called in the transaction that wrote the liftings. Each takes a free slot, of its side if there
    is one. Where others took them all meanwhile, the vote becomes surplus: it is kept and does not
    count. One that another exclusion still holds out stays as it is.

    Parameters
    ----------
    assignment_ids : iterable of int
        Primary keys of assignments.

    Returns
    -------
    int
        How many of the votes have a slot again.
    """
    pairs = lock_pairs(assignment_ids)
    if pairs.now is not None:
        for batch in batches(sorted(pairs.comparisons)):
            take_back_lapsed(batch, pairs.now)
    used = slots_in_use(pairs.comparisons)
    returning = [
        row for row in pairs.assignments if row.pk not in pairs.excluded and gave_up_its_slot(row)
    ]
    for row in returning:
        comparison = pairs.comparisons[row.comparison_id]
        free = free_slots(comparison.overlap, used[comparison.pk])
        if free:
            row.slot_no = slot_of_side(free, bool(comparison.first_swapped), row.swapped)
            row.overlap = comparison.overlap
            used[comparison.pk].add(row.slot_no)
        else:
            row.state = AssignmentState.LATE_SURPLUS
    Assignment.objects.bulk_update(returning, ["slot_no", "overlap", "state"], batch_size=BATCH)
    recount_all(pairs)
    return sum(row.slot_no is not None for row in returning)


def gave_up_its_slot(row: Assignment) -> bool:
    """Whether it counted until it was excluded. Surplus has no slot either, but never counted."""
    return is_work(row) and row.state == AssignmentState.SUBMITTED and row.slot_no is None


def lock_pairs(assignment_ids: Iterable[int]) -> LockedPairs:
    """Lock what freeing and restoring change, in the one order, and read it then.

    Raises
    ------
    ValueError
        If there is no such assignment.
    """
    ids = sorted(set(assignment_ids))
    pairs = LockedPairs()
    people: set[int] = set()
    for batch in batches(ids):
        rows = Assignment.objects.filter(pk__in=batch)
        people.update(rows.values_list("annotator_id", flat=True))
    for batch in batches(sorted(people)):
        annotators = Annotator.objects.filter(pk__in=batch).order_by("pk").annotate(now=Now())
        locked = annotators.select_for_update(no_key=True).values_list("now", flat=True)
        pairs.now = max(locked)
    excluded = Exists(live_exclusions().filter(assignment=OuterRef("pk")))
    for batch in batches(ids):
        own = Assignment.objects.filter(pk__in=batch).order_by("pk")
        pairs.assignments.extend(own.select_for_update(no_key=True))
        pairs.excluded.update(own.filter(excluded).values_list("pk", flat=True))
    if len(pairs.assignments) != len(ids):
        raise ValueError("There are no such assignments.")
    work = {row.comparison_id for row in pairs.assignments if is_work(row)}
    for batch in batches(sorted(work)):
        wanted = Comparison.objects.filter(pk__in=batch).order_by("pk")
        pairs.comparisons |= {row.pk: row for row in wanted.select_for_update(no_key=True)}
    return pairs


def slots_in_use(comparison_ids: Iterable[int]) -> dict[int, set[int | None]]:
    used: dict[int, set[int | None]] = defaultdict(set)
    for batch in batches(sorted(comparison_ids)):
        rows = Assignment.objects.filter(comparison__in=batch, slot_no__isnull=False)
        for comparison_id, slot_no in rows.values_list("comparison_id", "slot_no"):
            used[comparison_id].add(slot_no)
    return used


def recount_all(pairs: LockedPairs) -> None:
    """Set the counters of all comparisons from their rows."""
    if pairs.now is not None:
        for batch in batches(sorted(pairs.comparisons)):
            recount(batch, pairs.now)


def batches(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """The items in stretches of at most `BATCH`."""
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]
