"""Strengths at equal style."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from reports.stats.bradley_terry import fit_bradley_terry
from reports.stats.cells import Cells
from reports.stats.intervals import critical_value
from reports.stats.results import NegativeCount, NonFiniteInput, ShapeMismatch, WarningCode
from reports.stats.style_control import StyleFit, fit_style, style_differences
from reports.stats.votes import Votes
from tests.stats.coverage.measured import MARGINAL, Measured, hold
from tests.stats.vote_makers import Row, mirrored, regular_rows, simulated, votes_of, with_systems


def looks(seed: int, n: int, columns: int = 4) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    a, b = (random.integers(0, 30, (n, columns)).astype(float) for _ in range(2))
    return a, b


def fitted(votes: Votes, a: np.ndarray, b: np.ndarray) -> StyleFit:
    found = fit_style(votes, a, b)
    assert found is not None
    return found


def test_differences_are_relative_and_zero_without_either() -> None:
    found = style_differences([[3.0, 0.0, 5.0]], [[1.0, 0.0, 0.0]])
    np.testing.assert_array_equal(found, [[0.5, 0.0, 1.0]])


def styled(
    seed: int, n: int, beta: float, verbose: float
) -> tuple[Votes, np.ndarray, np.ndarray, np.ndarray]:
    """Votes that reward length; system 0 writes more by the factor `verbose`. And z unscaled."""
    random = np.random.default_rng(seed)
    theta = np.array([-0.3, 0.4, 0.1, -0.2])
    a = random.integers(0, 4, n)
    b = (a + 1 + random.integers(0, 3, n)) % 4
    length = random.lognormal(6, 0.6, (n, 2))
    length[:, 0] *= np.where(a == 0, verbose, 1)
    length[:, 1] *= np.where(b == 0, verbose, 1)
    z = (length[:, 0] - length[:, 1]) / length.sum(axis=1)
    chance = 1 / (1 + np.exp(-(theta[a] - theta[b] + beta * z)))
    verdict = np.where(random.random(n) < chance, 0, 2)
    votes = Votes.from_arrays(
        a, b, verdict, prompt=random.integers(0, 100, n), annotator=random.integers(0, 25, n)
    )
    return votes, length[:, :1], length[:, 1:], theta


def test_a_planted_love_of_length_is_taken_out() -> None:
    votes, a, b, theta = styled(1, 20_000, beta=2.0, verbose=3.0)
    plain = fit_bradley_terry(Cells.from_votes(votes)).strengths
    found = fitted(votes, a, b)
    assert abs(plain[0] - theta[0]) > 0.3
    np.testing.assert_allclose(found.fit.strengths, theta, atol=0.08)
    scale = np.sqrt((style_differences(a, b) ** 2).mean())
    assert found.coefficients[0].estimate == pytest.approx(2.0 * scale, abs=0.05)
    assert found.coefficients[0].low is not None
    assert found.coefficients[0].low > 0
    # Equal style: mean chance against the opponents met.
    rate = found.win_rates[0]
    d = theta[0] - theta[1:]
    assert rate.estimate == pytest.approx(float((1 / (1 + np.exp(-d))).mean()), abs=0.02)


def test_the_fit_equals_a_general_optimiser() -> None:
    votes = votes_of(regular_rows(3, n=200))
    a, b = looks(3, 200)
    z = style_differences(a, b)
    z /= np.sqrt((z**2).mean(axis=0))

    def loss(point: np.ndarray) -> float:
        d = point[votes.system_a] - point[votes.system_b] + z @ point[4:]
        y = votes.score()
        likelihood = y * np.logaddexp(0, -d) + (1 - y) * np.logaddexp(0, d)
        return float(likelihood.sum() + point[4:] @ point[4:] / 2)

    point = minimize(loss, np.zeros(8), method="BFGS", options={"gtol": 1e-7}).x
    found = fitted(votes, a, b)
    np.testing.assert_allclose(found.fit.strengths, point[:4] - point[:4].mean(), atol=1e-5)
    np.testing.assert_allclose(found.fit.coefficients, point[4:], atol=1e-5)
    assert found.covariance.matrix.shape == (8, 8)


@given(st.integers(0, 100), st.lists(st.booleans(), min_size=60, max_size=60))
@settings(max_examples=10)
def test_mirrored_rows_give_the_same_fit(seed: int, turns: list[bool]) -> None:
    rows = regular_rows(seed, n=60)
    a, b = looks(seed, 60)
    turn = np.array(turns)[:, None]
    plain = fitted(votes_of(rows), a, b)
    other = fitted(votes_of(mirrored(rows, turns)), np.where(turn, b, a), np.where(turn, a, b))
    np.testing.assert_allclose(other.fit.strengths, plain.fit.strengths, atol=1e-9)
    np.testing.assert_allclose(other.fit.coefficients, plain.fit.coefficients, atol=1e-9)
    np.testing.assert_allclose(
        other.covariance.matrix, plain.covariance.matrix, rtol=1e-6, atol=1e-11
    )


@given(st.integers(0, 100), st.permutations(range(60)), st.permutations(range(4)))
@settings(max_examples=10)
def test_names_and_order_of_rows_change_nothing(
    seed: int, order: list[int], systems: list[int]
) -> None:
    rows = regular_rows(seed, n=60)
    a, b = looks(seed, 60)
    plain = fitted(votes_of(rows), a, b)
    other = fitted(votes_of([rows[k] for k in order]), a[order], b[order])
    assert other.fit.strengths.tobytes() == plain.fit.strengths.tobytes()
    assert other.covariance.matrix.tobytes() == plain.covariance.matrix.tobytes()
    renamed = with_systems(rows, systems)
    moved = fitted(votes_of(renamed), a, b)
    np.testing.assert_allclose(moved.fit.strengths[systems], plain.fit.strengths, atol=1e-9)
    assert moved.win_rates[systems[0]].estimate == pytest.approx(plain.win_rates[0].estimate)


def test_a_feature_that_never_differs_is_null_and_changes_nothing() -> None:
    votes = votes_of(regular_rows(5))
    a, b = looks(5, votes.n, 2)
    same = np.full((votes.n, 1), 7.0)
    wide = fitted(votes, np.hstack([same, a]), np.hstack([same, b]))
    assert wide.coefficients[0].estimate is None
    assert wide.coefficients[0].warnings == (WarningCode.DEGENERATE_SCALE,)
    np.testing.assert_array_equal(wide.fit.strengths, fitted(votes, a, b).fit.strengths)
    assert fit_style(votes, same, same) is None


def test_nothing_to_fit_gives_none() -> None:
    assert fit_style(votes_of([], n_systems=2), np.zeros((0, 4)), np.zeros((0, 4))) is None


def test_style_that_decides_every_vote_keeps_finite_figures() -> None:
    rows: list[Row] = [(k % 3, (k + 1) % 3, 0 if k % 2 else 2, 1, k % 5, k % 4) for k in range(60)]
    votes = votes_of(rows)
    longer = np.where(votes.score() > 0.5, 9.0, 1.0)[:, None]
    found = fitted(votes, longer, 10 - longer)
    assert found.coefficients[0].estimate is not None
    assert 1 < found.coefficients[0].estimate < 10
    assert all(rate.estimate is not None and 0 < rate.estimate < 1 for rate in found.win_rates)


def test_both_bad_can_be_dropped() -> None:
    votes = votes_of(regular_rows(8))
    a, b = looks(8, votes.n)
    kept = votes.verdict != 3
    found = fit_style(votes, a, b, both_bad="drop")
    assert found is not None
    np.testing.assert_allclose(
        found.fit.strengths, fitted(votes.take(kept), a[kept], b[kept]).fit.strengths, atol=1e-12
    )


def test_a_system_without_votes_has_no_rate() -> None:
    votes = votes_of(regular_rows(8), n_systems=5)
    found = fitted(votes, *looks(8, votes.n))
    assert found.win_rates[4].estimate is None
    assert np.isnan(found.fit.strengths[4])


@pytest.mark.parametrize(
    ("a", "b", "error"),
    [
        (np.zeros((120, 2)), np.zeros((120, 3)), ShapeMismatch),
        (np.zeros((9, 2)), np.zeros((9, 2)), ShapeMismatch),
        (np.full((120, 1), np.nan), np.zeros((120, 1)), NonFiniteInput),
        (np.full((120, 1), -1.0), np.zeros((120, 1)), NegativeCount),
    ],
)
def test_bad_features_are_refused(a: np.ndarray, b: np.ndarray, error: type[Exception]) -> None:
    with pytest.raises(error):
        fit_style(votes_of(regular_rows(1)), a, b)


def test_noise_in_style_leaves_the_strengths_nearly_alone() -> None:
    votes, _ = simulated(3, n=5000)
    plain = fit_bradley_terry(Cells.from_votes(votes)).strengths
    found = fitted(votes, *looks(3, votes.n))
    np.testing.assert_allclose(found.fit.strengths, plain, atol=0.03)


@pytest.mark.slow
def test_style_controlled_intervals_cover(
    record_property: Callable[[str, object], None],
) -> None:
    strengths, coefficients, rates = [], [], []
    for seed in range(300):
        votes, a, b, theta = styled(seed, 1200, beta=1.0, verbose=2.0)
        found = fitted(votes, a, b)
        half = critical_value(0.95, found.covariance.df) * np.sqrt(found.covariance.matrix[0, 0])
        strengths.append(float(abs(found.fit.strengths[0] - theta[0]) <= half))
        scale = np.sqrt((style_differences(a, b) ** 2).mean())
        beta = found.coefficients[0]
        coefficients.append(float((beta.low or 0) <= scale <= (beta.high or 0)))
        d = theta[0] - theta[1:]
        rate = found.win_rates[0]
        truth = float((1 / (1 + np.exp(-d))).mean())
        rates.append(float((rate.low or 0) <= truth <= (rate.high or 1)))
    covered = {
        "strength, style-controlled": strengths,
        "coefficient of a style": coefficients,
        "win rate, style-controlled": rates,
    }
    rows = [Measured.of("independent", name, MARGINAL, hits) for name, hits in covered.items()]
    hold(record_property, rows)
