"""Judges and their versions: list, add, give a key, test the connection, try one pair."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.edges import PAGED
from annotation.api.lists import FilteredView
from annotation.api.schema import OF_A_STUDY, lists, tells
from annotation.api.study_shapes import NothingSerializer
from annotation.models import Comparison, ComparisonKind
from judging.endpoints.saving import EndpointFault
from judging.judge_files import read_draft
from judging.judges import add_judges, endpoint_of, replace_key, warnings_about
from judging.models import JudgeVersion
from judging.outcomes import IN_WORDS
from judging.parsing import Missing
from judging.runs.asking import TEXTS
from judging.runs.progress import DETAILS
from judging.runs.starting import live_run
from judging.trying import Tried, check_connection, note_look, try_out

from .edges import JudgeView
from .shapes import (
    AddedSerializer,
    AddedVersionSerializer,
    ConnectionSerializer,
    EndpointSerializer,
    JudgeDraftSerializer,
    KeySerializer,
    TriedSerializer,
    TrySerializer,
    VersionSerializer,
    WholeVersionSerializer,
)

JUDGE = OpenApiParameter("judge", OpenApiTypes.STR, description="Of this name.")


def as_filed(body: dict[str, Any]) -> dict[str, Any]:
    """What a file for `add_judge` would state."""
    draft = {name: value for name, value in body.items() if name != "key"}
    if "instructions" in draft:
        draft["instructions"] = [
            dict(one) if "text" in one else one["name"] for one in draft["instructions"]
        ]
    draft["models"] = [
        {**model, "price": {name: str(value) for name, value in model["price"].items()}}
        if "price" in model
        else dict(model)
        for model in draft["models"]
    ]
    return draft


class Judges(FilteredView, JudgeView):
    filters = {"judge": "judge__judge_id"}
    reads = (*PAGED, *filters)

    @extend_schema(
        **lists(VersionSerializer, "judges_list", "List versions of judges", OF_A_STUDY, [JUDGE])
    )
    def get(self, request: Request, slug: str) -> Response:
        rows = JudgeVersion.objects.filter(judge__study=self.study).select_related("judge")
        return self.paginated(self.narrowed(rows), VersionSerializer)

    @extend_schema(
        **tells(
            AddedSerializer, "judges_create", "Add judges, or further versions of them",
            OF_A_STUDY, 201, takes=JudgeDraftSerializer,
        )
    )  # fmt: skip
    def post(self, request: Request, slug: str) -> Response:
        wanted = self.read(JudgeDraftSerializer)
        added = add_judges(
            self.study,
            read_draft(as_filed(wanted), "The judge"),
            actor=self.user,
            key=wanted.get("key", ""),
        )
        rows = []
        for one in added:
            one.version.is_new = one.is_new  # type: ignore[attr-defined]  # for the serializer
            rows.append(AddedVersionSerializer(one.version).data)
        return Response({"judges": rows}, status=201)


class OneJudge(JudgeView):
    @extend_schema(
        **tells(WholeVersionSerializer, "judges_get", "Read a version of a judge", OF_A_STUDY)
    )
    def get(self, request: Request, slug: str, version: int) -> Response:
        found = self.version(version)
        try:
            endpoint = EndpointSerializer(endpoint_of(found)).data
        except EndpointFault:
            endpoint = None
        live = live_run(found)
        return Response(
            {
                **VersionSerializer(found).data,
                "config": found.config,
                "endpoint": endpoint,
                "warnings": warnings_about(self.study, found.config),
                "live_run": None if live is None else live.pk,
            }
        )


class JudgeKey(JudgeView):
    @extend_schema(
        **tells(
            EndpointSerializer, "judges_set_key", "Replace the key of a version's endpoint",
            OF_A_STUDY, takes=KeySerializer,
        )
    )  # fmt: skip
    def put(self, request: Request, slug: str, version: int) -> Response:
        found = self.version(version)
        wanted = self.read(KeySerializer)
        kept = replace_key(found, actor=self.user, **wanted)
        return Response(EndpointSerializer(kept).data)


class JudgeConnection(JudgeView):
    # It asks, and changes nothing that could be done twice.
    takes_key = False

    @extend_schema(
        **tells(
            ConnectionSerializer, "judges_connect", "Test the connection", OF_A_STUDY,
            takes=NothingSerializer, takes_key=False,
        )
    )  # fmt: skip
    def post(self, request: Request, slug: str, version: int) -> Response:
        found = self.version(version)
        self.read(NothingSerializer)
        outcome = check_connection(found)
        return Response({"outcome": outcome.value, "said": IN_WORDS[outcome]})


class JudgeTry(JudgeView):
    takes_key = False

    @extend_schema(
        **tells(
            TriedSerializer, "judges_try",
            "Ask about one pair, billed by the provider; a look while the study is sealed",
            OF_A_STUDY, takes=TrySerializer, takes_key=False,
        )
    )  # fmt: skip
    def post(self, request: Request, slug: str, version: int) -> Response:
        found = self.version(version)
        wanted = self.read(TrySerializer)
        comparison = (
            Comparison.objects.filter(
                study=self.study, kind=ComparisonKind.WORK, item_id=wanted["item_id"]
            )
            .select_related(*TEXTS, "system_a", "system_b")
            .first()
        )
        if comparison is None:
            raise Http404("The study has no comparison of kind work with this item_id.")
        tried = try_out(found, comparison, self.order_of(comparison, wanted["order"]))
        note_look(found, comparison, self.user)
        return Response(shown(tried, is_sealed=self.study.is_sealed))

    def order_of(self, comparison: Comparison, wanted: str) -> str:
        """The stored order. Sealed pairs are listed by code: a and b are told in that order."""
        first, second = comparison.system_a, comparison.system_b
        if self.study.is_sealed and first.code > second.code:
            return {"ab": "ba", "ba": "ab"}[wanted]
        return wanted


def shown(tried: Tried, *, is_sealed: bool) -> dict[str, Any]:
    """As the page shows it: while sealed, what the judge wrote and no verdict of ours."""
    missing = tried.answer if isinstance(tried.answer, Missing) else None
    parsed = None if isinstance(tried.answer, Missing) else tried.answer
    grade = None if is_sealed else tried.grade
    return {
        "outcome": tried.outcome.value,
        "said": IN_WORDS[tried.outcome],
        "grade": None if parsed is None else parsed.answer.value,
        "verdict": None if grade is None else grade.verdict,
        "margin": None if grade is None else grade.margin,
        "confidence": None if parsed is None else parsed.confidence,
        "reason": "" if parsed is None else parsed.reason,
        "levels": {} if parsed is None else {key: dict(one) for key, one in parsed.levels.items()},
        "contradicts": parsed is not None and parsed.contradicts,
        "missing": "" if missing is None else DETAILS.get(missing.detail, missing.detail),
        "reply": tried.reply,
        "form": tried.rung,
        "latency_ms": tried.latency_ms,
        "messages": [dict(message) for message in tried.messages],
    }
