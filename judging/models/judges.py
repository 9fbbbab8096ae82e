"""Where judges are asked, the judges, and the versions of them that never change."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from annotation.models import Study


class Endpoint(models.Model):
    """Where judges of a study are asked. Its address never changes; its key is never read back."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="judge_endpoints")
    name = models.CharField(max_length=64)
    base_url = models.CharField(max_length=500, editable=False)
    # Encrypted together with the origin it is for; empty where the environment holds the key.
    key_ciphertext = models.TextField(blank=True, editable=False)
    key_hint = models.CharField(max_length=8, blank=True, editable=False)
    key_variable = models.CharField(max_length=40, blank=True)
    # Then the operator may take it back from the study. What the operator named stays.
    key_named_by_people = models.BooleanField(default=False, editable=False)
    # NULL: no limit.
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True)
    tokens_per_minute = models.PositiveIntegerField(null=True, blank=True)
    # By model, the strictest form of answer that the server takes: see prompts.LADDER.
    rungs = models.JSONField(default=dict, blank=True)
    # It asked to be left alone until then, and how many rate limits came in a row.
    closed_until = models.DateTimeField(null=True, blank=True)
    rate_limits = models.PositiveIntegerField(default=0)
    # Nobody else finds out how it wants to be asked until then, and how often that failed.
    probing_until = models.DateTimeField(null=True, blank=True)
    failed_probes = models.PositiveSmallIntegerField(default=0)
    tested_at = models.DateTimeField(null=True, blank=True)
    test_result = models.CharField(max_length=32, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["study", "name"], name="endpoint_name_once"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def has_key(self) -> bool:
        return bool(self.key_ciphertext or self.key_variable)


class Judge(models.Model):
    """A named configuration. What it decides belongs to one of its versions."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="judges")
    judge_id = models.CharField(max_length=255)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["study", "judge_id"], name="judge_id_once"),
        ]

    def __str__(self) -> str:
        return self.judge_id


class JudgeVersion(models.Model):
    """One immutable state of a judge: rubric, template, model, parameters, price card."""

    judge = models.ForeignKey(Judge, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    config = models.JSONField(default=dict)
    content_hash = models.CharField(max_length=64)
    # Labels collected elsewhere; such a version has no runs.
    imported = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["judge", "number"], name="judge_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.judge_id}/{self.number}"
