"""The system that a study's ratings are measured from."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from annotation.models import Study, System

LOWEST, HIGHEST = -1_000_000, 1_000_000
DEFAULT_RATING = 1000.0


class RatingAnchor(models.Model):
    """Where one system of a study stands in its reports. No row: each group's mean is 1000."""

    study = models.OneToOneField(Study, on_delete=models.CASCADE, related_name="rating_anchor")
    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="+")
    rating = models.FloatField(default=DEFAULT_RATING)
    # Whether it was chosen by its code, in a sealed study. One that was chosen by its name before
    # must not be shown by its code: whoever chose it would learn which is which.
    by_code = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(rating__gte=LOWEST, rating__lte=HIGHEST), name="rating_anchor_in_range"
            ),
        ]
