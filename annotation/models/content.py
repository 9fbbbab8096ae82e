"""What is compared: prompts, systems and their responses, and where they came from."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from .studies import Study


class Prompt(models.Model):
    """An input: one message (`text`) or a conversation (`messages`)."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="prompts")
    prompt_id = models.CharField(max_length=255)
    text = models.TextField(blank=True)
    # [{"role", "content"}, ...] or null; then `text` is empty.
    messages = models.JSONField(null=True, blank=True)
    reference = models.TextField(blank=True)
    category = models.CharField(max_length=255, blank=True)
    tags = models.JSONField(default=list, blank=True)
    # Production frequency, relative to the other prompts of the study.
    weight = models.FloatField(default=1.0)
    # Automatic checks for evaluators, as imported.
    checks = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["study", "prompt_id"], name="prompt_id_once"),
            models.CheckConstraint(condition=Q(weight__gte=0), name="prompt_weight_not_negative"),
            models.CheckConstraint(
                condition=Q(messages__isnull=True) | Q(text=""), name="prompt_text_or_messages"
            ),
        ]

    def __str__(self) -> str:
        return self.prompt_id


class System(models.Model):
    """A model with its settings. `code` stands in for the name while a study is sealed."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="systems")
    name = models.CharField(max_length=255)
    # Drawn at opening, independent of names and import order; empty before.
    code = models.CharField(max_length=16, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["study", "name"], name="system_name_once"),
            models.UniqueConstraint(
                fields=["study", "code"], condition=~Q(code=""), name="system_code_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Response(models.Model):
    """A system's output to a prompt. An empty text is a real output."""

    prompt = models.ForeignKey(Prompt, on_delete=models.PROTECT, related_name="responses")
    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="responses")
    sample = models.PositiveIntegerField(default=0)
    text = models.TextField(blank=True)
    latency_ms = models.FloatField(null=True, blank=True)
    ttft_ms = models.FloatField(null=True, blank=True)
    input_tokens = models.PositiveBigIntegerField(null=True, blank=True)
    output_tokens = models.PositiveBigIntegerField(null=True, blank=True)
    # US dollars.
    cost = models.DecimalField(max_digits=20, decimal_places=10, null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["prompt", "system", "sample"], name="response_sample_once"
            ),
            *(
                models.CheckConstraint(
                    condition=Q(**{f"{name}__isnull": True}) | Q(**{f"{name}__gte": 0}),
                    name=f"response_{name}_not_negative",
                )
                for name in ("latency_ms", "ttft_ms", "cost")
            ),
        ]


class ImportKind(models.TextChoices):
    RESPONSES = "responses"
    PROMPTS = "prompts"
    COMPARISONS = "comparisons"
    VOTES = "votes"
    JUDGMENTS = "judgments"


class ImportFile(models.Model):
    """A file that was stored; the same content is never stored twice."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="import_files")
    kind = models.CharField(max_length=16, choices=ImportKind)
    sha256 = models.CharField(max_length=64)
    name = models.CharField(max_length=255)
    rows = models.PositiveIntegerField()
    skipped_rows = models.PositiveIntegerField(default=0)
    imported_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT
    )
    imported_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["study", "kind", "sha256"], name="import_file_once"),
            models.CheckConstraint(
                condition=Q(kind__in=ImportKind.values), name="import_file_kind_known"
            ),
        ]
