"""What an annotator answered, for the annotator alone: the list, one answer with its pair, sums."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from annotation import voting
from annotation.models import AnnotatorState, Choice, StudyState
from annotation.rating import wire
from annotation.rating.own_answers import Place, list_answers, summarise
from annotation.rating.own_pages import place
from annotation.rules import rules_of

from .annotating import OF_ANNOTATORS, AnnotatorView
from .problems import Conflict
from .schema import CURSOR, refusals, tells

# Of a cursor: the answers that are newer than its place.
BACKWARDS = "-"


class OwnAnswerSerializer(serializers.Serializer[Any]):
    assignment = serializers.UUIDField()
    prompt = serializers.CharField(allow_blank=True, help_text="How it begins.")
    choice = serializers.ChoiceField(choices=Choice.values)
    margin = serializers.IntegerField(allow_null=True)
    answered_at = serializers.DateTimeField()
    revisions = serializers.IntegerField(help_text="How often it was changed.")
    active_ms = serializers.IntegerField(allow_null=True)


class WholeAnswerSerializer(serializers.Serializer[Any]):
    """An own answer that stands, with its pair as it was shown."""

    pair = serializers.DictField()
    answers = serializers.DictField(child=serializers.DictField(), help_text="By criterion.")
    rationale = serializers.CharField(allow_blank=True)
    tags = serializers.ListField(child=serializers.CharField())
    confidence = serializers.FloatField(allow_null=True)
    revision = serializers.IntegerField()
    may_change = serializers.BooleanField(help_text="By a vote that `revises`.")


class OwnSummarySerializer(serializers.Serializer[Any]):
    pairs = serializers.IntegerField(help_text="That you have answered.")
    timed = serializers.IntegerField(help_text="Of these, with a time.")
    active_seconds = serializers.IntegerField()
    mean_seconds = serializers.FloatField(allow_null=True)


class OwnAnswers(AnnotatorView):
    reads = ("cursor",)

    @extend_schema(
        operation_id="annotate_answers",
        summary="List your answers that stand, the newest first",
        description=f"For: {OF_ANNOTATORS}",
        responses={
            200: inline_serializer(
                "OwnAnswerPage",
                {
                    "next": serializers.URLField(allow_null=True, help_text="Older ones, or null."),
                    "previous": serializers.URLField(
                        allow_null=True, help_text="Newer ones, or null."
                    ),
                    "results": OwnAnswerSerializer(many=True),
                },
            ),
            **refusals(404, 409),
        },
        parameters=[CURSOR],
    )
    def get(self, request: Request, slug: str) -> Response:
        annotator = self.annotator()
        raw = request.query_params.get("cursor")
        at = None if raw is None else place(raw.removeprefix(BACKWARDS))
        if raw is not None and at is None:
            raise exceptions.NotFound("Invalid cursor")
        if raw is not None and raw.startswith(BACKWARDS):
            page = list_answers(annotator, after=at)
        else:
            page = list_answers(annotator, at)
        here = request.build_absolute_uri()

        def address(where: Place | None, way: str = "") -> str | None:
            return None if where is None else replace_query_param(here, "cursor", f"{way}{where}")

        return Response(
            {
                "next": address(page.before),
                "previous": address(page.after, BACKWARDS),
                "results": OwnAnswerSerializer(list(page.answers), many=True).data,
            }
        )


class OneOwnAnswer(AnnotatorView):
    @extend_schema(
        **tells(
            WholeAnswerSerializer, "annotate_answer", "Read one of your answers with its pair",
            OF_ANNOTATORS, also=(409,),
        )
    )  # fmt: skip
    def get(self, request: Request, slug: str, assignment: uuid.UUID) -> Response:
        annotator = self.annotator()
        earlier = voting.earlier_vote(annotator, assignment)
        if earlier is None and voting.is_out_of_sight(annotator, assignment):
            raise Conflict("You have a pair of the same prompt open. Answer it first.")
        if earlier is None:
            raise Http404("There is no such answer.")
        last = voting.last_vote(annotator)
        return Response(
            {
                "pair": wire.pair_for_page(earlier.pair),
                "answers": voting.answers_as_json(earlier.answers),
                **wire.remarks_for_page(earlier.remarks),
                "revision": earlier.revision,
                "may_change": annotator.state == AnnotatorState.ACTIVE
                and self.study.state == StudyState.OPEN
                and (
                    rules_of(self.study.rules).answering.revise_earlier
                    or (last is not None and last.pair.id == earlier.pair.id)
                ),
            }
        )


class OwnSummary(AnnotatorView):
    @extend_schema(
        **tells(
            OwnSummarySerializer, "annotate_summary", "Read your own sums", OF_ANNOTATORS,
            also=(409,),
        )
    )  # fmt: skip
    def get(self, request: Request, slug: str) -> Response:
        return Response(wire.summary_for_page(summarise(self.annotator())))
