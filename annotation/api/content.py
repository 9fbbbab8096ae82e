"""What is compared: systems, prompts, responses and comparisons, for those who run the study.

While a study is sealed its systems are called by their codes, as everywhere beside votes; the list
of names alone says no more than the files that were imported. Nor may the order of anything: what
is called by codes is ordered by codes, rows as well as sides.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response as Answer

from annotation.models import (
    Comparison,
    ComparisonKind,
    Prompt,
    Response,
    Study,
    System,
)

from .edges import PAGED
from .lists import FilteredView
from .schema import OF_A_STUDY, lists


class SystemSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()


class PromptSerializer(serializers.Serializer[Any]):
    prompt_id = serializers.CharField()
    prompt = serializers.CharField(
        source="text", allow_blank=True, help_text="Empty where it is a conversation."
    )
    messages = serializers.ListField(
        child=serializers.DictField(), allow_null=True, help_text="Of a conversation, or null."
    )
    reference = serializers.CharField(allow_blank=True)
    category = serializers.CharField(allow_blank=True)
    tags = serializers.ListField(child=serializers.CharField())
    weight = serializers.FloatField()


class ResponseSerializer(serializers.Serializer[Any]):
    prompt_id = serializers.CharField(source="prompt.prompt_id")
    system = serializers.SerializerMethodField(help_text="Its code while the study is sealed.")
    sample = serializers.IntegerField()
    response = serializers.CharField(source="text", allow_blank=True)

    def get_system(self, row: Response) -> str:
        return called(row.system, self.context["study"])


class ComparisonSerializer(serializers.Serializer[Any]):
    item_id = serializers.CharField(allow_null=True)
    prompt_id = serializers.CharField(source="prompt.prompt_id")
    kind = serializers.ChoiceField(choices=ComparisonKind.values)
    system_a = serializers.SerializerMethodField(help_text="Its code while the study is sealed.")
    system_b = serializers.SerializerMethodField()
    sample_a = serializers.IntegerField(source="response_a.sample")
    sample_b = serializers.IntegerField(source="response_b.sample")
    overlap = serializers.IntegerField(help_text="Votes wanted.")
    is_open = serializers.BooleanField(source="open", help_text="Whether a place is free.")

    def get_system_a(self, row: Comparison) -> str:
        return called(row.system_a, self.context["study"])

    def get_system_b(self, row: Comparison) -> str:
        return called(row.system_b, self.context["study"])

    def to_representation(self, instance: Comparison) -> dict[str, Any]:
        shown = super().to_representation(instance)
        if self.context["study"].is_sealed:
            # Pairs are stored in the order of their names: by code, the sides say nothing of it.
            first, second = sorted(
                (shown[f"system_{side}"], shown[f"sample_{side}"]) for side in "ab"
            )
            shown["system_a"], shown["sample_a"] = first
            shown["system_b"], shown["sample_b"] = second
        return shown


def called(system: System, study: Study) -> str:
    return system.code if study.is_sealed else system.name


KIND = OpenApiParameter(
    "kind", {"type": "string", "enum": list(ComparisonKind.values)}, description="Of this kind."
)
CATEGORY = OpenApiParameter("category", OpenApiTypes.STR, description="Of prompts like this.")
PROMPT = OpenApiParameter("prompt_id", OpenApiTypes.STR, description="Of this prompt.")


class Systems(FilteredView):
    @extend_schema(**lists(SystemSerializer, "systems_list", "List the systems", OF_A_STUDY))
    def get(self, request: Request, slug: str) -> Answer:
        # By name: the order of arrival could be laid beside that of other lists.
        rows = System.objects.filter(study=self.study)
        return self.paginated(rows, SystemSerializer, ordering=("name",))


class Prompts(FilteredView):
    filters = {"category": "category", "prompt_id": "prompt_id"}
    reads = (*PAGED, *filters)

    @extend_schema(
        **lists(
            PromptSerializer, "prompts_list", "List the prompts", OF_A_STUDY,
            [CATEGORY, PROMPT], (422,),
        )
    )  # fmt: skip
    def get(self, request: Request, slug: str) -> Answer:
        rows = self.narrowed(Prompt.objects.filter(study=self.study))
        return self.paginated(rows, PromptSerializer)


class Responses(FilteredView):
    filters = {"prompt_id": "prompt__prompt_id"}
    reads = (*PAGED, *filters)

    @extend_schema(
        **lists(
            ResponseSerializer, "responses_list", "List the responses", OF_A_STUDY, [PROMPT], (422,)
        )
    )
    def get(self, request: Request, slug: str) -> Answer:
        rows = Response.objects.filter(prompt__study=self.study).select_related("prompt", "system")
        # A sealed study's by code: files tend to have the systems of a prompt in one order.
        ordering = ("prompt_id", "system__code", "sample") if self.study.is_sealed else ("pk",)
        return self.paginated(
            self.narrowed(rows), ResponseSerializer, ordering=ordering, study=self.study
        )


class Comparisons(FilteredView):
    filters = {"kind": "kind", "prompt_id": "prompt__prompt_id", "category": "prompt__category"}
    choices = {"kind": ComparisonKind.values}
    reads = (*PAGED, *filters)

    @extend_schema(
        **lists(
            ComparisonSerializer, "comparisons_list", "List the comparisons", OF_A_STUDY,
            [KIND, PROMPT, CATEGORY], (422,),
        )
    )  # fmt: skip
    def get(self, request: Request, slug: str) -> Answer:
        rows = Comparison.objects.filter(study=self.study).select_related(
            "prompt", "system_a", "system_b", "response_a", "response_b"
        )
        return self.paginated(self.narrowed(rows), ComparisonSerializer, study=self.study)
