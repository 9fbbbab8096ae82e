"""Asking for a report: the wish is a row, a worker of the background fulfils it.

A page never computes. It asks; the bell rings for a worker, and the sweep rings again, so that a
wish is fulfilled when Redis was away, too. A worker holds a lease. One that lapses is given to
another worker once; then the wish has failed, and says so. All of it is the same code in the
embedded worker and in Celery's, but for time: the embedded worker's threads cannot be ended, so a
report takes there as long as it takes, and its process gives no wish away that it still works on.
After hours it takes the thread for hung: the wish has failed, so that it can be asked again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from annotation.access import can_see_outcomes
from annotation.models import Study, User
from reports import analysis
from reports.models import LIVE, AnalysisRequest, AnalysisRun, RequestProblem, RequestState

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=settings.CELERY_TASK_TIME_LIMIT + 60)
"""A worker is taken for lost after it: longer than Celery lets any task live in its processes."""

LONGEST = timedelta(hours=6)
"""A thread of this process that has worked on a report for longer will not end: two million votes
over 200 systems take half a minute."""

MOST_ATTEMPTS = 2
"""A worker that died may have been stopped; two that died were killed by the work."""

_at_work: set[int] = set()
"""Wishes that threads of this process work on, however long ago they took them."""


def ask(study: Study, user: User) -> AnalysisRequest:
    """Ask for a report, or join the wish that is live. The caller rings once this is committed.

    Safe under any number of callers: the database lets one live row of a study in.
    """
    live = AnalysisRequest.objects.filter(study=study, state__in=LIVE).first()
    if live is not None:
        return live
    try:
        with transaction.atomic():
            return AnalysisRequest.objects.create(study=study, requested_by=user)
    except IntegrityError:
        # Somebody else's came first. Where it has ended since, it is the newest one.
        return AnalysisRequest.objects.filter(study=study).latest("requested_at", "pk")


def latest_request(study: Study) -> AnalysisRequest | None:
    return AnalysisRequest.objects.filter(study=study).order_by("-requested_at", "-pk").first()


@dataclass(frozen=True, slots=True)
class Claim:
    """A wish that a worker has taken; `attempt` is the one that the lease belongs to."""

    request: AnalysisRequest
    attempt: int


def claim() -> Claim | None:
    """Take the oldest wish that waits, or whose worker was lost; None where there is none."""
    now = timezone.now()
    with transaction.atomic():
        free = AnalysisRequest.objects.select_for_update(
            no_key=True, skip_locked=True, of=("self",)
        )
        running = free.filter(state=RequestState.RUNNING)
        own = tuple(_at_work)
        for hung in running.filter(pk__in=own, lease_until__lte=now - LONGEST + LEASE):
            log.error("reports.request_hung", request=hung.pk, study=hung.study_id)
            _end(hung, RequestState.FAILED, problem=RequestProblem.TOO_LONG)
        lapsed = running.filter(lease_until__lte=now).exclude(pk__in=own)
        for lost in lapsed.filter(attempts__gte=MOST_ATTEMPTS):
            log.error("reports.request_lost", request=lost.pk, attempts=lost.attempts)
            _end(lost, RequestState.FAILED, problem=RequestProblem.LOST)
        waiting = free.filter(state=RequestState.WAITING)
        request = (
            lapsed.order_by("requested_at", "pk").first()
            or waiting.order_by("requested_at", "pk").first()
        )
        if request is None:
            return None
        request.state = RequestState.RUNNING
        request.attempts += 1
        request.lease_until = now + LEASE
        request.save(update_fields=["state", "attempts", "lease_until"])
        return Claim(request, request.attempts)


def fulfil(claimed: Claim) -> RequestState:
    """Make the report of a claimed wish and write down how it ended.

    A worker whose lease went to another ends without a word: what it made is kept as a report,
    and the other finds it there.
    """
    request = claimed.request
    _at_work.add(request.pk)
    try:
        return _fulfil(claimed)
    finally:
        _at_work.discard(request.pk)


def _fulfil(claimed: Claim) -> RequestState:
    request = claimed.request
    try:
        if not can_see_outcomes(request.requested_by, request.study):
            return _finish(claimed, problem=RequestProblem.SEALED)
        # In one transaction: a worker that is lost after it leaves nothing to be made, and no
        # look to be logged, a second time.
        analysis.run(
            request.study,
            actor=request.requested_by,
            and_with_it=lambda kept: _finish(claimed, kept=kept),
        )
    except analysis.SealedError:
        return _finish(claimed, problem=RequestProblem.SEALED)
    except SoftTimeLimitExceeded:
        log.error("reports.request_too_long", request=request.pk, study=request.study.slug)
        return _finish(claimed, problem=RequestProblem.TOO_LONG)
    except Exception:
        log.exception("reports.request_failed", request=request.pk, study=request.study.slug)
        return _finish(claimed, problem=RequestProblem.FAULT)
    return RequestState.DONE


def _finish(
    claimed: Claim, *, kept: AnalysisRun | None = None, problem: RequestProblem | None = None
) -> RequestState:
    state = RequestState.DONE if problem is None else RequestState.FAILED
    with transaction.atomic():
        mine = AnalysisRequest.objects.select_for_update(no_key=True).filter(
            pk=claimed.request.pk, state=RequestState.RUNNING, attempts=claimed.attempt
        )
        for request in mine:
            _end(request, state, problem=problem, kept=kept)
    return state


def _end(
    request: AnalysisRequest,
    state: RequestState,
    *,
    problem: RequestProblem | None = None,
    kept: AnalysisRun | None = None,
) -> None:
    request.state = state
    request.problem = "" if problem is None else problem
    request.analysis_run = kept
    request.lease_until = None
    request.finished_at = timezone.now()
    request.save()


def are_waiting() -> bool:
    return AnalysisRequest.objects.filter(state=RequestState.WAITING).exists()
