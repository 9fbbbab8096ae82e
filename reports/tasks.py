"""What the background does for reports."""

from __future__ import annotations

from celery import shared_task

from annotation.models import ResultsPolicy, Study, StudyState
from reports import analysis
from reports.freshness import freshness, latest_run


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
        kept = latest_run(study)
        # The first report is a person's decision.
        if kept is None or not freshness(study, kept).is_stale:
            continue
        analysis.run(study)
        refreshed.append(study.slug)
    return refreshed
