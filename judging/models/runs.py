"""Runs of judges, the calls that they are made of, and each request that left for one."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from annotation.models import Comparison, Study

from .judges import JudgeVersion


class Order(models.TextChoices):
    """Which response the judge saw first; `both`: imported, already reconciled."""

    AB = "ab"
    BA = "ba"
    BOTH = "both"


class RunState(models.TextChoices):
    DRAFT = "draft"
    QUOTED = "quoted"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"


LIVE_RUN_STATES = [RunState.DRAFT, RunState.QUOTED, RunState.RUNNING, RunState.PAUSED]


class JudgeRun(models.Model):
    """A frozen list of comparisons sent to one judge version."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="judge_runs")
    version = models.ForeignKey(JudgeVersion, on_delete=models.PROTECT, related_name="runs")
    state = models.CharField(max_length=16, choices=RunState, default=RunState.DRAFT)
    pause_cause = models.CharField(max_length=64, blank=True)
    # US dollars; NULL: no cap.
    budget = models.DecimalField(max_digits=20, decimal_places=10, null=True, blank=True)
    reserved = models.DecimalField(max_digits=20, decimal_places=10, default=0)
    spent = models.DecimalField(max_digits=20, decimal_places=10, default=0)
    replicates = models.PositiveSmallIntegerField(default=1)
    seed = models.PositiveBigIntegerField(default=0)
    # Comparisons whose two responses are equal: nothing to ask.
    skipped_identical = models.PositiveIntegerField(default=0)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # Of a draft: whoever writes its calls renews it, and after it the draft is deleted.
    prepared_until = models.DateTimeField(null=True, blank=True)
    # What went wrong before it was resumed or asked again counts no more.
    resumed_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["study", "version"],
                condition=Q(state__in=LIVE_RUN_STATES),
                name="judge_run_one_live",
            ),
            models.CheckConstraint(
                condition=Q(state__in=RunState.values), name="judge_run_state_known"
            ),
            models.CheckConstraint(
                condition=Q(prepared_until__isnull=True) | Q(state=RunState.DRAFT),
                name="judge_run_prepared_as_draft",
            ),
            models.CheckConstraint(
                condition=Q(budget__isnull=True)
                | Q(budget__gte=models.F("spent") + models.F("reserved")),
                name="judge_run_within_budget",
            ),
        ]


class CallState(models.TextChoices):
    PENDING = "pending"
    LEASED = "leased"
    SUCCEEDED = "succeeded"
    UNPARSED = "unparsed"
    REFUSED = "refused"
    FAILED_PERMANENT = "failed_permanent"
    CANCELLED = "cancelled"


# Waits for a rate limit are not attempts.
MAX_ATTEMPTS = 5


class JudgeCall(models.Model):
    """One comparison in one order, to be asked once per replicate."""

    run = models.ForeignKey(JudgeRun, on_delete=models.PROTECT, related_name="calls")
    comparison = models.ForeignKey(Comparison, on_delete=models.PROTECT, related_name="+")
    order = models.CharField(max_length=4, choices=Order)
    replicate = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=20, choices=CallState, default=CallState.PENDING)
    # Equal requests of other runs can be reused; not unique, since equal texts occur.
    content_key = models.CharField(max_length=64, db_index=True)
    lease_token = models.UUIDField(null=True, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    attempts_made = models.PositiveSmallIntegerField(default=0)
    failure = models.CharField(max_length=64, blank=True)
    # Its answer was copied from an equal question of an earlier run, at no cost.
    reused_from = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "comparison", "order", "replicate"], name="judge_call_once"
            ),
            models.CheckConstraint(
                condition=Q(order__in=[Order.AB, Order.BA]), name="judge_call_has_one_order"
            ),
            models.CheckConstraint(
                condition=Q(state__in=CallState.values), name="judge_call_state_known"
            ),
            models.CheckConstraint(
                condition=Q(attempts_made__lte=MAX_ATTEMPTS), name="judge_call_attempts_bounded"
            ),
            models.CheckConstraint(
                condition=~Q(state=CallState.LEASED)
                | Q(lease_token__isnull=False, lease_expires_at__isnull=False),
                name="judge_call_lease_complete",
            ),
        ]
        indexes = [
            models.Index(
                fields=["run", "not_before"],
                condition=Q(state=CallState.PENDING),
                name="judge_call_due",
            ),
            # How far a run is.
            models.Index(fields=["run", "state"], name="judge_call_by_state"),
            # What lapsed, of all runs.
            models.Index(
                fields=["lease_expires_at"],
                condition=Q(state=CallState.LEASED),
                name="judge_call_lapsed",
            ),
        ]


class JudgeAttempt(models.Model):
    """One request that left, committed before it did. Append-only but for its outcome."""

    call = models.ForeignKey(JudgeCall, on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True)
    status_class = models.CharField(max_length=32, blank=True)
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    latency_ms = models.FloatField(null=True, blank=True)
    usage = models.JSONField(default=dict, blank=True)
    reserved = models.DecimalField(max_digits=20, decimal_places=10, default=0)
    cost = models.DecimalField(max_digits=20, decimal_places=10, null=True, blank=True)
    provider_request_id = models.CharField(max_length=255, blank=True)
    finish_reason = models.CharField(max_length=64, blank=True)
    # Capped, and blanked after the retention period.
    body = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["call", "number"], name="judge_attempt_once"),
        ]
        indexes = [
            # The few whose usage is missing or cannot be true, to be told of beside a run.
            models.Index(
                fields=["call"],
                condition=Q(usage__has_key="flag"),
                name="judge_attempt_odd_usage",
            ),
        ]
