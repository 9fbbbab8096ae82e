"""What a judge version was held against people by, how long that counts, and what is asked anew."""

from __future__ import annotations

from typing import Any

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from annotation.models import Study, User
from judging.models import JudgeVersion

from .analyses import AnalysisRun

DEFAULT_DAYS = 90
DEFAULT_NEW_RESPONSES = 1_000


class Expertise(models.TextChoices):
    """Whose place a judge would take: what they cost decides the margin it is granted."""

    EXPERTS = "experts"
    TRAINED = "trained"
    CROWD = "crowd"


class ValidityRule(models.Model):
    """What a study's judges are held to, and when a validation runs out. NULL: never for that."""

    study = models.OneToOneField(Study, on_delete=models.CASCADE, related_name="validity_rule")
    days = models.PositiveIntegerField(
        null=True, blank=True, default=DEFAULT_DAYS, validators=[MinValueValidator(1)]
    )
    new_responses = models.PositiveIntegerField(
        null=True, blank=True, default=DEFAULT_NEW_RESPONSES, validators=[MinValueValidator(1)]
    )
    expertise = models.CharField(max_length=16, choices=Expertise, default=Expertise.TRAINED)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(expertise__in=Expertise.values), name="validity_rule_expertise"
            ),
            models.CheckConstraint(
                condition=(Q(days__isnull=True) | Q(days__gte=1))
                & (Q(new_responses__isnull=True) | Q(new_responses__gte=1)),
                name="validity_rule_positive",
            ),
        ]


class Revalidation(models.Model):
    """A seeded random sample of judged comparisons that people are asked about.

    Its draw is fixed. It ends once: `merged_at` when an analysis read it with all its votes, or
    with those that came back before the study closed; `withdrawn_at` when it was given up.
    """

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="revalidations")
    version = models.ForeignKey(JudgeVersion, on_delete=models.PROTECT, related_name="+")
    seed = models.PositiveBigIntegerField()
    # Item ids that it was drawn from, and of the drawn ones with how many votes each had.
    frame = models.JSONField()
    sample = models.JSONField()
    raised_overlap = models.BooleanField(default=False)
    created_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    merged_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version"],
                condition=Q(merged_at__isnull=True, withdrawn_at__isnull=True),
                name="revalidation_one_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(merged_at__isnull=True) | Q(withdrawn_at__isnull=True),
                name="revalidation_ends_once",
            ),
        ]
        indexes = [models.Index(fields=["study", "-id"], name="revalidation_newest_first")]


WITH_PEOPLE = Q(merged_at__isnull=True, withdrawn_at__isnull=True)
"""Samples that have not ended."""


class JudgeValidation(models.Model):
    """That a judge version was held against people, and what came out. Never changed."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="judge_validations")
    version = models.ForeignKey(JudgeVersion, on_delete=models.PROTECT, related_name="+")
    analysis_run = models.ForeignKey(AnalysisRun, on_delete=models.PROTECT, related_name="+")
    revalidation = models.OneToOneField(
        Revalidation, null=True, blank=True, on_delete=models.PROTECT, related_name="validation"
    )
    # May it stand in for a person, and the agreement with votes that says so.
    answer = models.CharField(max_length=16)
    comparisons = models.PositiveIntegerField()
    agreement = models.FloatField(null=True, blank=True)
    # Responses that the study held: those that came since were never part of it.
    responses = models.PositiveIntegerField()
    created_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # Of one that only grants another margin on the same votes: the day of the one before.
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version", "analysis_run"], name="validation_once_per_analysis"
            ),
        ]
        indexes = [models.Index(fields=["version", "-id"], name="validation_newest_first")]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store it once.

        Raises
        ------
        TypeError
            It is stored already.
        """
        if not self._state.adding:
            raise TypeError("A validation is a fact of its day; record another one.")
        super().save(*args, **kwargs)
