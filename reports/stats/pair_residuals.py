"""Which pairs the Strengths do not describe."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, stdtr

from reports.stats.bradley_terry import METHOD_RIDGE, fit_bradley_terry, gauge_inverse
from reports.stats.cells import Cells
from reports.stats.significance import holm
from reports.stats.votes import BothBadPolicy, Votes
from reports.stats.win_rates import pair_index, pair_mean_scores

__all__ = ["PairResidual", "pair_residuals"]

TINY_SHARE = 1e-9
"""A variance below this share of the largest possible is rounding around zero."""


@dataclass(frozen=True, slots=True)
class PairResidual:
    """One pair against what the half-win Strengths expect.

    Attributes
    ----------
    first, second : int
        Codes, first < second.
    n : int
        Votes.
    mean, expected : float
        Mean score of the first, observed and expected.
    z : float
        (mean - expected)/SE, the SE clustered, and shrunk as far as the fit follows the pair.
    df, p_value, p_adjusted : float
        Student's t; Holm over all pairs tested.
    """

    first: int
    second: int
    n: int
    mean: float
    expected: float
    z: float
    df: float
    p_value: float
    p_adjusted: float


def pair_residuals(votes: Votes, *, both_bad: BothBadPolicy = "tie") -> tuple[PairResidual, ...]:
    """How far each pair is from its expected score, the farthest first.

    z = Σr/√(v(1-h)): v is the clustered variance of the pair's residuals about the expected
    score, h the share of it that the fit takes up. Pairs are left out whose votes show no
    variation, that the fit follows wholly (a bridge between two groups), or whose component is
    separated.

    Parameters
    ----------
    votes : Votes
    both_bad : policy
    """
    cells = Cells.from_votes(votes)
    fit = fit_bradley_terry(cells, both_bad=both_bad)
    scores = pair_mean_scores(votes, both_bad=both_bad)
    _, total = cells.scores("half", both_bad)
    found = []
    for part in fit.components:
        if part.method == METHOD_RIDGE or part.systems.size < 2:
            continue
        inverse = gauge_inverse(part.information)
        i, j = np.nonzero(np.triu(total[np.ix_(part.systems, part.systems)], 1))
        first, second = part.systems[i], part.systems[j]
        place = pair_index(first, second, votes.n_systems)
        p = expit(part.strengths[i] - part.strengths[j])
        spread = inverse[i, i] + inverse[j, j] - 2 * inverse[i, j]
        free = 1 - total[first, second] * p * (1 - p) * spread
        mean, n = scores.mean[place], scores.votes[place]
        # About the expected score, not the mean: a pair that is unanimous by chance would
        # otherwise count as sure of itself. df + 1 is the number of effective clusters.
        variance = scores.variance[place] + (mean - p) ** 2 / (scores.df[place] + 1)
        known = (free > TINY_SHARE) & (scores.variance[place] * n > TINY_SHARE * mean * (1 - mean))
        found.append(
            np.column_stack([first, second, n, mean, p, variance * free, scores.df[place]])[known]
        )
    if not found:
        return ()
    table = np.concatenate(found)
    z = (table[:, 3] - table[:, 4]) / np.sqrt(table[:, 5])
    p_value = 2 * stdtr(table[:, 6], -np.abs(z))
    adjusted = holm(p_value)
    order = np.lexsort((table[:, 1], table[:, 0], -np.abs(z)))
    return tuple(
        PairResidual(
            int(table[row, 0]),
            int(table[row, 1]),
            int(table[row, 2]),
            float(table[row, 3]),
            float(table[row, 4]),
            float(z[row]),
            float(table[row, 6]),
            float(p_value[row]),
            float(adjusted[row]),
        )
        for row in order.tolist()
    )
