"""Strengths with terms: derivatives, and a naive twin."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from reports.stats.linear_terms import LinearRows, fit_linear, linear_covariance, linear_slope
from reports.stats.newton import SEPARATED_CONDITION, block_gauge
from reports.stats.results import WarningCode
from reports.stats.votes import Votes
from tests.stats.vote_makers import Row, regular_rows, votes_of


def rows_of(votes: Votes, seed: int = 1, columns: int = 2) -> LinearRows:
    random = np.random.default_rng(seed)
    return LinearRows(
        votes.system_a,
        votes.system_b,
        votes.score(),
        random.uniform(0.5, 2, votes.n),
        random.normal(0, 1, (votes.n, columns)),
        votes.n_systems,
    )


def log_likelihood(rows: LinearRows, point: np.ndarray) -> float:
    d = point[rows.a] - point[rows.b] + rows.values @ point[rows.n_systems :]
    y = rows.score
    return -float((rows.weight * (y * np.logaddexp(0, -d) + (1 - y) * np.logaddexp(0, d))).sum())


def test_the_derivatives_are_those_of_the_likelihood() -> None:
    rows = rows_of(votes_of(regular_rows(9)))
    point = np.random.default_rng(1).normal(0, 0.7, 6)
    here = linear_slope(rows, point)
    assert here.value == pytest.approx(log_likelihood(rows, point), abs=1e-8)
    step = 1e-5
    for k in range(6):
        shift = np.eye(6)[k] * step
        slope = (log_likelihood(rows, point + shift) - log_likelihood(rows, point - shift)) / (
            2 * step
        )
        assert here.gradient[k] == pytest.approx(slope, abs=1e-5)
        up, down = linear_slope(rows, point + shift), linear_slope(rows, point - shift)
        np.testing.assert_allclose(
            here.information[k], (down.gradient - up.gradient) / (2 * step), atol=1e-5
        )


def test_the_ridge_fit_equals_a_general_optimiser() -> None:
    rows = rows_of(votes_of(regular_rows(3)))

    def loss(point: np.ndarray) -> float:
        return float(point[4:] @ point[4:]) / 2 - log_likelihood(rows, point)

    found = minimize(loss, np.zeros(6), method="BFGS", options={"gtol": 1e-7}).x
    found[:4] -= found[:4].mean()
    fit = fit_linear(rows, precision=1.0)
    np.testing.assert_allclose([*fit.strengths, *fit.coefficients], found, atol=1e-5)
    assert fit.converged


def test_the_sandwich_covers_strengths_and_coefficients_row_by_row() -> None:
    votes = votes_of([(*row[:4], 0, row[5]) for row in regular_rows(5)])
    rows = rows_of(votes)
    plain = LinearRows(rows.a, rows.b, rows.score, np.ones(votes.n), rows.values, 4)
    fit = fit_linear(plain, precision=1.0)
    covariance = linear_covariance(votes, rows.values, fit)
    assert covariance.method == "annotator_cr3"
    design = np.zeros((votes.n, 6))
    design[np.arange(votes.n), votes.system_a] = 1
    design[np.arange(votes.n), votes.system_b] -= 1
    design[:, 4:] = rows.values
    p = 1 / (1 + np.exp(-design @ np.array([*fit.strengths, *fit.coefficients])))
    information = (design.T * (p * (1 - p))) @ design + np.diag([0, 0, 0, 0, 1.0, 1.0])
    changes = []
    for g in range(3):
        mine = votes.annotator == g
        x, q = design[mine], p[mine]
        score = x.T @ (votes.score()[mine] - q)
        changes.append(np.linalg.pinv(information - (x.T * (q * (1 - q))) @ x) @ score)
    table = np.array(changes) - np.mean(changes, axis=0)
    np.testing.assert_allclose(covariance.matrix, 2 / 3 * table.T @ table, rtol=1e-6, atol=1e-12)


def test_a_term_that_repeats_the_systems_is_not_identified() -> None:
    votes = votes_of(regular_rows(2))
    repeat = (votes.system_a == 0).astype(float) - (votes.system_b == 0)
    rows = LinearRows(
        votes.system_a, votes.system_b, votes.score(), np.ones(votes.n), repeat[:, None], 4
    )
    assert not fit_linear(rows).identified
    assert fit_linear(rows, precision=1.0).identified


def test_a_term_that_decides_every_vote_falls_back_on_the_prior() -> None:
    rows: list[Row] = [(k % 3, (k + 1) % 3, 0 if k % 2 else 2, 1, k % 5, k % 4) for k in range(60)]
    votes = votes_of(rows)
    values = np.where(votes.score() > 0.5, 1.0, -1.0)[:, None]
    fit = fit_linear(
        LinearRows(votes.system_a, votes.system_b, votes.score(), np.ones(60), values, 3)
    )
    assert fit.ridge
    assert 0 < fit.coefficients[0] < 6
    assert linear_covariance(votes, values, fit).method == "ridge"


def nearly_collinear(apart: float) -> LinearRows:
    """Two columns that differ by ±`apart` on the votes of the clearest pair, and there alone.

    What tells them apart counts for p(1-p): a quarter at equal Strengths, far less at the optimum.
    Sides and signs are balanced, so that both coefficients are 0.
    """
    rows = []
    for a, b, won in ((0, 1, 95), (1, 2, 95), (0, 2, 199.5)):
        for number in range(100 if b - a == 1 else 200):
            score = min(max(won - number, 0.0), 1.0)
            for side in (1.0, -1.0):
                for sign in (1.0, -1.0) if b - a == 2 else (0.0, 0.0):
                    rows.append((a, b, score, side, side + apart * sign))
    columns = np.array(rows)
    codes = columns[:, :2].astype(np.intp)
    return LinearRows(
        codes[:, 0], codes[:, 1], columns[:, 2], np.ones(len(rows)), columns[:, 3:], 3
    )


def condition(rows: LinearRows, point: np.ndarray, norm: int) -> float:
    information = linear_slope(rows, point).information
    regular = information + block_gauge(information, np.zeros(3, np.intp))
    return float(np.linalg.cond(regular, norm))


@pytest.mark.parametrize(
    ("apart", "exact", "separated"),
    [(8.7e-5, 0.97e10, False), (6.2e-5, 1.92e10, False), (6e-5, 2.05e10, True)],
)
def test_a_condition_beyond_ten_to_the_tenth_is_separation_and_one_just_below_is_not(
    apart: float, exact: float, separated: bool
) -> None:
    """The fit could be begun, and every predictor is far below 15.

    The condition is estimated from the factors, never above what it is; of these columns, which
    mirror each other, the estimate is one half of it.
    """
    rows = nearly_collinear(apart)
    # With columns that are far apart the Strengths are the same, as both coefficients are 0.
    optimum = np.append(fit_linear(nearly_collinear(0.01)).strengths, [0.0, 0.0])
    assert condition(rows, np.zeros(5), 2) < SEPARATED_CONDITION / 4
    assert condition(rows, optimum, 1) == pytest.approx(exact, rel=0.01)
    assert (exact / 2 > SEPARATED_CONDITION) == separated
    assert linear_slope(rows, optimum).largest < 6
    fit = fit_linear(rows)
    assert fit.identified
    assert fit.converged
    assert fit.ridge == separated
    covariance = linear_covariance(votes_of_rows(rows), rows.values, fit)
    assert (WarningCode.SEPARATED in covariance.warnings) == separated
    if not separated:
        np.testing.assert_allclose(fit.strengths, optimum[:3], atol=1e-8)


@pytest.mark.parametrize(("apart", "identified"), [(2.9e-5, True), (2.8e-5, False)])
def test_columns_that_cannot_be_told_apart_from_the_start_are_not_fitted(
    apart: float, identified: bool
) -> None:
    rows = nearly_collinear(apart)
    assert (condition(rows, np.zeros(5), 2) > SEPARATED_CONDITION) != identified
    fit = fit_linear(rows)
    assert fit.identified == identified
    assert np.isnan(fit.strengths).all() != identified


def votes_of_rows(rows: LinearRows) -> Votes:
    """As votes: 12 annotators, 20 prompts, the score as a verdict."""
    n = rows.a.size
    return Votes.from_arrays(
        rows.a,
        rows.b,
        np.select([rows.score == 1, rows.score == 0], [0, 2], 1),
        annotator=np.arange(n) % 12,
        prompt=np.arange(n) % 20,
    )
