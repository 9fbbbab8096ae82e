"""Rating by a script: the annotator's own page without the page. Nothing of a system is in it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import queue, voting
from annotation.access.objects import get_annotator_for
from annotation.models import Annotator, Choice, Role
from annotation.rating import wire
from annotation.rules import rules_of

from .edges import StudyView
from .problems import Refused, problem
from .schema import tells
from .tokens import Scope

OF_ANNOTATORS = "Annotators of the study; a key needs the scope annotate."
MOST_WANTED = 3


class WantSerializer(serializers.Serializer[Any]):
    want = serializers.IntegerField(min_value=1, max_value=MOST_WANTED, default=1)


class PairsSerializer(serializers.Serializer[Any]):
    """Pairs that you hold, as the page gets them, or why there is none."""

    pairs = serializers.ListField(child=serializers.DictField())
    empty = serializers.DictField(allow_null=True, help_text="Why there is none, or null.")
    progress = serializers.DictField(help_text="Your own counts.")


class GivenSerializer(serializers.Serializer[Any]):
    choice = serializers.ChoiceField(choices=Choice.values)
    margin = serializers.IntegerField(
        min_value=1, max_value=3, allow_null=True, required=False, default=None
    )


class VoteSerializer(serializers.Serializer[Any]):
    assignment = serializers.UUIDField(help_text="The pair's `id`.")
    key = serializers.UUIDField(help_text="Names the decision; the same again is stored once.")
    answers = serializers.DictField(child=GivenSerializer(), help_text="By criterion.")
    rationale = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=10_000, trim_whitespace=False
    )


class StoredSerializer(serializers.Serializer[Any]):
    assignment = serializers.UUIDField()
    replayed = serializers.BooleanField(help_text="It was stored before.")


class AnnotatorView(StudyView):
    roles = frozenset({Role.ANNOTATOR})
    takes_key = False

    def needed_scope(self, request: Request) -> Scope:
        return Scope.ANNOTATE

    def annotator(self) -> Annotator:
        return get_annotator_for(self.user, self.study.slug)


class NextPairs(AnnotatorView):
    @extend_schema(
        **tells(
            PairsSerializer, "annotate_next", "Get pairs to rate", OF_ANNOTATORS,
            takes=WantSerializer, takes_key=False,
        )
    )  # fmt: skip
    def post(self, request: Request, slug: str) -> Response:
        wanted = self.read(WantSerializer)
        claim = queue.claim(self.annotator(), want=wanted["want"])
        shown = wire.claim_for_page(claim, rules_of(self.study.rules).crowd)
        return Response(shown)


class Vote(AnnotatorView):
    @extend_schema(
        **tells(
            StoredSerializer, "annotate_vote", "Store a decision", OF_ANNOTATORS,
            takes=VoteSerializer, takes_key=False,
        )
    )  # fmt: skip
    def post(self, request: Request, slug: str) -> Response:
        wanted = self.read(VoteSerializer)
        try:
            outcome = voting.submit(
                self.annotator(),
                wanted["assignment"],
                voting.parse_answers(wanted["answers"]),
                wanted["key"],
                rationale=wanted["rationale"],
            )
        except voting.InvalidAnswers as fault:
            raise Refused(str(fault), [(fault.field, str(fault))]) from None
        except voting.VotingFault as fault:
            return problem(fault.status, fault.code, str(fault))
        return Response({"assignment": wanted["assignment"], "replayed": outcome.replayed})
