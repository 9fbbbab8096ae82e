"""Strengths with style held equal: what is left once length and Markdown are taken out.

The predictor is θ_a - θ_b + βᵀz with z_k = (f_a - f_b)/(f_a + f_b), scaled to mean square 1, and
a ridge ½|β|². It answers whether a system wins by what it says or by how it looks; where style
is part of quality the plain board remains the answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from reports.stats.covariance import Covariance
from reports.stats.group_sums import group_sum
from reports.stats.intervals import NO_ERROR, check_level, critical_value
from reports.stats.linear_terms import (
    LinearFit,
    LinearRows,
    fit_linear,
    linear_covariance,
    parameter_estimate,
)
from reports.stats.results import (
    Estimate,
    NegativeCount,
    NonFiniteInput,
    ShapeMismatch,
    VerdictCode,
    WarningCode,
    undefined,
)
from reports.stats.votes import BothBadPolicy, FloatArray, Votes

__all__ = ["StyleFit", "fit_style", "style_differences"]

METHOD_STYLE = "bt_style"

RIDGE = 1.0
"""Precision of the prior on a coefficient: one scaled unit of a style moves odds by a factor e
or less, two times in three."""


@dataclass(frozen=True, slots=True)
class StyleFit:
    """Strengths and style coefficients, fitted together.

    Attributes
    ----------
    method : str
    fit : LinearFit
        Its coefficients belong to the features that vary.
    covariance : Covariance
        Of the Strengths of systems with votes, ascending, then the coefficients.
    coefficients : tuple of Estimate
        One a feature, in logits for one scaled unit; null for a feature that never differs.
    win_rates : tuple of Estimate
        By system: the length-controlled win rate, its mean chance over its votes at equal
        style (Dubois et al. 2024, arXiv 2404.04475). `n` counts its votes.
    votes : Votes
        Those behind the fit.
    """

    method: str
    fit: LinearFit
    covariance: Covariance
    coefficients: tuple[Estimate, ...]
    win_rates: tuple[Estimate, ...]
    votes: Votes


def style_differences(features_a: ArrayLike, features_b: ArrayLike) -> FloatArray:
    """z before scaling: (f_a - f_b)/(f_a + f_b), 0 where both are 0, shape (n, K).

    Parameters
    ----------
    features_a, features_b : array_like of float, shape (n, K)
        Not negative.

    Raises
    ------
    ShapeMismatch, NonFiniteInput, NegativeCount
    """
    a, b = np.asarray(features_a, dtype=np.float64), np.asarray(features_b, dtype=np.float64)
    if a.ndim != 2 or a.shape != b.shape:
        raise ShapeMismatch(
            f"features_a has shape {a.shape} and features_b {b.shape}; "
            "expected one row a vote and one column a feature in both"
        )
    for name, table in (("features_a", a), ("features_b", b)):
        if not bool(np.isfinite(table).all()):
            raise NonFiniteInput(f"{name} holds a value that is not a finite number")
        if bool((table < 0).any()):
            raise NegativeCount(f"{name} holds a value below 0")
    total = a + b
    return np.divide(a - b, total, out=np.zeros_like(total), where=total > 0)


def fit_style(
    votes: Votes,
    features_a: ArrayLike,
    features_b: ArrayLike,
    *,
    both_bad: BothBadPolicy = "tie",
    level: float = 0.95,
) -> StyleFit | None:
    """Fit Strengths at equal style, with clustered errors of Strengths and coefficients.

    z is scaled but not centred: equal style is z = 0 whichever system is called a.

    Parameters
    ----------
    votes : Votes
    features_a, features_b : array_like of float, shape (votes.n, K)
        Of the responses of systems a and b.
    both_bad : policy
    level : float

    Returns
    -------
    StyleFit or None
        None without votes, or where no feature ever differs: the plain board is then the answer.

    Raises
    ------
    ShapeMismatch, NonFiniteInput, NegativeCount, UnknownPolicy, InvalidLevel
    """
    check_level(level)
    difference = style_differences(features_a, features_b)
    if difference.shape[0] != votes.n:
        raise ShapeMismatch(
            f"features have {difference.shape[0]} rows, but there are {votes.n} votes"
        )
    used = votes.counted("half", both_bad)
    if used is not votes:
        difference = difference[votes.verdict != VerdictCode.BOTH_BAD]
    scale = np.sqrt(_column_means(difference**2))
    varies = np.flatnonzero(scale > 0)
    if used.n == 0 or varies.size == 0:
        return None
    values = difference[:, varies] / scale[varies]
    fit = fit_linear(
        LinearRows(
            used.system_a,
            used.system_b,
            used.score(),
            np.ones(used.n) if used.weight is None else used.weight,
            values,
            used.n_systems,
        ),
        precision=RIDGE,
    )
    covariance = linear_covariance(used, values, fit)
    method = f"{METHOD_STYLE}_{covariance.method}"
    warnings = () if fit.converged else (WarningCode.NOT_CONVERGED,)
    place = {int(feature): k for k, feature in enumerate(varies)}
    m = fit.systems.size
    coefficients = tuple(
        parameter_estimate(
            float(fit.coefficients[place[k]]),
            m + place[k],
            covariance,
            method=method,
            n=used.n,
            converged=fit.converged,
            warnings=warnings,
            level=level,
        )
        if k in place
        else undefined(method, used.n, WarningCode.DEGENERATE_SCALE)
        for k in range(scale.size)
    )
    rates = _controlled_win_rates(used, fit, covariance, method, warnings, level)
    return StyleFit(
        method,
        fit,
        covariance,
        coefficients,
        rates,
        used,
    )


def _column_means(values: FloatArray) -> FloatArray:
    """Means of columns, the same to the byte whatever the order of the rows."""
    # Sorted, equal rows add up in one order.
    return np.asarray(np.sort(values, axis=0).sum(axis=0) / max(values.shape[0], 1))


def _controlled_win_rates(
    votes: Votes,
    fit: LinearFit,
    covariance: Covariance,
    method: str,
    warnings: tuple[WarningCode, ...],
    level: float,
) -> tuple[Estimate, ...]:
    """Mean of logistic(θ_i - θ_opponent) over each system's votes, its interval by the delta
    method on the logit scale, so that it stays within 0 and 1."""
    m, systems = fit.systems.size, fit.systems
    n_systems = votes.n_systems
    weight = np.ones(votes.n) if votes.weight is None else votes.weight
    code = votes.system_a * np.int64(n_systems) + votes.system_b
    met = group_sum(code, weight, n_systems**2).reshape(n_systems, n_systems)
    met = (met + met.T)[np.ix_(systems, systems)]
    share = met / met.sum(axis=1, keepdims=True)
    theta = fit.strengths[systems]
    p = expit(theta[:, None] - theta)
    rate = (share * p).sum(axis=1)
    slope = share * p * (1 - p)
    gradient = np.diag(slope.sum(axis=1)) - slope
    variance = np.einsum("ij,jk,ik->i", gradient, covariance.matrix[:m, :m], gradient)
    se = np.sqrt(np.maximum(variance, 0))
    counts = np.bincount(votes.system_a, minlength=n_systems)
    counts += np.bincount(votes.system_b, minlength=n_systems)
    quantile = critical_value(level, covariance.df)
    codes = (*covariance.warnings, *warnings)
    out = [undefined(method, 0, WarningCode.NO_VOTES)] * n_systems
    for k, system in enumerate(systems.tolist()):
        spread = float(se[k] / (rate[k] * (1 - rate[k])))
        logit = float(np.log(rate[k] / (1 - rate[k])))
        known = spread > NO_ERROR
        out[system] = Estimate(
            float(rate[k]),
            float(expit(logit - quantile * spread)) if known else None,
            float(expit(logit + quantile * spread)) if known else None,
            method,
            int(counts[system]),
            n_clusters=covariance.n_clusters,
            se=float(se[k]),
            df=covariance.df,
            level=level,
            converged=fit.converged,
            warnings=codes if known else (*codes, WarningCode.DEGENERATE_SCALE),
        )
    return tuple(out)
