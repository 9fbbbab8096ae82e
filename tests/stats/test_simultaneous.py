"""Simultaneous intervals and rank sets."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtri, stdtrit

from reports.stats import simultaneous as room
from reports.stats.covariance import Covariance
from reports.stats.simultaneous import max_t_quantile, rank_sets


def covariance(matrix: np.ndarray, df: float | None = None) -> Covariance:
    return Covariance(matrix, df, "given", {}, {})


def test_independent_errors_give_the_sidak_quantile() -> None:
    for m in (2, 6, 20):
        k = max_t_quantile(covariance(np.eye(m)), seed=1)
        exact = float(ndtri((1 + 0.95 ** (1 / m)) / 2))
        assert k == pytest.approx(exact, abs=0.03)


def test_few_degrees_of_freedom_widen_the_simultaneous_interval() -> None:
    wide, narrow = (max_t_quantile(covariance(np.eye(4), df), seed=1) for df in (4.0, None))
    assert wide is not None
    assert narrow is not None
    assert wide > narrow + 1


@pytest.mark.parametrize("df", [3.0, 12.0, 40.0])
def test_each_error_is_estimated_by_itself(df: float) -> None:
    # Independent errors of unknown variance: the quantile of Sidak and Student. One divisor for
    # all would stay a tenth to a fifth below it.
    for m in (2, 6, 20):
        k = max_t_quantile(covariance(np.eye(m), df), seed=1)
        assert k == pytest.approx(float(stdtrit(df, (1 + 0.95 ** (1 / m)) / 2)), rel=0.05)


def test_many_degrees_of_freedom_are_as_good_as_a_known_variance() -> None:
    matrix = np.full((5, 5), 0.4) + 0.6 * np.eye(5)
    near, known = (max_t_quantile(covariance(matrix, df), seed=1) for df in (1e6, None))
    assert near == pytest.approx(known, abs=0.03)


@pytest.mark.parametrize("df", [2.0, 4.0, 30.0, None])
def test_two_systems_are_one_contrast(df: float | None) -> None:
    # Their Strengths are each other's mirror: what holds for one holds for both.
    k = max_t_quantile(covariance(0.03 * np.array([[1.0, -1.0], [-1.0, 1.0]]), df), seed=1)
    assert k == pytest.approx(float(ndtri(0.975) if df is None else stdtrit(df, 0.975)))


@pytest.mark.parametrize("df", [2.0, 4.0, None])
def test_two_systems_are_told_apart_where_their_interval_says_so(df: float | None) -> None:
    given = covariance(0.01 * np.array([[1.0, -1.0], [-1.0, 1.0]]), df)
    k = max_t_quantile(given, seed=1)
    assert k is not None
    for factor, apart in ((0.9999, False), (1.0001, True)):
        half = 0.1 * k * factor
        assert rank_sets(np.array([half, -half]), given, seed=1).better[0, 1] == apart


def test_a_mirrored_statistic_has_no_error_of_its_own() -> None:
    # Two independent contrasts, one of them twice.
    matrix = np.array([[1.0, -2.0, 0.0], [-2.0, 4.0, 0.0], [0.0, 0.0, 9.0]])
    k = max_t_quantile(covariance(matrix, 4.0), seed=1)
    assert k == pytest.approx(float(stdtrit(4.0, (1 + 0.95**0.5) / 2)), rel=0.03)


def test_a_single_known_error_has_no_joint_statement() -> None:
    assert max_t_quantile(covariance(np.diag([1.0, 0.0])), seed=1) is None
    assert max_t_quantile(covariance(np.zeros((3, 3))), seed=1) is None


def test_clear_gaps_fix_every_rank() -> None:
    found = rank_sets(np.array([3.0, -3.0, 0.0]), covariance(np.eye(3) * 0.01), seed=1)
    assert found.low.tolist() == found.high.tolist() == [1, 3, 2]
    assert found.better.tolist() == [[False, True, True], [False] * 3, [False, True, False]]


def test_no_information_leaves_every_rank_open() -> None:
    for matrix in (np.eye(3) * 100, np.zeros((3, 3))):
        found = rank_sets(np.array([0.5, 0.0, -0.5]), covariance(matrix), seed=1)
        assert found.low.tolist() == [1, 1, 1]
        assert found.high.tolist() == [3, 3, 3]


def step_quantile(matrix: np.ndarray, active: list[int], seed: int) -> float:
    """The quantile of the largest |t| over pairs of the active, drawn independently."""
    z = np.random.default_rng(seed).multivariate_normal(np.zeros(len(matrix)), matrix, 40_000)
    i, j = np.triu_indices(len(active), 1)
    first, second = np.array(active)[i], np.array(active)[j]
    return float(np.quantile(np.abs(z[:, first] - z[:, second]).max(axis=1), 0.95))


def test_dropping_decided_pairs_decides_a_pair_that_stood_between_the_quantiles() -> None:
    matrix = np.eye(5) * 0.5
    single = step_quantile(matrix, [0, 1, 2, 3, 4], 1)
    after = step_quantile(matrix, [1, 2, 3, 4], 1)
    gap = (single + after) / 2
    strengths = np.array([30.0, 0.0, gap / 2, gap / 2, gap])
    found = rank_sets(strengths - strengths.mean(), covariance(matrix), seed=1)
    assert found.better[4, 1]
    assert found.steps >= 2


def test_few_degrees_of_freedom_leave_more_ranks_open() -> None:
    strengths, matrix = np.array([1.0, 0.0, -1.0]), np.eye(3) * 0.06
    known = rank_sets(strengths, covariance(matrix), seed=1)
    unsure = rank_sets(strengths, covariance(matrix, 2.0), seed=1)
    assert known.better[0, 2]
    assert known.better[0, 1]
    assert not unsure.better.any()


def test_small_blocks_give_the_same_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    strengths = np.linspace(1, -1, 12)
    whole = rank_sets(strengths, covariance(np.eye(12) * 0.05, 30.0), seed=5)
    monkeypatch.setattr(room, "BLOCK_ENTRIES", 1)
    blocks = rank_sets(strengths, covariance(np.eye(12) * 0.05, 30.0), seed=5)
    np.testing.assert_array_equal(whole.better, blocks.better)


def test_the_same_seed_gives_the_same_quantile_and_another_seed_another() -> None:
    given = covariance(np.eye(5), 12.0)
    assert max_t_quantile(given, seed=1) == max_t_quantile(given, seed=1)
    assert max_t_quantile(given, seed=1) != max_t_quantile(given, seed=2)


def test_joint_rank_sets_cover_in_a_small_simulation() -> None:
    random = np.random.default_rng(11)
    truth = np.array([0.6, 0.3, 0.0, -0.3, -0.6])
    true_rank = np.arange(1, 6)
    matrix = np.eye(5) * 0.04
    covered = 0
    runs = 150
    for run in range(runs):
        estimate = truth + random.normal(0, 0.2, 5)
        found = rank_sets(estimate, covariance(matrix), seed=run)
        covered += bool(((found.low <= true_rank) & (true_rank <= found.high)).all())
    assert covered / runs >= 0.93
