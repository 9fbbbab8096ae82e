"""Claiming pairs: the quick way, the slow way, and the recount before "finished" is said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from secrets import SystemRandom

from django.db import OperationalError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from annotation.blinding import ShownPair, choose_slot, opaque_id, slot_is_swapped
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
from .locks import LockedAnnotator, free_comparisons, lock_annotator, lock_comparison
from .policy import (
    CURSOR_LAG,
    LEASE,
    MAX_HELD,
    RETRY_AFTER_SECONDS,
    SIDE_WINDOW,
    SLOW_ATTEMPTS,
    SLOW_CANDIDATES,
    UNSEEN_LEASE,
)
from .presenting import presented_pairs
from .ring import START, annotator_start, distance, stretches_ahead
from .slots import free_slots, slot_of_side

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


@dataclass(slots=True)
class Reservations:
    """What a transaction found or took; lives as long as the annotator's lock."""

    holder: LockedAnnotator
    held: list[int] = field(default_factory=list)
    shown: list[ShownPair] = field(default_factory=list)
    # Places of the annotator's latest pairs, to see how far the cursor lags.
    latest_places: list[int] = field(default_factory=list)


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
        state__in=[AssignmentState.SUBMITTED, AssignmentState.LATE_SURPLUS],
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
    """Those the annotator may still get: never had, or lost when a lease lapsed."""
    had = Assignment.objects.filter(
        comparison=OuterRef("pk"), annotator_id=annotator_id, pass_no=0
    ).exclude(state=AssignmentState.EXPIRED)
    return comparisons.filter(~Exists(had))


def take_ahead(found: Reservations, count: int) -> None:
    """Take the next open pairs past the cursor, and move the cursor."""
    annotator, study = found.holder.annotator, found.holder.study
    start = annotator_start(study.seed, annotator.external_id)
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

    Counted from the assignments, not from `taken`: either a slot is free, or somebody holds one
    without having answered.
    """
    opened = not_done_by(
        annotator_id,
        Comparison.objects.filter(study=study, kind=ComparisonKind.WORK, open_seq__isnull=False),
    )
    not_full = opened.filter(taken__lt=F("overlap"))
    if not_full.exists():
        return True
    reserved = Assignment.objects.filter(
        state=AssignmentState.RESERVED, slot_no__isnull=False, comparison__study=study
    ).values("comparison")
    return opened.filter(pk__in=reserved).exists()
