"""What the background does with a study, on the page that waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from annotation.access import SignedInRequest
from annotation.jobs import rows
from annotation.models import AuditEntry, JobKind, JobState, Study, StudyJob
from annotation.tasks import ring_for_jobs

from .frame import readers_only


def ring_where_asked(asked: object) -> None:
    """Wake a worker for what was put off."""
    if isinstance(asked, StudyJob):
        ring_for_jobs()


# What is logged once a step of the kind was taken.
OVERTAKING: Mapping[str, str] = {
    JobKind.PAIRS: "comparisons.generated",
    JobKind.COPYING: "study.copied",
    JobKind.CHANGING: "study.changed",
}


def job_on_page(study: Study, kind: JobKind) -> dict[str, Any]:
    """What a page shows: the job at work, of any kind, and how the last one of its own ended."""
    live = rows.live_job(study)
    last = None if live is not None else rows.last_job(study, kind)
    if last is not None and (last.ended_at or timezone.now()) < timezone.now() - rows.TOLD_FOR:
        last = None
    if last is not None and is_overtaken(last):
        last = None
    return {
        "job": live,
        "job_progress": None if live is None else in_words(live),
        "ended": last,
    }


def is_overtaken(job: StudyJob) -> bool:
    """Whether what came of a job is old news: the same was done, or the study opened, since."""
    if job.ended_at is None:
        return False
    opened_at = job.study.opened_at
    if opened_at is not None and opened_at > job.ended_at:
        return True
    action = OVERTAKING.get(job.kind)
    return (
        action is not None
        and AuditEntry.objects.filter(study=job.study, action=action, at__gt=job.ended_at).exists()
    )


def in_words(job: StudyJob) -> dict[str, Any]:
    """How far it is."""
    if job.lease_until is None:
        return {"text": "Waiting for a worker."}
    far = rows.progress_of(job)
    if not far.done:
        return {"text": "Beginning."}
    if not far.of:
        return {"text": f"{far.done:,} {far.unit}."}
    if far.done >= far.of:
        return {"text": f"{far.done:,} {far.unit}; ending.", "rows": far.of, "of": far.of}
    return {"text": f"{far.done:,} of {far.of:,} {far.unit}.", "rows": far.done, "of": far.of}


def told(found: Mapping[str, Any]) -> str:
    """What came of a change, in a line."""
    if found["version"] is None:
        return "The study is so already; nothing was changed."
    return f"Version {found['version']}: {'; '.join(found['lines'])}."


@require_safe
@readers_only
def job_progress(request: SignedInRequest, study: Study, job: object) -> HttpResponse:
    """How far a step is, for the page that waits; tells it to reload once there is news."""
    asked = get_object_or_404(StudyJob.objects.filter(study=study), public_id=job)
    response = render(
        request,
        "annotation/researcher/job_progress.html",
        {"job": asked, "study": study, "job_progress": in_words(asked)},
    )
    if asked.state != JobState.WAITING:
        response["HX-Refresh"] = "true"
    response["Cache-Control"] = "no-store"
    return response
