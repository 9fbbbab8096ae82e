"""What quality control found about an annotator, and what a researcher made of it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from .people import Annotator
from .studies import StudyVersion


class FindingAction(models.TextChoices):
    PAUSE = "pause"
    FLAG = "flag"


class QualityFinding(models.Model):
    """A rule that fired, with the figures it fired on. Inserted, never changed."""

    annotator = models.ForeignKey(Annotator, on_delete=models.PROTECT, related_name="findings")
    # The version whose rules these are.
    study_version = models.ForeignKey(StudyVersion, on_delete=models.PROTECT, related_name="+")
    rule = models.CharField(max_length=64)
    action = models.CharField(max_length=8, choices=FindingAction)
    # Of how many answers, what was found, and from where on the rule fires.
    n = models.PositiveIntegerField()
    value = models.FloatField()
    threshold = models.FloatField()
    detail = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(action__in=FindingAction.values), name="finding_action_known"
            ),
        ]


class ReviewOutcome(models.TextChoices):
    RESUME = "resume"  # goes on; the findings so far are answered
    RETRAIN = "retrain"  # the qualification round once more
    REJECT = "reject"  # takes no further part; the votes are excluded and their slots reopen
    REINSTATE = "reinstate"  # takes a rejection back; the exclusions are lifted
    COUNT_OWN = "count_own"  # an owner's own votes count, these and further ones


# These take votes out of the count or put them back; the newest of them holds.
ON_VOTES = (ReviewOutcome.REJECT, ReviewOutcome.REINSTATE, ReviewOutcome.COUNT_OWN)


class QualityReview(models.Model):
    """A researcher's decision on an annotator: it answers every finding before it."""

    annotator = models.ForeignKey(Annotator, on_delete=models.PROTECT, related_name="reviews")
    outcome = models.CharField(max_length=16, choices=ReviewOutcome)
    reason = models.CharField(max_length=400)
    # Decided after outcomes could be seen, or by a rule that was not frozen at opening.
    post_hoc = models.BooleanField(default=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome__in=ReviewOutcome.values), name="review_outcome_known"
            ),
        ]
