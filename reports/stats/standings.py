"""Who stands where: the ranks, joint bounds and figures of one component's Strengths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from reports.stats.anchoring import PlacedAnchor, contrasts_to
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


@dataclass(frozen=True, slots=True)
class _Errors:
    """Standard errors of figures on the scale of Strengths, and how far all of them reach at once.

    Attributes
    ----------
    covariance : Covariance
    se, se_alone : float array, shape (m,)
        0 where nothing is known; the second allows for other prompts only.
    joint : float or None
        k such that all figures hold within k standard errors at once.
    """

    covariance: Covariance
    se: FloatArray
    se_alone: FloatArray
    joint: float | None

    @classmethod
    def of(
        cls, covariance: Covariance, model_variance: float, *, seed: int, level: float, draws: str
    ) -> _Errors:
        alone = covariance.these_annotators
        se = errors_of(covariance, model_variance)
        return cls(
            covariance,
            se,
            np.zeros_like(se) if alone is None else errors_of(alone, model_variance),
            max_t_quantile(covariance, seed=seed, level=level, method=draws),
        )

    def bounds(
        self, value: float, place: int, scale: float, level: float
    ) -> tuple[float, Mapping[str, Any]]:
        """Half the marginal interval, and the further intervals by name."""
        se = scale * float(self.se[place])
        further: dict[str, Any] = {}
        if self.joint is not None:
            further["simultaneous"] = {
                "low": value - self.joint * se,
                "high": value + self.joint * se,
            }
        alone = self.covariance.these_annotators
        if alone is not None and self.se_alone[place] > 0:
            narrow = critical_value(level, alone.df) * scale * float(self.se_alone[place])
            further["these_annotators"] = {"low": value - narrow, "high": value + narrow}
        return critical_value(level, self.covariance.df) * se, further


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
    anchor : PlacedAnchor, optional
        The system that stands at a number of its own; without one the mean Rating is 1000.

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
        anchor: PlacedAnchor | None = None,
    ) -> None:
        self.strengths = strengths
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
        self._errors = _Errors.of(covariance, model_variance, seed=seed, level=level, draws="max_t")
        self._anchor = anchor
        self._contrasts = None
        self._centre, self._origin = RATING_CENTRE, 0.0
        if anchor is not None:
            self._centre, self._origin = anchor.rating, float(strengths[anchor.place])
            self._contrasts = _Errors.of(
                contrasts_to(covariance, anchor.place),
                model_variance,
                seed=seed,
                level=level,
                draws="max_t_to_anchor",
            )

    def strength(self, place: int, n: int) -> Estimate:
        """The Strength of the system at `place`; `n` counts its votes."""
        return self._estimate(float(self.strengths[place]), place, n, 1.0, self._errors)

    def rating(self, place: int, n: int, *warnings: WarningCode) -> Estimate:
        """The same as a Rating, shifted by the anchor; its error is that of the Strength."""
        value = self._centre + RATING_SCALE * (float(self.strengths[place]) - self._origin)
        return self._estimate(value, place, n, RATING_SCALE, self._errors, *warnings)

    def to_anchor(self, place: int, n: int) -> Estimate | None:
        """Rating less the anchor's, with the error of that difference.

        None without an anchor, and for the anchor itself: that it is as strong as itself is no
        finding, and its interval would have no width.
        """
        if self._anchor is None or self._contrasts is None or place == self._anchor.place:
            return None
        value = RATING_SCALE * (float(self.strengths[place]) - self._origin)
        return self._estimate(value, place, n, RATING_SCALE, self._contrasts)

    def _estimate(
        self,
        value: float,
        place: int,
        n: int,
        scale: float,
        errors: _Errors,
        *warnings: WarningCode,
    ) -> Estimate:
        """A figure whose error is `scale` times that of `errors`; without one if it is unknown."""
        covariance = errors.covariance
        se = scale * float(errors.se[place])
        codes = (*self.warnings, *warnings)
        if se == 0:
            return Estimate(
                value,
                None,
                None,
                self.method,
                n,
                n_clusters=covariance.n_clusters,
                level=None,
                converged=self.converged,
                warnings=(*codes, WarningCode.DEGENERATE_SCALE),
            )
        half, further = errors.bounds(value, place, scale, self.level)
        return Estimate(
            estimate=value,
            low=value - half,
            high=value + half,
            method=self.method,
            n=n,
            n_clusters=covariance.n_clusters,
            se=se,
            df=covariance.df,
            level=self.level,
            seed=self.seed if errors.joint is not None else None,
            converged=self.converged,
            warnings=codes,
            details=further,
        )


def errors_of(covariance: Covariance, model_variance: float) -> FloatArray:
    """Standard errors, shape (m,); 0 where the variance is nothing, or below it, but rounding."""
    variance = np.diag(covariance.matrix)
    known = variance > TINY_VARIANCE * model_variance
    return np.asarray(np.sqrt(np.where(known, variance, 0.0)))
