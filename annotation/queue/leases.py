"""How long a reservation lasts: shown, renewed, given back, taken back."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, UUIDField, When
from django.db.models.functions import Coalesce, Now, Upper
from django.db.models.lookups import Exact
from django.utils.translation import gettext

from annotation.compiled import KEY, CompiledQuery, CompiledUpdate, Parameter
from annotation.models import (
    GOING_ON,
    Annotator,
    Assignment,
    AssignmentState,
    Comparison,
    ComparisonKind,
    SkipReason,
    Study,
    Vote,
    VoteSource,
)
from annotation.rules import rules_of

from .claims import AlreadyAnswered, AssignmentNotFound, Lease, LeaseState
from .locks import (
    LockedAssignment,
    free_comparisons,
    hold,
    lock_annotator,
    lock_assignment,
    lock_comparison,
)
from .policy import LEASE, MAX_HELD, SWEEP_LIMIT, UNSEEN_LEASE
from .slots import ANSWERED, recount, take_back_lapsed

# Skips are limited within a span that slides.
SKIP_WINDOW = timedelta(hours=1)

STATE_OF_LEASE = {
    AssignmentState.RESERVED: LeaseState.LIVE,
    AssignmentState.EXPIRED: LeaseState.LOST,
    AssignmentState.RELEASED: LeaseState.RELEASED,
    AssignmentState.SUBMITTED: LeaseState.ANSWERED,
    AssignmentState.LATE_SURPLUS: LeaseState.ANSWERED,
}


PAIRS = tuple(f"pair_{number}" for number in range(MAX_HELD + 1))
OWN = {
    "annotator": Parameter("annotator", KEY),
    "public_id__in": [Parameter(name, UUIDField()) for name in PAIRS],
}
# An id that no pair has.
NONE_SHOWN = uuid.UUID(int=0)
SHOWN = Q(public_id=Parameter("shown", UUIDField()))


def renewable() -> QuerySet[Assignment]:
    """The annotator's own reservations, unless the annotator left or was stopped.

    Of those the leases run out, even if nobody managed to give them back. The rows are locked in
    the order of their keys, so that two heartbeats at once do not wait for each other in a circle.
    """
    takes_part = Annotator.objects.filter(pk=OuterRef("annotator"), state__in=GOING_ON)
    own = (
        Assignment.objects.filter(Exists(takes_part), **OWN, state=AssignmentState.RESERVED)
        .order_by("pk")
        .select_for_update(no_key=True)
        .values("pk")
    )
    return Assignment.objects.filter(pk__in=own, state=AssignmentState.RESERVED)


# One conditional update without the annotator's lock: a sweep that came first leaves nothing to
# update, and one that comes later sees the new expiry.
RENEWED = CompiledUpdate(
    renewable,
    displayed_at=Case(
        When(SHOWN, then=Coalesce(F("displayed_at"), Now())), default=F("displayed_at")
    ),
    lease_expires_at=Case(
        When(Q(displayed_at__isnull=False) | SHOWN, then=Now() + LEASE),
        default=Now() + UNSEEN_LEASE,
    ),
)
LEASES = CompiledQuery(
    lambda: (
        Assignment.objects.filter(**OWN)
        .annotate(now=Now())
        .order_by("pk")
        .values_list("public_id", "state", "lease_expires_at", "now")
    )
)


class SkipLimitReached(Exception):
    """The annotator skipped as many pairs within an hour as the study's rules allow.

    Attributes
    ----------
    limit : int
        How many that is.
    seconds : int
        Until one more is allowed.
    """

    code = "skip_limit"

    def __init__(self, limit: int, seconds: int) -> None:
        super().__init__(f"No more than {limit} pairs can be skipped within an hour.")
        self.limit = limit
        self.seconds = seconds


def mark_displayed(annotator: Annotator, public_id: uuid.UUID) -> Lease:
    """The page shows the pair now: its lease becomes a full one.

    Raises
    ------
    AssignmentNotFound
        If this annotator has no such assignment.
    """
    return renew(annotator, [public_id], displayed=public_id)[0]


def renew(
    annotator: Annotator, public_ids: Iterable[uuid.UUID], *, displayed: uuid.UUID | None = None
) -> list[Lease]:
    """The page is still in use: renew what it holds. Unknown ids are left out of the answer.

    A pair that was shown gets a full lease, one held in advance a short one.

    Parameters
    ----------
    annotator : Annotator
    public_ids : iterable of UUID
        The pairs that the page holds.
    displayed : UUID, optional
        The pair that it shows now.

    Raises
    ------
    AssignmentNotFound
        If this annotator has no such assignment as `displayed`.
    """
    ids = set(public_ids)
    shown = set() if displayed is None else {displayed}
    # A few at a time, so that the statement is always the same; a page never holds more.
    leases = []
    for some in batches(ids | shown):
        RENEWED.run(annotator=annotator.pk, shown=displayed or NONE_SHOWN, **some)
        leases += [lease_of(*row) for row in LEASES.rows(annotator=annotator.pk, **some)]
    if not shown <= {lease.id for lease in leases}:
        raise AssignmentNotFound(gettext("There is no such assignment."))
    return [lease for lease in leases if lease.id in ids]


def batches(public_ids: Iterable[uuid.UUID]) -> Iterable[dict[str, uuid.UUID]]:
    """The ids under the names of `PAIRS`; where they do not come out even, one is named again."""
    ids = sorted(public_ids)
    for start in range(0, len(ids), len(PAIRS)):
        some = ids[start : start + len(PAIRS)]
        yield dict(zip(PAIRS, some + some[-1:] * (len(PAIRS) - len(some)), strict=True))


def lease_of(public_id: uuid.UUID, stored: str, expires: datetime, now: datetime) -> Lease:
    state = STATE_OF_LEASE[AssignmentState(stored)]
    seconds = max(0, int((expires - now).total_seconds()))
    return Lease(public_id, state, seconds if state is LeaseState.LIVE else 0)


def release(
    annotator: Annotator, public_id: uuid.UUID, reason: SkipReason | str, note: str = ""
) -> ComparisonKind:
    """Skip a pair: its slot opens for others, and it never returns to this annotator.

    Skipping again changes nothing. The lease ends now, which says later when it was skipped.

    Returns
    -------
    ComparisonKind
        What was skipped; whoever skipped must not learn it.

    Raises
    ------
    ValueError
        If the reason is none of SkipReason.
    AssignmentNotFound
        If this annotator has no such assignment.
    AlreadyAnswered
        If it has a vote.
    SkipLimitReached
        If the annotator skipped as many within an hour as the study's rules allow; the pair stays
        theirs. Training is not limited.
    """
    reason = SkipReason(reason)
    with transaction.atomic():
        locked = lock_assignment(annotator.pk, public_id)
        assignment = locked.assignment
        kind = ComparisonKind(assignment.kind)
        if assignment.state in ANSWERED:
            raise AlreadyAnswered(gettext("This pair has a vote; revise it instead of skipping."))
        if assignment.state == AssignmentState.RELEASED:
            return kind
        if kind != ComparisonKind.TRAINING:
            refuse_too_many_skips(locked)
            Annotator.objects.filter(pk=annotator.pk).update(skipped=F("skipped") + 1)
        held = assignment.slot_no is not None
        if held:
            lock_comparison(assignment.comparison_id)
        Assignment.objects.filter(pk=assignment.pk).update(
            state=AssignmentState.RELEASED,
            slot_no=None,
            skip_reason=reason,
            skip_note=note,
            lease_expires_at=locked.now,
        )
        if held:
            recount([assignment.comparison_id], locked.now)
    return kind


def refuse_too_many_skips(locked: LockedAssignment) -> None:
    """Raise SkipLimitReached if the rules allow the annotator no skip at this moment.

    The caller holds the annotator's lock, so that two skips at once cannot pass together.
    """
    limit = rules_of(locked.study.rules).limits.skips_per_hour
    if limit is None:
        return
    since = locked.now - SKIP_WINDOW
    # A lease ends with the skip, and stays so if the pair is answered after all. Who answered it
    # did so after the skip, so no more is read than one hour holds.
    ended = (
        Assignment.objects.filter(annotator=locked.annotator, lease_expires_at__gt=since)
        .exclude(kind=ComparisonKind.TRAINING)
        .values_list("lease_expires_at")
    )
    answered = Vote.objects.filter(
        annotator=locked.annotator, created_at__gt=since, revision=0, source=VoteSource.COLLECTED
    ).values("assignment")
    skipped = ended.filter(state=AssignmentState.RELEASED)
    skipped_first = ended.filter(pk__in=answered, state__in=ANSWERED).exclude(skip_reason="")
    latest = skipped.union(skipped_first, all=True).order_by("-lease_expires_at")[:limit]
    moments = [moment for (moment,) in latest]
    if len(moments) == limit:
        seconds = (moments[-1] + SKIP_WINDOW - locked.now).total_seconds()
        raise SkipLimitReached(limit, max(1, math.ceil(seconds)))


def give_back(annotator: Annotator) -> None:
    """End every reservation of somebody who leaves the study; the slots open for others."""
    with transaction.atomic():
        holder = lock_annotator(annotator.pk)
        own = Assignment.objects.filter(annotator=annotator, state=AssignmentState.RESERVED)
        hold(own)
        own.update(lease_expires_at=holder.now - timedelta(microseconds=1))
    expire_lapsed(holder.study)


def forget_skip_notes(annotator: Annotator) -> int:
    """Empty what somebody who is erased wrote with skips; the reasons they chose stay."""
    return Assignment.objects.filter(annotator=annotator).exclude(skip_note="").update(skip_note="")


def reserved_by_anybody() -> QuerySet[Assignment]:
    """Every reservation there is, in all studies, by the index that is for this alone."""
    return Assignment.objects.filter(Exact(Upper("state"), AssignmentState.RESERVED.upper()))


def expire_lapsed(study: Study | None = None, limit: int = SWEEP_LIMIT) -> int:
    """Take back up to `limit` lapsed reservations and return how many were.

    Called within claims, so that no worker has to run, and by a periodic task.
    """
    lapsed = reserved_by_anybody().filter(lease_expires_at__lt=Now()).order_by("lease_expires_at")
    if study is not None:
        lapsed = lapsed.filter(comparison__study=study)
    # Read first: on SQLite even an empty transaction takes the write lock.
    found = list(lapsed.annotate(now=Now()).values_list("comparison_id", "now")[:limit])
    if not found:
        return 0
    with transaction.atomic():
        held = free_comparisons(Comparison.objects.filter(pk__in={pk for pk, _ in found}))
        return take_back_lapsed(list(held.values_list("pk", flat=True)), found[0][1])
