"""An immutable result: what was read, how, and what came out; and who waits for one."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from annotation.models import Study, StudyVersion, User
from reports.written_json import WrittenJSONField


class AnalysisRun(models.Model):
    """One analysis. Pages, files and exports read it; none of them computes."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="analysis_runs")
    study_version = models.ForeignKey(
        StudyVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    input_sha256 = models.CharField(max_length=64)
    settings = models.JSONField()
    seed = models.PositiveBigIntegerField()
    versions = models.JSONField()
    result = WrittenJSONField()
    created_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["study", "-created_at"], name="analysis_run_newest_first"),
        ]


class RequestState(models.TextChoices):
    """Where a wish for a report stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class RequestProblem(models.TextChoices):
    """Why a wish could not be fulfilled."""

    TOO_LONG = "too_long"
    LOST = "lost"
    SEALED = "sealed"
    FAULT = "fault"


LIVE = (RequestState.WAITING, RequestState.RUNNING)


class AnalysisRequest(models.Model):
    """Somebody's wish for a report of what is there now. The row is the queue; a task only rings.

    A study has one live request at most, so that nobody computes the same report twice.
    """

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="analysis_requests")
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(default=timezone.now, editable=False)
    state = models.CharField(
        max_length=8, choices=RequestState.choices, default=RequestState.WAITING
    )
    problem = models.CharField(max_length=8, choices=RequestProblem.choices, blank=True)
    # How often a worker began; with the lease it tells a lost worker from a slow one.
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    analysis_run = models.ForeignKey(
        AnalysisRun, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["study"],
                condition=models.Q(state__in=LIVE),
                name="analysis_request_one_live_per_study",
            ),
            models.CheckConstraint(
                condition=models.Q(state=RequestState.RUNNING, lease_until__isnull=False)
                | (~models.Q(state=RequestState.RUNNING) & models.Q(lease_until__isnull=True)),
                name="analysis_request_running_has_lease",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=LIVE, finished_at__isnull=True)
                | (~models.Q(state__in=LIVE) & models.Q(finished_at__isnull=False)),
                name="analysis_request_ended_has_time",
            ),
            models.CheckConstraint(
                condition=models.Q(state=RequestState.FAILED) ^ models.Q(problem=""),
                name="analysis_request_failed_has_problem",
            ),
        ]
        indexes = [
            models.Index(fields=["study", "-requested_at"], name="analysis_request_newest_first"),
        ]
