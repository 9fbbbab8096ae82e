"""Reserving pairs while an annotator's lock is held: what is held already, and what is next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from annotation.blinding import ShownPair, choose_slot, opaque_id, slot_is_swapped
from annotation.models import (
    Annotator,
    Assignment,
    AssignmentState,
    Comparison,
    Vote,
    VoteSource,
)

from .locks import LockedAnnotator, free_comparisons
from .policy import CURSOR_LAG, LEASE, SIDE_WINDOW, UNSEEN_LEASE
from .ring import START, annotator_start, distance, stretches_ahead
from .slots import free_slots, slot_of_side


@dataclass(slots=True)
class Reservations:
    """What a transaction found or took; lives as long as the annotator's lock."""

    holder: LockedAnnotator
    held: list[int] = field(default_factory=list)
    shown: list[ShownPair] = field(default_factory=list)
    # Places of the annotator's latest pairs, to see how far the cursor lags.
    latest_places: list[int] = field(default_factory=list)


def reservations_of(holder: LockedAnnotator) -> Reservations:
    """What the annotator holds, oldest first, and the sides that were shown lately.

    A lapsed reservation that nobody took back yet is still the annotator's and is renewed.
    """
    own = Assignment.objects.filter(annotator=holder.annotator)
    latest = own.order_by("-pk").values("pk")[:SIDE_WINDOW]
    columns = (
        "pk",
        "state",
        "lease_expires_at",
        "displayed_at",
        "swapped",
        "comparison__system_a",
        "comparison__system_b",
        "comparison__open_seq",
    )
    rows = (
        Assignment.objects.filter(pk__in=latest)
        .values_list(*columns)
        .union(own.filter(state=AssignmentState.RESERVED).values_list(*columns))
    )
    found = Reservations(holder)
    ending: list[int] = []
    for pk, state, expires, displayed, swapped, system_a, system_b, place in sorted(rows):
        found.shown.append(ShownPair(system_a, system_b, swapped))
        if place is not None:
            found.latest_places.append(place)
        if state == AssignmentState.RESERVED:
            found.held.append(pk)
            if expires - holder.now < (UNSEEN_LEASE if displayed is None else LEASE) / 2:
                ending.append(pk)
    if ending:
        renew_ending(found, ending)
    return found


def renew_ending(found: Reservations, ending: Sequence[int]) -> None:
    """Renew leases past their half, unless a sweep was quicker."""
    now = found.holder.now
    for displayed, lease in ((True, LEASE), (False, UNSEEN_LEASE)):
        Assignment.objects.filter(
            pk__in=ending, state=AssignmentState.RESERVED, displayed_at__isnull=not displayed
        ).update(lease_expires_at=now + lease)
    still = Assignment.objects.filter(pk__in=ending, state=AssignmentState.RESERVED)
    lost = set(ending) - set(still.values_list("pk", flat=True))
    found.held = [pk for pk in found.held if pk not in lost]


def not_done_by(annotator_id: int, comparisons: QuerySet[Comparison]) -> QuerySet[Comparison]:
    """Those the annotator may still get: never had, or lost when a lease lapsed.

    A label of theirs that was imported is their vote on the pair: a second one would count too.
    """
    had = Assignment.objects.filter(
        comparison=OuterRef("pk"), annotator_id=annotator_id, pass_no=0
    ).exclude(state=AssignmentState.EXPIRED)
    labelled = Vote.objects.filter(
        comparison=OuterRef("pk"), annotator_id=annotator_id, source=VoteSource.IMPORTED
    )
    return comparisons.filter(~Exists(had), ~Exists(labelled))


def take_ahead(found: Reservations, count: int) -> None:
    """Take the next open pairs past the cursor, and move the cursor."""
    annotator, study = found.holder.annotator, found.holder.study
    start = annotator_start(study.queue_seed, annotator.external_id)
    saved = START if annotator.cursor is None else annotator.cursor
    cursor = saved
    skipped_stretch = False
    while count > 0:
        for stretch in stretches_ahead(cursor, start):
            ahead = Comparison.objects.filter(
                study=study, open=True, open_seq__gte=stretch.first
            ).order_by("open_seq")
            if stretch.end is not None:
                ahead = ahead.filter(open_seq__lt=stretch.end)
            comparison = free_comparisons(not_done_by(annotator.pk, ahead)).first()
            if comparison is not None:
                break
            skipped_stretch = skipped_stretch or stretch.cursor_after != cursor
            cursor = stretch.cursor_after
        else:
            break
        cursor = distance(place_of(comparison), start)
        if not take(found, comparison):
            break
        count -= 1
    lag = sum(1 for place in found.latest_places if distance(place, start) > saved)
    if skipped_stretch or lag >= CURSOR_LAG:
        Annotator.objects.filter(pk=annotator.pk).update(cursor=cursor)


def place_of(comparison: Comparison) -> int:
    if comparison.open_seq is None:
        raise RuntimeError(f"Comparison {comparison.pk} is open but has no place in the order.")
    return comparison.open_seq


def take(found: Reservations, comparison: Comparison) -> bool:
    """Reserve a slot of a comparison that is locked; False if none is free after all."""
    holder = found.holder
    annotator = holder.annotator
    rows = Assignment.objects.filter(comparison=comparison).filter(
        Q(slot_no__isnull=False) | Q(annotator=annotator, pass_no=0)
    )
    mine, used = None, []
    for row in rows:
        if row.slot_no is not None:
            used.append(row.slot_no)
        if row.annotator_id == annotator.pk and row.pass_no == 0:
            mine = row
    free = free_slots(comparison.overlap, used)
    if not free or (mine is not None and mine.state != AssignmentState.EXPIRED):
        return False
    first_swapped = bool(comparison.first_swapped)
    # Compare and swap: the second guard, and on SQLite the first.
    taken = Comparison.objects.filter(
        pk=comparison.pk, taken=comparison.taken, taken__lt=F("overlap"), open=True
    ).update(taken=comparison.taken + 1, open=comparison.taken + 1 < comparison.overlap)
    if taken != 1:
        return False
    expires = holder.now + UNSEEN_LEASE
    if mine is not None:
        # A returning annotator gets their own row again, with the side it had.
        Assignment.objects.filter(pk=mine.pk).update(
            state=AssignmentState.RESERVED,
            slot_no=slot_of_side(free, first_swapped, mine.swapped),
            overlap=comparison.overlap,
            reserved_at=holder.now,
            lease_expires_at=expires,
            displayed_at=None,
        )
        found.held.append(mine.pk)
        return True
    slot_no = choose_slot(
        free, first_swapped, comparison.system_a_id, comparison.system_b_id, found.shown
    )
    swapped = slot_is_swapped(slot_no, first_swapped)
    row = Assignment.objects.create(
        public_id=opaque_id(),
        comparison=comparison,
        annotator=annotator,
        study_version_id=version_of(holder),
        kind=comparison.kind,
        overlap=comparison.overlap,
        slot_no=slot_no,
        swapped=swapped,
        reserved_at=holder.now,
        lease_expires_at=expires,
    )
    found.held.append(row.pk)
    found.shown.append(ShownPair(comparison.system_a_id, comparison.system_b_id, swapped))
    found.latest_places.append(place_of(comparison))
    return True


def version_of(holder: LockedAnnotator) -> int:
    if holder.study_version_id is None:
        raise RuntimeError(f"Study {holder.study.slug} is open but has no version.")
    return holder.study_version_id
