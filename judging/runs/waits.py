"""How long an endpoint is left alone: one wait for everybody who asks it, kept beside its limits.

A rate limit is about the key, not about the call that met it. The wait is a row, so that it holds
for every worker, with and without Redis, and through any crash.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from judging.clients import Reply
from judging.models import Endpoint, JudgeRun
from judging.outcomes import MOST_WAIT_SECONDS, Outcome
from judging.runs.next_step import backoff

# Without a wait that the server names, so many in a row are met by a smaller window alone.
FEW_LIMITS = 8
MOST_COUNTED = 10_000
# A probe that ended with its process is free again after this.
PROBE_SECONDS = 90.0
MOST_FAILED_PROBES = 5

# Not secret: it only spreads retries.
jitter = random.Random()  # noqa: S311


def note_replies(endpoint_id: int, replies: Sequence[Reply]) -> float:
    """Note what rate limits there were; the seconds for which the endpoint is left alone.

    Parameters
    ----------
    replies : sequence of Reply
        That arrived since the last call; may be empty.
    """
    now = timezone.now()
    rows = Endpoint.objects.filter(pk=endpoint_id)
    closed_until, in_a_row = rows.values_list("closed_until", "rate_limits").get()
    limited = [reply for reply in replies if reply.outcome is Outcome.RATE_LIMITED]
    if any(reply.outcome is Outcome.OK for reply in replies):
        if in_a_row:
            rows.update(rate_limits=0)
        in_a_row = 0
    if limited:
        # Two workers may count at once and one be lost: it decides nothing but a wait.
        in_a_row = min(in_a_row + len(limited), MOST_COUNTED)
        wait = max(reply.wait or 0.0 for reply in limited)
        if in_a_row > FEW_LIMITS:
            # Never nothing: half of it is certain.
            wait = max(wait, backoff(in_a_row - FEW_LIMITS, 0.5 + jitter.random() / 2))
        until = now + timedelta(seconds=min(wait, MOST_WAIT_SECONDS))
        rows.update(rate_limits=in_a_row)
        rows.filter(Q(closed_until__isnull=True) | Q(closed_until__lt=until)).update(
            closed_until=until
        )
        closed_until = max(closed_until or until, until)
    return 0.0 if closed_until is None else max(0.0, (closed_until - now).total_seconds())


def begin_probe(endpoint_id: int) -> bool:
    """Whether the caller may find out how the endpoint wants to be asked; nobody else may then."""
    now = timezone.now()
    free = Endpoint.objects.filter(pk=endpoint_id).filter(
        Q(probing_until__isnull=True) | Q(probing_until__lte=now)
    )
    return bool(free.update(probing_until=now + timedelta(seconds=PROBE_SECONDS)))


def leave_probe_for(endpoint_id: int, wait: float) -> None:
    """Probe again after so many seconds: our own limits leave no room, which is no fault."""
    Endpoint.objects.filter(pk=endpoint_id).update(
        probing_until=timezone.now() + timedelta(seconds=min(wait, MOST_WAIT_SECONDS))
    )


def put_probe_off(endpoint_id: int, outcome: Outcome, wait: float | None) -> bool:
    """Probe again later, after a fault that passes; whether it has failed too often for that.

    Parameters
    ----------
    wait : float, optional
        Seconds that the server asked for.
    """
    endpoint = Endpoint.objects.get(pk=endpoint_id)
    # A rate limit ends by itself; it is no sign that the endpoint is down.
    failed = endpoint.failed_probes + (outcome is not Outcome.RATE_LIMITED)
    seen = min(endpoint.rate_limits + (outcome is Outcome.RATE_LIMITED), MOST_COUNTED)
    asked = max(wait or 0.0, backoff(max(1, failed, seen), 0.5 + jitter.random() / 2))
    is_enough = failed >= MOST_FAILED_PROBES
    Endpoint.objects.filter(pk=endpoint_id).update(
        probing_until=timezone.now() + timedelta(seconds=min(asked, MOST_WAIT_SECONDS)),
        failed_probes=0 if is_enough else failed,
        rate_limits=seen,
    )
    return is_enough


def end_probe(endpoint_id: int) -> None:
    """Let others probe again: this one found what it looked for, or a fault that does not pass."""
    Endpoint.objects.filter(pk=endpoint_id).update(probing_until=None, failed_probes=0)


def left_alone_until(run: JudgeRun) -> datetime | None:
    """When the run's endpoint may be asked again; None: now. The version must be loaded."""
    return left_alone_of([run]).get(run.pk)


def left_alone_of(runs: Collection[JudgeRun]) -> dict[int, datetime]:
    """The same for several runs in one query: those, by key, that have to wait."""
    if not runs:
        return {}
    endpoints = {
        (endpoint.study_id, endpoint.name): endpoint
        for endpoint in Endpoint.objects.filter(
            study__in={run.study_id for run in runs},
            name__in={run.version.config["endpoint"]["name"] for run in runs},
        )
    }
    found, now = {}, timezone.now()
    for run in runs:
        config = run.version.config
        endpoint = endpoints.get((run.study_id, config["endpoint"]["name"]))
        if endpoint is None:
            continue
        is_probed = config["model"] in endpoint.rungs
        moments = [endpoint.closed_until, None if is_probed else endpoint.probing_until]
        later = [moment for moment in moments if moment is not None and moment > now]
        if later:
            found[run.pk] = max(later)
    return found


def forget(study_id: int, name: str) -> None:
    """Ask again at once: somebody says that it is time."""
    Endpoint.objects.filter(study_id=study_id, name=name).update(
        closed_until=None, rate_limits=0, probing_until=None, failed_probes=0
    )
