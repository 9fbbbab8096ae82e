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


class Cell(models.Model):
    """The comparisons of one pair of systems, in one category where the study's order has strata.

    Priorities and stopping are set by cell, by the queue alone, from what is computed in the
    background. Made when the study opens.
    """

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="cells", db_index=False)
    # In the order of their names.
    system_a = models.ForeignKey(System, on_delete=models.PROTECT, related_name="+")
    system_b = models.ForeignKey(System, on_delete=models.PROTECT, related_name="+")
    # A category of prompts; empty where the order has no strata.
    stratum = models.CharField(max_length=255, blank=True)
    # How large a share of the draws it gets by the study's policy, of all cells with work left.
    weight = models.FloatField(default=1.0)
    weighed_at = models.DateTimeField(null=True, blank=True)
    # Comparisons with room, and votes wanted of all, when they were last counted: at opening, with
    # each weighing and with each change of what is wanted. A claim cannot count a million.
    room = models.PositiveIntegerField(default=0)
    wanted = models.PositiveIntegerField(default=0)
    # Decided by the study's stopping rule: nothing more is handed out, votes under way count.
    stopped_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["study", "system_a", "system_b", "stratum"], name="cell_once"
            ),
            models.CheckConstraint(
                condition=~Q(system_a=F("system_b")), name="cell_of_two_systems"
            ),
            models.CheckConstraint(condition=Q(weight__gte=0), name="cell_weight_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.system_a_id}/{self.system_b_id}/{self.stratum}"


class Comparison(models.Model):
    """A pair of responses. Which of them is a and which b is blind to every outcome.

    `cell`, `open`, `taken`, `open_seq`, `first_swapped` belong to the queue, which changes them
    under its lock; a test recounts them from the assignments. Triggers of the first migration
    keep prompt and systems equal to those of the two responses.
    """

    # Each pair that fills up is written anew in every index. `comparison_by_study` and
    # `comparison_pair_once` begin with study and prompt, which need none of their own.
    study = models.ForeignKey(
        Study, on_delete=models.PROTECT, related_name="comparisons", db_index=False
    )
    item_id = models.CharField(max_length=255)
    prompt = models.ForeignKey(
        Prompt, on_delete=models.PROTECT, related_name="comparisons", db_index=False
    )
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

    cell = models.ForeignKey(
        Cell,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="comparisons",
        db_index=False,
    )
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
            # The claim by priority: the same within one cell.
            models.Index(
                fields=["cell", "open_seq"], condition=Q(open=True), name="comparison_open_in_cell"
            ),
            # The ends of a study, and its parts one after the other.
            models.Index(fields=["study", "id"], name="comparison_by_study"),
            # Checks and training, which never get a place: few among a million comparisons.
            models.Index(
                fields=["study", "kind"],
                condition=Q(open_seq__isnull=True),
                name="comparison_without_place",
            ),
        ]

    def __str__(self) -> str:
        return self.item_id
