"""The shapes of judges and runs, as a script sends and gets them. No key ever comes out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from judging import presets
from judging.budget import MOST_PRICE, SMALLEST
from judging.endpoints.addresses import SIMULATOR_URL
from judging.endpoints.keys import MOST_KEY_CHARACTERS
from judging.judge_files import (
    DEFAULT_TOKENS,
    LONGEST_INSTRUCTION,
    LONGEST_NAME,
    MOST_MEMBERS,
    MOST_TOKENS,
    STUDY_RUBRIC,
    TOKENS_FIELDS,
)
from judging.models import RunState
from judging.outcomes import Outcome
from judging.runs.planning import MOST_REPLICATES

MOST_A_MINUTE = 1_000_000_000
# What a number of JSON holds exactly.
LARGEST_SEED = 2**53 - 1
OUTCOMES = [outcome.value for outcome in Outcome]
# What the columns of money hold.
MONEY: dict[str, Any] = {"max_digits": 20, "decimal_places": 10}


# -- judges ----------


class InstructionSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(
        max_length=LONGEST_NAME,
        help_text=f"A ready-made one ({', '.join(presets.INSTRUCTIONS)}), or what yours is called.",
    )
    text = serializers.CharField(
        max_length=LONGEST_INSTRUCTION, required=False, help_text="Of an instruction of your own."
    )


def named_key() -> serializers.CharField:
    return serializers.CharField(
        max_length=40,
        required=False,
        help_text="Name of a key that the site's operator has set for this address, not the key.",
    )


class EndpointDraftSerializer(serializers.Serializer[Any]):
    """Where judges are asked; judges of one endpoint share its key and its limits."""

    name = serializers.CharField(max_length=64)
    base_url = serializers.CharField(
        max_length=500, help_text=f"Up to /v1; {SIMULATOR_URL} is simulated and needs no key."
    )
    key_variable = named_key()
    requests_per_minute = serializers.IntegerField(
        min_value=0,
        max_value=MOST_A_MINUTE,
        required=False,
        help_text="Left out: as it is. 0: no limit.",
    )
    tokens_per_minute = serializers.IntegerField(
        min_value=0, max_value=MOST_A_MINUTE, required=False, help_text="Likewise."
    )


class PriceSerializer(serializers.Serializer[Any]):
    """US dollars for a million tokens."""

    input = serializers.DecimalField(min_value=Decimal(0), max_value=MOST_PRICE, **MONEY)
    cached_input = serializers.DecimalField(
        min_value=Decimal(0), max_value=MOST_PRICE, required=False, **MONEY
    )
    output = serializers.DecimalField(min_value=Decimal(0), max_value=MOST_PRICE, **MONEY)


class ModelSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=LONGEST_NAME)
    max_tokens = serializers.IntegerField(
        min_value=1, max_value=MOST_TOKENS, default=DEFAULT_TOKENS, help_text="Of a reply."
    )
    tokens_field = serializers.ChoiceField(choices=TOKENS_FIELDS, default=TOKENS_FIELDS[0])
    temperature = serializers.FloatField(min_value=0, max_value=2, required=False)
    top_p = serializers.FloatField(required=False)
    top_k = serializers.IntegerField(min_value=0, max_value=LARGEST_SEED, required=False)
    presence_penalty = serializers.FloatField(required=False)
    frequency_penalty = serializers.FloatField(required=False)
    seed = serializers.IntegerField(min_value=-LARGEST_SEED, max_value=LARGEST_SEED, required=False)
    reasoning_effort = serializers.CharField(max_length=40, required=False)
    price = PriceSerializer(required=False, help_text="Without it no budget can be kept.")


class JudgeDraftSerializer(serializers.Serializer[Any]):
    """What a file for add_judge states: each model with each instruction is a judge."""

    name = serializers.CharField(max_length=LONGEST_NAME)
    rubric = serializers.ChoiceField(
        choices=[STUDY_RUBRIC, *presets.rubric_names()], default=STUDY_RUBRIC
    )
    instructions = serializers.ListField(
        child=InstructionSerializer(), min_length=1, max_length=MOST_MEMBERS, required=False,
        help_text="The assessor by default.",
    )  # fmt: skip
    endpoint = EndpointDraftSerializer()
    models = serializers.ListField(child=ModelSerializer(), min_length=1, max_length=MOST_MEMBERS)
    key = serializers.CharField(
        max_length=MOST_KEY_CHARACTERS, required=False, write_only=True,
        help_text="Of the endpoint: stored encrypted, and never answered. Left out: as it is.",
    )  # fmt: skip


class KeySerializer(serializers.Serializer[Any]):
    """A key, or the name of one of the site's: one of the two."""

    key = serializers.CharField(max_length=MOST_KEY_CHARACTERS, required=False, write_only=True)
    key_variable = named_key()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            raise serializers.ValidationError("Give key or key_variable: one of the two.")
        return attrs


class EndpointSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    base_url = serializers.CharField()
    has_key = serializers.BooleanField()
    key_hint = serializers.CharField(allow_blank=True, help_text="The last characters, or empty.")
    key_variable = serializers.CharField(
        allow_blank=True, help_text="Name of the site's key that is used, or empty."
    )
    requests_per_minute = serializers.IntegerField(allow_null=True)
    tokens_per_minute = serializers.IntegerField(allow_null=True)
    tested_at = serializers.DateTimeField(allow_null=True)
    test_result = serializers.CharField(allow_blank=True)


class VersionSerializer(serializers.Serializer[Any]):
    """A version of a judge. It never changes: a change is a further version."""

    id = serializers.IntegerField(source="pk", help_text="In addresses below judges.")
    judge = serializers.CharField(source="judge.judge_id")
    version = serializers.IntegerField(source="number")
    imported = serializers.BooleanField(help_text="Labels made elsewhere: it cannot be asked.")
    model = serializers.SerializerMethodField()
    content_hash = serializers.CharField()
    created_at = serializers.DateTimeField()

    def get_model(self, row: Any) -> str | None:
        model = row.config.get("model")
        return None if model is None else str(model)


class WholeVersionSerializer(VersionSerializer):
    config = serializers.JSONField(help_text="All that decides what it is sent.")
    endpoint = EndpointSerializer(allow_null=True)
    warnings = serializers.ListField(child=serializers.CharField())
    live_run = serializers.IntegerField(allow_null=True, help_text="One that has not ended.")


class AddedVersionSerializer(VersionSerializer):
    is_new = serializers.BooleanField(help_text="False: it was there before, unchanged.")


class AddedSerializer(serializers.Serializer[Any]):
    judges = AddedVersionSerializer(many=True)


class ConnectionSerializer(serializers.Serializer[Any]):
    """What came of asking an endpoint about a pair of a few words."""

    outcome = serializers.ChoiceField(choices=OUTCOMES)
    said = serializers.CharField(help_text="The same in words.")


class TrySerializer(serializers.Serializer[Any]):
    item_id = serializers.CharField(max_length=255, help_text="Of a comparison of kind work.")
    order = serializers.ChoiceField(
        choices=["ab", "ba"], default="ab", help_text="Which stands first, of the two as listed."
    )


class SentSerializer(serializers.Serializer[Any]):
    role = serializers.CharField()
    content = serializers.CharField(allow_blank=True)


class TriedSerializer(serializers.Serializer[Any]):
    """What was sent, what came back, and what was read of it. It counts in no figure."""

    outcome = serializers.ChoiceField(choices=OUTCOMES)
    said = serializers.CharField(help_text="The outcome in words.")
    grade = serializers.CharField(allow_null=True, help_text="As the judge wrote it, or null.")
    verdict = serializers.CharField(
        allow_null=True, help_text="a, b, tie or both_bad; null without, and while sealed."
    )
    margin = serializers.IntegerField(allow_null=True)
    confidence = serializers.FloatField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)
    levels = serializers.JSONField(help_text="By criterion: first, second and the reason.")
    contradicts = serializers.BooleanField(help_text="The levels say otherwise than the grade.")
    missing = serializers.CharField(allow_blank=True, help_text="Why no answer could be read.")
    reply = serializers.CharField(allow_blank=True)
    form = serializers.CharField(help_text="The form in which an answer was asked for.")
    latency_ms = serializers.FloatField()
    messages = SentSerializer(many=True)


# -- runs ----------


class PlannedRunSerializer(serializers.Serializer[Any]):
    replicates = serializers.IntegerField(
        min_value=1, max_value=MOST_REPLICATES, default=1, help_text="Of each pair in each order."
    )
    fresh = serializers.BooleanField(
        default=False, help_text="Ask again what an earlier run has answered."
    )


class BudgetSerializer(serializers.Serializer[Any]):
    budget = serializers.DecimalField(
        min_value=Decimal("0.0001"), max_digits=12, decimal_places=4, required=False,
        allow_null=True, default=None, help_text="US dollars that are never exceeded.",
    )  # fmt: skip


