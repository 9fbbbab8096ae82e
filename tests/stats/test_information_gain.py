"""What a vote would tell: the formula against a vote really added, and what it prefers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import expit, ndtr

from reports.stats.bradley_terry import ridge_strengths
from reports.stats.information_gain import PRECISION, information_gain
from reports.stats.results import NonFiniteInput, ShapeMismatch

FloatArray = NDArray[np.float64]


def counts(seed: int, systems: int = 5, votes: float = 8.0) -> tuple[FloatArray, FloatArray]:
    random = np.random.default_rng(seed)
    upper = np.triu(random.poisson(votes, (systems, systems)), 1)
    won = random.binomial(upper, 0.6)
    score = (won + (upper - won).T).astype(np.float64)
    return score, (upper + upper.T).astype(np.float64)


def information(strengths: FloatArray, total: FloatArray) -> FloatArray:
    """H as a sum over votes, one pair after the other."""
    m = strengths.size
    found = PRECISION * np.eye(m)
    for i in range(m):
        for j in range(i + 1, m):
            x = np.zeros(m)
            x[i], x[j] = 1.0, -1.0
            p = float(expit(strengths[i] - strengths[j]))
            found += total[i, j] * p * (1 - p) * np.outer(x, x)
    return found


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_the_gain_is_what_an_added_vote_takes_from_the_log_variance(seed: int) -> None:
    score, total = counts(seed)
    strengths = ridge_strengths(score, total, PRECISION)
    gain = information_gain(score, total)
    before = np.linalg.inv(information(strengths, total))
    for i, j in ((0, 1), (2, 4)):
        x = np.zeros(5)
        x[i], x[j] = 1.0, -1.0
        more = total.copy()
        more[i, j] += 1
        more[j, i] += 1
        after = np.linalg.inv(information(strengths, more))
        open_order = ndtr(-abs(strengths[i] - strengths[j]) / np.sqrt(x @ before @ x))
        expected = open_order * np.log((x @ before @ x) / (x @ after @ x))
        assert gain[i, j] == pytest.approx(expected, rel=1e-8)


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_names_and_winners_change_nothing_but_places(seed: int) -> None:
    score, total = counts(seed)
    gain = information_gain(score, total)
    order = np.random.default_rng(seed).permutation(5)
    moved = information_gain(score[np.ix_(order, order)], total[np.ix_(order, order)])
    assert moved == pytest.approx(gain[np.ix_(order, order)], rel=1e-8)
    assert gain == pytest.approx(gain.T)
    assert information_gain(score.T, total) == pytest.approx(gain, rel=1e-8)


def test_without_a_vote_every_pair_is_worth_the_same() -> None:
    gain = information_gain(np.zeros((4, 4)), np.zeros((4, 4)))
    off = gain[~np.eye(4, dtype=bool)]
    assert off.min() > 0
    assert np.ptp(off) < 1e-12
    assert np.diag(gain).tolist() == [0.0] * 4
    assert information_gain(np.zeros((0, 0)), np.zeros((0, 0))).shape == (0, 0)


def test_a_system_that_nobody_has_seen_is_where_most_is_to_be_learnt() -> None:
    score, total = np.zeros((3, 3)), np.zeros((3, 3))
    score[0, 1] = score[1, 0] = 20.0
    total[0, 1] = total[1, 0] = 40.0
    gain = information_gain(score, total)
    assert gain[0, 2] > 5 * gain[0, 1]


def test_a_close_pair_is_worth_more_than_a_settled_one() -> None:
    score, total = np.zeros((3, 3)), np.full((3, 3), 50.0)
    np.fill_diagonal(total, 0.0)
    score[0, 1], score[1, 0] = 26.0, 24.0
    score[0, 2], score[2, 0] = 45.0, 5.0
    score[1, 2], score[2, 1] = 45.0, 5.0
    gain = information_gain(score, total)
    assert gain[0, 1] > 1_000 * gain[0, 2]


def test_unanimous_votes_give_a_number() -> None:
    score, total = np.zeros((2, 2)), np.zeros((2, 2))
    score[0, 1] = total[0, 1] = total[1, 0] = 500.0
    assert 0 <= information_gain(score, total)[0, 1] < 1e-3


def test_misuse_is_refused() -> None:
    with pytest.raises(NonFiniteInput, match="precision is 0"):
        information_gain(np.zeros((2, 2)), np.zeros((2, 2)), precision=0)
    with pytest.raises(ShapeMismatch, match="square"):
        information_gain(np.zeros((2, 3)), np.zeros((2, 3)))
