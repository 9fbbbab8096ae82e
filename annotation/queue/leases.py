"""How long a reservation lasts: shown, renewed, given back, taken back."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.db.models import Case, F, Q, When
from django.db.models.functions import Coalesce, Now

from annotation.models import Annotator, Assignment, AssignmentState, Comparison, SkipReason, Study

from .claims import AlreadyAnswered, AssignmentNotFound, Lease, LeaseState
from .locks import free_comparisons, lock_annotator, lock_assignment, lock_comparison
from .policy import LEASE, SWEEP_LIMIT, UNSEEN_LEASE
from .slots import ANSWERED, recount, take_back_lapsed

STATE_OF_LEASE = {
    AssignmentState.RESERVED: LeaseState.LIVE,
    AssignmentState.EXPIRED: LeaseState.LOST,
    AssignmentState.RELEASED: LeaseState.RELEASED,
    AssignmentState.SUBMITTED: LeaseState.ANSWERED,
    AssignmentState.LATE_SURPLUS: LeaseState.ANSWERED,
}


def mark_displayed(annotator: Annotator, public_id: uuid.UUID) -> Lease:
    """The page shows the pair now: its lease becomes a full one.

    Raises
    ------
    AssignmentNotFound
        If this annotator has no such assignment.
    """
    # One conditional update and no lock: a sweep that came first leaves nothing to update, and
    # one that comes later sees the new expiry.
    Assignment.objects.filter(
        public_id=public_id, annotator=annotator, state=AssignmentState.RESERVED
    ).update(displayed_at=Coalesce(F("displayed_at"), Now()), lease_expires_at=Now() + LEASE)
    leases = leases_of(annotator, [public_id])
    if not leases:
        raise AssignmentNotFound("There is no such assignment.")
    return leases[0]


def renew(annotator: Annotator, public_ids: Iterable[uuid.UUID]) -> list[Lease]:
    """The page is still in use: renew what it holds. Unknown ids are left out of the answer.

    A pair that was shown gets a full lease, one held in advance a short one.
    """
    ids = list(public_ids)
    Assignment.objects.filter(
        public_id__in=ids, annotator=annotator, state=AssignmentState.RESERVED
    ).update(
        lease_expires_at=Case(
            When(Q(displayed_at__isnull=False), then=Now() + LEASE), default=Now() + UNSEEN_LEASE
        )
    )
    return leases_of(annotator, ids)


def leases_of(annotator: Annotator, public_ids: Iterable[uuid.UUID]) -> list[Lease]:
    rows = (
        Assignment.objects.filter(public_id__in=list(public_ids), annotator=annotator)
        .annotate(now=Now())
        .order_by("pk")
    )
    leases = []
    for row in rows:
        state = STATE_OF_LEASE[AssignmentState(row.state)]
        seconds = max(0, int((row.lease_expires_at - row.now).total_seconds()))
        leases.append(Lease(row.public_id, state, seconds if state is LeaseState.LIVE else 0))
    return leases


def release(
    annotator: Annotator, public_id: uuid.UUID, reason: SkipReason | str, note: str = ""
) -> None:
    """Skip a pair: its slot opens for others, and it never returns to this annotator.

    Skipping again changes nothing.

    Raises
    ------
    ValueError
        If the reason is none of SkipReason.
    AssignmentNotFound
        If this annotator has no such assignment.
    AlreadyAnswered
        If it has a vote.
    """
    reason = SkipReason(reason)
    with transaction.atomic():
        locked = lock_assignment(annotator.pk, public_id)
        state = locked.assignment.state
        if state in ANSWERED:
            raise AlreadyAnswered("This pair has a vote; revise it instead of skipping.")
        if state == AssignmentState.RELEASED:
            return
        comparison = lock_comparison(locked.assignment.comparison_id)
        Assignment.objects.filter(pk=locked.assignment.pk).update(
            state=AssignmentState.RELEASED, slot_no=None, skip_reason=reason, skip_note=note
        )
        recount([comparison.pk], locked.holder.now)


def give_back(annotator: Annotator) -> None:
    """End every reservation of somebody who leaves the study; the slots open for others."""
    with transaction.atomic():
        holder = lock_annotator(annotator.pk)
        Assignment.objects.filter(annotator=annotator, state=AssignmentState.RESERVED).update(
            lease_expires_at=holder.now - timedelta(microseconds=1)
        )
    expire_lapsed(holder.study)


def expire_lapsed(study: Study | None = None, limit: int = SWEEP_LIMIT) -> int:
    """Take back up to `limit` lapsed reservations and return how many were.

    Called within claims, so that no worker has to run, and by a periodic task.
    """
    lapsed = Assignment.objects.filter(
        state=AssignmentState.RESERVED, lease_expires_at__lt=Now()
    ).order_by("lease_expires_at")
    if study is not None:
        lapsed = lapsed.filter(comparison__study=study)
    # Read first: on SQLite even an empty transaction takes the write lock.
    found = list(lapsed.annotate(now=Now()).values_list("comparison_id", "now")[:limit])
    if not found:
        return 0
    with transaction.atomic():
        held = free_comparisons(Comparison.objects.filter(pk__in={pk for pk, _ in found}))
        return take_back_lapsed(list(held.values_list("pk", flat=True)), found[0][1])
