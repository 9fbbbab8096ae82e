"""Several reviewers in the same moment, each on a connection of their own."""

from __future__ import annotations

from functools import partial

import pytest

from annotation.adjudication import DecidedByColleague, Decision, decide, next_case
from annotation.models import Adjudication, AdjudicationCase, CaseState, Study
from annotation.voting import Answer
from tests import factories
from tests.races import at_once

from .world import complete_with, make_adjudicator, version_with_rubric

pytestmark = pytest.mark.django_db(transaction=True)

REVIEWERS = 6


def disputed_study(pairs: int) -> Study:
    study = factories.make_open_study()
    version_with_rubric(study)
    for _ in range(pairs):
        complete_with(study, ["a", "b"])
    return study


def cases_at_once(study: Study) -> list[AdjudicationCase | None]:
    users = [make_adjudicator(study) for _ in range(REVIEWERS)]
    found = at_once([partial(next_case, user, study) for user in users])
    for case in found:
        if isinstance(case, Exception):
            raise case
    return [case for case in found if not isinstance(case, Exception)]


def test_reviewers_at_the_same_moment_get_cases_of_their_own() -> None:
    study = disputed_study(REVIEWERS - 2)
    taken = [case for case in cases_at_once(study) if case is not None]
    assert len(taken) == REVIEWERS - 2
    assert len({case.comparison_id for case in taken}) == len(taken)


def test_of_reviewers_who_decide_at_the_same_moment_one_is_first() -> None:
    study = disputed_study(1)
    cases = []
    for number in range(REVIEWERS):
        user = make_adjudicator(study)
        case = next_case(user, study)
        assert case is not None, number
        AdjudicationCase.objects.update(state=CaseState.LAPSED)
        cases.append(case)
    results = at_once([partial(decide, case, {"overall": Answer("left")}) for case in cases])
    assert sum(isinstance(result, Decision) for result in results) == 1
    assert sum(isinstance(result, DecidedByColleague) for result in results) == REVIEWERS - 1
    assert Adjudication.objects.count() == 1


def test_one_decision_sent_several_times_at_once_is_stored_once() -> None:
    study = disputed_study(1)
    case = next_case(make_adjudicator(study), study)
    assert case is not None
    results = at_once([partial(decide, case, {"overall": Answer("tie")})] * REVIEWERS)
    assert all(isinstance(result, Decision) and result.revision == 0 for result in results)
    assert Adjudication.objects.count() == 1
