"""How large the study should be: the planner's figures, without a look at any outcome."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.edges import StudyView
from annotation.api.problems import Refused
from annotation.api.schema import OF_A_STUDY, tells
from annotation.lifecycle.generation import MAX_OVERLAP
from annotation.researcher.lengths import seconds_a_pair_of
from reports import study_planning
from reports.stats.planning import ALPHA, POWER, SMALLEST_DIFFERENCE, PlanError
from reports.stats.rank_plan import LARGEST_SPREAD, MOST_RANKED

MOST = 1_000_000
MOST_SYSTEMS = 1_000


class WishesSerializer(serializers.Serializer[Any]):
    """What is left out follows from the study, or from a stated default."""

    win_rate = serializers.FloatField(min_value=0, max_value=1, default=SMALLEST_DIFFERENCE)
    power = serializers.FloatField(min_value=0, max_value=1, default=POWER)
    alpha = serializers.FloatField(min_value=0, max_value=1, default=ALPHA)
    tie_rate = serializers.FloatField(min_value=0, max_value=1, required=False)
    prompt_share = serializers.FloatField(min_value=0, max_value=1, required=False)
    annotator_share = serializers.FloatField(min_value=0, max_value=1, required=False)
    prompts = serializers.IntegerField(min_value=1, max_value=MOST, required=False)
    annotators = serializers.IntegerField(min_value=1, max_value=10_000, required=False)
    overlap = serializers.IntegerField(min_value=1, max_value=MAX_OVERLAP, required=False)
    systems = serializers.IntegerField(min_value=2, max_value=MOST_SYSTEMS, required=False)
    pairs = serializers.IntegerField(min_value=1, max_value=MOST, required=False)
    spread = serializers.FloatField(min_value=0.01, max_value=LARGEST_SPREAD, required=False)


class PlanSerializer(serializers.Serializer[Any]):
    """What the design can find, and what it takes."""

    inputs = serializers.DictField(help_text="Each with its value and where that comes from.")
    decisive_votes_needed = serializers.IntegerField(allow_null=True)
    decisive_votes_needed_holm = serializers.IntegerField(allow_null=True)
    needed = serializers.DictField(allow_null=True, help_text="Null where none is large enough.")
    annotators_needed = serializers.IntegerField(allow_null=True)
    current = serializers.DictField(allow_null=True, help_text="The design as it stands.")
    power_curve = serializers.ListField(
        child=serializers.DictField(child=serializers.FloatField()),
        allow_null=True,
        help_text="How surely the design as it stands finds each of some win rates: `win_rate` and "
        "`power`.",
    )
    ranks = serializers.DictField(
        allow_null=True,
        help_text="How well ranks will be known with the design as it stands, else with the one "
        "needed: `places` is the mean width of a rank range, `places_se` its Monte Carlo error, "
        "if strengths differ by a standard deviation of `spread`. Null for two systems, for more "
        f"than {MOST_RANKED}, and where some never meet.",
    )
    prompts_beat_votes_from = serializers.IntegerField(allow_null=True)
    sequential = serializers.DictField()
    pilot = serializers.DictField()
    seconds_a_pair = serializers.FloatField(help_text="By the length of the texts.")


FIELDS: dict[str, Any] = dict(WishesSerializer().fields)
WISHES = [
    OpenApiParameter(
        name,
        {
            "type": "number" if isinstance(field, serializers.FloatField) else "integer",
            "minimum": field.min_value,
            "maximum": field.max_value,
        },
        description="As in the answer's inputs.",
    )
    for name, field in FIELDS.items()
]


class Plan(StudyView):
    reads = tuple(FIELDS)

    @extend_schema(
        **tells(
            PlanSerializer, "plan_get", "Ask how many prompts, votes and people it takes",
            OF_A_STUDY, parameters=WISHES,
        )
    )  # fmt: skip
    def get(self, request: Request, slug: str) -> Response:
        form = WishesSerializer(data=request.query_params.dict())
        form.is_valid(raise_exception=True)
        wishes = study_planning.Wishes(**form.validated_data)
        try:
            found = study_planning.plan(self.study, wishes, with_gaps=False)
        except PlanError as fault:
            raise Refused(f"There is no such plan: {fault}.") from None
        shown = {name: found[name] for name in map(str, PlanSerializer().fields) if name in found}
        return Response({**shown, "seconds_a_pair": seconds_a_pair_of(self.study)})
