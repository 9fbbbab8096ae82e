"""Adjudication by a script: the next case, what is to be seen of it, the decision, a skip."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.adjudication import deciding
from annotation.adjudication import desk as desks
from annotation.adjudication.faults import AdjudicationFault
from annotation.adjudication.questions import GRADES
from annotation.adjudication.showing import show
from annotation.adjudication.views import SEARCH_SECONDS
from annotation.adjudication.wording import flag_in_words, speak, why_here
from annotation.models import AdjudicationCase, Role, Scale
from annotation.rating.wire import pair_for_page
from annotation.voting import InvalidAnswers, answers_as_json, parse_answers

from .annotating import GivenSerializer
from .edges import StudyView
from .problems import Refused, problem
from .schema import tells
from .study_shapes import NothingSerializer

OF_ADJUDICATORS = "Adjudicators of the study."
LARGEST_KEY = 2**62


class SearchSerializer(serializers.Serializer[Any]):
    """How far a search of a large study came: send it back to go on there."""

    at = serializers.IntegerField(min_value=0, max_value=LARGEST_KEY)
    gone = serializers.IntegerField(min_value=0, max_value=LARGEST_KEY)


class TakeSerializer(serializers.Serializer[Any]):
    search = SearchSerializer(required=False, allow_null=True, default=None)


class TakenSerializer(serializers.Serializer[Any]):
    case = serializers.UUIDField(allow_null=True, help_text="Null where none was found.")
    search = SearchSerializer(
        allow_null=True, help_text="Not null: the study was not gone through; ask again with it."
    )


class SaidSerializer(serializers.Serializer[Any]):
    said = serializers.CharField(allow_blank=True)
    text = serializers.CharField(allow_blank=True)
    hint = serializers.CharField(allow_blank=True)


class CaseQuestionSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    question = serializers.CharField(allow_blank=True)
    scale = serializers.ChoiceField(choices=Scale.values)
    both_bad = serializers.BooleanField()
    needed = serializers.BooleanField()


class CaseSerializer(serializers.Serializer[Any]):
    """A pair that people disagreed on, on sides of your own; nothing of a system is in it."""

    id = serializers.UUIDField()
    pair = serializers.DictField()
    why = serializers.ListField(child=serializers.CharField(), help_text="Why it is here.")
    remarks = SaidSerializer(many=True, help_text="What raters wrote and flagged.")
    questions = CaseQuestionSerializer(many=True)
    answers = serializers.DictField(child=serializers.DictField(), help_text="Yours, so far.")
    reason = serializers.CharField(allow_blank=True)
    is_decided = serializers.BooleanField()


class VerdictSerializer(serializers.Serializer[Any]):
    answers = serializers.DictField(child=GivenSerializer(), help_text="By criterion.")
    reason = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=deciding.MAX_REASON
    )


class DecidedSerializer(serializers.Serializer[Any]):
    revision = serializers.IntegerField(help_text="Of the decisions on this pair, from 0.")
    replayed = serializers.BooleanField(help_text="It was stored before.")


class AdjudicatorView(StudyView):
    roles = frozenset({Role.ADJUDICATOR})

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, AdjudicationFault):
            return problem(exc.status, exc.code, str(exc))
        if isinstance(exc, InvalidAnswers):
            exc = Refused(str(exc), [(exc.field, str(exc))])
        return super().handle_exception(exc)

    def case(self, key: uuid.UUID) -> AdjudicationCase:
        return desks.find_case(self.user, self.study, key)


class NextCase(AdjudicatorView):
    # The case on the desk is answered again: nothing is taken twice.
    takes_key = False

    @extend_schema(
        **tells(
            TakenSerializer, "adjudicate_next", "Take the next case, or the one you have",
            OF_ADJUDICATORS, takes=TakeSerializer, takes_key=False,
        )
    )  # fmt: skip
    def post(self, request: Request, slug: str) -> Response:
        wanted = self.read(TakeSerializer)["search"]
        search = desks.Search() if wanted is None else desks.Search(wanted["at"], wanted["gone"])
        found = desks.next_case(self.user, self.study, search, SEARCH_SECONDS)
        goes_on = found is None and not search.over
        return Response(
            {
                "case": None if found is None else found.public_id,
                "search": {"at": search.at, "gone": search.gone} if goes_on else None,
            }
        )


class OneCase(AdjudicatorView):
    @extend_schema(**tells(CaseSerializer, "adjudicate_case", "Read a case", OF_ADJUDICATORS))
    def get(self, request: Request, slug: str, case_id: uuid.UUID) -> Response:
        shown = show(self.case(case_id))
        texts = {row.key: row.question or "Which response is better?" for row in shown.questions}
        steps = {row.key: len(GRADES.get(Scale(row.scale), ())) for row in shown.questions}
        remarks = [
            *(speak(remark, texts, steps) for remark in shown.remarks),
            *(flag_in_words(flag) for flag in shown.flags),
        ]
        return Response(
            {
                "id": case_id,
                "pair": pair_for_page(shown.pair),
                "why": [why_here(found, texts) for found in shown.disagreements],
                "remarks": SaidSerializer(remarks, many=True).data,
                "questions": [
                    {
                        "key": row.key,
                        "question": texts[row.key],
                        "scale": row.scale,
                        "both_bad": row.both_bad,
                        "needed": row.required or row.key == row.OVERALL,
                    }
                    for row in shown.questions
                ],
                "answers": answers_as_json(shown.answers),
                "reason": shown.reason,
                "is_decided": shown.is_decided,
            }
        )


class DecideCase(AdjudicatorView):
    # The same decision once more is stored once.
    takes_key = False

    @extend_schema(
        **tells(
            DecidedSerializer, "adjudicate_decide", "Decide a case", OF_ADJUDICATORS,
            takes=VerdictSerializer, takes_key=False,
        )
    )  # fmt: skip
    def post(self, request: Request, slug: str, case_id: uuid.UUID) -> Response:
        wanted = self.read(VerdictSerializer)
        done = deciding.decide(
            self.case(case_id), parse_answers(wanted["answers"]), wanted["reason"]
        )
        return Response({"revision": done.revision, "replayed": done.replayed})


class SkipCase(AdjudicatorView):
    takes_key = False

    @extend_schema(
        **tells(
            NothingSerializer, "adjudicate_skip", "Leave a case to other adjudicators",
            OF_ADJUDICATORS, takes=NothingSerializer, takes_key=False,
        )
    )  # fmt: skip
    def post(self, request: Request, slug: str, case_id: uuid.UUID) -> Response:
        self.read(NothingSerializer)
        desks.skip_case(self.case(case_id))
        return Response({})
