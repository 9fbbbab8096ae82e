"""Results appear with the excluded votes and without them (annotating.md S9)."""

from __future__ import annotations

import math
from typing import Any

import pytest
from django.utils import timezone

from annotation.models import (
    AssignmentState,
    Choice,
    Comparison,
    ComparisonKind,
    Criterion,
    Exclusion,
    Study,
    Verdict,
    Vote,
    VoteCriterion,
)
from reports import analysis, beside, records
from reports.presentation.other_boards import other_boards
from reports.presentation.report import view
from reports.with_excluded import NOTHING_EXCLUDED
from tests.factories import (
    make_annotator,
    make_assignment,
    make_comparison,
    make_criterion,
    make_imported_vote,
    make_open_study,
    make_study,
    make_vote,
)
from tests.reports.test_schema import faults
from tests.reports.test_schema import validator as validator

pytestmark = pytest.mark.django_db

CHOICES = {Verdict.A: Choice.LEFT, Verdict.B: Choice.RIGHT, Verdict.TIE: Choice.TIE}
# Half the log odds of 3 to 1, on the scale of ratings: the two strengths have the mean 0.
THREE_TO_ONE = 400 / math.log(10) * math.log(3) / 2


def result_of(study: Study, **options: Any) -> dict[str, Any]:
    return dict(analysis.run(study, **options).result)


def cast(study: Study, verdict: Verdict, a: str = "alpha", b: str = "beta") -> Vote:
    """A vote of somebody new on a pair of its own; imported where the study was never opened."""
    comparison = make_comparison(study, a, b)
    if study.was_opened:
        return make_vote(comparison, CHOICES[verdict], annotator=make_annotator(study))
    return make_imported_vote(comparison, verdict, annotator=make_annotator(study))


def exclude(vote: Vote, **fields: Any) -> Exclusion:
    target = {"vote": vote} if vote.assignment is None else {"assignment": vote.assignment}
    return Exclusion.objects.create(**target, **{"reason": "careless", **fields})


@pytest.fixture(params=["imported", "collected"])
def study(request: pytest.FixtureRequest) -> Study:
    """Alpha has three votes of four; both excluded votes, one of them post hoc, are beta's."""
    made = (
        make_study("some") if request.param == "imported" else make_open_study("s", results="open")
    )
    for verdict in (Verdict.A, Verdict.A, Verdict.A, Verdict.B):
        cast(made, verdict)
    exclude(cast(made, Verdict.B), rule="speed")
    exclude(cast(made, Verdict.B), post_hoc=True)
    return made


def test_the_shift_is_that_computed_by_hand(study: Study) -> None:
    result = result_of(study)
    assert result["leaderboard"][0]["rating"]["estimate"] == pytest.approx(1000 + THREE_TO_ONE)
    found = result["sensitivity"]["with_excluded"]
    assert (found["n"], found["n_added"], found["n_post_hoc"], found["n_replaced"]) == (6, 2, 1, 0)
    shift = found["largest_shift"]
    # Both move as far; the first by name is told of.
    assert shift["system"] == "alpha"
    assert shift["rating"] == pytest.approx(1000 + THREE_TO_ONE)
    assert shift["rating_there"] == pytest.approx(1000)
    assert shift["shift"] == pytest.approx(-THREE_TO_ONE)
    # Equal strengths share the first rank.
    assert found["order_changed"]
    assert found["moved"] == [{"system": "beta", "rank": 2, "rank_there": 1}]
    board = result["boards"]["with_excluded"]
    assert board["n"] == 6
    assert [row["win_rate"]["estimate"] for row in board["rows"]] == [0.5, 0.5]
    assert [row["votes"] for row in board["rows"]] == [6, 6]


def test_the_first_board_and_all_counts_stay_without_them(study: Study) -> None:
    result = result_of(study)
    assert result["counts"]["votes"] == result["counts"]["annotators"] == 4
    assert result["verdicts"]["b"] == 1


def test_the_object_keeps_to_the_schema(study: Study, validator: Any) -> None:
    result = result_of(study)
    assert result["sensitivity"]["with_excluded"] is not None
    assert faults(validator, result) == []


