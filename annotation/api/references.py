"""Reference answers of a draft's prompts, written one by one; files of them are imported."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.lifecycle.references import set_references
from annotation.models import Prompt

from .edges import StudyView
from .problems import Refused
from .schema import OF_A_STUDY, tells

MOST_AT_ONCE = 1000


class ReferenceSerializer(serializers.Serializer[Any]):
    prompt_id = serializers.CharField(max_length=255)
    reference = serializers.CharField(
        allow_blank=True, trim_whitespace=False, help_text="Empty takes it away."
    )


class ReferencesSerializer(serializers.Serializer[Any]):
    references = serializers.ListField(
        child=ReferenceSerializer(), min_length=1, max_length=MOST_AT_ONCE
    )


class ChangedSerializer(serializers.Serializer[Any]):
    changed = serializers.IntegerField(help_text="Prompts that have another reference now.")


class References(StudyView):
    @extend_schema(
        **tells(
            ChangedSerializer, "references_set", "Write reference answers of a draft's prompts",
            OF_A_STUDY, takes=ReferencesSerializer,
        )
    )  # fmt: skip
    def patch(self, request: Request, slug: str) -> Response:
        entries = self.read(ReferencesSerializer)["references"]
        names = [entry["prompt_id"] for entry in entries]
        keys = dict(
            Prompt.objects.filter(study=self.study, prompt_id__in=names).values_list(
                "prompt_id", "pk"
            )
        )
        faults = [
            (
                f"references[{number}].prompt_id",
                "It comes twice." if name in keys else "The study has no such prompt.",
            )
            for number, name in enumerate(names)
            if name not in keys or name in names[:number]
        ]
        if faults:
            raise Refused("No reference was written.", faults)
        wanted = {keys[entry["prompt_id"]]: entry["reference"] for entry in entries}
        return Response({"changed": set_references(self.study, wanted, self.user)})
