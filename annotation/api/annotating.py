"""Rating by a script, where the study allows it: the annotator's page without the page.

What the page asks of people is asked here, too: the study's questions come before the first pair,
and how long a pair was before somebody is a part of the vote. Nothing of a system is in it.
"""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import queue, voting
from annotation.access.objects import get_annotator_for
from annotation.models import Annotator, Choice, Role, SkipReason
from annotation.page_rules import LONGEST_TAG, MOST_TAGS
from annotation.people import questions_for
from annotation.rating.flagging import MAX_NOTE, flag_pair
from annotation.rating.lending import MOST_WANTED, lend_pairs
from annotation.rating.requests import MAX_MILLISECONDS
from annotation.rating.skipping import refused_skip, skip_pair
from annotation.rules import rules_of

from .edges import StudyView
from .problems import Conflict, Refused, problem
from .schema import tells
from .tokens import Scope

OF_ANNOTATORS = (
    "Annotators of a study that takes votes of scripts (by_script); a key needs the scope annotate."
)


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


class TimingSerializer(serializers.Serializer[Any]):
    """How long the pair was looked at, in milliseconds; cut to the time since it was served."""

    active_ms = serializers.IntegerField(min_value=0, max_value=MAX_MILLISECONDS)
    elapsed_ms = serializers.IntegerField(
        min_value=0, max_value=MAX_MILLISECONDS, allow_null=True, required=False, default=None
    )
    hidden_ms = serializers.IntegerField(
        min_value=0, max_value=MAX_MILLISECONDS, allow_null=True, required=False, default=None
    )
    first_choice_ms = serializers.IntegerField(
        min_value=0, max_value=MAX_MILLISECONDS, allow_null=True, required=False, default=None
    )


class VoteSerializer(serializers.Serializer[Any]):
    assignment = serializers.UUIDField(help_text="The pair's `id`.")
    key = serializers.UUIDField(help_text="Names the decision; the same again is stored once.")
    answers = serializers.DictField(child=GivenSerializer(), help_text="By criterion.")
    rationale = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=10_000, trim_whitespace=False
    )
    tags = serializers.ListField(
        child=serializers.CharField(max_length=LONGEST_TAG), default=list, max_length=MOST_TAGS
    )
    confidence = serializers.FloatField(
        min_value=0, max_value=1, allow_null=True, required=False, default=None
    )
    timing = TimingSerializer()
    revises = serializers.BooleanField(
        default=False,
        help_text="Takes the place of your earlier answer: the last one, or where the study lets "
        "earlier answers be changed any.",
    )


class RemarkSerializer(serializers.Serializer[Any]):
    assignment = serializers.UUIDField(help_text="The pair's `id`.")
    reason = serializers.ChoiceField(choices=SkipReason.values)
    note = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=MAX_NOTE, trim_whitespace=False
    )


class SkippedSerializer(serializers.Serializer[Any]):
    assignment = serializers.UUIDField()
    notice = serializers.CharField(allow_blank=True, help_text="For those who skip much.")


class FlaggedSerializer(serializers.Serializer[Any]):
    assignment = serializers.UUIDField()


class StoredSerializer(serializers.Serializer[Any]):
    assignment = serializers.UUIDField()
    replayed = serializers.BooleanField(help_text="It was stored before.")


class AnnotatorView(StudyView):
    roles = frozenset({Role.ANNOTATOR})
    takes_key = False

    def needed_scope(self, request: Request) -> Scope:
        return Scope.ANNOTATE

    def annotator(self) -> Annotator:
        """Whoever asks, where the study takes votes of scripts and they answered its questions."""
        if not rules_of(self.study.rules).answering.by_script:
            raise Conflict(
                "This study takes votes on its page alone. Whoever runs it can allow scripts: "
                "by_script under answering, in its rules."
            )
        found = get_annotator_for(self.user, self.study.slug)
        if questions := questions_for(found):
            raise Conflict(
                "The study asks something about you first. Open its page and answer: "
                + " ".join(question.text for question in questions)
            )
        return found


class NextPairs(AnnotatorView):
    @extend_schema(
        **tells(
            PairsSerializer, "annotate_next", "Get pairs to rate", OF_ANNOTATORS,
            takes=WantSerializer, takes_key=False,
        )
    )  # fmt: skip
    def post(self, request: Request, slug: str) -> Response:
        wanted = self.read(WantSerializer)
        return Response(lend_pairs(self.annotator(), want=wanted["want"]))


class Vote(AnnotatorView):
    @extend_schema(
        **tells(
            StoredSerializer, "annotate_vote", "Store a decision", OF_ANNOTATORS,
            takes=VoteSerializer, takes_key=False,
        )
    )  # fmt: skip
    def post(self, request: Request, slug: str) -> Response:
        wanted = self.read(VoteSerializer)
        annotator = self.annotator()
        if wanted["revises"]:
            check_may_change(annotator, wanted["assignment"])
        try:
            outcome = voting.submit(
                annotator,
                wanted["assignment"],
                voting.parse_answers(wanted["answers"]),
                wanted["key"],
                rationale=wanted["rationale"],
                tags=wanted["tags"],
                confidence=wanted["confidence"],
                timing=voting.Timing(**wanted["timing"]),
                revises=wanted["revises"],
                via="api",
            )
        except voting.InvalidAnswers as fault:
            raise Refused(str(fault), [(fault.field, str(fault))]) from None
        except voting.VotingFault as fault:
            return problem(fault.status, fault.code, str(fault))
        return Response({"assignment": wanted["assignment"], "replayed": outcome.replayed})


def check_may_change(annotator: Annotator, assignment: uuid.UUID) -> None:
    """The page offers only the last answer to be changed, unless the study lets all be."""
    if rules_of(annotator.study.rules).answering.revise_earlier:
        return
    last = voting.last_vote(annotator)
    if last is None or last.pair.id != assignment:
        raise Conflict("Only your last answer can be changed in this study. Nothing was stored.")


class Skip(AnnotatorView):
    @extend_schema(
        **tells(
            SkippedSerializer, "annotate_skip", "Give a pair back for others", OF_ANNOTATORS,
            takes=RemarkSerializer, takes_key=False,
        )
    )  # fmt: skip
    def post(self, request: Request, slug: str) -> Response:
        wanted = self.read(RemarkSerializer)
        try:
            notice = skip_pair(
                self.annotator(),
                wanted["assignment"],
                SkipReason(wanted["reason"]),
                wanted["note"],
            )
        except queue.AlreadyAnswered as fault:
            raise Conflict(str(fault)) from None
        except queue.SkipLimitReached as fault:
            refused = refused_skip(fault)
            response = problem(refused.status, refused.code, refused.message)
            response["Retry-After"] = refused.retry_after
            return response
        return Response({"assignment": wanted["assignment"], "notice": notice})


class Flag(AnnotatorView):
    @extend_schema(
        **tells(
            FlaggedSerializer, "annotate_flag",
            "Remark that something is wrong with a pair, which stays yours", OF_ANNOTATORS,
            takes=RemarkSerializer, takes_key=False,
        )
    )  # fmt: skip
    def post(self, request: Request, slug: str) -> Response:
        wanted = self.read(RemarkSerializer)
        flag_pair(self.annotator(), wanted["assignment"], wanted["reason"], wanted["note"])
        return Response({"assignment": wanted["assignment"]})
