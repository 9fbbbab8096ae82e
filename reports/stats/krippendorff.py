"""Krippendorff's alpha from counts, nominal, ordinal or with any weights.

Krippendorff 2011; Hayes & Krippendorff 2007. The standard error treats alpha as a mean over
items (Gwet 2014) with the metric held fixed.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from reports.stats.agreement import checked_weights, orientation_check, why_undefined
from reports.stats.linearised import linearised_estimate
from reports.stats.ratings import Floats, Integers, ItemCounts
from reports.stats.results import Estimate, WarningCode, undefined

__all__ = ["krippendorff_alpha", "ordinal_distances"]


def ordinal_distances(totals: Floats) -> Floats:
    """delta_kl = (votes from k through l, both ends half)^2, shape (q, q).

    Parameters
    ----------
    totals : array of shape (q,)
        Votes in each category, in the order of the scale.
    """
    middle = np.cumsum(totals) - totals / 2
    return np.asarray((middle[:, None] - middle) ** 2, dtype=np.float64)


def _agreement_weights(
    metric: Literal["nominal", "ordinal"] | None, weights: ArrayLike | None, totals: Floats
) -> Floats:
    if metric == "ordinal":
        distance = ordinal_distances(totals)
        return np.asarray(1 - distance / distance.max(), dtype=np.float64)
    return checked_weights(weights, totals.size)


def krippendorff_alpha(
    counts: ItemCounts,
    metric: Literal["nominal", "ordinal"] = "nominal",
    *,
    weights: ArrayLike | None = None,
    mirror: Integers | None = None,
    level: float = 0.95,
) -> Estimate:
    """Alpha over all items with at least two votes, any number each.

    Parameters
    ----------
    counts : ItemCounts
    metric : {"nominal", "ordinal"}
        Ordinal distances come from the vote counts themselves.
    weights : (q, q) array, optional
        Agreement weights instead of a named metric (quadratic weights are the interval metric).
    mirror : int array of shape (q,), optional
        Category after a and b are swapped. Given, alpha with the totals of a and b averaged
        stands in ``details["symmetrised"]``, and `orientation_sensitive` warns where it differs.

    Returns
    -------
    Estimate
        `n` counts items with two votes or more.
    """
    named: Literal["nominal", "ordinal"] | None = metric if weights is None else None
    method = f"krippendorff_{'weighted' if named is None else named}_linearised"
    reason = why_undefined(counts)
    if reason is not None:
        return undefined(method, 0, reason[0], reason=reason[1])
    paired = counts.with_votes(2)
    votes, items = paired.votes, paired.items
    n_items, total = paired.n_items, float(paired.n_votes)
    totals = items @ paired.vectors
    if np.count_nonzero(totals) < 2:
        return undefined(
            method,
            n_items,
            WarningCode.DEGENERATE_SCALE,
            reason="all votes on items with two votes fall into one category",
        )
    mean_votes = total / n_items

    def value(margin: Floats) -> tuple[float, float, float, Floats, Floats]:
        w = _agreement_weights(named, weights, margin)
        pi = margin / total
        expected = float(pi @ w @ pi)
        agreeing = np.einsum("ik,ik->i", paired.vectors, paired.vectors @ w - 1)
        observed = agreeing / (mean_votes * (votes - 1))
        raw = float(items @ observed) / n_items
        p_a = (1 - 1 / total) * raw + 1 / total
        return (p_a - expected) / (1 - expected), raw, expected, observed, w @ pi

    alpha, raw, expected, observed, weighted = value(totals)
    imbalance = (votes - mean_votes) / mean_votes
    uncorrected = (raw - expected) / (1 - expected)
    agreement = (observed - raw * imbalance - expected) / (1 - expected)
    chance = paired.vectors @ weighted / mean_votes - expected * imbalance
    x = agreement - 2 * (1 - uncorrected) * (chance - expected) / (1 - expected)
    details = {"observed": (1 - 1 / total) * raw + 1 / total, "expected": expected}
    warnings: tuple[WarningCode, ...] = ()
    if mirror is not None:
        details["symmetrised"] = value((totals + totals[mirror]) / 2)[0]
        warnings = orientation_check(alpha, details["symmetrised"])
    return linearised_estimate(
        alpha,
        x - uncorrected,
        paired,
        method=method,
        n=n_items,
        chance=expected,
        level=level,
        warnings=warnings,
        details=details,
    )
