"""How likely each outcome is, given the difference of two Strengths.

Outcomes of a pair are ordered from the best for the first system to the best for the second:
outcome c of (a, b) is outcome C-1-c of (b, a). A model gives the chances and the derivatives of
their logarithms by the difference d and by its own shape parameters; fits, standard errors and
tests of fit follow from these alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import expit, log_expit

from reports.stats.votes import FloatArray

__all__ = ["CumulativeLink", "Davidson", "OutcomeModel", "Outcomes"]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Chances of C outcomes at some differences, with K shape parameters.

    Attributes
    ----------
    chance, log_chance, by_difference : float array, shape (C, ...)
        P, ln P and the derivative of ln P by d.
    by_shape : float array, shape (K, C, ...)
        Derivatives of ln P.
    """

    chance: FloatArray
    log_chance: FloatArray
    by_difference: FloatArray
    by_shape: FloatArray


class OutcomeModel(Protocol):
    """A model of C outcomes with K shape parameters."""

    @property
    def n_outcomes(self) -> int:
        """C."""

    @property
    def n_shapes(self) -> int:
        """K."""

    def start(self, counts: FloatArray) -> FloatArray:
        """Shape parameters to begin with, from the counts of the outcomes, shape (K,).

        `counts`, shape (C,), hold at least one vote of every outcome or its mirror.
        """

    def contains(self, shape: FloatArray) -> bool:
        """Whether the shape parameters are within their range."""

    def outcomes(self, difference: FloatArray, shape: FloatArray) -> Outcomes:
        """Chances at differences of any shape, with shape parameters within their range."""


@dataclass(frozen=True, slots=True)
class Davidson:
    """P(a) = e^{d/2}/Z, P(tie) = ν/Z, P(b) = e^{-d/2}/Z; the shape parameter is ln ν.

    Davidson 1970, doi 10.1080/01621459.1970.10481082.
    """

    @property
    def n_outcomes(self) -> int:
        return 3

    @property
    def n_shapes(self) -> int:
        return 1

    def start(self, counts: FloatArray) -> FloatArray:
        return np.array([np.log(2 * counts[1] / (counts[0] + counts[2]))])

    def contains(self, shape: FloatArray) -> bool:
        return True

    def outcomes(self, difference: FloatArray, shape: FloatArray) -> Outcomes:
        half = difference / 2
        log_chance = np.empty((3, *half.shape))
        log_chance[0], log_chance[1], log_chance[2] = half, shape[0], -half
        log_chance -= np.maximum(np.abs(half), shape[0])
        chance = np.exp(log_chance)
        total = chance[0] + chance[1] + chance[2]
        chance /= total
        log_chance -= np.log(total)
        by_difference = np.empty_like(chance)
        np.subtract(chance[2], chance[0], out=by_difference[1])
        by_difference[1] /= 2
        np.add(by_difference[1], 0.5, out=by_difference[0])
        np.subtract(by_difference[1], 0.5, out=by_difference[2])
        by_shape = np.empty((1, *chance.shape))
        by_shape[0] = -chance[1]
        by_shape[0, 1] += 1
        return Outcomes(chance, log_chance, by_difference, by_shape)


@dataclass(frozen=True, slots=True)
class CumulativeLink:
    """P(outcome ≤ c) = logistic(d - τ_c) with cut points that mirror each other.

    Agresti 1992, doi 10.2307/2347562. The shape parameters are the cut points above 0, the
    smallest first. With one of them this is Rao & Kupper 1967, doi
    10.1080/01621459.1967.10482901, η = ln θ_RK the cut point.

    Attributes
    ----------
    steps : int
        Grades on each side of a tie.
    tie : bool
        Whether a tie can be said; without it the middle cut point is 0.
    """

    steps: int
    tie: bool

    @property
    def n_outcomes(self) -> int:
        return 2 * self.steps + self.tie

    @property
    def n_shapes(self) -> int:
        return self.steps - (not self.tie)

    def start(self, counts: FloatArray) -> FloatArray:
        folded = (counts + counts[::-1]) / 2
        beyond = np.cumsum(folded)[: self.n_shapes] / folded.sum()
        # P(outcome ≤ c) between equals is logistic(-τ_c).
        return np.asarray(np.log1p(-beyond) - np.log(beyond))[::-1]

    def cuts(self, shape: FloatArray) -> FloatArray:
        """τ, from the highest to the lowest, shape (C-1, ...)."""
        middle = np.zeros((0 if self.tie else 1, *shape.shape[1:]))
        return np.concatenate([shape[::-1], middle, -shape])

    def contains(self, shape: FloatArray) -> bool:
        return bool((np.diff(self.cuts(shape), axis=0) < 0).all())

    def outcomes(self, difference: FloatArray, shape: FloatArray) -> Outcomes:
        cuts = self.cuts(shape)
        gap = cuts[:-1] - cuts[1:]
        cuts, gap = (
            values.reshape(values.shape + (1,) * (difference.ndim + 1 - values.ndim))
            for values in (cuts, gap)
        )
        x: FloatArray = difference - cuts
        upper, log_upper, log_lower = expit(x), log_expit(x), log_expit(-x)
        thin = -np.expm1(-gap)
        # logistic(x) - logistic(y) = logistic(x) logistic(-y) (1 - e^{y-x}).
        log_chance = np.concatenate(
            [log_upper[:1], log_upper[1:] + log_lower[:-1] + np.log(thin), log_lower[-1:]]
        )
        none = np.zeros((1, *x.shape[1:]))
        padded = np.concatenate([none, upper, none + 1])
        by_difference = 1 - padded[1:] - padded[:-1]
        # d ln P_c / d τ_c and d ln P_{c+1} / d τ_c.
        density = log_upper + log_lower
        own = -np.exp(density - log_chance[:-1])
        next_one = np.exp(density - log_chance[1:])
        by_shape = np.zeros((self.n_shapes, self.n_outcomes, *x.shape[1:]))
        for k in range(self.n_shapes):
            mirror = self.n_outcomes - 1 - self.n_shapes + k
            for cut, sign in ((self.n_shapes - 1 - k, 1.0), (mirror, -1.0)):
                by_shape[k, cut] += sign * own[cut]
                by_shape[k, cut + 1] += sign * next_one[cut]
        return Outcomes(np.exp(log_chance), log_chance, by_difference, by_shape)
