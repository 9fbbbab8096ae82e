"""What the background does for reports."""

from __future__ import annotations

import structlog
from celery import shared_task
from kombu.exceptions import OperationalError

from annotation.models import ResultsPolicy, Study, StudyState
from reports import analysis, requests
from reports.freshness import freshness, latest_run
from reports.steering import Pace, mark_of, needs_steering, steer
from reports.watching.figures import count_what_is_watched

# What this process steered last.
pace = Pace()

log = structlog.get_logger(__name__)


@shared_task(name="reports.refresh_open_reports")
def refresh_open_reports() -> list[str]:
    """Compute the report of each running study with open results whose votes have changed.

    Sealed studies are left alone: a report nobody may read is not made. The names of the studies
    that were analysed are returned.
    """
    refreshed = []
    running = Study.objects.filter(
        results=ResultsPolicy.OPEN, state__in=[StudyState.OPEN, StudyState.PAUSED]
    )
    for study in running.order_by("pk"):
        try:
            kept = latest_run(study)
            # The first report is a person's decision.
            if kept is None or not freshness(study, kept).is_stale:
                continue
            analysis.run(study)
        except Exception:
            # One study's fault must not keep the others' reports old.
            log.exception("reports.refresh_failed", study=study.slug)
            continue
        refreshed.append(study.slug)
    return refreshed


@shared_task(name="reports.make_requested_report")
def make_requested_report() -> str | None:
    """Make one report that somebody asked for; how it ended, or None where nobody waits.

    One at a time, as each has the whole time limit of a task. Running it twice or late does no
    harm: a wish is claimed by one worker.
    """
    claimed = requests.claim()
    if claimed is None:
        return None
    state = requests.fulfil(claimed)
    if requests.are_waiting():
        ring_for_report()
    return str(state)


def ring_for_report() -> None:
    """Wake a worker. Without a broker the sweep does it half a minute later."""
    try:
        make_requested_report.delay()
    except OperationalError:
        log.warning("reports.bell_unheard")


@shared_task(name="reports.steer_open_studies")
def steer_open_studies() -> list[str]:
    """Steer each open study whose votes or rules have changed; the names of those are returned.

    What is computed is for the queue alone: neither the log nor the result says more than that it
    was done.
    """
    steered = []
    for study in Study.objects.filter(state=StudyState.OPEN).order_by("pk"):
        try:
            if not needs_steering(study):
                continue
            mark, began = mark_of(study), pace.clock()
            if not pace.is_due(study, mark) or steer(study) is None:
                continue
            pace.done(study, mark, began)
        except Exception:
            # One study's fault must not leave the others unsteered.
            log.exception("reports.steering_failed", study=study.slug)
            continue
        steered.append(study.slug)
    return steered


@shared_task(name="reports.count_watched")
def count_watched() -> list[str]:
    """Count the figures of studies that somebody watches and that a page does not count itself."""
    return count_what_is_watched()
