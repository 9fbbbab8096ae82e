"""What the rules look at is read from the tables as they stand."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotation.models import (
    Annotator,
    AssignmentState,
    Choice,
    QualityReview,
    ReviewOutcome,
    Vote,
    VoteCriterion,
)
from annotation.quality import evidence
from annotation.quality_rules.figures import Evidence, Share
from tests.annotation.quality.world import (
    answer,
    make_gold,
    make_identical,
    make_rater,
    make_training,
    varied,
)
from tests.factories import (
    make_assignment,
    make_comparison,
    make_criterion,
    make_imported_vote,
    make_open_study,
    make_vote,
)

pytestmark = pytest.mark.django_db


def evidence_about(annotator: Annotator) -> Evidence:
    return dict(evidence.evidence_of(annotator.study, [annotator.pk], dwells=20))[annotator.pk]


def test_gold_is_right_when_its_verdict_is_accepted_whatever_the_side():
    rater = make_rater(make_open_study())
    answer(rater, make_gold(rater.study, "a"), Choice.LEFT)
    answer(rater, make_gold(rater.study, "a"), Choice.RIGHT, swapped=True)
    answer(rater, make_gold(rater.study, "a"), Choice.LEFT, swapped=True)
    assert evidence_about(rater).gold == Share(2, 3)


def test_gold_that_names_a_further_criterion_needs_that_one_right_too():
    rater = make_rater(make_open_study())
    tone = make_criterion(rater.study, "tone")
    accepted = {"overall": ["a"], "tone": ["b"]}
    for verdict in ("b", "a"):
        gold = make_gold(rater.study)
        gold.gold = accepted
        gold.save()
        vote = answer(rater, gold, Choice.LEFT)
        choice = Choice.RIGHT if verdict == "b" else Choice.LEFT
        VoteCriterion.objects.create(
            vote=vote, criterion=tone, choice=choice, swapped=False, verdict=verdict
        )
    answer(rater, make_gold(rater.study, "a"), Choice.LEFT)
    assert evidence_about(rater).gold == Share(2, 3)


def change(vote: Vote, choice: Choice, revision: int = 1) -> None:
    make_vote(vote.comparison, choice, assignment=vote.assignment, revision=revision)


def test_gold_that_is_undone_at_once_counts_as_it_was_changed():
    rater = make_rater(make_open_study())
    answer(rater)
    vote = answer(rater, make_gold(rater.study, "a"), Choice.RIGHT)
    change(vote, Choice.LEFT)
    assert evidence_about(rater).gold == Share(1, 1)
    assert evidence_about(rater).answers == 2


def test_gold_that_is_changed_after_another_pair_counts_as_it_was_answered():
    rater = make_rater(make_open_study())
    vote = answer(rater, make_gold(rater.study, "a"), Choice.RIGHT)
    answer(make_rater(rater.study))
    change(vote, Choice.TIE)
    answer(rater)
    change(vote, Choice.LEFT, revision=2)
    found = evidence_about(rater)
    assert (found.gold, found.answers, found.left) == (Share(0, 1), 2, Share(1, 1))


def test_neither_half_of_a_repeat_is_repaired_later():
    rater = make_rater(make_open_study())
    halves = []
    for _ in range(2):
        pair = make_comparison(rater.study)
        halves.append(answer(rater, pair, Choice.LEFT))
        halves.append(answer(rater, pair, Choice.LEFT, swapped=True, pass_no=1))
    answer(rater)
    change(halves[0], Choice.RIGHT)
    change(halves[3], Choice.RIGHT)
    assert evidence_about(rater).repeats == Share(0, 2)


def test_gold_of_a_further_criterion_is_not_repaired_later():
    rater = make_rater(make_open_study())
    tone = make_criterion(rater.study, "tone")
    gold = make_gold(rater.study)
    gold.gold = {"overall": ["a"], "tone": ["b"]}
    gold.save()
    vote = answer(rater, gold, Choice.LEFT)
    answer(rater)
    later = make_vote(gold, Choice.LEFT, assignment=vote.assignment, revision=1)
    VoteCriterion.objects.create(
        vote=later, criterion=tone, choice=Choice.RIGHT, swapped=False, verdict="b"
    )
    assert evidence_about(rater).gold == Share(0, 1)


def test_changing_an_answer_takes_it_out_of_no_review():
    rater = make_rater(make_open_study())
    vote = answer(rater, make_gold(rater.study, "a"), Choice.RIGHT)
    QualityReview.objects.create(annotator=rater, outcome=ReviewOutcome.RESUME, reason="Fine.")
    change(vote, Choice.LEFT)
    assert evidence_about(rater) == Evidence()


def test_a_repeat_is_held_against_the_first_verdict_not_the_first_side():
    rater = make_rater(make_open_study())
    for second in (Choice.RIGHT, Choice.LEFT):
        pair = make_comparison(rater.study)
        answer(rater, pair, Choice.LEFT)
        answer(rater, pair, second, swapped=True, pass_no=1)
    assert evidence_about(rater).repeats == Share(1, 2)


def test_ties_on_identical_pairs_are_told_apart():
    rater = make_rater(make_open_study())
    answer(rater, make_identical(rater.study), Choice.TIE)
    answer(rater, make_identical(rater.study), Choice.LEFT)
    assert evidence_about(rater).identical == Share(1, 2)


def test_only_left_and_right_say_something_of_sides():
    rater = make_rater(make_open_study())
    for choice in (Choice.LEFT, Choice.LEFT, Choice.RIGHT, Choice.TIE, Choice.BOTH_BAD):
        answer(rater, choice=choice)
    assert evidence_about(rater).left == Share(2, 3)


def test_the_longest_row_of_one_choice_is_found():
    rater = make_rater(make_open_study())
    for choice in "LRRRLL":
        answer(rater, choice=Choice.LEFT if choice == "L" else Choice.RIGHT)
    assert evidence_about(rater).run == Share(3, 6)


def test_dwell_goes_with_the_length_of_both_responses():
    rater = make_rater(make_open_study())
    pair = make_comparison(rater.study)
    pair.response_a.text, pair.response_b.text = "x" * 40, "y" * 2
    pair.response_a.save()
    pair.response_b.save()
    answer(rater, pair, active_ms=700)
    answer(rater)
    (dwell,) = evidence_about(rater).dwells
    assert (dwell.active_ms, dwell.characters) == (700, 42)


def test_a_revision_says_nothing_of_how_fast_somebody_read():
    rater = make_rater(make_open_study())
    vote = answer(rater, active_ms=60_000)
    make_vote(vote.comparison, Choice.LEFT, assignment=vote.assignment, revision=1, active_ms=50)
    assert evidence_about(rater).dwells == ()


def test_skips_are_a_share_of_what_was_answered_or_skipped():
    rater = make_rater(make_open_study())
    answer(rater)
    make_assignment(make_comparison(rater.study), rater, state=AssignmentState.RELEASED)
    make_assignment(make_comparison(rater.study), rater)
    make_assignment(make_comparison(rater.study), rater, state=AssignmentState.EXPIRED)
    assert evidence_about(rater).skips == Share(1, 2)


def test_training_is_left_out():
    rater = make_rater(make_open_study())
    answer(rater, make_training(rater.study))
    make_assignment(make_training(rater.study), rater, state=AssignmentState.RELEASED)
    assert evidence_about(rater) == Evidence()


def test_what_was_answered_before_a_review_is_settled():
    rater = make_rater(make_open_study())
    varied(rater, 3)
    make_assignment(make_comparison(rater.study), rater, state=AssignmentState.RELEASED)
    QualityReview.objects.create(annotator=rater, outcome=ReviewOutcome.RESUME, reason="Fine.")
    answer(rater)
    found = evidence_about(rater)
    assert found.answers == 1
    assert found.skips == Share(0, 1)


def test_the_others_on_the_same_pair_are_compared_with():
    study = make_open_study()
    rater, other, third = make_rater(study), make_rater(study), make_rater(study)
    pair = make_comparison(study)
    answer(rater, pair, Choice.LEFT)
    answer(other, pair, Choice.LEFT)
    answer(third, pair, Choice.RIGHT)
    assert evidence_about(rater).concord.pairs == (0.5,)


def test_imported_labels_are_others_but_no_answers():
    study = make_open_study()
    rater = make_rater(study)
    pair = make_comparison(study)
    answer(rater, pair, Choice.LEFT)
    label = make_imported_vote(pair, "a")
    assert evidence_about(rater).concord.pairs == (1.0,)
    assert evidence_about(label.annotator).answers == 0


def test_only_so_many_of_the_latest_answers_are_looked_at(monkeypatch):
    monkeypatch.setattr(evidence, "ANSWERS", 4)
    rater = make_rater(make_open_study())
    for choice in (Choice.LEFT, Choice.LEFT, Choice.RIGHT, Choice.RIGHT, Choice.RIGHT):
        answer(rater, choice=choice)
    assert evidence_about(rater).left == Share(1, 4)


def test_the_number_of_queries_grows_with_neither_answers_nor_annotators():
    study = make_open_study()
    raters = [make_rater(study) for _ in range(6)]
    for rater in raters:
        varied(rater, 2)

    def queries(people: list[Annotator]) -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            found = dict(evidence.evidence_of(study, [row.pk for row in people], dwells=20))
        assert len(found) == len(people)
        return len(captured)

    few = queries(raters[:1])
    for rater in raters:
        varied(rater, 5)
    assert queries(raters) == few <= 6


def test_annotators_are_read_some_at_a_time(monkeypatch):
    monkeypatch.setattr(evidence, "AT_ONCE", 2)
    study = make_open_study()
    raters = [make_rater(study) for _ in range(5)]
    for number, rater in enumerate(raters):
        varied(rater, number)
    found = dict(evidence.evidence_of(study, [row.pk for row in raters], dwells=20))
    assert [found[row.pk].answers for row in raters] == [0, 1, 2, 3, 4]
