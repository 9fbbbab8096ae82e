"""Reserving pairs while an annotator's lock is held: what is held already, and what is added."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Any

from django.db import IntegrityError
from django.db.models import (
    BigIntegerField,
    BooleanField,
    CharField,
    DateTimeField,
    F,
    IntegerField,
    QuerySet,
    UUIDField,
    Value,
)

from annotation.blinding import ShownPair, choose_slot, opaque_id, slot_is_swapped
from annotation.compiled import (
    KEY,
    CompiledInsert,
    CompiledQuery,
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
)
from annotation.rules import Policy

from .checks import Loan, next_check, spend_place
from .choosing import Choice, Seeker, choose
from .locks import LockedAnnotator
from .policy import LEASE, SIDE_WINDOW, UNSEEN_LEASE
from .presenting import TEXTS, Texts
from .slots import free_slots, slot_of_side


class Overtaken(IntegrityError):
    """A slot went to somebody else after all; nothing that was written with it may stay."""


@dataclass(slots=True)
class Held:
    """A pair that the annotator holds; `texts` if they were read when it was handed out."""

    pk: int
    public_id: uuid.UUID
    comparison_id: int
    swapped: bool
    lease_expires_at: datetime
    displayed: bool = False
    texts: Texts | None = None


@dataclass(slots=True)
class Reservations:
    """What a transaction found or took; lives as long as the annotator's lock."""

    holder: LockedAnnotator
    held: list[Held] = field(default_factory=list)
    shown: list[ShownPair] = field(default_factory=list)


