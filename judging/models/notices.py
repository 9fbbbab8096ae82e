"""Letters that say that a run has paused by itself."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from .runs import JudgeRun


class PauseNotice(models.Model):
    """That a run paused and somebody should look: one for each pause, told once.

    The row is the queue of the letters: a broker may lose every message.
    """

    run = models.ForeignKey(JudgeRun, on_delete=models.PROTECT, related_name="notices")
    cause = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # NULL: nothing is left to do.
    due_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    # Why nobody was written to, in words of ours.
    fault = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["due_at"], condition=models.Q(due_at__isnull=False), name="pause_notice_due"
            ),
        ]
