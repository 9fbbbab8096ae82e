"""No figure counts an owner's own vote that the rules hold out, whenever it came."""

from __future__ import annotations

from functools import partial

import pytest

from annotation import quality
from annotation.models import Annotator, Choice, Exclusion, ResultsPolicy, Role, Study
from annotation.quality.own_votes import exclude_own_votes
from reports import analysis
from reports.freshness import count_rows
from reports.presentation.other_boards import other_boards
from reports.read_snapshot import read_snapshot
from tests.factories import (
    make_annotator,
    make_comparison,
    make_membership,
    make_open_study,
    make_user,
    make_vote,
)
from tests.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def make_voted(**fields: object) -> Study:
    study = make_open_study(results=ResultsPolicy.OPEN, **fields)
    for choice in (Choice.LEFT, Choice.LEFT, Choice.RIGHT):
        make_vote(make_comparison(study, "alpha", "beta"), choice)
    return study


def make_owner(study: Study) -> Annotator:
    owner = make_annotator(study, make_user())
    make_membership(study, Role.OWNER, owner.user)
    return owner


def own_vote(owner: Annotator) -> None:
    make_vote(make_comparison(owner.study, "alpha", "beta"), Choice.RIGHT, annotator=owner)


def test_a_report_takes_them_out_before_it_reads_and_says_how_many() -> None:
    study = make_voted()
    own_vote(make_owner(study))
    result = analysis.run(study).result
    assert (result["counts"]["votes"], result["verdicts"]["b"]) == (3, 1)
    compared = result["sensitivity"]["with_excluded"]
    assert (compared["n_added"], compared["n_own_votes"]) == (1, 1)
    assert any(
        sentence.startswith("It is of somebody who owns the study")
        for sentence in other_boards(result).sentences
    )


def test_one_that_lands_between_the_sweep_and_the_reading_is_taken_out_too(monkeypatch) -> None:
    study = make_voted()
    owner = make_owner(study)
    landing = iter([True, True])

    def sweep_and_vote(swept: Study) -> int:
        done = exclude_own_votes(swept)
        if next(landing, False):
            at_once([partial(own_vote, owner)])
        return done

    monkeypatch.setattr(quality, "exclude_own_votes", sweep_and_vote)
    result = analysis.run(study).result
    assert (result["counts"]["votes"], result["verdicts"]["b"]) == (3, 1)
    assert Exclusion.objects.count() == 2


def test_one_that_lands_while_it_reads_is_left_for_the_next_report(monkeypatch) -> None:
    study = make_voted()
    owner = make_owner(study)

    def with_a_vote_before(counted: Study) -> object:
        at_once([partial(own_vote, owner)])
        return count_rows(counted)

    monkeypatch.setattr(analysis, "count_rows", with_a_vote_before)
    assert analysis.run(study).result["counts"]["votes"] == 3
    monkeypatch.undo()
    assert quality.own_votes_stand(study)
    assert analysis.run(study).result["counts"]["votes"] == 3


def test_a_challenger_counts_none_of_the_study_that_it_continues() -> None:
    earlier = make_voted()
    own_vote(make_owner(earlier))
    study = make_open_study(results=ResultsPolicy.OPEN, continues=earlier)
    make_vote(make_comparison(study, "alpha", "gamma"), Choice.LEFT)
    assert analysis.run(study).result["counts"]["votes"] == 4


def test_own_votes_that_count_change_no_report() -> None:
    study = make_voted(rules={"quality": {"own_votes": "count"}})
    own_vote(make_owner(study))
    result = analysis.run(study).result
    assert result["counts"]["votes"] == 4
    assert result["sensitivity"]["with_excluded"] is None


def test_a_snapshot_within_another_is_the_same_moment() -> None:
    study = make_voted()
    with read_snapshot():
        before = study.annotators.count()
        at_once([partial(make_owner, study)])
        with read_snapshot():
            assert study.annotators.count() == before
        assert study.annotators.count() == before
    assert study.annotators.count() == before + 1