def held_or_latest() -> QuerySet[Assignment, Any]:
    own = Assignment.objects.filter(annotator=Parameter("annotator", KEY))
    latest = own.order_by("-pk").values("pk")[:SIDE_WINDOW]
    sides = ("pk", "swapped", "comparison__system_a", "comparison__system_b")
    lent = ("kind", "public_id", "comparison", "lease_expires_at", "displayed_at")
    # Of the others only the sides are looked at, and dates are dear to read.
    nothing = {
        "no_kind": Value(None, CharField()),
        "no_id": Value(None, UUIDField()),
        "no_comparison": Value(None, KEY),
        "no_lease": Value(None, DateTimeField()),
        "no_display": Value(None, DateTimeField()),
    }
    return (
        Assignment.objects.filter(pk__in=latest)
        .exclude(state=AssignmentState.RESERVED)
        .annotate(**nothing)
        .values_list(*sides, *nothing)
        .union(own.filter(state=AssignmentState.RESERVED).values_list(*sides, *lent), all=True)
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
# Between the pair that is locked and the one that is shown lies one statement.
HAND_OUT_WORK = CompiledTogether(TEXTS, took=TAKE, account=ACCOUNT, lent=RESERVE)
HAND_OUT_CHECK = CompiledTogether(TEXTS, account=ACCOUNT, lent=RESERVE)


def reservations_of(holder: LockedAnnotator, *, training: bool = False) -> Reservations:
    """What the annotator holds, oldest first, and the sides that were shown lately.

    A lapsed reservation that nobody took back yet is still the annotator's and is renewed. Work
    and training are held apart: what is left of the one is not shown with the other, and lapses.
    """
    rows = HELD_OR_LATEST.rows(annotator=holder.annotator.pk)
    found = Reservations(holder)
    for pk, swapped, system_a, system_b, kind, *lent in sorted(rows, key=itemgetter(0)):
        found.shown.append(ShownPair(system_a, system_b, swapped))
        if kind is not None and (kind == ComparisonKind.TRAINING) == training:
            public_id, comparison_id, expires, displayed = lent
            found.held.append(
                Held(pk, public_id, comparison_id, swapped, expires, displayed is not None)
            )
    renew_ending(found)
    return found


def renew_ending(found: Reservations) -> None:
    """Renew leases past their half, unless a sweep was quicker."""
    for held in list(found.held):
        lease = LEASE if held.displayed else UNSEEN_LEASE
        left = held.lease_expires_at - found.holder.now
        if left < lease / 2 and not renewed(held, found.holder.now):
            found.held.remove(held)


def renewed(held: Held, now: datetime) -> bool:
    """Renew one lease; False if it was taken back.

    A heartbeat takes no lock of the annotator's, and may have shown the pair since it was read.
    """
    own = Assignment.objects.filter(pk=held.pk, state=AssignmentState.RESERVED)
    for displayed in (held.displayed, True):
        expires = now + (LEASE if displayed else UNSEEN_LEASE)
        if own.filter(displayed_at__isnull=not displayed).update(lease_expires_at=expires):
            held.displayed, held.lease_expires_at = displayed, expires
            return True
    return False


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
            lend(found, check, seeker)
        elif not take(found, seeker, choice):
            break
        count -= 1
    keep_account(seeker)


def take_given(found: Reservations, choice: Choice) -> None:
    """Hand out one comparison that was chosen already."""
    seeker = Seeker.of(found.holder)
    take(found, seeker, choice)
    keep_account(seeker)


def keep_account(seeker: Seeker) -> None:
    """Save how far the annotator has walked, and how many pairs they were handed, if that moved."""
    if seeker.account != seeker.kept:
        ACCOUNT.run(annotator=seeker.holder.annotator.pk, **seeker.account)
        seeker.kept = seeker.account


def take(found: Reservations, seeker: Seeker, choice: Choice) -> bool:
    """Reserve a slot of a comparison that is locked; False if none is free after all.

    Raises
    ------
    Overtaken
        If its counters moved although it is locked.
    """
    comparison = choice.comparison
    free = free_slots(comparison.overlap, choice.used)
    if not free:
        return False
    first_swapped = bool(comparison.first_swapped)
    after = comparison.taken + 1
    counters = {
        "comparison": comparison.pk,
        "before": comparison.taken,
        "after": after,
        "has_room": after < comparison.overlap,
    }
    seeker.cursor = choice.cursor
    if choice.own is not None:
        # A returning annotator gets their own row again, with the side it had.
        if TAKE.run(**counters) != 1:
            raise Overtaken(f"Comparison {comparison.pk} was taken meanwhile.")
        slot_no = slot_of_side(free, first_swapped, choice.own_swapped)
        revive(
            found,
            choice.own,
            comparison.pk,
            choice.own_swapped,
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
    row = new_row(
        found.holder,
        comparison_id=comparison.pk,
        kind=comparison.kind,
        overlap=comparison.overlap,
        slot_no=slot_no,
        pass_no=0,
        swapped=swapped,
        policy=choice.policy,
        selection_probability=choice.probability,
    )
    seeker.handed += 1
    answers, texts = HAND_OUT_WORK.run(
        **row, **counters, annotator=found.holder.annotator.pk, **seeker.account
    )
    if answers["took"] != 1:
        raise Overtaken(f"Comparison {comparison.pk} was taken meanwhile.")
    seeker.kept = seeker.account
    found.held.append(held_by(row, answers["lent"], texts))
    found.shown.append(ShownPair(comparison.system_a_id, comparison.system_b_id, swapped))
    return True


def lend(found: Reservations, loan: Loan, seeker: Seeker | None = None) -> None:
    """Lend a pair that holds no slot: a check to a seeker, or a pair of training.

    A check that the annotator never had counts as handed out; training does not.
    """
    if loan.own is not None:
        revive(found, loan.own, loan.comparison_id, loan.swapped, overlap=loan.overlap)
        if seeker is not None:
            spend_place(seeker)
        return
    row = new_row(found.holder, **columns_of(loan))
    if seeker is None:
        found.held.append(held_by(row, RESERVE.run(**row)))
        return
    seeker.handed += 1
    answers, texts = HAND_OUT_CHECK.run(
        **row,
        comparison=loan.comparison_id,
        annotator=found.holder.annotator.pk,
        **seeker.account,
    )
    seeker.kept = seeker.account
    found.held.append(held_by(row, answers["lent"], texts))
    found.shown.append(ShownPair(loan.system_a, loan.system_b, loan.swapped))


def columns_of(loan: Loan) -> dict[str, Any]:
    """Of a pair that holds no slot and was not drawn."""
    return {
        "comparison_id": loan.comparison_id,
        "kind": loan.kind,
        "overlap": loan.overlap,
        "pass_no": loan.pass_no,
        "swapped": loan.swapped,
        "slot_no": None,
        "policy": Policy.UNIFORM,
        "selection_probability": None,
    }


def revive(
    found: Reservations, own: int, comparison_id: int, swapped: bool, **changes: Any
) -> None:
    """Lend an assignment once more that lapsed: as it is lent now, with the side it had."""
    now = found.holder.now
    rows = Assignment.objects.filter(pk=own)
    rows.update(
        state=AssignmentState.RESERVED,
        reserved_at=now,
        lease_expires_at=now + UNSEEN_LEASE,
        displayed_at=None,
        study_version_id=version_of(found.holder),
        **changes,
    )
    public_id = rows.values_list("public_id", flat=True).get()
    found.held.append(Held(own, public_id, comparison_id, swapped, now + UNSEEN_LEASE))


def version_of(holder: LockedAnnotator) -> int:
    """The version under which pairs are lent now."""
    if holder.study_version_id is None:
        raise RuntimeError(f"Study {holder.study.slug} is open but has no version.")
    return holder.study_version_id


def new_row(holder: LockedAnnotator, **columns: Any) -> dict[str, Any]:
    """A new assignment of the annotator, for as long as nobody has seen it."""
    return {
        "public_id": opaque_id(),
        "annotator_id": holder.annotator.pk,
        "study_version_id": version_of(holder),
        "reserved_at": holder.now,
        "lease_expires_at": holder.now + UNSEEN_LEASE,
        **columns,
    }


def held_by(row: dict[str, Any], pk: int, texts: Sequence[Any] = ()) -> Held:
    """What was just lent, with its texts if they came with it."""
    return Held(
        pk,
        row["public_id"],
        row["comparison_id"],
        row["swapped"],
        row["lease_expires_at"],
        texts=Texts.of(texts[0]) if texts else None,
    )
