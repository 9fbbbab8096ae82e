"""Slots, and the counters that follow from them.

`taken` and `open` of a comparison are counted from its assignments and never guessed; the caller
of every function here holds the comparison's lock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from django.db.models import Case, Count, F, Q, Value, When

from annotation.blinding import slot_is_swapped
from annotation.models import Assignment, AssignmentState, Comparison

from .ring import RING

# Work that was done, whether or not it counts.
ANSWERED = (AssignmentState.SUBMITTED, AssignmentState.LATE_SURPLUS)

# What comes back within one millisecond still gets places of its own.
PLACES_PER_MILLISECOND = 1 << 20


def free_slots(overlap: int, used: Iterable[int | None]) -> list[int]:
    """The slot numbers 1 … overlap that nobody has, smallest first."""
    return sorted(set(range(1, overlap + 1)) - set(used))


def slot_of_side(free: list[int], first_swapped: bool, swapped: bool) -> int:
    """For a row that has its side already: a free slot of that side, else the smallest."""
    return next((slot for slot in free if slot_is_swapped(slot, first_swapped) == swapped), free[0])


def used_slots(comparison_id: int) -> list[int | None]:
    rows = Assignment.objects.filter(comparison_id=comparison_id, slot_no__isnull=False)
    return list(rows.values_list("slot_no", flat=True))


def place_beyond_ring(now: datetime) -> int:
    """Where the comparisons that come back at this moment are put; their ids tell them apart."""
    return RING + int(now.timestamp() * 1000) * PLACES_PER_MILLISECOND


def recount(comparison_ids: Iterable[int], now: datetime) -> None:
    """Set the counters from the rows. A comparison that opens again goes beyond the ring.

    One that was sent before all others stays in front.
    One whose pair of systems was stopped does not open again: what is free there stays free.
    """
    rows = (
        Comparison.objects.filter(pk__in=list(comparison_ids), open_seq__isnull=False)
        .annotate(held=Count("assignments", filter=Q(assignments__slot_no__isnull=False)))
        .values_list("pk", "overlap", "held", "cell__stopped_at")
    )
    by_counters: dict[tuple[int, bool], list[int]] = defaultdict(list)
    for pk, overlap, held, stopped_at in rows:
        by_counters[held, held < overlap and stopped_at is None].append(pk)
    back = Value(place_beyond_ring(now)) + F("pk") % Value(PLACES_PER_MILLISECOND)
    for (held, opens), ids in by_counters.items():
        stays = Q(open=True) | Q(open_seq__lt=0) if opens else Q(pk__isnull=False)
        Comparison.objects.filter(pk__in=ids).update(
            taken=held,
            open=opens,
            open_seq=Case(When(stays, then=F("open_seq")), default=back),
        )


def take_back_lapsed(comparison_ids: Iterable[int], now: datetime, keep: int | None = None) -> int:
    """Expire the lapsed reservations of comparisons that the caller has locked.

    Parameters
    ----------
    keep : int, optional
        An assignment that is about to be settled and keeps its slot.

    Returns
    -------
    int
        How many reservations were taken back.
    """
    ids = list(comparison_ids)
    lapsed = Assignment.objects.filter(
        comparison_id__in=ids, state=AssignmentState.RESERVED, lease_expires_at__lt=now
    )
    if keep is not None:
        lapsed = lapsed.exclude(pk=keep)
    # One that is being renewed or settled at this moment is not lapsed.
    free = lapsed.select_for_update(no_key=True, skip_locked=True).values_list("pk", flat=True)
    taken_back = Assignment.objects.filter(pk__in=list(free)).update(
        state=AssignmentState.EXPIRED, slot_no=None
    )
    if taken_back:
        recount(ids, now)
    return taken_back
