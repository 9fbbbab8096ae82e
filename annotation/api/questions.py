"""What the study asks its annotators about themselves, and what they said, counted."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.lifecycle.one_section import set_section
from annotation.lifecycle.rule_changes import with_section
from annotation.people.roster import count_answers
from annotation.profile_rules import (
    LONGEST_OPTION,
    LONGEST_QUESTION,
    MOST_OPTIONS,
    MOST_QUESTIONS,
)

from .edges import StudyView
from .schema import OF_A_STUDY, tells


class ProfileQuestionSerializer(serializers.Serializer[Any]):
    key = serializers.RegexField(
        r"^[a-z][a-z0-9_]{0,31}$", help_text="Names the answer in rules and files."
    )
    text = serializers.CharField(max_length=LONGEST_QUESTION)
    options = serializers.ListField(
        child=serializers.CharField(max_length=LONGEST_OPTION),
        min_length=2,
        max_length=MOST_OPTIONS,
    )


class SetQuestionsSerializer(serializers.Serializer[Any]):
    questions = serializers.ListField(
        child=ProfileQuestionSerializer(), max_length=MOST_QUESTIONS, help_text="All of them."
    )
    reason = serializers.CharField(
        max_length=400, required=False, default="", allow_blank=True,
        help_text="Needed where the study was opened; kept.",
    )  # fmt: skip


class AskedQuestionSerializer(ProfileQuestionSerializer):
    answers = serializers.DictField(
        child=serializers.IntegerField(), help_text="Annotators with an account, by option."
    )
    unsaid = serializers.IntegerField(help_text="That did not want to say.")
    unasked = serializers.IntegerField(help_text="That have not come to them yet.")


class AskedQuestionsSerializer(serializers.Serializer[Any]):
    questions = AskedQuestionSerializer(many=True)


class ProfileQuestions(StudyView):
    @extend_schema(
        **tells(
            AskedQuestionsSerializer, "profile_questions_get",
            "Read what annotators are asked about themselves", OF_A_STUDY,
        )
    )  # fmt: skip
    def get(self, request: Request, slug: str) -> Response:
        return self.answer()

    @extend_schema(
        **tells(
            AskedQuestionsSerializer, "profile_questions_set",
            "Set what annotators are asked about themselves", OF_A_STUDY,
            takes=SetQuestionsSerializer,
        )
    )  # fmt: skip
    def put(self, request: Request, slug: str) -> Response:
        wanted = self.read(SetQuestionsSerializer)
        questions = [dict(question) for question in wanted["questions"]]
        content = {"questions": questions} if questions else {}
        set_section(
            self.study,
            self.user,
            lambda rules: with_section(rules, "profile", content),
            reason=wanted["reason"],
        )
        self.study.refresh_from_db()
        return self.answer()

    def answer(self) -> Response:
        return Response(
            {
                "questions": [
                    {
                        "key": given.question.key,
                        "text": given.question.text,
                        "options": list(given.question.options),
                        "answers": dict(given.options),
                        "unsaid": given.unsaid,
                        "unasked": given.unasked,
                    }
                    for given in count_answers(self.study)
                ]
            }
        )
