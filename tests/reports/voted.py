"""Studies with votes in the tables, for tests of what is read back."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from annotation.models import Annotator, Response, Study, Verdict
from judging.models import Order
from tests.factories import (
    make_annotator,
    make_comparison,
    make_criterion,
    make_imported_vote,
    make_judge_version,
    make_judgment,
    make_prompt,
    make_response,
    make_study,
    make_system,
)

SYSTEMS = ("alpha", "beta", "gamma")


def make_voted_study(
    slug: str = "voted",
    *,
    systems: tuple[str, ...] = SYSTEMS,
    prompts: int = 8,
    annotators: tuple[str, ...] = ("ann-1", "ann-2", "ann-3", "ann-4"),
    judge: str = "",
    **fields: Any,
) -> Study:
    """Every pair on every prompt, each rated by each annotator; earlier systems win more."""
    study = make_study(slug, **fields)
    rows = [make_system(study, name) for name in systems]
    people = [make_annotator(study, external_id=name) for name in annotators]
    version = make_judge_version(study, judge) if judge else None
    for number in range(prompts):
        prompt = make_prompt(study, f"p{number}")
        responses = [
            make_response(prompt, system, text=f"{system.name} says {number}") for system in rows
        ]
        for a, b in combinations(responses, 2):
            comparison = make_comparison(
                study,
                prompt=prompt,
                response_a=a,
                response_b=b,
                item_id=f"p{number}-{_place(responses, a)}-{_place(responses, b)}",
            )
            for turn, person in enumerate(people):
                vote(comparison, person, number, turn)
            if version is not None:
                make_judgment(comparison, Verdict.A, version=version, order=Order.BOTH)
    return study


def _place(responses: list[Response], response: Response) -> int:
    return responses.index(response)


def vote(comparison: Any, person: Annotator, number: int, turn: int) -> None:
    verdict = (Verdict.A, Verdict.A, Verdict.TIE, Verdict.B)[(number + turn) % 4]
    left = "a" if (number + turn) % 2 else "b"
    make_imported_vote(comparison, verdict, annotator=person, left=left)


def make_rich_study(slug: str = "rich", **fields: Any) -> Study:
    """With a second criterion, a judge on enough pairs for figures, and a both-bad vote."""
    fields.setdefault("prompts", 12)
    study = make_voted_study(slug, judge="judge-1", **fields)
    criterion = make_criterion(study, "clarity")
    for row in study.annotators.get(external_id="ann-1").votes.all():
        row.criteria.create(criterion=criterion, verdict=row.verdict)
    make_imported_vote(
        study.comparisons.earliest("pk"),
        Verdict.BOTH_BAD,
        annotator=make_annotator(study, external_id="ann-5"),
    )
    return study
