"""Human decisions and the facts beside them. Votes are inserted, never changed."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from .assignments import Assignment
from .comparisons import Comparison
from .people import Annotator
from .studies import Criterion, StudyVersion


class Choice(models.TextChoices):
    """What was clicked."""

    LEFT = "left"
    RIGHT = "right"
    TIE = "tie"
    BOTH_BAD = "both_bad"


class Verdict(models.TextChoices):
    """The decision un-swapped, in the comparison's canonical order."""

    A = "a"
    B = "b"
    TIE = "tie"
    BOTH_BAD = "both_bad"


class Side(models.TextChoices):
    """Which response was shown left, where an import says so."""

    A = "a"
    B = "b"


class VoteSource(models.TextChoices):
    COLLECTED = "collected"
    IMPORTED = "imported"


def verdict_follows_from_choice() -> Q:
    """CHECK: the one mapping of annotation.blinding, held by the database too."""
    return (
        Q(choice__isnull=True, swapped__isnull=True)
        | Q(choice__isnull=False, choice=Choice.TIE, verdict=Verdict.TIE, swapped__isnull=False)
        | Q(
            choice__isnull=False,
            choice=Choice.BOTH_BAD,
            verdict=Verdict.BOTH_BAD,
            swapped__isnull=False,
        )
        | (
            # A comparison with NULL is no refusal: a CHECK passes on it.
            Q(choice__isnull=False, swapped__isnull=False)
            & (
                Q(choice=Choice.LEFT, swapped=False, verdict=Verdict.A)
                | Q(choice=Choice.RIGHT, swapped=False, verdict=Verdict.B)
                | Q(choice=Choice.LEFT, swapped=True, verdict=Verdict.B)
                | Q(choice=Choice.RIGHT, swapped=True, verdict=Verdict.A)
            )
        )
    )


def margin_fits_verdict() -> Q:
    """CHECK: 1..3, and only where a side was preferred."""
    return Q(margin__isnull=True) | Q(
        margin__gte=1, margin__lte=3, verdict__in=[Verdict.A, Verdict.B]
    )


class Vote(models.Model):
    """A person's decision on `overall`; revisions are further rows.

    Collected votes come from an assignment, imported ones from a file. Which votes count is
    decided in one place, `annotation.selectors.counted_votes`.
    """

    source = models.CharField(max_length=16, choices=VoteSource, default=VoteSource.COLLECTED)
    comparison = models.ForeignKey(Comparison, on_delete=models.PROTECT, related_name="votes")
    # Its indexes are the composite ones below, as that of the assignment is.
    annotator = models.ForeignKey(
        Annotator, on_delete=models.PROTECT, related_name="votes", db_index=False
    )
    verdict = models.CharField(max_length=8, choices=Verdict)
    # Graded scales only: how clearly.
    margin = models.PositiveSmallIntegerField(null=True, blank=True)
    confidence = models.FloatField(null=True, blank=True)

    # NULL exactly when imported.
    assignment = models.ForeignKey(
        Assignment,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="votes",
        db_index=False,
    )
    revision = models.PositiveIntegerField(default=0)
    choice = models.CharField(max_length=8, choices=Choice, null=True, blank=True)
    swapped = models.BooleanField(null=True, blank=True)
    study_version = models.ForeignKey(
        StudyVersion,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    idempotency_key = models.UUIDField(null=True, blank=True)
    request_hash = models.CharField(max_length=64, null=True, blank=True)
    # The lease had lapsed when it arrived.
    late = models.BooleanField(default=False)

    # Imported only: the how-manieth label of this person on this item, and the side shown.
    occurrence = models.PositiveIntegerField(null=True, blank=True)
    left = models.CharField(max_length=1, choices=Side, null=True, blank=True)

    # Milliseconds, measured in the browser and clamped to the time since serving; an imported
    # vote's `seconds` are elapsed time.
    active_ms = models.PositiveBigIntegerField(null=True, blank=True)
    elapsed_ms = models.PositiveBigIntegerField(null=True, blank=True)
    first_choice_ms = models.PositiveBigIntegerField(null=True, blank=True)
    # Layout, source view used, scrolled to the end, ...: how it was read.
    reading = models.JSONField(default=dict, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["assignment", "revision"], name="vote_revision_once"),
            models.UniqueConstraint(
                fields=["annotator", "idempotency_key"], name="vote_decision_once"
            ),
            models.UniqueConstraint(
                fields=["comparison", "annotator", "occurrence"],
                condition=Q(source=VoteSource.IMPORTED),
                name="vote_imported_once",
            ),
            models.CheckConstraint(
                condition=Q(
                    source=VoteSource.COLLECTED,
                    assignment__isnull=False,
                    choice__isnull=False,
                    swapped__isnull=False,
                    study_version__isnull=False,
                    idempotency_key__isnull=False,
                    request_hash__isnull=False,
                    occurrence__isnull=True,
                    left__isnull=True,
                )
                | Q(
                    source=VoteSource.IMPORTED,
                    assignment__isnull=True,
                    choice__isnull=True,
                    swapped__isnull=True,
                    study_version__isnull=True,
                    idempotency_key__isnull=True,
                    request_hash__isnull=True,
                    occurrence__isnull=False,
                    revision=0,
                ),
                name="vote_collected_or_imported",
            ),
            models.CheckConstraint(
                condition=verdict_follows_from_choice(), name="vote_verdict_follows_from_choice"
            ),
            models.CheckConstraint(
                condition=Q(verdict__in=Verdict.values), name="vote_verdict_known"
            ),
            models.CheckConstraint(condition=margin_fits_verdict(), name="vote_margin_fits"),
            models.CheckConstraint(
                condition=Q(left__isnull=True) | Q(left__in=Side.values), name="vote_left_known"
            ),
        ]
        indexes = [
            models.Index(fields=["annotator", "created_at"], name="vote_by_annotator_in_time"),
            # Further labels of somebody on an item, for the list of repeats.
            models.Index(
                fields=["comparison"], condition=Q(occurrence__gt=0), name="vote_label_again"
            ),
        ]


