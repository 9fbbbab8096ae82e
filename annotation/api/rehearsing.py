"""The study before it is open, with simulated people: votes, hours, money, and what is missing."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.models import Comparison, ComparisonKind
from annotation.researcher.dry_run import DEFAULT_PAY, MOST_PEOPLE, simulated
from annotation.researcher.lengths import seconds_a_pair_of

from .edges import StudyView
from .problems import Conflict
from .schema import OF_A_STUDY, tells


class RehearsalWishSerializer(serializers.Serializer[Any]):
    people = serializers.IntegerField(min_value=1, max_value=MOST_PEOPLE)
    pay = serializers.FloatField(
        min_value=0, max_value=10_000, default=DEFAULT_PAY, help_text="An hour, in any currency."
    )
    seconds = serializers.FloatField(
        min_value=1, max_value=7_200, required=False,
        help_text="A pair; by the length of the texts if left out.",
    )  # fmt: skip


class RehearsalSerializer(serializers.Serializer[Any]):
    """What would come of it. Nothing is stored, and nobody is asked."""

    wanted = serializers.IntegerField(help_text="Votes.")
    missing = serializers.IntegerField(help_text="Votes that these people could not give.")
    coverage = serializers.FloatField(help_text="Percent of the wanted votes.")
    answers = serializers.IntegerField(help_text="With repeats and other checks.")
    fewest = serializers.IntegerField(help_text="Answers of one person.")
    median = serializers.IntegerField()
    largest = serializers.IntegerField()
    hours = serializers.FloatField(help_text="Of all of them.")
    longest_hours = serializers.FloatField(help_text="Of one person.")
    money = serializers.FloatField()
    is_part = serializers.BooleanField(help_text="Only a part was simulated, and scaled up.")
    simulated_pairs = serializers.IntegerField()


class Rehearsal(StudyView):
    # Nothing is changed by it.
    takes_key = False

    @extend_schema(
        **tells(
            RehearsalSerializer, "rehearsal_run", "Simulate the collection with so many people",
            OF_A_STUDY, takes=RehearsalWishSerializer, takes_key=False,
        )
    )  # fmt: skip
    def post(self, request: Request, slug: str) -> Response:
        wanted = self.read(RehearsalWishSerializer)
        wanted.setdefault("seconds", seconds_a_pair_of(self.study))
        work = Comparison.objects.filter(study=self.study, kind=ComparisonKind.WORK)
        pairs = work.count()
        if not pairs:
            raise Conflict("The study has no pairs yet: generate or import them first.")
        found = simulated(self.study, pairs, wanted)
        return Response({name: found[name] for name in map(str, RehearsalSerializer().fields)})
