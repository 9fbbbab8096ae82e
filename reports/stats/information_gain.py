"""How much one more vote on each pair of systems would tell about their order.

The strengths so far have the covariance V, the inverse of the information H = Σ p(1-p) x xᵀ. A
vote on the pair x adds v = p(1-p) times x xᵀ to H whatever it says, so what it is worth is known
before it is cast: the variance of the pair's difference falls from xᵀVx to xᵀVx/(1 + v xᵀVx)
(Sherman & Morrison 1950). The fall of its logarithm, ln(1 + v xᵀVx), is what the vote adds to
ln det H, hence D-optimal design (Chaloner & Verdinelli 1995, doi 10.1214/ss/1177009939); Chatbot
Arena draws pairs by the fall of such a variance (Chiang et al. 2024, arXiv 2403.04132).

It counts by how open the order of the pair is, Φ(-|d|/se): the order is what a study asks for, and
where it is settled more votes would only sharpen a number. Without this factor the draw has no
advantage over a uniform one.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit, ndtr

from reports.stats.bradley_terry import ridge_strengths
from reports.stats.results import NonFiniteInput
from reports.stats.votes import FloatArray

__all__ = ["information_gain"]

PRECISION = 0.05
"""Of the prior N(0, 1/precision) on strengths: weak, but every variance is finite before the
graph is connected, and a system that nobody has seen is where most is to be learnt."""


def information_gain(
    score: FloatArray, total: FloatArray, *, precision: float = PRECISION
) -> FloatArray:
    """What one more vote on each pair would tell: Φ(-|d|/se) ln(1 + v xᵀVx).

    Parameters
    ----------
    score, total : float array, shape (systems, systems)
        Points of row against column, and votes of each pair; ``score + score.T == total``.
    precision : float
        Of the prior on strengths, above 0.

    Returns
    -------
    float array, shape (systems, systems)
        Symmetric, 0 on the diagonal, not negative elsewhere: 0 where the order is settled beyond
        what a number can hold.

    Raises
    ------
    ShapeMismatch, NonFiniteInput
    """
    if not precision > 0:
        raise NonFiniteInput(f"precision is {precision}; expected a number above 0")
    strengths = ridge_strengths(score, total, precision)
    difference = strengths[:, None] - strengths
    p = expit(difference)
    vote = p * p.T
    information = -total * vote
    np.fill_diagonal(information, 0.0)
    np.fill_diagonal(information, precision - information.sum(axis=1))
    covariance = np.linalg.inv(information)
    own = np.diag(covariance)
    variance = own[:, None] + own - covariance - covariance.T
    np.fill_diagonal(variance, 1.0)  # a system and itself: no pair, but something to divide by
    gain: FloatArray = ndtr(-np.abs(difference) / np.sqrt(variance)) * np.log1p(vote * variance)
    np.fill_diagonal(gain, 0.0)
    return gain
