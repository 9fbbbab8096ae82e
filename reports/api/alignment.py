"""Judges beside people: where each stands, how well it agrees, its validations and new samples."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.access.outcomes import READERS, roles_can_see_outcomes
from annotation.api.edges import PAGED
from annotation.api.problems import Conflict
from annotation.api.schema import OF_A_STUDY, lists, tells
from annotation.api.study_shapes import NothingSerializer
from judging.models import JudgeVersion
from reports import looks, validations
from reports.alignment_pages.acts import in_words
from reports.alignment_pages.standing import judge_versions
from reports.freshness import latest_run
from reports.models import AnalysisRun, Expertise, JudgeValidation, Revalidation
from reports.models.validations import WITH_PEOPLE
from reports.revalidation import (
    MOST_DRAWN,
    progress_of_all,
    revalidate_judge,
    withdraw_sample,
)
from reports.validation_records import recorded_at
from reports.validations import (
    HELD,
    MOST_DAYS,
    MOST_NEW_RESPONSES,
    Trust,
    rule_of,
    trust_told,
    validities,
)

from .outcomes import OF_READERS, OF_WATCHERS, OutcomeView

NO_REPORT = "There is no analysis yet: ask for one first."


class AlignmentSerializer(serializers.Serializer[Any]):
    """What the newest report says of judges."""

    analysis = serializers.IntegerField(help_text="Its number.")
    created_at = serializers.DateTimeField()
    judges = serializers.ListField(
        child=serializers.DictField(),
        help_text="The report's `alignment`, an entry for each judge version.",
    )


class ValidationSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="pk")
    analysis = serializers.IntegerField(source="analysis_run_id")
    sample = serializers.IntegerField(source="revalidation_id", allow_null=True)
    answer = serializers.CharField(help_text="Whether it may stand in for a person.")
    comparisons = serializers.IntegerField()
    agreement = serializers.FloatField(allow_null=True)
    created_at = serializers.DateTimeField(
        help_text="From when it counts: when it was recorded, or, where it grants another margin "
        "on the same votes, that of the one before."
    )
    recorded_at = serializers.SerializerMethodField()

    def get_recorded_at(self, row: JudgeValidation) -> datetime:
        """The context holds it, asked for all rows at once."""
        recorded: Mapping[int, datetime] = self.context["recorded"]
        return recorded[row.pk]


class ProgressOfSampleSerializer(serializers.Serializer[Any]):
    drawn = serializers.IntegerField()
    voted = serializers.IntegerField(help_text="Of these, with the vote that was asked for.")


class StandingSerializer(serializers.Serializer[Any]):
    """Whether what is known of a judge version still counts."""

    judge_version = serializers.IntegerField(help_text="In addresses below judges.")
    judge = serializers.CharField()
    version = serializers.IntegerField()
    trust = serializers.ChoiceField(
        choices=[*(trust.value for trust in Trust), HELD],
        help_text=f"`{HELD}`: validated, with whatever result, where outcomes may not be seen.",
    )
    until = serializers.DateTimeField(allow_null=True)
    new_responses = serializers.IntegerField(help_text="Since it was validated.")
    new_responses_left = serializers.IntegerField(allow_null=True)
    run_out_by = serializers.ListField(child=serializers.CharField())
    validation = ValidationSerializer(
        allow_null=True, help_text="The newest; null also where outcomes may not be seen."
    )
    sample_out = ProgressOfSampleSerializer(
        allow_null=True, help_text="Of the sample that is with the annotators."
    )


class StandingsSerializer(serializers.Serializer[Any]):
    judges = StandingSerializer(many=True)


class SampleSerializer(serializers.Serializer[Any]):
    """A random sample of judged comparisons that people are asked about."""

    id = serializers.IntegerField(source="pk")
    seed = serializers.IntegerField()
    raised_overlap = serializers.BooleanField()
    drawn = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    read_at = serializers.DateTimeField(
        source="merged_at", allow_null=True, help_text="When a report read its votes."
    )
    withdrawn_at = serializers.DateTimeField(allow_null=True)

    def get_drawn(self, row: Revalidation) -> int:
        return len(row.sample)


class DrawSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField(min_value=1, max_value=MOST_DRAWN)
    raise_overlap = serializers.BooleanField(
        default=False, help_text="Draw from all that was judged, and ask for one vote more."
    )


class ValiditySerializer(serializers.Serializer[Any]):
    """When validations of the study's judges run out; null: never for that."""

    days = serializers.IntegerField(min_value=1, max_value=MOST_DAYS, allow_null=True)
    new_responses = serializers.IntegerField(
        min_value=1, max_value=MOST_NEW_RESPONSES, allow_null=True
    )
    expertise = serializers.ChoiceField(
        choices=Expertise.values,
        required=False,
        help_text="What the annotators are, which decides the margin that a judge is granted; left "
        "out, it stays. Validations of another one count no more.",
    )


class AlignmentView(OutcomeView):
    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, validations.ValidationError):
            exc = Conflict(in_words(exc))
        return super().handle_exception(exc)

    def version(self, key: int) -> JudgeVersion:
        found = (
            JudgeVersion.objects.filter(judge__study=self.study, pk=key)
            .select_related("judge")
            .first()
        )
        if found is None:
            raise Http404("The study has no such version of a judge.")
        return found

    def report(self) -> AnalysisRun:
        self.check_outcomes()
        kept = latest_run(self.study)
        if kept is None:
            raise Conflict(NO_REPORT)
        return kept


