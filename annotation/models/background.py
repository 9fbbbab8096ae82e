"""What rows have in common that wait for a worker of the background."""

from __future__ import annotations

import uuid

from django.db import models


class BackgroundWork(models.Model):
    """A row that is the queue itself; see `annotation.taking_turns`."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    # How often a worker began; with the lease it tells a lost one from a slow.
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True
