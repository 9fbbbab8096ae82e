"""An immutable result: what was read, how, and what came out."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from annotation.models import Study, StudyVersion, User


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
    result = models.JSONField()
    created_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["study", "-created_at"], name="analysis_run_newest_first"),
        ]
