"""What a study, its settings and its steps look like in requests and answers."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from annotation.lifecycle.generation import DEFAULT_OVERLAP, MAX_OVERLAP
from annotation.lifecycle.rubric import MOST_CRITERIA
from annotation.models import (
    SLUG_PATTERN,
    JobKind,
    JobState,
    ResultsPolicy,
    Role,
    Scale,
    Stopping,
    StudyState,
)
from annotation.pairing import Design

LARGEST = 1_000_000
LONGEST_REASON = 1_000
# Seeds are drawn, and texts are as long as a page: JSON numbers and bodies hold them.
LARGEST_SEED = 2**53


class StudySerializer(serializers.Serializer[Any]):
    """A study as its members see it."""

    slug = serializers.CharField(help_text="Its name in addresses and commands.")
    title = serializers.CharField(allow_blank=True)
    state = serializers.ChoiceField(choices=StudyState.values)
    roles = serializers.ListField(
        child=serializers.ChoiceField(choices=Role.values), help_text="What you are in it."
    )
    instructions = serializers.CharField(allow_blank=True, help_text="Markdown.")
    created_at = serializers.DateTimeField()
    opened_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)


class RunStudySerializer(StudySerializer):
    """A study as those see it who run it; the further fields are missing for others."""

    is_sealed = serializers.BooleanField(
        required=False, help_text="Whether names and outcomes are withheld."
    )
    unblinded_at = serializers.DateTimeField(allow_null=True, required=False)
    results = serializers.ChoiceField(choices=ResultsPolicy.values, required=False)
    stopping = serializers.ChoiceField(choices=Stopping.values, required=False)
    notice = serializers.CharField(allow_blank=True, required=False)
    target_votes = serializers.IntegerField(required=False)
    max_per_annotator = serializers.IntegerField(allow_null=True, required=False)
    rules = serializers.JSONField(
        required=False, help_text="What differs from the defaults, as in a study's file."
    )


class NewStudySerializer(serializers.Serializer[Any]):
    slug = serializers.RegexField(
        SLUG_PATTERN, max_length=64, help_text="1 to 64 small letters, digits, - or _."
    )
    title = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class SettingsSerializer(serializers.Serializer[Any]):
    """What is set; what is left out stays. An opened study gets a new version, with a reason."""

    title = serializers.CharField(max_length=200, required=False, allow_blank=True)
    instructions = serializers.CharField(
        required=False, allow_blank=True, trim_whitespace=False, help_text="Markdown."
    )
    notice = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)
    results = serializers.ChoiceField(choices=ResultsPolicy.values, required=False)
    stopping = serializers.ChoiceField(choices=Stopping.values, required=False)
    seed = serializers.IntegerField(min_value=0, max_value=LARGEST_SEED, required=False)
    target_votes = serializers.IntegerField(min_value=1, max_value=LARGEST, required=False)
    max_per_annotator = serializers.IntegerField(
        min_value=1, max_value=LARGEST, allow_null=True, required=False
    )
    rules = serializers.JSONField(
        required=False,
        help_text="The whole of the rules: what is left out is the default. But "
        "where an opened study has `count` as `quality.own_votes`, that stays until it is named.",
    )
    change_rules = serializers.DictField(
        child=serializers.DictField(), required=False,
        help_text="Single rules, by section and name, such as {\"limits\": {\"per_day\": 50}}. All "
        "others stay as they are, also those that somebody else changes meanwhile. In place of "
        "`rules`.",
    )  # fmt: skip
    overlap = serializers.IntegerField(
        min_value=1, max_value=MAX_OVERLAP, required=False,
        help_text="Votes on each pair of an opened study; can only be raised.",
    )  # fmt: skip
    items = serializers.ListField(
        child=serializers.CharField(max_length=255), min_length=1, max_length=10_000,
        required=False, help_text="The item ids that `overlap` is about; all by default.",
    )  # fmt: skip
    reason = serializers.CharField(
        max_length=LONGEST_REASON, required=False,
        help_text="Needed where the study was opened; kept.",
    )  # fmt: skip

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "items" in attrs and "overlap" not in attrs:
            raise serializers.ValidationError(
                {"items": "They say what `overlap` is about: name both."}
            )
        if "rules" in attrs and "change_rules" in attrs:
            raise serializers.ValidationError(
                {"change_rules": "Name the whole of the rules or single ones, not both."}
            )
        return attrs


class CriterionSerializer(serializers.Serializer[Any]):
    key = serializers.CharField(max_length=64, help_text="`overall` must be among them.")
    question = serializers.CharField(max_length=400)
    scale = serializers.ChoiceField(choices=Scale.values, default=Scale.TERNARY)
    both_bad = serializers.BooleanField(default=False)
    required = serializers.BooleanField(default=True)  # type: ignore[assignment]  # a field
    levels = serializers.ListField(
        child=serializers.DictField(child=serializers.CharField(allow_blank=True)),
        required=False,
        help_text="From worst to best: id, description, and optionally example and reason.",
    )


class RubricSerializer(serializers.Serializer[Any]):
    criteria = serializers.ListField(
        child=CriterionSerializer(), min_length=1, max_length=MOST_CRITERIA
    )
    reason = serializers.CharField(max_length=400, required=False)


class DesignSerializer(serializers.Serializer[Any]):
    """How responses are paired."""

    design = serializers.ChoiceField(
        choices=[design.value for design in Design], required=False, allow_null=True, default=None,
        help_text="all by default, or none where only identical pairs are asked for.",
    )  # fmt: skip
    anchor = serializers.CharField(
        max_length=255, required=False, allow_null=True, default=None, help_text="For `anchor`."
    )
    systems = serializers.ListField(
        child=serializers.CharField(max_length=255), default=list, max_length=1000,
        help_text="For `focused`.",
    )  # fmt: skip
    rounds = serializers.IntegerField(min_value=1, max_value=1000, default=1)
    overlap = serializers.IntegerField(min_value=1, max_value=MAX_OVERLAP, default=DEFAULT_OVERLAP)
    seed = serializers.IntegerField(min_value=0, max_value=LARGEST_SEED, default=0)
    identical = serializers.IntegerField(
        min_value=0, max_value=LARGEST, default=0,
        help_text="So many responses are paired with themselves, too.",
    )  # fmt: skip


class GeneratedSerializer(serializers.Serializer[Any]):
    created = serializers.IntegerField()
    existing = serializers.IntegerField(help_text="Pairs of the design that were there before.")
    identical = serializers.IntegerField()
    comparisons = serializers.IntegerField(help_text="In all, of kind work.")
    votes = serializers.IntegerField(help_text="That they ask for.")
    components = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField()),
        help_text="Groups of systems that never meet; one is what can be opened.",
    )


class JobSerializer(serializers.Serializer[Any]):
    """A step that the background does, since the study is large."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=JobKind.values)
    state = serializers.ChoiceField(choices=JobState.values)
    asked_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    unit = serializers.CharField(
        allow_blank=True,
        help_text="What is counted: pairs or responses. A change counts several things, one after "
        "the other; this says which, and is empty before the first and after the last.",
    )
    done = serializers.IntegerField()
    at_most = serializers.IntegerField(help_text="0 where nobody knows.")
    problem = serializers.CharField(allow_blank=True, help_text="Why it was not done.")
    found = serializers.DictField(
        help_text="Once it is done: what the step answers, without groups of systems; of a copy "
        "its `slug`. Of a file with bad rows: `bad_rows`, and, for a day and for whoever sent it, "
        "the first of them as `problems`."
    )


class ReadinessSerializer(serializers.Serializer[Any]):
    ready = serializers.BooleanField()
    faults = serializers.ListField(child=serializers.CharField(), help_text="Keep it from opening.")
    warnings = serializers.ListField(child=serializers.CharField())


class OpenSerializer(serializers.Serializer[Any]):
    allow_disconnected = serializers.BooleanField(
        default=False, help_text="Open although some systems never meet."
    )


class UnblindSerializer(serializers.Serializer[Any]):
    early = serializers.BooleanField(default=False, help_text="Before closing; needs a reason.")
    reason = serializers.CharField(max_length=400, required=False, allow_blank=True, default="")


class NothingSerializer(serializers.Serializer[Any]):
    """An empty object."""
