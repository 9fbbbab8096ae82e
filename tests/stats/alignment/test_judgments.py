"""Orders and replicates become one decision; what is missing stays missing."""

from __future__ import annotations

import numpy as np
import pytest

from reports.stats.alignment import MISSING, Comparisons, Judgments
from reports.stats.alignment.judgments import INCONSISTENT, reconcile
from reports.stats.results import NegativeCount, ShapeMismatch, StatsError, UnknownVerdict
from tests.stats.alignment.small_studies import (
    AB,
    BA,
    BAD,
    BOTH,
    MISS,
    TIE,
    A,
    B,
    judge_once,
    judge_twice,
)


def test_orders_that_agree_keep_their_verdict_and_orders_that_differ_tie() -> None:
    judge = reconcile(judge_twice([A, A, TIE, B], [A, B, A, B]), 4)
    assert judge.category.tolist() == [A, TIE, A, B]
    assert judge.score.tolist() == [1, 0, 0.5, -1]
    assert judge.strict.tolist() == [A, INCONSISTENT, INCONSISTENT, B]
    assert judge.two_orders
    assert not judge.one_order


def test_a_wider_tolerance_keeps_one_step_of_imbalance_a_tie() -> None:
    graded = Judgments.from_arrays([0, 0], [AB, BA], [A, B], margin=[2, 1])
    assert reconcile(graded, 1).score.tolist() == [0.25]
    assert reconcile(graded, 1).category.tolist() == [A]
    assert reconcile(graded, 1, tolerance=0.25).category.tolist() == [TIE]


def test_a_margin_grades_the_score() -> None:
    graded = Judgments.from_arrays([0, 1, 2, 3], [BOTH] * 4, [A, A, TIE, B], margin=[1, 2, 0, 2])
    assert reconcile(graded, 4).score.tolist() == [0.5, 1, 0, -1]


def test_a_comparison_with_one_parsed_order_is_half_and_kept_out() -> None:
    judge = reconcile(judge_twice([A, MISS, B], [A, A, MISS]), 3)
    assert judge.category.tolist() == [A, MISSING, MISSING]
    assert judge.strict.tolist() == [A, MISSING, MISSING]
    assert judge.half == 2
    assert np.isnan(judge.score[1:]).all()


def test_a_judge_of_one_order_is_used_as_it_is() -> None:
    judge = reconcile(judge_once([A, MISS, B], AB), 4)
    assert judge.category.tolist() == [A, MISSING, B, MISSING]
    assert judge.one_order
    assert judge.half == 0


def test_a_random_single_order_for_each_comparison_is_one_order_too() -> None:
    judge = reconcile(Judgments.from_arrays([0, 1], [AB, BA], [A, B]), 2)
    assert judge.one_order
    assert judge.category.tolist() == [A, B]


def test_already_reconciled_labels_are_taken_over() -> None:
    judge = reconcile(judge_once([A, TIE, MISS]), 3)
    assert judge.category.tolist() == [A, TIE, MISSING]
    assert not judge.one_order
    assert not judge.two_orders


def test_replicates_are_averaged_within_their_order_first() -> None:
    calls = Judgments.from_arrays([0, 0, 0, 0], [AB, AB, AB, BA], [A, A, B, B])
    judge = reconcile(calls, 1)
    # One third for A in one order against a whole B in the other.
    assert judge.score[0] == pytest.approx((1 / 3 - 1) / 2)
    assert judge.category.tolist() == [B]
    assert judge.stability == pytest.approx(2 / 3)


def test_both_bad_is_kept_where_every_order_says_it_and_scores_nothing() -> None:
    judge = reconcile(judge_twice([BAD, BAD, BAD], [BAD, TIE, A]), 3)
    assert judge.category.tolist() == [BAD, TIE, A]
    assert judge.score.tolist() == [0, 0, 0.5]


def test_missing_calls_are_told_by_cause_and_never_scored() -> None:
    calls = Judgments.from_arrays(
        [0, 1, 2],
        [BOTH] * 3,
        [A, MISS, MISS],
        cause=[-1, 1, 0],
        causes=("unparsed", "refused", "failed"),
    )
    assert calls.missing() == {"unparsed": 1, "refused": 1}
    assert reconcile(calls, 3).category.tolist() == [A, MISSING, MISSING]
    assert judge_once([MISS]).missing() == {"unparsed": 1}


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([0], [AB], [4]), UnknownVerdict, "verdict of judgment 0 is 4"),
        (([0], [3], [A]), StatsError, "order of judgment 0 is 3"),
        (([-1], [AB], [A]), NegativeCount, "comparison holds the code -1"),
        (([0, 1], [AB], [A, B]), ShapeMismatch, "order has shape"),
        (([0], [AB], [0.5]), ShapeMismatch, "verdict holds float64"),
    ],
)
def test_misuse_is_refused_by_name(
    arguments: tuple[list[int], list[int], list[int]], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Judgments.from_arrays(*arguments)


def test_margins_and_causes_outside_their_codes_are_refused() -> None:
    with pytest.raises(StatsError, match="margin"):
        Judgments.from_arrays([0], [AB], [A], margin=[3])
    with pytest.raises(StatsError, match="cause"):
        Judgments.from_arrays([0], [AB], [MISS], cause=[1])
    with pytest.raises(ShapeMismatch, match="names comparison 5"):
        reconcile(Judgments.from_arrays([5], [AB], [A]), 5)
    with pytest.raises(ShapeMismatch, match="system_b"):
        Comparisons.from_arrays([0], [0], [])
    with pytest.raises(NegativeCount, match="prompt"):
        Comparisons.from_arrays([-1], [0], [1])
    with pytest.raises(ShapeMismatch, match="there are 1"):
        Comparisons.from_arrays([0], [0], [1], n_systems=1)
