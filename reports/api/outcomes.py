"""Progress, analyses and files. Outcomes open as on the pages: not while a study is sealed."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Sum
from django.http import Http404, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.access.outcomes import READERS, roles_can_see_outcomes
from annotation.api.edges import PAGED, StudyView
from annotation.api.problems import Conflict, problem
from annotation.api.schema import KEY, OF_A_STUDY, lists, refusals, tells
from annotation.models import (
    Annotator,
    AnnotatorState,
    Role,
    StudyState,
)
from reports import looks, requests
from reports.exports import catalogue, delivery
from reports.models import AnalysisRequest, AnalysisRun, RequestProblem, RequestState
from reports.tasks import ring_for_report
from reports.watching.counts import total
from reports.watching.figures import PROGRESS

ASK_AGAIN_SECONDS = 5
WATCHERS = READERS | {Role.MONITOR}
OF_WATCHERS = "Owners, researchers and monitors of the study."
OF_READERS = (
    "Owners and researchers once outcomes may be seen; monitors once the study is unblinded."
)
SEALED = "The results are sealed until the study is closed and unblinded. Every vote is kept."


class ProgressSerializer(serializers.Serializer[Any]):
    """How far the collection is; no outcome."""

    state = serializers.ChoiceField(choices=StudyState.values)
    comparisons = serializers.IntegerField(help_text="Of kind work.")
    votes_wanted = serializers.IntegerField()
    votes_collected = serializers.IntegerField(help_text="That count, imported ones too.")
    held_now = serializers.IntegerField(help_text="Places that somebody has before them.")
    counted_at = serializers.DateTimeField(help_text="When these four were counted.")
    annotators = serializers.IntegerField(help_text="That have not left.")
    answers = serializers.IntegerField(help_text="All pairs answered, checks and surplus too.")


class RequestSerializer(serializers.Serializer[Any]):
    """A wish for an analysis of what is there now."""

    id = serializers.IntegerField(source="pk")
    state = serializers.ChoiceField(choices=RequestState.values)
    problem = serializers.ChoiceField(choices=RequestProblem.values, allow_blank=True)
    requested_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    analysis = serializers.IntegerField(source="analysis_run_id", allow_null=True)


class AnalysisSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="pk")
    created_at = serializers.DateTimeField()
    input_sha256 = serializers.CharField()
    seed = serializers.IntegerField()


class ResultSerializer(AnalysisSerializer):
    result = serializers.JSONField(help_text="As docs/report.schema.json describes it.")


class OutcomeView(StudyView):
    roles = WATCHERS
    writers = READERS

    def check_outcomes(self) -> None:
        if not roles_can_see_outcomes(self.held, self.study):
            raise exceptions.PermissionDenied(SEALED)


class Progress(StudyView):
    roles = WATCHERS

    @extend_schema(
        **tells(ProgressSerializer, "progress_get", "How far it is", OF_WATCHERS, also=(503,))
    )
    def get(self, request: Request, slug: str) -> Response:
        # The figures of the page of progress, which are counted once for all who ask.
        kept = PROGRESS.figures(self.study)
        if kept is None:
            later = problem(
                503, "counting", "The figures of this large study are counted now. Ask again."
            )
            later["Retry-After"] = str(ASK_AGAIN_SECONDS)
            return later
        cells = kept.figures["cells"]
        people = Annotator.objects.filter(study=self.study)
        answers = people.aggregate(total=Sum("answered"))["total"]
        return Response(
            {
                "state": self.study.state,
                "comparisons": total(cells, "comparisons"),
                "votes_wanted": total(cells, "wanted"),
                "votes_collected": total(cells, "counted"),
                "held_now": total(cells, "reserved"),
                "counted_at": kept.counted_at,
                "annotators": people.exclude(state=AnnotatorState.REMOVED).count(),
                "answers": answers or 0,
            }
        )


class Analyses(OutcomeView):
    reads = PAGED

    @extend_schema(**lists(AnalysisSerializer, "analyses_list", "List analyses", OF_READERS))
    def get(self, request: Request, slug: str) -> Response:
        self.check_outcomes()
        # Results are large, and a list shows none.
        rows = AnalysisRun.objects.filter(study=self.study).defer("result", "settings", "versions")
        return self.paginated(rows, AnalysisSerializer)

    @extend_schema(
        operation_id="analyses_request",
        summary="Ask for an analysis of what is there now",
        description=f"For: {OF_A_STUDY} Ask for the request until it is done.",
        request=None,
        responses={202: RequestSerializer, **refusals(404, 409)},
        parameters=[KEY],
    )
    def post(self, request: Request, slug: str) -> Response:
        self.check_outcomes()
        wish = requests.ask(self.study, self.user)
        transaction.on_commit(ring_for_report)
        return Response(RequestSerializer(wish).data, status=202)


class OneRequest(OutcomeView):
    @extend_schema(**tells(RequestSerializer, "requests_get", "How far a request is", OF_READERS))
    def get(self, request: Request, slug: str, wish: int) -> Response:
        self.check_outcomes()
        found = AnalysisRequest.objects.filter(study=self.study, pk=wish).first()
        if found is None:
            raise Http404("The study has no such request.")
        return Response(RequestSerializer(found).data)


class OneAnalysis(OutcomeView):
    @extend_schema(
        **tells(
            ResultSerializer, "analyses_get", "Read an analysis; every look is logged", OF_READERS
        )
    )
    def get(self, request: Request, slug: str, analysis: int) -> Response:
        self.check_outcomes()
        found = AnalysisRun.objects.filter(study=self.study, pk=analysis).first()
        if found is None:
            raise Http404("The study has no such analysis.")
        if request.method == "GET":
            looks.record_view(self.study, found, self.user)
        return Response(ResultSerializer(found).data)


NAME = OpenApiParameter(
    "name",
    {"type": "string", "enum": list(catalogue.FORMATS)},
    OpenApiParameter.PATH,
    description="What is exported.",
)
CHOSEN = OpenApiParameter(
    "chosen",
    {"type": "string", "enum": sorted(catalogue.CONTENT_TYPES)},
    OpenApiParameter.PATH,
    description="In which format; not each is made in each.",
)
FILES = {
    (200, content_type.partition(";")[0]): OpenApiResponse(
        OpenApiTypes.STR,
        description="The file, streamed.",
    )
    for content_type in catalogue.CONTENT_TYPES.values()
}


class Exports(OutcomeView):
    @extend_schema(
        operation_id="exports_get",
        summary="Get a file, streamed",
        description=f"For: {OF_READERS} Comparisons also before, with codes in place of names.",
        responses={**FILES, **refusals(404, 409)},
        parameters=[NAME, CHOSEN],
    )
    def get(self, request: Request, slug: str, name: str, chosen: str) -> HttpResponseBase:
        try:
            export = catalogue.find(name, chosen)
        except catalogue.UnknownExportError as fault:
            raise Http404(str(fault)) from None
        try:
            return delivery.deliver(
                self.study, self.user, self.held, export, taken=request.method == "GET"
            )
        except delivery.SealedError:
            raise exceptions.PermissionDenied(SEALED) from None
        except delivery.NotForRoleError:
            raise exceptions.PermissionDenied("Files are for owners and researchers.") from None
        except delivery.NoReportError:
            raise Conflict("There is no analysis yet: ask for one first.") from None
