"""The append-only, hash-chained log."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from .studies import Study


class AuditChain(models.Model):
    """The head of one chain: a study's, or the site's. Locked while an entry is added."""

    scope = models.CharField(max_length=80, primary_key=True)
    seq = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64, blank=True)


class AuditEntry(models.Model):
    """One recorded act. `hash` covers every other column and the hash before it."""

    scope = models.CharField(max_length=80)
    seq = models.PositiveBigIntegerField()
    study = models.ForeignKey(
        Study, null=True, blank=True, on_delete=models.PROTECT, related_name="audit_entries"
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    action = models.CharField(max_length=64)
    detail = models.JSONField(default=dict)
    at = models.DateTimeField(default=timezone.now)
    prev_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    class Meta:
        verbose_name_plural = "audit entries"
        constraints = [
            models.UniqueConstraint(fields=["scope", "seq"], name="audit_entry_in_order"),
        ]
