"""How far a wish for a report is, in words for the page that waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from reports.models import AnalysisRequest, AnalysisRun, RequestState
from reports.requests import LONGEST

# For so long after it was fulfilled a wish is news.
NEWS = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Wish:
    """
    Attributes
    ----------
    kind : str
        `waiting`, `failed` or `done`.
    title, text : str
    requested_at : datetime
    """

    kind: str
    title: str
    text: str
    requested_at: datetime

    @property
    def is_live(self) -> bool:
        return self.kind == "waiting"


PROBLEMS = {
    "too_long": (
        f"It took longer than {settings.CELERY_TASK_SOFT_TIME_LIMIT} seconds, the limit of a "
        f"background task ({LONGEST.seconds // 3600} hours where the web process does the work "
        "itself). The command analyze has no limit: its report is shown here."
    ),
    "lost": "The worker that made it ended twice before it was done; its log may tell why.",
    "sealed": "Its outcomes may not be seen by whoever asked: a role or the study has changed.",
    "fault": "Something in the study could not be analysed. The log has the details.",
}


def wish_in_words(
    request: AnalysisRequest | None, kept: AnalysisRun | None, *, stale: bool = False
) -> Wish | None:
    """What the page says of the newest wish; None where there is nothing to say.

    A wish that was fulfilled is told by the report itself, except where there was nothing new.
    What came since then (`stale`) is told beside the report.
    """
    if request is None:
        return None
    if request.state == RequestState.WAITING:
        text = "It is next in the background, and this page shows it once it is there."
        return Wish("waiting", "A report was asked for.", text, request.requested_at)
    if request.state == RequestState.RUNNING:
        text = "This page shows it once it is there."
        return Wish("waiting", "A report is being made.", text, request.requested_at)
    if request.state == RequestState.FAILED:
        newer = kept is not None and kept.created_at > request.requested_at
        if newer:
            return None
        kept_words = (
            "All votes are kept" if kept is None else "The report below and all votes are kept"
        )
        text = f"{PROBLEMS[request.problem]} {kept_words} (request {request.pk})."
        return Wish("failed", "The report could not be made.", text, request.requested_at)
    old = request.finished_at is None or timezone.now() - request.finished_at > NEWS
    if old or stale or kept is None or kept.created_at > request.requested_at:
        return None
    text = "Nothing has changed since this report was made."
    return Wish("done", "Up to date.", text, request.requested_at)