class StartSerializer(PlannedRunSerializer, BudgetSerializer):
    """A run; without a budget there is no cap."""


class QuoteSerializer(serializers.Serializer[Any]):
    """What a run would ask and cost; nothing is sent."""

    comparisons = serializers.IntegerField()
    skipped_identical = serializers.IntegerField(help_text="Pairs of two equal responses.")
    calls = serializers.IntegerField()
    reused = serializers.IntegerField(help_text="Of these, answered already at no cost.")
    input_tokens = serializers.IntegerField(help_text="Likely.")
    output_tokens = serializers.IntegerField(help_text="Likely.")
    cost = serializers.DecimalField(
        max_digits=None, decimal_places=10, allow_null=True, help_text="Null without a price card."
    )
    worst_case = serializers.DecimalField(
        max_digits=None, decimal_places=10, allow_null=True, help_text="If each is sent once."
    )


class JudgeQuoteSerializer(QuoteSerializer):
    judge = serializers.CharField(source="version.judge.judge_id")
    version = serializers.IntegerField(source="version.number")
    judge_version = serializers.IntegerField(source="version.pk", help_text="The version's id.")
    part = serializers.DecimalField(
        **MONEY, allow_null=True, help_text="Of the budget: that of its run. Null without one."
    )


class TogetherQuoteSerializer(serializers.Serializer[Any]):
    """What a first run of each judge that has had none would ask and cost; nothing is sent."""

    judges = JudgeQuoteSerializer(many=True)
    together = QuoteSerializer()
    budget = serializers.DecimalField(**MONEY, allow_null=True)
    left = serializers.DecimalField(
        **MONEY, allow_null=True,
        help_text="Of the study's budget for all judges; null: there is none.",
    )  # fmt: skip
    above_budget = serializers.BooleanField(
        help_text="They could cost more than the budget, and would pause there."
    )
    above_left = serializers.BooleanField(help_text="Likewise, than is left.")


class RunSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="pk")
    judge = serializers.CharField(source="version.judge.judge_id")
    version = serializers.IntegerField(source="version.number")
    judge_version = serializers.IntegerField(source="version_id", help_text="The version's id.")
    state = serializers.ChoiceField(choices=RunState.values)
    pause_cause = serializers.CharField(allow_blank=True)
    budget = serializers.DecimalField(allow_null=True, **MONEY)
    spent = serializers.DecimalField(**MONEY)
    reserved = serializers.DecimalField(**MONEY)
    replicates = serializers.IntegerField()
    skipped_identical = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class RunProgressSerializer(serializers.Serializer[Any]):
    asked = serializers.IntegerField(help_text="Calls of the run.")
    done = serializers.IntegerField()
    parsed = serializers.IntegerField(help_text="With an answer.")
    reused = serializers.IntegerField(help_text="Of these, from an earlier run.")
    waiting = serializers.IntegerField()
    in_flight = serializers.IntegerField()
    cancelled = serializers.IntegerField()
    missing = serializers.DictField(
        child=serializers.IntegerField(), help_text="Calls without an answer, by cause."
    )
    too_many_missing = serializers.BooleanField(help_text="More than 2 %: figures may be bent.")
    pause = serializers.CharField(allow_blank=True, help_text="Why it is paused, in words.")
    waits_until = serializers.DateTimeField(allow_null=True)


class WholeRunSerializer(RunSerializer):
    progress = RunProgressSerializer()


class StartedSerializer(serializers.Serializer[Any]):
    runs = RunSerializer(many=True)


# -- what all judges may cost ----------


class StudyBudgetSerializer(serializers.Serializer[Any]):
    amount = serializers.DecimalField(
        **MONEY,
        min_value=SMALLEST,
        allow_null=True,
        help_text="US dollars for all judges, over every run, test and try-out; null: no cap.",
    )


class JudgeMoneySerializer(serializers.Serializer[Any]):
    """What all judges of a study have cost, and may cost, together, in US dollars."""

    amount = serializers.DecimalField(**MONEY, allow_null=True, help_text="null: no cap.")
    spent = serializers.DecimalField(**MONEY)
    reserved = serializers.DecimalField(**MONEY, help_text="For what is in flight.")
    left = serializers.DecimalField(**MONEY, allow_null=True, help_text="null: no cap.")
    trials = serializers.IntegerField(help_text="Tests and try-outs, outside of runs.")
    spent_on_trials = serializers.DecimalField(**MONEY, help_text="Their part of `spent`.")
