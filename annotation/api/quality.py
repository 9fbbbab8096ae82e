"""Quality of annotators: figures, open findings, and what is decided about somebody."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import quality
from annotation.access.outcomes import READERS
from annotation.answer_rules import OwnVotes
from annotation.models import (
    Annotator,
    AnnotatorState,
    FindingAction,
    QualityFinding,
    QualityReview,
    ReviewOutcome,
    Role,
)
from annotation.storable import is_storable

from .edges import PAGED, StudyView
from .schema import OF_A_STUDY, lists, tells

WATCHERS = READERS | {Role.MONITOR}
OF_WATCHERS = "Owners, researchers and monitors of the study."


class RateSerializer(serializers.Serializer[Any]):
    n = serializers.IntegerField()
    hits = serializers.IntegerField()
    value = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)


class FigureSerializer(serializers.Serializer[Any]):
    n = serializers.IntegerField()
    value = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)


class FindingSerializer(serializers.Serializer[Any]):
    annotator_id = serializers.CharField(source="annotator.external_id")
    rule = serializers.CharField()
    action = serializers.ChoiceField(choices=FindingAction.values)
    n = serializers.IntegerField()
    value = serializers.FloatField()
    threshold = serializers.FloatField()
    created_at = serializers.DateTimeField()


class QualitySerializer(serializers.Serializer[Any]):
    """One annotator; figures are of the latest answers since the last decision."""

    annotator_id = serializers.CharField(source="external_id")
    state = serializers.ChoiceField(choices=AnnotatorState.values)
    answered = serializers.IntegerField()
    skipped = serializers.IntegerField()
    flagged = serializers.IntegerField()
    looked_at = serializers.IntegerField()
    gold = RateSerializer()
    repeats = RateSerializer()
    identical = RateSerializer()
    left = RateSerializer()
    skips = RateSerializer()
    agreement = FigureSerializer()
    seconds = FigureSerializer()
    longest_run = serializers.IntegerField()
    open_findings = serializers.SerializerMethodField()
    own_votes = serializers.ChoiceField(
        choices=list(OwnVotes),
        allow_null=True,
        help_text="Whether the votes of an owner count in the study; null of others.",
    )

    def get_open_findings(self, row: quality.AnnotatorQuality) -> list[str]:
        return [finding.rule for finding in row.findings]


class ListedQualities(serializers.ListSerializer[Any]):
    """A page of annotators, whose answers are read together."""

    def to_representation(self, data: Any) -> list[Any]:
        rows = quality.overview(self.context["study"], [row.pk for row in data])
        return [QualitySerializer(row).data for row in rows]


class ListedQuality(serializers.Serializer[Any]):
    class Meta:
        list_serializer_class = ListedQualities


class DecisionSerializer(serializers.Serializer[Any]):
    outcome = serializers.ChoiceField(choices=ReviewOutcome.values)
    reason = serializers.CharField(max_length=400)


class WhySerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=400)


class ReviewSerializer(serializers.Serializer[Any]):
    annotator_id = serializers.CharField(source="annotator.external_id")
    outcome = serializers.ChoiceField(choices=ReviewOutcome.values)
    reason = serializers.CharField()
    post_hoc = serializers.BooleanField(
        help_text="After outcomes could be seen, or by a later rule."
    )
    created_at = serializers.DateTimeField()


class Quality(StudyView):
    roles = WATCHERS
    reads = PAGED

    @extend_schema(**lists(QualitySerializer, "quality_list", "Figures of annotators", OF_WATCHERS))
    def get(self, request: Request, slug: str) -> Response:
        people = Annotator.objects.filter(study=self.study)
        return self.paginated(people, ListedQuality, ordering=("external_id",), study=self.study)


class Findings(StudyView):
    roles = WATCHERS
    reads = PAGED

    @extend_schema(
        **lists(FindingSerializer, "findings_list", "What quality rules found", OF_WATCHERS)
    )
    def get(self, request: Request, slug: str) -> Response:
        rows = QualityFinding.objects.filter(annotator__study=self.study)
        return self.paginated(rows.select_related("annotator"), FindingSerializer)


class Reviews(StudyView):
    roles = WATCHERS
    reads = PAGED

    @extend_schema(**lists(ReviewSerializer, "reviews_list", "Decisions so far", OF_WATCHERS))
    def get(self, request: Request, slug: str) -> Response:
        rows = QualityReview.objects.filter(annotator__study=self.study)
        return self.paginated(rows.select_related("annotator"), ReviewSerializer)


class OneAnnotator(StudyView):
    """About one annotator, by their name in files."""

    def annotator(self, name: str) -> Annotator:
        row = None
        if is_storable(name):
            row = (
                Annotator.objects.filter(study=self.study, external_id=name)
                .select_related("study")
                .first()
            )
        if row is None:
            raise Http404("The study has no annotator of that name.")
        return row


class Decide(OneAnnotator):
    @extend_schema(
        **tells(
            ReviewSerializer, "reviews_create", "Decide on an annotator", OF_A_STUDY, 201,
            takes=DecisionSerializer,
        )
    )  # fmt: skip
    def post(self, request: Request, slug: str, annotator: str) -> Response:
        wanted = self.read(DecisionSerializer)
        row = self.annotator(annotator)
        made = quality.review(row, ReviewOutcome(wanted["outcome"]), wanted["reason"], self.user)
        return Response(ReviewSerializer(made).data, status=201)


class PauseAnnotator(OneAnnotator):
    @extend_schema(
        **tells(
            FindingSerializer, "annotators_pause",
            "Hand somebody no pairs until a decision lets them go on", OF_A_STUDY, 201,
            takes=WhySerializer,
        )
    )  # fmt: skip
    def post(self, request: Request, slug: str, annotator: str) -> Response:
        wanted = self.read(WhySerializer)
        found = quality.pause(self.annotator(annotator), wanted["reason"], self.user)
        return Response(FindingSerializer(found).data, status=201)
