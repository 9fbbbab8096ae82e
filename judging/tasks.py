"""What the background does for judges. Each task may run twice, late, or not at all for a while:
the rows say what is due, and the sweep rings again."""

from __future__ import annotations

import asyncio

import structlog
from celery import shared_task
from django.conf import settings
from kombu.exceptions import OperationalError

from judging.models import CallState, JudgeRun
from judging.notices import tell_of_pauses as tell
from judging.runs.sweeping import forget_old_replies as forget
from judging.runs.sweeping import sweep
from judging.runs.working import work

log = structlog.get_logger(__name__)

# Above a probe with its turns, a shift and one deadline (40 + 30 + 60 + 120 s), below the broker's
# visibility time-out.
SOFT_SECONDS, HARD_SECONDS = 270, 300
# Workers that one ring wakes for a run; the table keeps them from asking anything twice.
MOST_BELLS = 4


@shared_task(name="judging.work_on_run", soft_time_limit=SOFT_SECONDS, time_limit=HARD_SECONDS)
def work_on_run(run_id: int) -> int:
    """Ask for a shift's time what is due of a run; the number of results."""
    stored = asyncio.run(work(run_id, at_once=settings.JUDGE_CALLS_AT_ONCE))
    if stored:
        # In place of this one; the sweep wakes more.
        ring(run_id, most=1)
    return stored


@shared_task(name="judging.ring_for_runs")
def ring_for_runs() -> list[int]:
    """Take back what lapsed, finish what is done, and ring for what is due; the runs rung for."""
    due = sweep()
    for run_id in due:
        ring(run_id)
    return due


@shared_task(name="judging.tell_of_pauses")
def tell_of_pauses() -> int:
    """Write to those who run a study that a run has paused by itself; the number of letters."""
    return tell()


@shared_task(name="judging.forget_old_replies")
def forget_old_replies() -> int:
    """Blank replies that are older than they are kept."""
    return forget()


def ring(run_id: int, most: int = MOST_BELLS) -> None:
    """Wake workers for a run, and no more than it has work for."""
    pending = JudgeRun.objects.get(pk=run_id).calls.filter(state=CallState.PENDING)[
        : most * settings.JUDGE_CALLS_AT_ONCE
    ]
    bells = -(-pending.count() // settings.JUDGE_CALLS_AT_ONCE)
    if not settings.REDIS_URL:
        # One process, one shift at a time on a run.
        bells = min(bells, 1)
    for _ in range(bells):
        try:
            work_on_run.apply_async((run_id,), expires=30)
        except OperationalError:
            log.warning("judging.bell_unheard")
            return
