"""What scripts are known by, and the answers that they may ask for once more."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from .studies import Study


class ApiToken(models.Model):
    """A key to the REST API. Only its hash is stored; the prefix tells one from another.

    It never opens more than its owner's roles do at the moment of a request.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="api_tokens"
    )
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12)
    token_hash = models.CharField(max_length=64, unique=True)
    # None: every study of the owner, those to come as well.
    study = models.ForeignKey(
        Study, null=True, blank=True, on_delete=models.PROTECT, related_name="api_tokens"
    )
    may_read = models.BooleanField(default=False)
    may_write = models.BooleanField(default=False)
    may_annotate = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    # At a precision of a minute, so that reading writes nothing most of the time.
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(may_read=True) | Q(may_write=True) | Q(may_annotate=True),
                name="api_token_opens_something",
            ),
        ]

    def __str__(self) -> str:
        return self.prefix


class RememberedAnswer(models.Model):
    """The answer to a write that named an Idempotency-Key, for whoever sends it once more.

    The key is stored as a hash, and the answer under a cipher that needs the key itself: answers
    hold links that are shown once.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    key_hash = models.CharField(max_length=64)
    # Of method, address and body.
    request_hash = models.CharField(max_length=64)
    # None while the first request is at work.
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    answer = models.BinaryField(default=b"")
    created_at = models.DateTimeField(default=timezone.now, editable=False, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "key_hash"], name="remembered_answer_once"),
        ]
