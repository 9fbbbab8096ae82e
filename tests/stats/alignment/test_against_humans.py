"""Judge against votes and majority, what people reach, and what a constant would."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.stats.alignment.against_humans import (
    agreement_no_ties,
    agreement_with_majority,
    agreement_with_votes,
    constant_guess,
    kappa_with_majority,
)
from reports.stats.alignment.ceiling import human_ceiling, leave_one_out
from reports.stats.alignment.humans import human_labels, unique_mode
from reports.stats.alignment.shares import share_by_prompt
from reports.stats.results import ShapeMismatch, WarningCode
from reports.stats.votes import Votes
from tests.stats.alignment.small_studies import (
    BAD,
    MISS,
    TIE,
    A,
    B,
    comparisons,
    judge_once,
    judge_twice,
    panel,
    sides,
    votes_on,
)

STUDY = comparisons(4)
VOTES = votes_on(STUDY, [(0, 0, A), (0, 1, A), (0, 2, B), (1, 0, TIE), (1, 1, B), (2, 0, B)])


def test_single_votes_are_compared_one_by_one() -> None:
    judge, humans = sides(STUDY, VOTES, judge_once([A, TIE, A, A]))
    everything = agreement_with_votes(judge, humans, STUDY)
    assert everything.n == 6
    assert everything.estimate == pytest.approx(3 / 6)
    decisive = agreement_no_ties(judge, humans, STUDY)
    assert decisive.n == 4  # comparison 1 is a tie for the judge
    assert decisive.estimate == pytest.approx(2 / 4)


def test_strict_reconciliation_calls_disagreeing_orders_a_tie_and_drops_them_from_no_ties() -> None:
    judgments = judge_twice([A, TIE, A, A], [A, B, TIE, A])
    judge, humans = sides(STUDY, VOTES, judgments)
    assert judge.category.tolist() == [A, B, A, A]
    figure = agreement_with_votes(judge, humans, STUDY)
    assert figure.details["strict"] == pytest.approx(3 / 6)  # 2 in comparison 0, the tie in 1
    assert agreement_no_ties(judge, humans, STUDY).details["strict"] == pytest.approx(2 / 3)


def test_a_draw_has_no_majority_and_is_counted_or_is_a_tie_on_request() -> None:
    judge, humans = sides(STUDY, VOTES, judge_once([A, TIE, A, A]))
    assert humans.majority.tolist() == [A, MISS, B, MISS]
    figure = agreement_with_majority(judge, humans, STUDY)
    assert (figure.n, figure.estimate, figure.details["draws"]) == (2, 0.5, 1)
    judge, humans = sides(STUDY, VOTES, judge_once([A, TIE, A, A]), draws="tie")
    figure = agreement_with_majority(judge, humans, STUDY)
    assert figure.n == 3
    assert figure.estimate == pytest.approx(2 / 3)


@given(
    st.lists(st.integers(0, 2), min_size=12, max_size=12),
    st.lists(st.integers(0, 2), min_size=36, max_size=36),
    st.sets(st.integers(0, 11), max_size=6),
)
def test_an_unreadable_reply_leaves_every_rate_as_if_it_had_never_been_asked(
    said: list[int], human: list[int], lost: set[int]
) -> None:
    study = comparisons(12)
    table = np.array(human).reshape(12, 3)
    replies = [MISS if i in lost else v for i, v in enumerate(said)]
    kept = np.array([i not in lost for i in range(12)])
    silent = panel(study, np.where(kept[:, None], table, MISS))
    for figure in (agreement_with_votes, agreement_no_ties, agreement_with_majority):
        garbled = figure(*sides(study, panel(study, table), judge_once(replies)), study)
        unasked = figure(*sides(study, silent, judge_once(replies)), study)
        assert garbled.estimate == unasked.estimate
        assert garbled.n == unasked.n


def test_missing_as_a_class_reproduces_tables_that_count_it_wrong() -> None:
    judge, humans = sides(STUDY, VOTES, judge_once([A, TIE, MISS, A]))
    assert agreement_with_votes(judge, humans, STUDY).n == 5
    wrong = agreement_with_votes(judge, humans, STUDY, missing_as_class=True)
    assert (wrong.n, wrong.estimate) == (6, 0.5)
    majority = agreement_with_majority(judge, humans, STUDY, missing_as_class=True)
    assert (majority.n, majority.estimate) == (2, 0.5)


def test_both_bad_is_folded_only_for_a_judge_who_cannot_say_it() -> None:
    votes = votes_on(STUDY, [(0, 0, BAD), (1, 0, TIE), (2, 0, BAD)])
    judge, humans = sides(STUDY, votes, judge_once([TIE, TIE, A, A]))
    folded = agreement_with_votes(judge, humans, STUDY)
    assert folded.estimate == pytest.approx(2 / 3)
    assert WarningCode.BOTH_BAD_FOLDED in folded.warnings
    judge, humans = sides(STUDY, votes, judge_once([TIE, TIE, BAD, A]))
    own = agreement_with_votes(judge, humans, STUDY)
    assert own.estimate == pytest.approx(2 / 3)
    assert WarningCode.BOTH_BAD_FOLDED not in own.warnings


def test_votes_stored_the_other_way_round_are_turned_to_their_comparison() -> None:
    turned = Votes.from_arrays([1], [0], [A], prompt=[0], annotator=[0], item=[0], n_items=4)
    humans = human_labels(turned, STUDY, says_both_bad=False)
    assert humans.majority[0] == B


def test_votes_of_other_comparisons_are_refused() -> None:
    foreign = Votes.from_arrays([0], [2], [A], prompt=[0], annotator=[0], item=[0])
    with pytest.raises(ShapeMismatch, match="other systems"):
        human_labels(foreign, STUDY, says_both_bad=False)
    more = Votes.from_arrays([0], [1], [A], prompt=[0], annotator=[0], item=[0], n_items=9)
    with pytest.raises(ShapeMismatch, match="9 items for 4 comparisons"):
        human_labels(more, STUDY, says_both_bad=False)


def test_kappa_is_undefined_for_one_category_and_bootstrapped_over_shared_prompts() -> None:
    study = comparisons(60, prompts=12)
    random = np.random.default_rng(1)
    truth = random.integers(0, 3, 60)
    said = np.where(random.random(60) < 0.7, truth, random.integers(0, 3, 60))
    votes = panel(study, truth[:, None])
    judge, humans = sides(study, votes, judge_once(said.tolist()))
    clustered = kappa_with_majority(judge, humans, study, seed=2)
    assert clustered.method == "cohen_kappa_prompt_bootstrap"
    assert clustered.n_clusters == {"prompts": 12}
    assert clustered.seed == 2
    assert clustered == kappa_with_majority(judge, humans, study, seed=2)
    alone = comparisons(60)
    single = kappa_with_majority(
        *sides(alone, panel(alone, truth[:, None]), judge_once(said.tolist())), alone, seed=2
    )
    assert single.estimate == clustered.estimate
    assert single.method == "cohen_kappa"
    assert clustered.details["independent"]["low"] == single.low
    same = judge_once([A] * 60)
    flat = kappa_with_majority(
        *sides(study, panel(study, np.zeros((60, 1), dtype=np.int64)), same), study, seed=2
    )
    assert flat.estimate is None
    assert WarningCode.DEGENERATE_SCALE in flat.warnings


def test_a_bootstrap_over_prompts_is_as_wide_as_dependence_within_them() -> None:
    # Ten copies of each comparison under one prompt tell no more than one of them.
    random = np.random.default_rng(4)
    truth = np.repeat(random.integers(0, 3, 50), 10)
    right = np.repeat(random.random(50) < 0.7, 10)
    said = np.where(right, truth, (truth + 1) % 3)
    study = comparisons(500)
    study = type(study)(np.arange(500) // 10, study.system_a, study.system_b, 2)
    kappa = kappa_with_majority(
        *sides(study, panel(study, truth[:, None]), judge_once(said.tolist())), study, seed=1
    )
    independent = kappa.details["independent"]
    assert kappa.low is not None
    assert kappa.high is not None
    ratio = (kappa.high - kappa.low) / (independent["high"] - independent["low"])
    assert ratio == pytest.approx(np.sqrt(10), rel=0.15)


def test_the_best_constant_answer_stands_beside_the_judge() -> None:
    judge, humans = sides(STUDY, VOTES, judge_once([A, TIE, MISS, A]))
    constant = constant_guess(judge, humans, STUDY)
    assert constant.n == 5
    assert constant.estimate == pytest.approx(2 / 5)
    assert constant.details["answer"] == "a"
    assert constant.details["majority"] == 1


def test_the_ceiling_pools_pairs_of_distinct_raters_on_judged_comparisons_only() -> None:
    study = comparisons(3)
    votes = votes_on(
        study, [(0, 0, A), (0, 1, A), (0, 2, TIE), (1, 0, A), (1, 1, B), (2, 0, A), (2, 1, A)]
    )
    judge, humans = sides(study, votes, judge_once([A, A, MISS]))
    ceiling = human_ceiling(judge, humans, study, seed=1)
    assert ceiling.n == 4
    assert ceiling.estimate == pytest.approx(1 / 4)
    assert ceiling.details["no_ties"]["n"] == 2
    assert ceiling.details["no_ties"]["estimate"] == 0.5


def test_leave_one_out_compares_rater_and_judge_on_the_same_comparisons() -> None:
    study = comparisons(40)
    table = np.zeros((40, 3), dtype=np.int64)
    table[:10, 0] = B  # rater 0 departs from the other two ten times
    table[30:, 2] = MISS  # there the other raters have one vote each: it is the mode
    judge, humans = sides(study, panel(study, table), judge_once([B] * 4 + [A] * 36))
    result = leave_one_out(judge, humans, study, seed=1)
    first, second, third = result["raters"]
    assert (first["n"], first["humans"], first["judge"]) == (40, 0.75, 0.9)
    # For rater 1 the others are split on the first ten: those are left out for both.
    assert second == {**second, "n": 30, "humans": 1.0, "judge": 1.0, "difference": 0.0}
    assert third == {"rater": 2, "n": 20}
    assert first["difference"] == pytest.approx(0.15)
    assert first["low"] < 0.15 < first["high"]


def test_the_unique_mode_is_missing_where_it_is_shared_or_nothing_was_said() -> None:
    counts = np.array([[2, 1, 0], [1, 1, 0], [0, 0, 0], [0, 0, 3]])
    assert unique_mode(counts).tolist() == [0, MISS, MISS, 2]


def test_shares_know_how_much_their_prompts_tell() -> None:
    hit = np.tile([True, False, True, True], 25)
    alone = share_by_prompt(hit, np.arange(100), method="x")
    copied = share_by_prompt(np.repeat(hit, 4), np.repeat(np.arange(100), 4), method="x")
    assert copied.details["n_effective"] == pytest.approx(alone.details["n_effective"])
    assert copied.low == pytest.approx(alone.low)
    assert copied.n == 400
    # One row a prompt: the variance is the binomial one times P/(P-1).
    assert alone.details["n_effective"] == pytest.approx(99)
    assert alone.df == pytest.approx(99)
    unanimous = share_by_prompt(np.ones(40), np.repeat(np.arange(4), 10), method="x")
    assert unanimous.high == 1
    assert unanimous.low is not None
    assert unanimous.low < 0.5  # four prompts agree, not forty independent comparisons
    assert WarningCode.FEW_PROMPTS in unanimous.warnings
    assert share_by_prompt([], np.zeros(0, dtype=np.int64), method="x").estimate is None
