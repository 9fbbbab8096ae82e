"""Two responses to one prompt, in canonical a/b order."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Greatest, Least

from .content import Prompt, Response, System
from .studies import Study


class ComparisonKind(models.TextChoices):
    WORK = "work"
    GOLD = "gold"
    IDENTICAL = "identical"
    CONSISTENCY = "consistency"
    TRAINING = "training"


class Comparison(models.Model):
    """A pair of responses. Which of them is a and which b is blind to every outcome.

    `open`, `taken`, `open_seq` and `first_swapped` belong to the queue alone, which changes them
    under its lock; a test recounts them from the assignments. Triggers of the first migration
    keep prompt and systems equal to those of the two responses.
    """

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="comparisons")
    item_id = models.CharField(max_length=255)
    prompt = models.ForeignKey(Prompt, on_delete=models.PROTECT, related_name="comparisons")
    response_a = models.ForeignKey(Response, on_delete=models.PROTECT, related_name="+")
    response_b = models.ForeignKey(Response, on_delete=models.PROTECT, related_name="+")
    # Copies of the responses' systems, for the CHECK below and for grouping votes without joins.
    system_a = models.ForeignKey(System, on_delete=models.PROTECT, related_name="+")
    system_b = models.ForeignKey(System, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=ComparisonKind, default=ComparisonKind.WORK)
    # Accepted verdicts per criterion, of gold and training: {"overall": ["a"], ...}.
    gold = models.JSONField(null=True, blank=True)
    explanation = models.TextField(blank=True)
    overlap = models.PositiveSmallIntegerField(default=3)
    metadata = models.JSONField(default=dict, blank=True)

    open = models.BooleanField(default=False)
    taken = models.PositiveSmallIntegerField(default=0)
    open_seq = models.BigIntegerField(null=True, blank=True)
    # Whether slot 1 shows response b left; the further slots alternate. Drawn at opening.
    first_swapped = models.BooleanField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["study", "item_id"], name="comparison_item_once"),
            models.UniqueConstraint(
                F("prompt"),
                Least("response_a", "response_b"),
                Greatest("response_a", "response_b"),
                name="comparison_pair_once",
            ),
            models.CheckConstraint(
                condition=~Q(response_a=F("response_b")) | Q(kind=ComparisonKind.IDENTICAL),
                name="comparison_two_responses",
            ),
            models.CheckConstraint(
                condition=~Q(kind=ComparisonKind.IDENTICAL) | Q(response_a=F("response_b")),
                name="comparison_identical_is_one_response",
            ),
            models.CheckConstraint(
                condition=~Q(system_a=F("system_b"))
                | Q(kind__in=[ComparisonKind.IDENTICAL, ComparisonKind.CONSISTENCY]),
                name="comparison_two_systems",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=ComparisonKind.values), name="comparison_kind_known"
            ),
            models.CheckConstraint(condition=Q(overlap__gte=1), name="comparison_overlap_positive"),
            models.CheckConstraint(
                condition=Q(
                    kind__in=[ComparisonKind.GOLD, ComparisonKind.TRAINING], gold__isnull=False
                )
                | ~Q(kind__in=[ComparisonKind.GOLD, ComparisonKind.TRAINING])
                & Q(gold__isnull=True),
                name="comparison_gold_only_where_known",
            ),
            models.CheckConstraint(
                condition=Q(taken__lte=F("overlap")), name="comparison_taken_within_overlap"
            ),
            models.CheckConstraint(
                condition=Q(open=False)
                | Q(taken__lt=F("overlap"), open_seq__isnull=False, first_swapped__isnull=False),
                name="comparison_open_has_room",
            ),
        ]
        indexes = [
            # The claim: first open comparison of the study past the annotator's cursor.
            models.Index(
                fields=["study", "open_seq"],
                condition=Q(open=True),
                name="comparison_open_in_order",
            ),
            # The recount: is any work left that lacks votes? Not partial on the kind: SQLite
            # cannot use such an index where the kind is a bound parameter.
            models.Index(
                fields=["study"], condition=Q(taken__lt=F("overlap")), name="comparison_not_full"
            ),
        ]

    def __str__(self) -> str:
        return self.item_id
