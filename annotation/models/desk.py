"""What lies on an annotator's desk: an answer begun, own keys, where they came from, messages."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from .assignments import Assignment
from .people import Annotator, Invitation
from .studies import Study


class Draft(models.Model):
    """An answer that was begun and not given: one for each annotator, replaced by the next.

    It is in nobody's way once its assignment is answered, and of no use to anybody: pages show it
    only for a pair that is still reserved. Erasing a person deletes it.
    """

    annotator = models.OneToOneField(
        Annotator, primary_key=True, on_delete=models.PROTECT, related_name="draft"
    )
    assignment = models.ForeignKey(Assignment, on_delete=models.PROTECT, related_name="+")
    # Choice and margin by criterion, as they were clicked.
    answers = models.JSONField(default=dict)
    rationale = models.TextField(blank=True)
    tags = models.JSONField(default=list)
    confidence = models.FloatField(null=True, blank=True)
    # When it was written, by this site's clock: something older does not replace it.
    saved_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return str(self.annotator_id)


class KeyMap(models.Model):
    """The keys that an annotator chose in place of the given ones: {"skip": "x", ...}."""

    annotator = models.OneToOneField(
        Annotator, primary_key=True, on_delete=models.PROTECT, related_name="key_map"
    )
    keys = models.JSONField(default=dict)

    def __str__(self) -> str:
        return str(self.annotator_id)


class CrowdArrival(models.Model):
    """Who came by a recruitment platform, by the names that the platform gave.

    Erasing a person deletes it; who comes again by these names is somebody new then.
    """

    annotator = models.OneToOneField(
        Annotator, primary_key=True, on_delete=models.PROTECT, related_name="crowd_arrival"
    )
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="crowd_arrivals")
    invitation = models.ForeignKey(Invitation, on_delete=models.PROTECT, related_name="arrivals")
    participant = models.CharField(max_length=255)
    # Of the platform's own: its study and its session or submission.
    platform_study = models.CharField(max_length=255, blank=True)
    platform_session = models.CharField(max_length=255, blank=True)
    arrived_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["study", "participant"], name="crowd_arrival_once"),
        ]

    def __str__(self) -> str:
        return self.participant


class Message(models.Model):
    """What a researcher wrote to an annotator, who sees it until they have read it."""

    # All that a browser learns of it besides the text.
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    annotator = models.ForeignKey(Annotator, on_delete=models.PROTECT, related_name="messages")
    text = models.TextField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="message_says_something"),
        ]

    def __str__(self) -> str:
        return str(self.public_id)
