"""What judges decided, in runs of ours or elsewhere."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from annotation.models import Comparison, Criterion, Verdict

from .judges import JudgeVersion
from .runs import JudgeCall, Order

RESULTS = uuid.UUID("5b0f4f0e-6a0c-5b0e-9d53-0d0d3a5f3c11")
"""Namespace of the ids of results; it never changes."""


def result_id(study_slug: str, call_id: int) -> uuid.UUID:
    """The id of a call's result: whoever stores it, and however often it arrives, it is this one.

    Calls are numbered by the database, so that the study's name tells those of two installations
    apart.

    Examples
    --------
    >>> str(result_id("mails", 7))
    '6e8df330-78c0-5ca2-b34a-310c7ff459a1'
    """
    return uuid.uuid5(uuid.uuid5(RESULTS, study_slug), str(call_id))


class MissingCause(models.TextChoices):
    """Why there is no verdict. A missing judgment is never a tie."""

    UNPARSED = "unparsed"
    REFUSED = "refused"
    TRUNCATED = "truncated"
    FAILED = "failed"


class Judgment(models.Model):
    """A judge's decision on one comparison in one order, or the fact that there is none."""

    version = models.ForeignKey(JudgeVersion, on_delete=models.PROTECT, related_name="judgments")
    comparison = models.ForeignKey(Comparison, on_delete=models.PROTECT, related_name="judgments")
    order = models.CharField(max_length=4, choices=Order)
    # NULL exactly when imported.
    call = models.OneToOneField(
        JudgeCall, null=True, blank=True, on_delete=models.PROTECT, related_name="judgment"
    )
    verdict = models.CharField(max_length=8, choices=Verdict, null=True, blank=True)
    # 1 slightly, 2 clearly; NULL where the judge only says who wins.
    margin = models.PositiveSmallIntegerField(null=True, blank=True)
    missing = models.CharField(max_length=16, choices=MissingCause, blank=True)
    confidence = models.FloatField(null=True, blank=True)
    reason = models.TextField(blank=True)
    # The two orders disagreed before an import reconciled them.
    inconsistent = models.BooleanField(null=True, blank=True)
    input_tokens = models.PositiveBigIntegerField(null=True, blank=True)
    output_tokens = models.PositiveBigIntegerField(null=True, blank=True)
    cost = models.DecimalField(max_digits=20, decimal_places=10, null=True, blank=True)
    latency_ms = models.FloatField(null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version", "comparison", "order"],
                condition=Q(call__isnull=True),
                name="judgment_imported_once",
            ),
            models.CheckConstraint(
                condition=Q(verdict__isnull=True) | Q(verdict__in=Verdict.values),
                name="judgment_verdict_known",
            ),
            models.CheckConstraint(
                condition=(Q(verdict__isnull=True) & ~Q(missing=""))
                | Q(verdict__isnull=False, missing=""),
                name="judgment_verdict_or_cause",
            ),
            models.CheckConstraint(
                condition=Q(order__in=Order.values), name="judgment_order_known"
            ),
        ]


class JudgmentCriterion(models.Model):
    """A judge's decision on one further criterion."""

    judgment = models.ForeignKey(Judgment, on_delete=models.PROTECT, related_name="criteria")
    criterion = models.ForeignKey(Criterion, on_delete=models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=8, choices=Verdict)
    margin = models.PositiveSmallIntegerField(null=True, blank=True)
    levels = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["judgment", "criterion"], name="judgment_criterion_once"
            ),
        ]
