"""Reserving pairs while an annotator's lock is held: what is held already, and what is added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import BigIntegerField, BooleanField, F, IntegerField, QuerySet

from annotation.blinding import ShownPair, choose_slot, opaque_id, slot_is_swapped
from annotation.compiled import KEY, CompiledInsert, CompiledQuery, CompiledUpdate, Parameter
from annotation.models import (
    Annotator,
    Assignment,
    AssignmentState,
    Comparison,
    ComparisonKind,
)
from annotation.rules import Policy

from .checks import Loan, next_check
from .choosing import Choice, Seeker, choose
from .locks import LockedAnnotator
from .policy import LEASE, SIDE_WINDOW, UNSEEN_LEASE
from .slots import free_slots, slot_of_side


@dataclass(slots=True)
class Reservations:
    """What a transaction found or took; lives as long as the annotator's lock."""

    holder: LockedAnnotator
    held: list[int] = field(default_factory=list)
    shown: list[ShownPair] = field(default_factory=list)


def held_or_latest() -> QuerySet[Assignment, Any]:
    own = Assignment.objects.filter(annotator=Parameter("annotator", KEY))
    latest = own.order_by("-pk").values("pk")[:SIDE_WINDOW]
    columns = (
        "pk",
        "state",
        "kind",
        "lease_expires_at",
        "displayed_at",
        "swapped",
        "comparison__system_a",
        "comparison__system_b",
    )
    return (
        Assignment.objects.filter(pk__in=latest)
        .values_list(*columns)
        .union(own.filter(state=AssignmentState.RESERVED).values_list(*columns))
    )


HELD_OR_LATEST = CompiledQuery(held_or_latest)
# Compare and swap: the second guard, and on SQLite the first.
TAKE = CompiledUpdate(
    lambda: Comparison.objects.filter(
        pk=Parameter("comparison", KEY),
        taken=Parameter("before", IntegerField()),
        taken__lt=F("overlap"),
        open=True,
    ),
    taken=Parameter("after", IntegerField()),
    open=Parameter("has_room", BooleanField()),
)
ACCOUNT = CompiledUpdate(
    lambda: Annotator.objects.filter(pk=Parameter("annotator", KEY)),
    handed=Parameter("handed", IntegerField()),
    cursor=Parameter("cursor", BigIntegerField()),
)
RESERVE = CompiledInsert(
    Assignment,
    (
        "public_id",
        "annotator_id",
        "study_version_id",
        "reserved_at",
        "lease_expires_at",
        "comparison_id",
        "kind",
        "overlap",
        "slot_no",
        "pass_no",
        "swapped",
        "policy",
        "selection_probability",
    ),
)
# Of a pair that holds no slot and was not drawn.
UNSLOTTED = {"slot_no": None, "policy": Policy.UNIFORM, "selection_probability": None}


def reservations_of(holder: LockedAnnotator, *, training: bool = False) -> Reservations:
    """What the annotator holds, oldest first, and the sides that were shown lately.

    A lapsed reservation that nobody took back yet is still the annotator's and is renewed. Work
    and training are held apart: what is left of the one is not shown with the other, and lapses.
    """
    rows = HELD_OR_LATEST.rows(annotator=holder.annotator.pk)
    found = Reservations(holder)
    ending: list[int] = []
    for pk, state, kind, expires, displayed, swapped, system_a, system_b in sorted(rows):
        found.shown.append(ShownPair(system_a, system_b, swapped))
        if state == AssignmentState.RESERVED and (kind == ComparisonKind.TRAINING) == training:
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


def take_ahead(found: Reservations, count: int) -> None:
    """Hand out the next pairs: work, or the checks that are planned in its place."""
    seeker = Seeker.of(found.holder)
    while count > 0:
        choice = choose(seeker)
        if choice is None:
            break
        check = next_check(seeker)
        if check is not None:
            # The comparison is only let go, and comes next.
            seeker.handed += lend(found, check)
        elif take(found, choice):
            seeker.handed += choice.own is None
            seeker.cursor = choice.cursor
        else:
            break
        count -= 1
    keep_account(seeker)


