"""What annotators say about themselves: asked once, kept with the annotator, gone with an erasure.

Whoever does not want to say has said so: the answer is None, and nobody asks again.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from annotation.models import Annotator
from annotation.profile_rules import Question, open_questions
from annotation.rules import rules_of

from .refusals import PeopleError


def questions_for(annotator: Annotator) -> tuple[Question, ...]:
    """What the study asks this annotator still; no query where `study` is known."""
    return open_questions(rules_of(annotator.study.rules).profile, annotator.profile)


def answer_questions(annotator: Annotator, answers: Mapping[str, str | None]) -> None:
    """Store answers to questions that are open; one that was answered before stays as it is.

    Raises
    ------
    PeopleError
        A question has no answer, or one that is none of its options.
    """
    with transaction.atomic():
        row = Annotator.objects.select_for_update(no_key=True).get(pk=annotator.pk)
        row.study = annotator.study
        for question in questions_for(row):
            if question.key not in answers:
                raise PeopleError(f"The question {question.text!r} has no answer.")
            answer = answers[question.key]
            if answer is not None and answer not in question.options:
                raise PeopleError(f"{answer!r} is no answer to {question.text!r}.")
            row.profile[question.key] = answer
        row.save(update_fields=["profile"])
    annotator.profile = row.profile
