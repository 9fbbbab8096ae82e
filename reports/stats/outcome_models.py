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
from scipy.special import expit, log_expit, logsumexp

from reports.stats.votes import FloatArray

__all__ = ["CumulativeLink", "Davidson", "OutcomeModel", "Outcomes"]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Chances of C outcomes at some differences, with K shape parameters.

    Attributes
    ----------
    log_chance, by_difference : float array, shape (C, ...)
        ln P and its derivative by d.
    by_shape : float array, shape (K, C, ...)
        Derivatives of ln P.
    """

    log_chance: FloatArray
    by_difference: FloatArray
    by_shape: FloatArray

    @property
    def chance(self) -> FloatArray:
        """P, shape (C, ...)."""
        return np.asarray(np.exp(self.log_chance))


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
        logits = np.stack([half, np.broadcast_to(shape[0], half.shape), -half])
        log_chance = logits - logsumexp(logits, axis=0)
        chance = np.exp(log_chance)
        lean = (chance[0] - chance[2]) / 2
        tied = -chance[1]
        return Outcomes(
            log_chance,
            np.stack([0.5 - lean, -lean, -0.5 - lean]),
            np.stack([tied, 1 + tied, tied])[None],
        )


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
        """τ, from the highest to the lowest, shape (C-1,)."""
        middle = np.zeros(0 if self.tie else 1)
        return np.concatenate([shape[::-1], middle, -shape])

    def contains(self, shape: FloatArray) -> bool:
        return bool((np.diff(self.cuts(shape)) < 0).all())

    def outcomes(self, difference: FloatArray, shape: FloatArray) -> Outcomes:
        cuts = self.cuts(shape)
        gap = cuts[:-1] - cuts[1:]
        spread = (-1,) + (1,) * difference.ndim
        x = difference - cuts.reshape(spread)
        upper, log_upper, log_lower = expit(x), log_expit(x), log_expit(-x)
        thin = -np.expm1(-gap).reshape(spread)
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
            mirror = cuts.size - self.n_shapes + k
            for cut, sign in ((self.n_shapes - 1 - k, 1.0), (mirror, -1.0)):
                by_shape[k, cut] += sign * own[cut]
                by_shape[k, cut + 1] += sign * next_one[cut]
        return Outcomes(log_chance, by_difference, by_shape)