def take_given(found: Reservations, choice: Choice) -> None:
    """Hand out one comparison that was chosen already."""
    seeker = Seeker.of(found.holder)
    if take(found, choice):
        seeker.handed += choice.own is None
        keep_account(seeker)


def keep_account(seeker: Seeker) -> None:
    """Save how far the annotator has walked and how many pairs they were handed."""
    before = seeker.holder.annotator
    cursor = before.cursor
    if cursor is not None or seeker.cursor >= 0:
        cursor = seeker.cursor
    if (seeker.handed, cursor) != (before.handed, before.cursor):
        ACCOUNT.run(annotator=before.pk, handed=seeker.handed, cursor=cursor)


def take(found: Reservations, choice: Choice) -> bool:
    """Reserve a slot of a comparison that is locked; False if none is free after all."""
    comparison = choice.comparison
    free = free_slots(comparison.overlap, choice.used)
    if not free:
        return False
    first_swapped = bool(comparison.first_swapped)
    after = comparison.taken + 1
    taken = TAKE.run(
        comparison=comparison.pk,
        before=comparison.taken,
        after=after,
        has_room=after < comparison.overlap,
    )
    if taken != 1:
        return False
    if choice.own is not None:
        # A returning annotator gets their own row again, with the side it had.
        slot_no = slot_of_side(free, first_swapped, choice.own_swapped)
        revive(
            found,
            choice.own,
            slot_no=slot_no,
            overlap=comparison.overlap,
            policy=choice.policy,
            selection_probability=choice.probability,
        )
        return True
    slot_no = choose_slot(
        free, first_swapped, comparison.system_a_id, comparison.system_b_id, found.shown
    )
    swapped = slot_is_swapped(slot_no, first_swapped)
    reserve(
        found,
        comparison_id=comparison.pk,
        kind=comparison.kind,
        overlap=comparison.overlap,
        slot_no=slot_no,
        pass_no=0,
        swapped=swapped,
        policy=choice.policy,
        selection_probability=choice.probability,
    )
    found.shown.append(ShownPair(comparison.system_a_id, comparison.system_b_id, swapped))
    return True


def lend(found: Reservations, loan: Loan) -> bool:
    """Lend a pair that holds no slot; True if the annotator never had it before."""
    if loan.own is not None:
        revive(found, loan.own, overlap=loan.overlap)
        return False
    reserve(
        found,
        comparison_id=loan.comparison_id,
        kind=loan.kind,
        overlap=loan.overlap,
        pass_no=loan.pass_no,
        swapped=loan.swapped,
        **UNSLOTTED,
    )
    found.shown.append(ShownPair(loan.system_a, loan.system_b, loan.swapped))
    return True


def revive(found: Reservations, own: int, **changes: Any) -> None:
    """Lend an assignment once more that lapsed: as it is lent now, with the side it had."""
    now = found.holder.now
    Assignment.objects.filter(pk=own).update(
        state=AssignmentState.RESERVED,
        reserved_at=now,
        lease_expires_at=now + UNSEEN_LEASE,
        displayed_at=None,
        study_version_id=version_of(found.holder),
        **changes,
    )
    found.held.append(own)


def version_of(holder: LockedAnnotator) -> int:
    """The version under which pairs are lent now."""
    if holder.study_version_id is None:
        raise RuntimeError(f"Study {holder.study.slug} is open but has no version.")
    return holder.study_version_id


def reserve(found: Reservations, **columns: Any) -> None:
    """A new assignment of the annotator, for as long as nobody has seen it."""
    holder = found.holder
    row = RESERVE.run(
        public_id=opaque_id(),
        annotator_id=holder.annotator.pk,
        study_version_id=version_of(holder),
        reserved_at=holder.now,
        lease_expires_at=holder.now + UNSEEN_LEASE,
        **columns,
    )
    found.held.append(row)
