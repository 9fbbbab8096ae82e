"""Annotators with answers of every kind, written straight into the tables."""

from __future__ import annotations

from typing import Any

from annotation import quality
from annotation.models import (
    Annotator,
    AnnotatorState,
    AssignmentState,
    AuditEntry,
    Choice,
    Comparison,
    ComparisonKind,
    Study,
    Vote,
)
from tests.factories import (
    make_annotator,
    make_assignment,
    make_comparison,
    make_open_study,
    make_prompt,
    make_response,
    make_system,
    make_user,
    make_vote,
)


def make_rater(study: Study, **fields: Any) -> Annotator:
    """An annotator with an account."""
    return make_annotator(study, make_user(), **fields)


def state_of(annotator: Annotator) -> str:
    return Annotator.objects.get(pk=annotator.pk).state


def make_gold(study: Study, accepted: str = "a", **fields: Any) -> Comparison:
    return make_comparison(study, kind=ComparisonKind.GOLD, gold={"overall": [accepted]}, **fields)


def make_training(study: Study, accepted: str = "a", **fields: Any) -> Comparison:
    return make_comparison(
        study, kind=ComparisonKind.TRAINING, gold={"overall": [accepted]}, **fields
    )


def make_identical(study: Study) -> Comparison:
    prompt = make_prompt(study)
    response = make_response(prompt, make_system(study))
    return make_comparison(
        study,
        prompt=prompt,
        response_a=response,
        response_b=response,
        kind=ComparisonKind.IDENTICAL,
    )


def answer(
    annotator: Annotator,
    comparison: Comparison | None = None,
    choice: Choice = Choice.LEFT,
    *,
    swapped: bool = False,
    pass_no: int = 0,
    **fields: Any,
) -> Vote:
    """A vote, by default on a new pair of work. The annotator's counter goes with it."""
    comparison = comparison or make_comparison(annotator.study)
    assignment = make_assignment(
        comparison,
        annotator,
        state=AssignmentState.SUBMITTED,
        swapped=swapped,
        pass_no=pass_no,
    )
    annotator.answered += 1
    annotator.save(update_fields=["answered"])
    return make_vote(comparison, choice, assignment=assignment, **fields)


def one_sided(annotator: Annotator, answers: int = 15) -> None:
    """So many answers on the left."""
    for _ in range(answers):
        answer(annotator, choice=Choice.LEFT, active_ms=60_000)


def varied(annotator: Annotator, answers: int = 15) -> None:
    for number in range(answers):
        choice = Choice.LEFT if number % 2 else Choice.RIGHT
        answer(annotator, choice=choice, active_ms=60_000)


def make_school(pairs: int = 3, **qualification: object) -> Study:
    """An open study with training pairs whose right answer is a."""
    study = make_open_study(rules={"qualification": qualification})
    for _ in range(pairs):
        make_training(study, "a")
    return study


def make_trainee(study: Study) -> Annotator:
    return make_rater(study, state=AnnotatorState.QUALIFYING)


def attempt(rater: Annotator, right: int, number: int = 0) -> None:
    """Answer all training pairs, so many of them right; graded after each."""
    training = Comparison.objects.filter(study=rater.study, kind="training").order_by("pk")
    for place, pair in enumerate(training):
        choice = Choice.LEFT if place < right else Choice.RIGHT
        answer(rater, pair, choice, pass_no=number)
        quality.conclude_training(rater.pk)


def actions(study: Study) -> list[str]:
    return list(
        AuditEntry.objects.filter(study=study).order_by("seq").values_list("action", flat=True)
    )