def test_the_page_says_it_in_words_and_gives_it_a_column(study: Study) -> None:
    boards = other_boards(result_of(study))
    assert list(boards.sentences[3:]) == [
        "With the 2 excluded votes counted too (1 excluded post hoc: with outcomes in sight, or by "
        "rules made after opening), some ranks change, beta (2 → 1), but nothing that is shown to "
        "be better is lost.",
        "The rating that moves furthest with them is alpha's: 1,095 → 1,000.",
    ]
    assert "With excluded" in [column.heading for column in boards.columns]


def test_a_vote_that_a_frozen_rule_holds_out_too_is_not_post_hoc(study: Study) -> None:
    late = Exclusion.objects.get(post_hoc=True)
    Exclusion.objects.create(
        assignment=late.assignment, vote=late.vote, reason="again", rule="speed"
    )
    found = result_of(study)["sensitivity"]["with_excluded"]
    assert (found["n_added"], found["n_post_hoc"]) == (2, 0)


def test_lifting_them_leaves_no_row_and_the_hash_of_a_study_without(study: Study) -> None:
    before = records.load(study).input_sha256
    for row in list(Exclusion.objects.order_by("pk")):
        Exclusion.objects.create(
            assignment=row.assignment, vote=row.vote, lifts=row, reason="by mistake"
        )
    result = result_of(study)
    assert result["input_sha256"] != before
    assert result["counts"]["votes"] == 6
    assert result["sensitivity"]["with_excluded"] is None
    assert result["boards"]["with_excluded"] == {"rows": None, "reason": NOTHING_EXCLUDED}
    assert len(other_boards(result).sentences) == 3


def test_the_hash_tells_of_excluded_votes_and_of_how_they_were_excluded(study: Study) -> None:
    first = records.load(study).input_sha256
    exclude(cast(study, Verdict.TIE))
    second = records.load(study).input_sha256
    exclude(Exclusion.objects.get(post_hoc=True).vote or late_vote(study), rule="speed")
    assert len({first, second, records.load(study).input_sha256}) == 3


def late_vote(study: Study) -> Vote:
    return Vote.objects.get(assignment__exclusions__post_hoc=True, annotator__study=study)


def test_it_is_made_however_many_votes_there_are(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "MORE_VOTES", 1)
    result = result_of(study)
    assert "--diagnostics" in result["boards"]["davidson"]["reason"]
    assert result["sensitivity"]["with_excluded"]["n_added"] == 2


def test_votes_that_would_not_count_either_way_stay_out() -> None:
    study = make_open_study("s", results="open")
    cast(study, Verdict.A)
    gold = make_comparison(study, kind=ComparisonKind.GOLD, gold={"overall": ["a"]})
    exclude(make_vote(gold, Choice.LEFT))
    late = make_assignment(make_comparison(study), state=AssignmentState.LATE_SURPLUS, slot_no=None)
    exclude(make_vote(late.comparison, Choice.LEFT, assignment=late))
    again = make_assignment(make_comparison(study), state=AssignmentState.SUBMITTED, pass_no=1)
    exclude(make_vote(again.comparison, Choice.LEFT, assignment=again))
    assert result_of(study)["sensitivity"]["with_excluded"] is None


def test_of_an_excluded_vote_the_last_revision_is_added() -> None:
    study = make_open_study("s", results="open")
    cast(study, Verdict.A)
    first = cast(study, Verdict.A)
    make_vote(first.comparison, Choice.RIGHT, assignment=first.assignment, revision=1)
    exclude(first)
    result = result_of(study)
    assert result["sensitivity"]["with_excluded"]["n_added"] == 1
    assert result["boards"]["with_excluded"]["rows"][0]["win_rate"]["estimate"] == 0.5


def test_a_label_that_counts_for_an_excluded_vote_gives_way_to_it() -> None:
    study = make_open_study("s", results="open")
    for verdict in (Verdict.A, Verdict.B):
        cast(study, verdict)
    vote = cast(study, Verdict.B)
    make_imported_vote(vote.comparison, Verdict.A, annotator=vote.annotator)
    exclude(vote)
    result = result_of(study)
    assert result["leaderboard"][0]["win_rate"]["estimate"] == pytest.approx(2 / 3)
    found = result["sensitivity"]["with_excluded"]
    assert (found["n"], found["n_added"], found["n_replaced"]) == (3, 1, 1)
    rates = {
        row["system"]: row["win_rate"]["estimate"]
        for row in result["boards"]["with_excluded"]["rows"]
    }
    assert rates["alpha"] == pytest.approx(1 / 3)
    assert "1 imported label would not count" in other_boards(result).sentences[4]


