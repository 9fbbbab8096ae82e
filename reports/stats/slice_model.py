"""Strengths of slices around those of the whole, for one spread between slices.

The mode is found by Newton's method on the whole and its slices jointly; the marginal likelihood of
the spread is Laplace's approximation there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, log_expit

from reports.stats.bradley_terry import MAX_ITERATIONS, MAX_STEP
from reports.stats.votes import FloatArray

__all__ = ["Posterior", "SliceModel"]

TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Posterior:
    """The mode for one τ, with what the marginal likelihood needs."""

    whole: FloatArray
    parts: FloatArray
    log_marginal: float
    inverse: FloatArray
    schur: FloatArray


@dataclass(frozen=True, slots=True)
class SliceModel:
    """Points and votes of each slice, (C, m, m), over the dispersion.

    `prior` is the precision of each Strength of the whole, (m,): 1 where the votes alone would put
    it infinitely far away, as in the whole's own fit, else 0.
    """

    score: FloatArray
    total: FloatArray
    gauge: FloatArray
    prior: FloatArray

    def likelihood(self, parts: FloatArray) -> FloatArray:
        difference = parts[:, :, None] - parts[:, None, :]
        return np.asarray((self.score * log_expit(difference)).sum(axis=(1, 2)))

    def slopes(self, parts: FloatArray) -> tuple[FloatArray, FloatArray]:
        p = expit(parts[:, :, None] - parts[:, None, :])
        lost = self.score.transpose(0, 2, 1) * p
        gradient = (lost.transpose(0, 2, 1) - lost).sum(axis=2)
        information = -self.total * p * (1 - p)
        diagonal = np.arange(parts.shape[1])
        information[:, diagonal, diagonal] = 0
        information[:, diagonal, diagonal] = -information.sum(axis=2)
        return gradient, information

    def mode(self, tau: float, whole: FloatArray, parts: FloatArray) -> Posterior:
        """Newton on the whole and its slices jointly, the slices eliminated block by block."""
        precision = 1 / tau**2
        m = whole.size
        identity = np.eye(m) * precision
        for _ in range(MAX_ITERATIONS):
            gradient, information = self.slopes(parts)
            offset = parts - whole
            gradient = gradient - precision * offset
            inverse = np.linalg.inv(information + identity)
            # The whole's information once the slices are eliminated: Σ (H + 1/τ²)⁻¹ H/τ².
            schur = precision * (inverse @ information).sum(axis=0) + np.diag(self.prior)
            pulled = (inverse @ gradient[:, :, None])[:, :, 0]
            right = precision * offset.sum(axis=0) + precision * pulled.sum(axis=0)
            right -= self.prior * whole
            step = np.linalg.solve(schur + self.gauge, right)
            change = pulled + precision * (inverse @ step)
            largest = float(max(np.abs(change).max(), np.abs(step).max()))
            shrink = min(1.0, MAX_STEP / largest) if largest > 0 else 1.0
            whole = whole + shrink * step
            parts = parts + shrink * change
            if largest < TOLERANCE:
                break
        _, information = self.slopes(parts)
        inverse = np.linalg.inv(information + identity)
        schur = precision * (inverse @ information).sum(axis=0) + np.diag(self.prior)
        log_marginal = float(
            self.likelihood(parts).sum()
            - precision * ((parts - whole) ** 2).sum() / 2
            - (self.prior * whole**2).sum() / 2
            - parts.size * np.log(tau)
            + np.linalg.slogdet(inverse)[1].sum() / 2
            - np.linalg.slogdet(schur + self.gauge)[1] / 2
        )
        return Posterior(whole, parts, log_marginal, np.asarray(inverse, dtype=np.float64), schur)
