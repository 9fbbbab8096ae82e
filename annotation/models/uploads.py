"""Files on their way into a draft."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from .background import BackgroundWork
from .content import ImportKind
from .studies import Study


class UploadState(models.TextChoices):
    """Where files stand. CHECKING and STORING are a worker's, the others wait for a person."""

    MAPPING = "mapping", "Columns to be named"
    CHECKING = "checking", "Being checked"
    CHECKED = "checked", "Checked"
    STORING = "storing", "Being stored"
    STORED = "stored", "Stored"
    FAILED = "failed", "Cannot be read"


AT_WORK = (UploadState.CHECKING, UploadState.STORING)


class Upload(BackgroundWork):
    """Files of one kind that somebody uploaded together. The row is the queue; a task only rings.

    The files lie in the spool, in a folder of the name `public_id`, until they are stored.
    """

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="uploads")
    kind = models.CharField(max_length=16, choices=ImportKind)
    # [{"name", "bytes", "columns", "rows"}, ...]: names in the spool, and how each file begins.
    files = models.JSONField(default=list)
    # {"names", "fixed", "skip_bad_rows", "naming", "chosen_names"}: what the researcher decided.
    choices = models.JSONField(default=dict, blank=True)
    # What the check found and the import did; see `importing.uploads`.
    found = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=16, choices=UploadState, default=UploadState.MAPPING)
    # Why the files cannot be used, in words.
    problem = models.TextField(blank=True)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    uploaded_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=UploadState.values), name="upload_state_known"
            ),
            models.CheckConstraint(
                condition=Q(
                    kind__in=[ImportKind.RESPONSES, ImportKind.PROMPTS, ImportKind.COMPARISONS]
                ),
                name="upload_kind_is_content",
            ),
            models.CheckConstraint(
                condition=Q(lease_until__isnull=True) | Q(state__in=AT_WORK),
                name="upload_lease_is_a_workers",
            ),
            models.CheckConstraint(
                condition=Q(state=UploadState.FAILED) ^ Q(problem=""),
                name="upload_failed_has_problem",
            ),
        ]
        indexes = [
            models.Index(
                fields=["uploaded_at"], condition=Q(state__in=AT_WORK), name="upload_waiting"
            ),
        ]

    def __str__(self) -> str:
        return str(self.public_id)
