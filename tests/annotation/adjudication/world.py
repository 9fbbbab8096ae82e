"""An opened study with disagreements, and reviewers to decide them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from annotation.blinding import choice_of
from annotation.models import (
    Annotator,
    Choice,
    Comparison,
    Criterion,
    Role,
    Study,
    StudyVersion,
    User,
    Vote,
    VoteCriterion,
    VoteNote,
)
from tests import factories

sides = itertools.cycle([False, True])


def make_adjudicator(study: Study) -> User:
    return factories.make_membership(study, Role.ADJUDICATOR).user


def complete_with(
    study: Study,
    verdicts: Iterable[str],
    *,
    margins: Iterable[int | None] = (),
    others: dict[Criterion, list[str]] | None = None,
    **fields: Any,
) -> Comparison:
    """A comparison that as many people as it wants have voted on, with these verdicts."""
    given = list(verdicts)
    graded = [*margins, *[None] * len(given)]
    comparison = factories.make_comparison(study, overlap=len(given), taken=len(given), **fields)
    for place, verdict in enumerate(given):
        vote = vote_on(comparison, verdict, margin=graded[place])
        for criterion, answers in (others or {}).items():
            VoteCriterion.objects.create(
                vote=vote,
                criterion=criterion,
                verdict=answers[place],
                choice=choice_of(answers[place], bool(vote.swapped)),
                swapped=vote.swapped,
            )
    return comparison


def vote_on(
    comparison: Comparison,
    verdict: str,
    *,
    reason: str = "",
    annotator: Annotator | None = None,
    swapped: bool | None = None,
    **fields: Any,
) -> Vote:
    side = next(sides) if swapped is None else swapped
    assignment = factories.make_assignment(comparison, annotator, swapped=side, state="submitted")
    vote = factories.make_vote(
        comparison,
        Choice(choice_of(verdict, side)),
        assignment=assignment,
        **fields,
    )
    if reason:
        VoteNote.objects.create(vote=vote, rationale=reason)
    return vote


def version_with_rubric(study: Study) -> StudyVersion:
    """A version whose snapshot writes the study's criteria down, as opening does."""
    rubric = [
        {"key": row.key, "scale": row.scale, "both_bad": row.both_bad, "required": row.required}
        for row in study.criteria.all()
    ]
    return factories.make_study_version(study, snapshot={"rubric": rubric})
