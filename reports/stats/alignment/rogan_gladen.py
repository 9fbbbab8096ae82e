"""Rates of a fallible judge, corrected for its errors (Rogan & Gladen 1978)."""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from reports.stats.ratings import Floats
from reports.stats.results import Estimate, NegativeCount, WarningCode, undefined

__all__ = ["WEAKEST_JUDGE", "closest_shares", "discrimination", "rogan_gladen"]

# With sensitivity + specificity - 1 at or below this, the judge says almost the same of
# positives and negatives, and dividing by it tells nothing.
WEAKEST_JUDGE = 0.1


def rogan_gladen(
    rate: float,
    specificity: float,
    sensitivity: float,
    *,
    n: int,
    negatives: int,
    positives: int,
    level: float = 0.95,
) -> Estimate:
    """True share of positives behind a judge's rate.

    Parameters
    ----------
    rate : float
        Share called positive among `n` unlabelled units.
    specificity, sensitivity : float
        q0 and q1, from `negatives` and `positives` labelled units.

    Returns
    -------
    Estimate
        Interval of Lee et al. (arXiv 2511.21140): errors of the rate and of both labelled
        shares count, on counts moved off the ends. None with `degenerate_scale` for a judge
        who hardly tells positives from negatives.

    Raises
    ------
    NegativeCount
        If a number of units is not positive.
    """
    method = "rogan_gladen"
    if min(n, negatives, positives) < 1:
        raise NegativeCount(
            f"n, negatives, positives are {n}, {negatives}, {positives}; expected at least 1"
        )
    # .55 + .55 - 1 exceeds .1 by rounding alone.
    if specificity + sensitivity - 1 <= WEAKEST_JUDGE + 1e-12:
        reason = "the judge hardly tells wins from losses"
        return undefined(method, n, WarningCode.DEGENERATE_SCALE, reason=reason)
    estimate = (rate + specificity - 1) / (specificity + sensitivity - 1)
    z = float(ndtri((1 + level) / 2))
    n_moved, m0, m1 = n + z * z, negatives + 2, positives + 2
    p = (n * rate + z * z / 2) / n_moved
    q0 = (negatives * specificity + 1) / m0
    q1 = (positives * sensitivity + 1) / m1
    discriminating = q0 + q1 - 1
    if discriminating <= 0:
        reason = "the judge hardly tells wins from losses"
        return undefined(method, n, WarningCode.DEGENERATE_SCALE, reason=reason)
    moved = (p + q0 - 1) / discriminating
    error_0, error_1 = q0 * (1 - q0) / m0, q1 * (1 - q1) / m1
    shift = 2 * z * z * (moved * error_1 - (1 - moved) * error_0)
    variance = p * (1 - p) / n_moved + (1 - moved) ** 2 * error_0 + moved**2 * error_1
    se = math.sqrt(variance) / discriminating
    centre = moved + shift
    point = min(max(estimate, 0.0), 1.0)
    low, high = (min(max(centre + sign * z * se, 0.0), 1.0) for sign in (-1, 1))
    return Estimate(
        point,
        min(low, point),
        max(high, point),
        method,
        n,
        n_clusters={"labelled": negatives + positives, "unlabelled": n},
        se=se,
        level=level,
        details={"sensitivity": sensitivity, "specificity": specificity, "judge_rate": rate},
    )


def discrimination(confusion: Floats) -> float:
    """Smallest singular value of P(judge | human); sensitivity + specificity - 1 for two
    symmetric classes, 0 for a judge who ignores what is judged.

    Parameters
    ----------
    confusion : float array, shape (classes, answers)
        One row a class that occurs, each summing to 1.
    """
    return float(np.linalg.svd(confusion, compute_uv=False).min(initial=np.inf))


def closest_shares(confusion: Floats, observed: Floats, present: NDArray[np.bool_]) -> Floats:
    """Shares pi on the simplex whose judged shares are closest to the observed ones.

    Minimises ||M'pi - p||² exactly, by looking at every face of the simplex.

    Parameters
    ----------
    confusion : float array, shape (draws, classes, answers)
        M, P(judge | human) by rows.
    observed : float array, shape (draws, answers)
        p, the judge's shares.
    present : bool array, shape (draws, classes)
        Classes that may have a share above 0.

    Returns
    -------
    float array, shape (draws, classes)
        NaN where no class is present.
    """
    draws, classes, _ = confusion.shape
    best = np.full(draws, np.inf)
    out = np.full((draws, classes), np.nan)
    for size in range(1, classes + 1):
        for face in itertools.combinations(range(classes), size):
            corner, rest = face[0], list(face[1:])
            pi = np.zeros((draws, classes))
            pi[:, corner] = 1
            if rest:
                base = confusion[:, corner]
                edges = np.swapaxes(confusion[:, rest] - base[:, None], 1, 2)
                along = (np.linalg.pinv(edges) @ (observed - base)[:, :, None])[:, :, 0]
                pi[:, rest] = along
                pi[:, corner] = 1 - along.sum(axis=1)
            distance = ((np.einsum("dka,dk->da", confusion, pi) - observed) ** 2).sum(axis=1)
            inside = np.all(pi >= -1e-12, axis=1) & np.all(present[:, list(face)], axis=1)
            better = inside & (distance < best - 1e-15)
            best[better] = distance[better]
            out[better] = np.maximum(pi[better], 0)
    return out
