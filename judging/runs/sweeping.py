"""Takes back what a worker lost, ends what is done, and forgets old replies."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from judging.limits import are_reachable
from judging.models import CallState, JudgeAttempt, JudgeRun, RunState
from judging.runs.conducting import finish_locked, go_on_by_itself
from judging.runs.next_step import MAX_ATTEMPTS
from judging.runs.preparing import discard_abandoned
from judging.runs.recording import LOST
from judging.runs.rows import update_each
from judging.runs.trials import charge_lost_trials
from judging.runs.waits import left_alone_until

# So many at a time, so that no lock is held for long.
BATCH = 200


def take_back_lapsed(run: JudgeRun) -> int:
    """Return calls whose lease lapsed; the number of them.

    Their request may have been sent and billed, so the worst case is charged; a late reply corrects
    it. A call that was lost with its last attempt has failed.
    """
    now = timezone.now()
    with transaction.atomic():
        held = JudgeRun.objects.select_for_update(no_key=True).get(pk=run.pk)
        calls = list(
            held.calls.select_for_update(no_key=True)
            .filter(state=CallState.LEASED, lease_expires_at__lt=now)
            .order_by("pk")[:BATCH]
        )
        if not calls:
            return 0
        attempts = list(JudgeAttempt.objects.filter(call__in=calls, finished_at__isnull=True))
        for attempt in attempts:
            attempt.finished_at, attempt.status_class = now, LOST
            attempt.cost = attempt.reserved
            held.spent += attempt.reserved
            held.reserved -= attempt.reserved
        for call in calls:
            call.lease_token = call.lease_expires_at = None
            if held.state == RunState.CANCELLED:
                call.state = CallState.CANCELLED
            elif call.attempts_made >= MAX_ATTEMPTS:
                call.state, call.failure = CallState.FAILED_PERMANENT, LOST
            else:
                call.state = CallState.PENDING
        update_each(attempts, ["finished_at", "status_class", "cost"])
        update_each(calls, ["state", "failure", "lease_token", "lease_expires_at"])
        held.reserved = max(held.reserved, Decimal(0))
        held.save(update_fields=["spent", "reserved"])
        finish_locked(held)
    return len(calls)


def sweep() -> list[int]:
    """Take back, finish, go on, and name the running runs with calls that are due."""
    now = timezone.now()
    lapsed = JudgeRun.objects.filter(
        calls__state=CallState.LEASED, calls__lease_expires_at__lt=now
    ).distinct()
    for run in lapsed:
        while take_back_lapsed(run):
            pass
    charge_lost_trials()
    discard_abandoned()
    lost = list(JudgeRun.objects.filter(state=RunState.PAUSED, pause_cause="limits"))
    if lost and are_reachable(settings.REDIS_URL):
        for run in lost:
            go_on_by_itself(run, "limits")
    due = []
    for run in (
        JudgeRun.objects.filter(state=RunState.RUNNING).select_related("version").order_by("pk")
    ):
        waiting = run.calls.filter(state=CallState.PENDING)
        if waiting.filter(Q(not_before__isnull=True) | Q(not_before__lte=now)).exists():
            if left_alone_until(run) is None:
                due.append(run.pk)
        elif not waiting.exists():
            with transaction.atomic():
                finish_locked(JudgeRun.objects.select_for_update(no_key=True).get(pk=run.pk))
    return due


def forget_old_replies() -> int:
    """Blank the texts of replies that are older than they are kept; the number of them."""
    before = timezone.now() - timedelta(days=settings.JUDGE_REPLY_DAYS)
    old = JudgeAttempt.objects.filter(finished_at__lt=before).exclude(body="")
    forgotten = 0
    while ids := list(old.values_list("pk", flat=True)[:BATCH]):
        forgotten += JudgeAttempt.objects.filter(pk__in=ids).update(body="")
    return forgotten
