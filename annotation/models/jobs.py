"""Steps of a study that take longer than a page may."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from .background import BackgroundWork
from .studies import Study


class JobKind(models.TextChoices):
    PAIRS = "pairs", "Making the pairs"
    OPENING = "opening", "Opening the study"
    COPYING = "copying", "Copying the study"
    CHANGING = "changing", "Changing the study"


class JobState(models.TextChoices):
    """WAITING is also being done: a worker holds a lease then."""

    WAITING = "waiting", "Waiting or at work"
    DONE = "done", "Done"
    FAILED = "failed", "Not done"


class StudyJob(BackgroundWork):
    """A step that was asked for. The row is the queue; a task only rings."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="jobs")
    kind = models.CharField(max_length=16, choices=JobKind)
    # What the step takes; see `annotation.jobs.steps`.
    arguments = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=16, choices=JobState, default=JobState.WAITING)
    # What came of it, and why nothing did, in words.
    found = models.JSONField(default=dict, blank=True)
    problem = models.TextField(blank=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    asked_at = models.DateTimeField(default=timezone.now, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=JobKind.values), name="job_kind_known"),
            models.CheckConstraint(condition=Q(state__in=JobState.values), name="job_state_known"),
            # One at a time: a study is not opened while its pairs are made.
            models.UniqueConstraint(
                fields=["study"], condition=Q(state=JobState.WAITING), name="job_one_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(state=JobState.FAILED) ^ Q(problem=""), name="job_failed_has_problem"
            ),
            models.CheckConstraint(
                condition=Q(state=JobState.WAITING) ^ Q(ended_at__isnull=False),
                name="job_ended_has_time",
            ),
            models.CheckConstraint(
                condition=Q(lease_until__isnull=True) | Q(state=JobState.WAITING),
                name="job_lease_is_a_workers",
            ),
        ]

    def __str__(self) -> str:
        return str(self.public_id)