class Alignment(AlignmentView):
    @extend_schema(
        **tells(
            AlignmentSerializer, "alignment_get",
            "Read how well judges agree with people; every look is logged", OF_READERS,
            also=(409,),
        )
    )  # fmt: skip
    def get(self, request: Request, slug: str) -> Response:
        kept = self.report()
        if request.method == "GET":
            looks.record_view(self.study, kept, self.user)
        return Response(
            {
                "analysis": kept.pk,
                "created_at": kept.created_at,
                "judges": kept.result.get("alignment", []),
            }
        )


class Standings(AlignmentView):
    @extend_schema(
        **tells(
            StandingsSerializer, "judge_standings_get",
            "Read whether each judge was held against people, and how far its sample is",
            OF_WATCHERS,
        )
    )  # fmt: skip
    def get(self, request: Request, slug: str) -> Response:
        versions = judge_versions(self.study)
        found = validities(versions, rule_of(self.study))
        out = {
            row.version_id: row
            for row in Revalidation.objects.filter(WITH_PEOPLE, version__in=versions).defer("frame")
        }
        progress = progress_of_all(self.study, out.values())
        sees = roles_can_see_outcomes(self.held, self.study)
        held = [one.validation for one in found.values() if sees and one.validation is not None]
        context = {"recorded": recorded_at(held)}
        rows = []
        for version in versions:
            validity = found[version.pk]
            sample = out.get(version.pk)
            rows.append(
                {
                    "judge_version": version.pk,
                    "judge": version.judge.judge_id,
                    "version": version.number,
                    "trust": trust_told(validity.trust, sees_outcomes=sees),
                    "until": validity.until,
                    "new_responses": validity.new_responses,
                    "new_responses_left": validity.new_responses_left,
                    "run_out_by": list(validity.reasons),
                    "validation": ValidationSerializer(validity.validation, context=context).data
                    if sees and validity.validation is not None
                    else None,
                    "sample_out": None
                    if sample is None
                    else ProgressOfSampleSerializer(progress[sample.pk]).data,
                }
            )
        return Response({"judges": rows})


class Validations(AlignmentView):
    reads = PAGED

    @extend_schema(
        **lists(ValidationSerializer, "validations_list", "List a judge's validations", OF_READERS)
    )
    def get(self, request: Request, slug: str, version: int) -> Response:
        self.check_outcomes()
        rows = JudgeValidation.objects.filter(version=self.version(version))
        rows = rows.select_related("version__judge")
        return self.paginated(rows, ValidationSerializer, recorded=recorded_at(rows))

    @extend_schema(
        **tells(
            ValidationSerializer, "validations_create",
            "Take the newest report for a judge's validation", OF_A_STUDY, 201,
            takes=NothingSerializer,
        )
    )  # fmt: skip
    def post(self, request: Request, slug: str, version: int) -> Response:
        self.read(NothingSerializer)
        found = self.version(version)
        row = validations.record_validation(
            self.report(), found.judge.judge_id, found.number, self.user
        )
        told = ValidationSerializer(row, context={"recorded": recorded_at([row])})
        return Response(told.data, status=201)


class Samples(AlignmentView):
    reads = PAGED

    @extend_schema(
        **lists(SampleSerializer, "samples_list", "List samples sent to people", OF_WATCHERS)
    )
    def get(self, request: Request, slug: str, version: int) -> Response:
        rows = Revalidation.objects.filter(version=self.version(version)).defer("frame")
        return self.paginated(rows, SampleSerializer)

    @extend_schema(
        **tells(
            SampleSerializer, "samples_create",
            "Draw judged comparisons at random and have annotators decide on them", OF_A_STUDY,
            201, takes=DrawSerializer,
        )
    )  # fmt: skip
    def post(self, request: Request, slug: str, version: int) -> Response:
        wanted = self.read(DrawSerializer)
        row = revalidate_judge(
            self.study,
            self.version(version),
            wanted["count"],
            self.user,
            raise_overlap=wanted["raise_overlap"],
        )
        return Response(SampleSerializer(row).data, status=201)


class WithdrawSample(AlignmentView):
    roles = READERS

    @extend_schema(
        **tells(
            SampleSerializer, "samples_withdraw", "Give up the sample that is with the annotators",
            OF_A_STUDY, takes=NothingSerializer,
        )
    )  # fmt: skip
    def post(self, request: Request, slug: str, version: int) -> Response:
        self.read(NothingSerializer)
        row = withdraw_sample(self.study, self.version(version), self.user)
        return Response(SampleSerializer(row).data)


class Validity(AlignmentView):
    @extend_schema(
        **tells(ValiditySerializer, "validity_get", "Read how long validations count", OF_WATCHERS)
    )
    def get(self, request: Request, slug: str) -> Response:
        return Response(ValiditySerializer(rule_of(self.study)).data)

    @extend_schema(
        **tells(
            ValiditySerializer, "validity_set", "Say how long validations count", OF_A_STUDY,
            takes=ValiditySerializer,
        )
    )  # fmt: skip
    def put(self, request: Request, slug: str) -> Response:
        wanted = self.read(ValiditySerializer)
        rule = validations.set_rule(self.study, self.user, **wanted)
        return Response(ValiditySerializer(rule).data)
