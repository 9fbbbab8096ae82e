"""Who stands where: the ranks, joint bounds and figures of one component's Strengths."""

from __future__ import annotations

from typing import Any

import numpy as np

from reports.stats.covariance import Covariance
from reports.stats.intervals import critical_value
from reports.stats.results import Estimate, WarningCode
from reports.stats.simultaneous import TINY_VARIANCE, max_t_quantile, rank_sets
from reports.stats.votes import FloatArray

__all__ = ["RATING_CENTRE", "RATING_SCALE", "Standings"]

RATING_CENTRE = 1000.0
RATING_SCALE = 400 / float(np.log(10))
"""Rating points per logit, 173.7178: a gap of 400 points is odds of ten to one."""

SAME_STRENGTH = 1e-8
"""Strengths that differ by no more share a rank: below this a difference is rounding."""


class Standings:
    """Systems that can be compared with each other.

    Parameters
    ----------
    strengths : float array, shape (m,)
    covariance : Covariance
        Of the same m Strengths.
    model_variance : float
        Mean model-based variance: the scale on which a variance is rounding around zero.
    method : str
        Of the estimates.
    converged : bool
    warnings : tuple of WarningCode
        Of every estimate.
    seed : int
        The study's, for the draws behind joint statements.
    level : float

    Attributes
    ----------
    rank, low, high : list of int
        1 + number of larger Strengths, and its joint bounds.
    better : bool array, shape (m, m)
        Row significantly stronger than column, jointly.
    """

    def __init__(
        self,
        strengths: FloatArray,
        covariance: Covariance,
        model_variance: float,
        *,
        method: str,
        converged: bool,
        warnings: tuple[WarningCode, ...],
        seed: int,
        level: float,
    ) -> None:
        self.strengths = strengths
        self.covariance = covariance
        self.method = method
        self.converged = converged
        self.warnings = warnings
        self.seed = seed
        self.level = level
        self.rank: list[int] = (
            1 + (strengths > strengths[:, None] + SAME_STRENGTH).sum(axis=1)
        ).tolist()
        sets = rank_sets(strengths, covariance, seed=seed, level=level)
        self.low: list[int] = sets.low.tolist()
        self.high: list[int] = sets.high.tolist()
        self.better = sets.better
        self.joint = max_t_quantile(covariance, seed=seed, level=level)
        self.se = errors_of(covariance, model_variance)
        alone = covariance.these_annotators
        self.se_alone = (
            np.zeros_like(self.se) if alone is None else errors_of(alone, model_variance)
        )

    def strength(self, place: int, n: int) -> Estimate:
        """The Strength of the system at `place`; `n` counts its votes."""
        return self._estimate(place, n, 0.0, 1.0)

    def rating(self, place: int, n: int) -> Estimate:
        """The same as a Rating."""
        return self._estimate(place, n, RATING_CENTRE, RATING_SCALE)

    def _estimate(self, place: int, n: int, centre: float, scale: float) -> Estimate:
        """centre + scale * Strength; without an interval where its error is unknown."""
        value = centre + scale * float(self.strengths[place])
        se = scale * float(self.se[place])
        if se == 0:
            return Estimate(
                value,
                None,
                None,
                self.method,
                n,
                n_clusters=self.covariance.n_clusters,
                level=None,
                converged=self.converged,
                warnings=(*self.warnings, WarningCode.DEGENERATE_SCALE),
            )
        half = critical_value(self.level, self.covariance.df) * se
        details: dict[str, Any] = {}
        if self.joint is not None:
            details["simultaneous"] = {
                "low": value - self.joint * se,
                "high": value + self.joint * se,
            }
        alone = self.covariance.these_annotators
        if alone is not None and self.se_alone[place] > 0:
            narrow = critical_value(self.level, alone.df) * scale * float(self.se_alone[place])
            details["these_annotators"] = {"low": value - narrow, "high": value + narrow}
        return Estimate(
            estimate=value,
            low=value - half,
            high=value + half,
            method=self.method,
            n=n,
            n_clusters=self.covariance.n_clusters,
            se=se,
            df=self.covariance.df,
            level=self.level,
            seed=self.seed if self.joint is not None else None,
            converged=self.converged,
            warnings=self.warnings,
            details=details,
        )


def errors_of(covariance: Covariance, model_variance: float) -> FloatArray:
    """Standard errors, shape (m,); 0 where the variance is nothing, or below it, but rounding."""
    variance = np.diag(covariance.matrix)
    known = variance > TINY_VARIANCE * model_variance
    return np.asarray(np.sqrt(np.where(known, variance, 0.0)))
