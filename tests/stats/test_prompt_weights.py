"""Prompts that count by how often they are met."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reports.stats.bradley_terry import fit_bradley_terry
from reports.stats.cells import Cells
from reports.stats.leaderboard import leaderboard
from reports.stats.prompt_weights import kish_size, weigh_prompts
from reports.stats.results import NegativeCount, NonFiniteInput, ShapeMismatch, WarningCode
from reports.stats.strength_covariance import strength_covariance
from reports.stats.votes import Votes
from reports.stats.win_rates import pair_mean_scores
from tests.stats.vote_makers import N_PROMPTS, Row, regular_rows, vote_rows, votes_of

FREQUENCY = np.array([5.0, 1.0, 0.5, 2.0, 3.0])


def weighed(votes: Votes, frequency: Any = FREQUENCY) -> Votes:
    found = weigh_prompts(votes, frequency)
    assert found is not None
    return found


def test_a_prompt_counts_by_its_frequency_however_many_votes_it_got() -> None:
    votes = votes_of([(0, 1, 0, 1, 0, k) for k in range(8)] + [(1, 0, 0, 1, 1, k) for k in (0, 1)])
    found = weighed(votes, [1.0, 3.0])
    assert found.weight is not None
    assert found.weight.mean() == pytest.approx(1)
    assert found.weight[8:].sum() == pytest.approx(3 * found.weight[:8].sum())
    rate = pair_mean_scores(found).estimate(0)
    assert rate.estimate == pytest.approx(0.25)


def test_pairs_on_one_prompt_do_not_share_its_weight() -> None:
    votes = votes_of([(0, 1, 0, 1, 0, 0), (1, 0, 0, 1, 0, 1), (0, 2, 0, 1, 0, 0)])
    np.testing.assert_allclose(weighed(votes, [4.0]).weight, [0.75, 0.75, 1.5])


@given(st.integers(0, 200))
@settings(max_examples=15)
def test_the_weighted_score_equations_hold(seed: int) -> None:
    votes = weighed(votes_of(regular_rows(seed)))
    theta = fit_bradley_terry(Cells.from_votes(votes)).strengths
    sums = np.zeros(votes.n_systems)
    for a, b, y, w in zip(votes.system_a, votes.system_b, votes.score(), votes.weight, strict=True):
        r = w * (y - 1 / (1 + np.exp(theta[b] - theta[a])))
        sums[a] += r
        sums[b] -= r
    np.testing.assert_allclose(sums, 0, atol=1e-8)


def test_the_weighted_sandwich_sums_weighted_scores() -> None:
    votes = weighed(votes_of(regular_rows(4)))
    fit = fit_bradley_terry(Cells.from_votes(votes))
    (part,) = fit.components
    theta, m = part.strengths, votes.n_systems
    scores, information = np.zeros((N_PROMPTS, m)), np.zeros((m, m))
    rows = zip(
        votes.system_a, votes.system_b, votes.score(), votes.weight, votes.prompt, strict=True
    )
    for a, b, y, w, prompt in rows:
        x = np.eye(m)[a] - np.eye(m)[b]
        p = 1 / (1 + np.exp(theta[b] - theta[a]))
        scores[prompt] += w * (y - p) * x
        information += w * p * (1 - p) * np.outer(x, x)
    np.testing.assert_allclose(part.information, information, atol=1e-9)
    one = Votes.from_arrays(
        votes.system_a,
        votes.system_b,
        votes.verdict,
        prompt=votes.prompt,
        annotator=np.zeros(votes.n, dtype=int),
        weight=votes.weight,
    )
    (found,) = strength_covariance(one, fit)
    assert found.method == "prompt_cr3"
    left = [np.linalg.pinv(information - _of(votes, theta, g)) @ scores[g] for g in range(5)]
    changes = np.array(left) - np.mean(left, axis=0)
    np.testing.assert_allclose(found.matrix, 4 / 5 * changes.T @ changes, rtol=1e-7, atol=1e-12)


def _of(votes: Votes, theta: np.ndarray, prompt: int) -> np.ndarray:
    m = theta.size
    total = np.zeros((m, m))
    for row in np.flatnonzero(votes.prompt == prompt):
        x = np.eye(m)[votes.system_a[row]] - np.eye(m)[votes.system_b[row]]
        p = 1 / (1 + np.exp(-theta @ x))
        assert votes.weight is not None
        total += votes.weight[row] * p * (1 - p) * np.outer(x, x)
    return total


def test_degrees_of_freedom_count_clusters_by_their_weight() -> None:
    votes = weighed(votes_of(regular_rows(4)), [40.0, 1.0, 1.0, 1.0, 1.0])
    assert votes.weight is not None

    def df(rows: Any) -> float:
        of_prompt, of_person = (
            np.bincount(column[rows], votes.weight[rows])  # type: ignore[index]
            for column in (votes.prompt, votes.annotator)
        )
        effective = [float(w.sum() ** 2 / (w**2).sum()) for w in (of_prompt, of_person)]
        return max(1.0, min(effective) - 1)

    assert df(slice(None)) < 1.5  # of five prompts one has most of the weight
    for row in leaderboard(votes, seed=1).rows:
        own = (votes.system_a == row.system) | (votes.system_b == row.system)
        assert row.strength.df == pytest.approx(df(slice(None)))
        assert row.win_rate.df == pytest.approx(df(own))
        assert WarningCode.FEW_PROMPTS in row.strength.warnings
    pairs = pair_mean_scores(votes)
    first = np.minimum(votes.system_a, votes.system_b) == 0
    second = np.maximum(votes.system_a, votes.system_b) == 1
    assert pairs.df[0] == pytest.approx(df(first & second))


def test_equal_frequencies_on_a_balanced_design_change_nothing() -> None:
    rows: list[Row] = [
        (a, b, (a + b + prompt + who) % 3, 1, prompt, who)
        for a in range(3)
        for b in range(a + 1, 3)
        for prompt in range(N_PROMPTS)
        for who in range(3)
    ]
    plain = leaderboard(votes_of(rows), seed=1)
    other = leaderboard(weighed(votes_of(rows), np.full(N_PROMPTS, 7.0)), seed=1)
    for mine, theirs in zip(plain.rows, other.rows, strict=True):
        assert mine.system == theirs.system
        assert mine.strength.estimate == pytest.approx(theirs.strength.estimate, abs=1e-10)
        assert mine.strength.se == pytest.approx(theirs.strength.se, rel=1e-9)


def test_votes_on_prompts_never_met_count_for_nothing() -> None:
    votes = votes_of(regular_rows(2))
    frequency = np.array([1.0, 0.0, 1.0, 1.0, 0.0])
    found = weighed(votes, frequency)
    assert set(found.prompt.tolist()) == {0, 2, 3}
    assert weigh_prompts(votes, np.zeros(5)) is None
    assert weigh_prompts(votes_of([], n_systems=2), np.zeros(0)) is None


@given(st.floats(1e-6, 1e6), st.randoms(use_true_random=False))
@settings(max_examples=15)
def test_the_scale_of_frequencies_and_the_order_of_rows_do_not_matter(
    scale: float, random: Any
) -> None:
    rows = regular_rows(3, n=60)
    shuffled = rows.copy()
    random.shuffle(shuffled)
    plain = weighed(votes_of(rows))
    np.testing.assert_allclose(
        weighed(votes_of(rows), FREQUENCY * scale).weight, plain.weight, rtol=1e-9
    )
    boards = [leaderboard(weighed(votes_of(order)), seed=2) for order in (rows, shuffled)]
    assert [row.strength for row in boards[0].rows] == [row.strength for row in boards[1].rows]


def test_kish_counts_equal_weights_fully_and_unequal_ones_less() -> None:
    assert kish_size(np.ones(12), 12) == 12
    assert kish_size(None, 5) == 5
    assert kish_size(np.array([3.0, 1.0]), 2) == pytest.approx(1.6)
    assert kish_size(np.zeros(0), 0) == 0


@pytest.mark.parametrize(
    ("frequency", "error", "words"),
    [
        ([1.0, 2.0], ShapeMismatch, "5 prompts"),
        ([1, 1, -1, 1, 1], NegativeCount, "prompt 2"),
        ([1, np.nan, 1, 1, 1], NonFiniteInput, "prompt 1"),
    ],
)
def test_bad_frequencies_are_refused(
    frequency: list[float], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        weigh_prompts(votes_of(regular_rows(1)), frequency)


frequencies = st.lists(
    st.one_of(
        st.floats(0.01, 100),
        # Of any file: nothing, next to nothing, and the ends of what a float can hold.
        st.sampled_from([0.0, 5e-324, 1e-300, 1e-17, 1.0, 1e12, 1e300, 1.7e308]),
    ),
    min_size=N_PROMPTS,
    max_size=N_PROMPTS,
)


@given(vote_rows(min_size=1), frequencies)
@example([(0, 1, 0, 0, 1, 1), (1, 2, 1, 0, 0, 0)], [40.0, 8.0, 1.0, 1.0, 1.0])
@example([(0, 1, 0, 0, 1, 1), (1, 2, 1, 0, 0, 0)], [70.0, 5.0, 1.0, 1.0, 1.0])
@example([(0, 1, 0, 0, 0, 0), (1, 2, 1, 0, 1, 1), (2, 0, 1, 0, 1, 0)], [1e-17, 1.0, 1, 1, 1])
@settings(max_examples=150)
def test_a_weighted_board_never_leaves_what_is_possible(
    rows: list[Row], frequency: list[float]
) -> None:
    """A system that won all has won all of it: its rate is 1, with an interval of some width."""
    votes = weigh_prompts(votes_of(rows, n_systems=4, n_prompts=N_PROMPTS), frequency)
    if votes is None:
        return
    for row in leaderboard(votes, seed=1).rows:
        rate = row.win_rate
        if rate.estimate is None:
            assert rate.low is rate.high is None
            assert rate.warnings
            continue
        assert rate.low is not None
        assert rate.high is not None
        assert 0 <= rate.low <= rate.estimate <= rate.high <= 1
        assert rate.high - rate.low > 1e-6
        assert 0 < rate.details["effective_n"] <= 4 * rate.n


def test_votes_that_weigh_nothing_take_no_part() -> None:
    """A system all of whose votes weigh nothing has none, as if it had not been asked about."""
    rows = {
        "system_a": [0, 0, 1, 1, 2, 2, 3],
        "system_b": [1, 2, 2, 0, 0, 1, 0],
        "verdict": [0, 2, 1, 0, 2, 0, 0],
        "prompt": range(7),
        "annotator": [0, 1, 0, 1, 0, 1, 0],
    }
    for light in (0.0, 1e-20):
        votes = Votes.from_arrays(**rows, weight=[1, 1, 1, 1, 1, 1, light])
        last = next(row for row in leaderboard(votes, seed=1).rows if row.system == 3)
        for figure in (last.win_rate, last.strength):
            assert figure.estimate is None
            assert WarningCode.NO_VOTES in figure.warnings