def test_an_excluded_label_beside_a_vote_that_counts_is_not_added() -> None:
    study = make_open_study("s", results="open")
    vote = cast(study, Verdict.B)
    exclude(make_imported_vote(vote.comparison, Verdict.A, annotator=vote.annotator))
    assert result_of(study)["sensitivity"]["with_excluded"] is None


def test_groups_that_only_excluded_votes_join_are_not_compared() -> None:
    study = make_study()
    for a, b in (("alpha", "beta"), ("gamma", "delta")):
        for verdict in (Verdict.A, Verdict.A, Verdict.B):
            cast(study, verdict, a, b)
    exclude(cast(study, Verdict.A, "beta", "gamma"))
    result = result_of(study)
    assert [row["component"] for row in result["leaderboard"]] == [1, 1, 2, 2]
    found = result["sensitivity"]["with_excluded"]
    assert found["largest_shift"] is None
    assert {row["component"] for row in result["boards"]["with_excluded"]["rows"]} == {1}
    assert "With the excluded vote counted too," in other_boards(result).sentences[3]


def test_a_study_of_which_every_vote_is_excluded_still_says_what_there_was() -> None:
    study = make_study()
    exclude(cast(study, Verdict.A))
    result = result_of(study)
    assert result["counts"]["votes"] == 0
    assert result["sensitivity"]["with_excluded"]["n"] == 1


def test_other_studies_add_nothing(study: Study) -> None:
    other = make_study("other")
    exclude(cast(other, Verdict.A))
    assert result_of(study)["sensitivity"]["with_excluded"]["n_added"] == 2
    assert Comparison.objects.filter(study=other).count() == 1


def judged(vote: Vote, criterion: Criterion, verdict: Verdict) -> None:
    choice = CHOICES[verdict] if vote.swapped is not None else None
    VoteCriterion.objects.create(
        vote=vote, criterion=criterion, verdict=verdict, choice=choice, swapped=vote.swapped
    )


def test_further_criteria_are_shown_with_the_excluded_votes_too(
    study: Study, validator: Any
) -> None:
    """On clarity alpha has all four counted votes, and neither of the two excluded ones."""
    clarity = make_criterion(study, "clarity")
    for vote in Vote.objects.filter(annotator__study=study).order_by("pk"):
        held_out = vote.exclusions.exists() or (
            vote.assignment is not None and vote.assignment.exclusions.exists()
        )
        judged(vote, clarity, Verdict.B if held_out else Verdict.A)
    before = records.load(study).input_sha256
    result = result_of(study)
    assert faults(validator, result) == []
    (entry,) = result["criteria"]
    found = entry["with_excluded"]
    compared = found["compared"]
    assert (compared["n"], compared["n_added"], compared["n_post_hoc"]) == (6, 2, 1)
    assert entry["verdicts"]["a"] == 4
    rates = {row["system"]: row["win_rate"]["estimate"] for row in found["board"]["rows"]}
    assert rates == pytest.approx({"alpha": 4 / 6, "beta": 2 / 6})
    # They are not those on `overall`, of which one more is beta's.
    assert [row["win_rate"]["estimate"] for row in result["boards"]["with_excluded"]["rows"]] == [
        0.5,
        0.5,
    ]
    (part,) = view(result, {}, timezone.now()).criteria
    assert part.with_excluded[0].startswith("With the 2 excluded votes counted too")
    vote = cast(study, Verdict.B)
    judged(vote, clarity, Verdict.TIE)
    exclude(vote)
    assert records.load(study).input_sha256 != before


def test_a_criterion_without_excluded_votes_says_so(study: Study) -> None:
    clarity = make_criterion(study, "clarity")
    vote = Vote.objects.filter(annotator__study=study).earliest("pk")
    judged(vote, clarity, Verdict.A)
    (entry,) = result_of(study)["criteria"]
    assert entry["with_excluded"] == {
        "board": {"rows": None, "reason": NOTHING_EXCLUDED},
        "compared": None,
    }
