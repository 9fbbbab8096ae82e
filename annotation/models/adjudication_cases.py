"""A disagreement on a reviewer's desk: lent with a side and a lease, like an assignment."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from .comparisons import Comparison


class CaseState(models.TextChoices):
    HELD = "held"  # on the adjudicator's desk
    LAPSED = "lapsed"  # a colleague got it after the lease had run out
    SKIPPED = "skipped"  # left to others
    DECIDED = "decided"


class AdjudicationCase(models.Model):
    """One comparison as one adjudicator gets to see it.

    `public_id` is all that a browser ever learns of it; it serves nobody else. What was decided
    stands in `Adjudication`, which has no need of this row.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    comparison = models.ForeignKey(
        Comparison, on_delete=models.PROTECT, related_name="adjudication_cases"
    )
    adjudicator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="adjudication_cases"
    )
    # False: response a is shown left. Drawn once, never changed.
    swapped = models.BooleanField()
    state = models.CharField(max_length=16, choices=CaseState, default=CaseState.HELD)
    lease_expires_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["comparison", "adjudicator"], name="adjudication_case_once"
            ),
            models.UniqueConstraint(
                fields=["comparison"],
                condition=Q(state=CaseState.HELD),
                name="adjudication_case_held_by_one",
            ),
            models.CheckConstraint(
                condition=Q(state__in=CaseState.values), name="adjudication_case_state_known"
            ),
        ]
        indexes = [
            models.Index(fields=["adjudicator", "state"], name="adjudication_case_on_desk"),
        ]
