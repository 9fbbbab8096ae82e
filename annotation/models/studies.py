"""A study, its frozen versions and its rubric."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

SLUG_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}$"


class StudyState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    OPEN = "open", _("Open")
    PAUSED = "paused", _("Paused")
    CLOSED = "closed", _("Closed")
    ARCHIVED = "archived", _("Archived")


# Between opening and closing.
RUNNING = frozenset({StudyState.OPEN, StudyState.PAUSED})


class ResultsPolicy(models.TextChoices):
    """Who may see outcomes while an opened study is not unblinded."""

    SEALED = "sealed"
    OPEN = "open"


class Stopping(models.TextChoices):
    FIXED = "fixed"
    SEQUENTIAL = "sequential"


class Scale(models.TextChoices):
    BINARY = "binary"
    TERNARY = "ternary"
    FIVE = "five"
    SEVEN = "seven"


class Study(models.Model):
    """One evaluation. Content and rubric freeze when it opens."""

    slug = models.CharField(max_length=64, unique=True, validators=[RegexValidator(SLUG_PATTERN)])
    title = models.CharField(max_length=200, blank=True)
    # Markdown, shown to annotators.
    instructions = models.TextField(blank=True)
    # Said on top of the report, such as that the votes are simulated.
    notice = models.TextField(blank=True)
    state = models.CharField(max_length=16, choices=StudyState, default=StudyState.DRAFT)
    results = models.CharField(max_length=8, choices=ResultsPolicy, default=ResultsPolicy.SEALED)
    stopping = models.CharField(max_length=16, choices=Stopping, default=Stopping.FIXED)
    seed = models.PositiveBigIntegerField(default=0)
    # Drawn at opening, of sides and order. Not `seed`, which researchers know: with names and item
    # ids it would tell them which side showed what.
    queue_seed = models.PositiveBigIntegerField(default=0, editable=False)
    # Votes wanted per pair of systems; the report says whether they are reached.
    target_votes = models.PositiveIntegerField(default=200)
    # Checks, qualification, quality, priorities and limits; see `annotation.rules`.
    rules = models.JSONField(default=dict, blank=True)
    # None: an annotator may rate everything.
    max_per_annotator = models.PositiveIntegerField(null=True, blank=True)
    # A challenger study analyses the counted votes of the study it continues as well.
    continues = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="challengers"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    opened_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    # When the study was opened or resumed, or stopped being open: late votes have a grace period
    # from it, so that closing a paused study or archiving a closed one does not move it.
    state_changed_at = models.DateTimeField(default=timezone.now)
    unblinded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "studies"
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=StudyState.values), name="study_state_known"
            ),
            models.CheckConstraint(
                condition=Q(results__in=ResultsPolicy.values), name="study_results_known"
            ),
            models.CheckConstraint(
                condition=Q(stopping__in=Stopping.values), name="study_stopping_known"
            ),
            models.CheckConstraint(
                condition=Q(slug__regex=SLUG_PATTERN), name="study_slug_well_formed"
            ),
            models.CheckConstraint(
                condition=Q(state=StudyState.DRAFT) | Q(opened_at__isnull=False),
                name="study_past_draft_was_opened",
            ),
        ]

    def __str__(self) -> str:
        return self.slug

    @property
    def was_opened(self) -> bool:
        return self.opened_at is not None

    @property
    def is_running(self) -> bool:
        """Whether it collects votes, or will again when its pause ends."""
        return self.state in RUNNING

    @property
    def is_sealed(self) -> bool:
        """Whether system names and outcomes are withheld, from researchers too."""
        return (
            self.was_opened and self.results == ResultsPolicy.SEALED and self.unblinded_at is None
        )


class StudyVersion(models.Model):
    """What the votes were collected under; never changed once written."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    # Design, rubric, seeds, rules, stopping and the hashes of the content.
    snapshot = models.JSONField()
    content_hash = models.CharField(max_length=64)
    stopping = models.CharField(max_length=16, choices=Stopping, default=Stopping.FIXED)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["study", "number"], name="study_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.study_id}/{self.number}"


class Criterion(models.Model):
    """One question of the rubric. Each study has one with the key `overall`."""

    OVERALL = "overall"
    # What `overall` asks in a study that was never set up.
    GIVEN_QUESTION = "Which response is better?"

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="criteria")
    key = models.CharField(max_length=64)
    question = models.CharField(max_length=400, blank=True)
    scale = models.CharField(max_length=8, choices=Scale, default=Scale.TERNARY)
    both_bad = models.BooleanField(default=False)
    required = models.BooleanField(default=True)
    # [{"name", "description", "example"}, ...]: people see them in the drawer, judges need them.
    levels = models.JSONField(default=list, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name_plural = "criteria"
        ordering = ["study", "position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["study", "key"], name="criterion_key_once"),
            models.CheckConstraint(
                condition=Q(scale__in=Scale.values), name="criterion_scale_known"
            ),
        ]

    def __str__(self) -> str:
        return self.key
