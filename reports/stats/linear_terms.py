"""Half-win Bradley-Terry with terms that add to the difference of Strengths.

The predictor is θ_a - θ_b + βᵀz: z is the side a response was shown on, or how its style differs
from the other's. All components share β.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit

from reports.stats.bradley_terry import MAX_ITERATIONS
from reports.stats.connectivity import weak_components
from reports.stats.covariance import Covariance, clustered_covariance
from reports.stats.design import Design
from reports.stats.extra_columns import LinearColumns
from reports.stats.group_sums import group_sum, on_exact_grid
from reports.stats.intervals import NO_ERROR, critical_value
from reports.stats.newton import SEPARATED_CONDITION, Slope, block_centre, block_gauge, maximise
from reports.stats.results import Estimate, WarningCode
from reports.stats.votes import FloatArray, IntArray, Votes

__all__ = [
    "LinearFit",
    "LinearRows",
    "fit_linear",
    "linear_covariance",
    "linear_slope",
    "parameter_estimate",
]


@dataclass(frozen=True, slots=True)
class LinearRows:
    """Votes, or cells of votes, with their terms.

    Attributes
    ----------
    a, b : int array, shape (n,)
        Codes of all systems.
    score, weight : float array, shape (n,)
        Points of a, and what the row counts.
    values : float array, shape (n, K)
        z.
    n_systems : int
    """

    a: IntArray
    b: IntArray
    score: FloatArray
    weight: FloatArray
    values: FloatArray
    n_systems: int


@dataclass(frozen=True, slots=True)
class LinearFit:
    """Strengths and coefficients, fitted together.

    Attributes
    ----------
    systems : int array, shape (m,)
        Codes of systems with votes, ascending.
    component : int array, shape (systems,)
    strengths : float array, shape (systems,)
        Mean 0 in each component; NaN without votes.
    coefficients : float array, shape (K,)
    information : float array, shape (m + K, m + K)
        With the ridge on β; without the prior of a separated fit.
    ridge : bool
        Fitted with the prior N(0, 1) on all parameters, as no finite estimate exists.
    identified : bool
        False where terms and systems always coincide: nothing was fitted.
    iterations : int
    converged : bool
    """

    systems: NDArray[np.intp]
    component: NDArray[np.intp]
    strengths: FloatArray
    coefficients: FloatArray
    information: FloatArray
    ridge: bool
    identified: bool
    iterations: int
    converged: bool

    def model_covariance(self) -> FloatArray:
        """Model-based covariance of (Strengths, β); of the posterior for a ridge fit."""
        own = self.component[self.systems]
        centre = block_centre(own, self.information.shape[0])
        regular = self.information + (
            np.eye(self.information.shape[0]) if self.ridge else block_gauge(self.information, own)
        )
        return np.asarray(centre @ np.linalg.inv(regular) @ centre)


def linear_slope(rows: LinearRows, point: FloatArray) -> Slope:
    """Log-likelihood of (Strengths of all systems, β), gradient and information.

    Parameters
    ----------
    rows : LinearRows
    point : float array, shape (n_systems + K,)
    """
    m = rows.n_systems
    columns = rows.values.T
    predictor = point[rows.a] - point[rows.b]
    for column, value in zip(columns, point[m:], strict=True):
        predictor += value * column
    p = expit(predictor)
    residual = on_exact_grid(rows.weight * (rows.score - p))
    information = on_exact_grid(rows.weight * p * (1 - p))

    def by_system(values: FloatArray) -> FloatArray:
        return group_sum(rows.a, values, m) - group_sum(rows.b, values, m)

    gradient = np.empty(point.size)
    gradient[:m] = by_system(residual)
    matrix = np.zeros((point.size, point.size))
    pair = group_sum(rows.a * np.int64(m) + rows.b, information, m * m).reshape(m, m)
    matrix[:m, :m] = -pair - pair.T
    np.fill_diagonal(matrix[:m, :m], pair.sum(axis=0) + pair.sum(axis=1))
    for k, column in enumerate(columns, start=m):
        gradient[k] = float(on_exact_grid(residual * column).sum())
        tilted = on_exact_grid(information * column)
        matrix[:m, k] = matrix[k, :m] = by_system(tilted)
        for other in range(m, k + 1):
            shared = float(on_exact_grid(tilted * columns[other - m]).sum())
            matrix[k, other] = matrix[other, k] = shared
    likelihood = rows.weight * (
        rows.score * log_expit(predictor) + (1 - rows.score) * log_expit(-predictor)
    )
    value = float(on_exact_grid(likelihood).sum())
    return Slope(value, gradient, matrix, float(np.abs(predictor).max(initial=0.0)))


def fit_linear(
    rows: LinearRows, *, precision: float = 0.0, max_iterations: int = MAX_ITERATIONS
) -> LinearFit:
    """Newton's method on (θ, β) jointly, for all components.

    Where the fit is separated, a prior N(0, 1) on all parameters takes over.

    Parameters
    ----------
    rows : LinearRows
        At least one.
    precision : float
        Of the ridge on β; 0 for none.
    max_iterations : int
    """
    n_systems = rows.n_systems
    total = group_sum(rows.a * np.int64(n_systems) + rows.b, rows.weight, n_systems**2)
    square = total.reshape(n_systems, n_systems)
    component = weak_components(square + square.T)
    systems = np.flatnonzero(component >= 0)
    m, own = systems.size, component[systems]
    local = np.full(n_systems, -1, dtype=np.intp)
    local[systems] = np.arange(m)
    used = LinearRows(local[rows.a], local[rows.b], rows.score, rows.weight, rows.values, m)
    size = m + rows.values.shape[1]
    start = np.zeros(size)
    ridge = np.concatenate([np.zeros(m), np.full(size - m, precision)])
    at_start = linear_slope(used, start).information + np.diag(ridge)
    blank = np.full(n_systems, np.nan)
    regular = at_start + block_gauge(at_start, own)
    if float(np.linalg.cond(regular)) > SEPARATED_CONDITION:
        return LinearFit(systems, component, blank, start[m:], at_start, False, False, 0, True)

    def slope(point: FloatArray) -> Slope:
        return linear_slope(used, point)

    found = maximise(slope, start, own, ridge, max_iterations=max_iterations)
    separated = found.separated
    if separated:
        prior = np.maximum(ridge, 1.0)
        found = maximise(slope, start, own, prior, gauged=False, max_iterations=max_iterations)
    theta = block_centre(own, size) @ found.point
    blank[systems] = theta[:m]
    information = slope(theta).information + np.diag(ridge)
    return LinearFit(
        systems,
        component,
        blank,
        theta[m:],
        information,
        separated,
        True,
        found.iterations,
        found.converged,
    )


def linear_covariance(votes: Votes, values: FloatArray, fit: LinearFit) -> Covariance:
    """Covariance of (Strengths of `fit.systems`, β), clustered as on the leaderboard.

    Parameters
    ----------
    votes : Votes
        Those behind the fit.
    values : float array, shape (votes.n, K)
    fit : LinearFit
        An identified one.
    """
    if fit.ridge:
        return Covariance(fit.model_covariance(), None, "ridge", {}, {}, (WarningCode.SEPARATED,))
    m = fit.systems.size
    local = np.full(votes.n_systems, -1, dtype=np.int32)
    local[fit.systems] = np.arange(m)
    predictor = fit.strengths[votes.system_a] - fit.strengths[votes.system_b]
    for column, value in zip(values.T, fit.coefficients, strict=True):
        predictor += value * column
    p = expit(predictor)
    weight: Any = 1.0 if votes.weight is None else votes.weight
    residual = on_exact_grid(weight * (votes.score() - p))
    information = on_exact_grid(weight * p * (1 - p))
    del predictor, p  # as large as the votes, and of no use while clusters are summed
    design = Design(
        a=local[votes.system_a],
        b=local[votes.system_b],
        residual=residual,
        information=information,
        extra=LinearColumns(values, residual, information),
        total=fit.information,
        gauge=block_gauge(fit.information, fit.component[fit.systems]),
        n_systems=m,
    )
    return clustered_covariance(design, votes.annotator, votes.prompt, votes.shared, votes.weight)


def parameter_estimate(
    value: float,
    place: int,
    covariance: Covariance,
    *,
    method: str,
    n: int,
    converged: bool,
    warnings: tuple[WarningCode, ...] = (),
    level: float = 0.95,
) -> Estimate:
    """One fitted parameter as a figure of the report.

    Parameters
    ----------
    value : float
    place : int
        Its row in the covariance.
    covariance : Covariance
    method : str
    n : int
        Votes that speak about it.
    converged : bool
    warnings : tuple of WarningCode
        Beyond those of the covariance.
    level : float

    Returns
    -------
    Estimate
        Without an interval where the votes show no variation.
    """
    se = float(np.sqrt(max(float(covariance.matrix[place, place]), 0.0)))
    codes = (*covariance.warnings, *warnings)
    low: float | None = None
    high: float | None = None
    if se > NO_ERROR:
        half = critical_value(level, covariance.df) * se
        low, high = value - half, value + half
    else:
        codes = (*codes, WarningCode.DEGENERATE_SCALE)
    return Estimate(
        value,
        low,
        high,
        method,
        n,
        n_clusters=covariance.n_clusters,
        se=se,
        df=covariance.df,
        level=level,
        converged=converged,
        warnings=tuple(dict.fromkeys(codes)),
    )