class VoteCriterion(models.Model):
    """The decision on one further criterion of the same vote."""

    vote = models.ForeignKey(Vote, on_delete=models.PROTECT, related_name="criteria")
    criterion = models.ForeignKey(Criterion, on_delete=models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=8, choices=Verdict)
    margin = models.PositiveSmallIntegerField(null=True, blank=True)
    choice = models.CharField(max_length=8, choices=Choice, null=True, blank=True)
    swapped = models.BooleanField(null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["vote", "criterion"], name="vote_criterion_once"),
            models.CheckConstraint(
                condition=verdict_follows_from_choice(),
                name="vote_criterion_verdict_follows",
            ),
            models.CheckConstraint(
                condition=Q(verdict__in=Verdict.values), name="vote_criterion_verdict_known"
            ),
            models.CheckConstraint(
                condition=margin_fits_verdict(), name="vote_criterion_margin_fits"
            ),
        ]


class VoteNote(models.Model):
    """Free text of a vote; the only part of it that can be erased (`people.erase`)."""

    vote = models.ForeignKey(Vote, on_delete=models.PROTECT, related_name="notes")
    # None: the note on `overall`.
    criterion = models.ForeignKey(
        Criterion, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    rationale = models.TextField(blank=True)
    tags = models.JSONField(default=list, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["vote"], condition=Q(criterion__isnull=True), name="vote_note_once"
            ),
            models.UniqueConstraint(fields=["vote", "criterion"], name="vote_note_criterion_once"),
        ]


class Exclusion(models.Model):
    """Takes an assignment's votes, or one imported vote, out of the count.

    A row with `lifts` ends the exclusion it names; nothing is edited or deleted.
    """

    assignment = models.ForeignKey(
        Assignment, null=True, blank=True, on_delete=models.PROTECT, related_name="exclusions"
    )
    vote = models.ForeignKey(
        Vote, null=True, blank=True, on_delete=models.PROTECT, related_name="exclusions"
    )
    lifts = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="lifted_by"
    )
    reason = models.CharField(max_length=400)
    # The frozen rule that fired; empty for a person's decision.
    rule = models.CharField(max_length=64, blank=True)
    # Decided after outcomes could be seen, or by a rule that was not frozen at opening.
    post_hoc = models.BooleanField(default=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(assignment__isnull=False, vote__isnull=True)
                | Q(assignment__isnull=True, vote__isnull=False),
                name="exclusion_of_one_thing",
            ),
        ]


class Flag(models.Model):
    """An annotator's remark that something is wrong with a pair; may accompany a vote.

    Written once; an erasure may empty the note.
    """

    assignment = models.ForeignKey(Assignment, on_delete=models.PROTECT, related_name="flags")
    reason = models.CharField(max_length=32)
    note = models.CharField(max_length=1000, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)


class Adjudication(models.Model):
    """A named reviewer's verdict on a disagreement; beside the votes, never among them."""

    comparison = models.ForeignKey(
        Comparison, on_delete=models.PROTECT, related_name="adjudications"
    )
    criterion = models.ForeignKey(Criterion, on_delete=models.PROTECT, related_name="+")
    adjudicator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="adjudications"
    )
    revision = models.PositiveIntegerField(default=0)
    choice = models.CharField(max_length=8, choices=Choice)
    swapped = models.BooleanField()
    verdict = models.CharField(max_length=8, choices=Verdict)
    margin = models.PositiveSmallIntegerField(null=True, blank=True)
    reason = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["comparison", "criterion", "revision"], name="adjudication_once"
            ),
            models.CheckConstraint(
                condition=verdict_follows_from_choice(), name="adjudication_verdict_follows"
            ),
            models.CheckConstraint(
                condition=margin_fits_verdict(), name="adjudication_margin_fits"
            ),
        ]
