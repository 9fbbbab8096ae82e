"""How far annotators agree: shares and chance-corrected coefficients on counts n_ik.

All of them are means over items, so one linearisation (:mod:`reports.stats.linearised`) gives
every standard error. Notation as in the statistics guide: r_i votes on item i, W weights
between categories (1 on the diagonal), p_a observed and p_e expected agreement,
c = (p_a - p_e) / (1 - p_e), x_i the contribution of item i.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from reports.stats.linearised import linearised_estimate
from reports.stats.ratings import Floats, Integers, ItemCounts, Ratings
from reports.stats.results import Estimate, ShapeMismatch, StatsError, WarningCode, undefined

__all__ = [
    "ORIENTATION_TOLERANCE",
    "brennan_prediger",
    "conger_kappa",
    "fleiss_kappa",
    "fleiss_kappa_classical",
    "gwet_ac",
    "item_percent",
    "linear_weights",
    "orientation_check",
    "percent_agreement",
    "quadratic_weights",
    "why_undefined",
]

# Swapping which system is called a may move a chance-corrected value by this much unremarked.
ORIENTATION_TOLERANCE = 0.02

# Expected agreement this close to 1 leaves nothing to correct.
_CERTAIN = 1 - 1e-12


def linear_weights(categories: int) -> Floats:
    """w_kl = 1 - |k - l| / (q - 1), shape (q, q)."""
    k = np.arange(categories)
    return np.asarray(1 - np.abs(k[:, None] - k) / (categories - 1), dtype=np.float64)


def quadratic_weights(categories: int) -> Floats:
    """w_kl = 1 - (k - l)^2 / (q - 1)^2, shape (q, q)."""
    k = np.arange(categories)
    return np.asarray(1 - ((k[:, None] - k) / (categories - 1)) ** 2, dtype=np.float64)


def checked_weights(weights: ArrayLike | None, categories: int) -> Floats:
    """Agreement weights as a float array; the identity where None.

    Raises
    ------
    ShapeMismatch, StatsError
        If they are not a symmetric (q, q) array in [0, 1] with 1 on the diagonal.
    """
    if weights is None:
        return np.eye(categories)
    array = np.asarray(weights, dtype=np.float64)
    if array.shape != (categories, categories):
        raise ShapeMismatch(f"weights have shape {array.shape}, expected {(categories,) * 2}")
    in_range = bool(np.all((array >= 0) & (array <= 1)))
    if not in_range or not np.array_equal(array, array.T) or not np.all(np.diag(array) == 1):
        raise StatsError("weights must be symmetric, within 0 and 1, and 1 on the diagonal")
    return array


def why_undefined(counts: ItemCounts) -> tuple[WarningCode, str] | None:
    """Why no coefficient exists for these items, or None if nothing forbids one."""
    if counts.n_items == 0:
        return WarningCode.NO_VOTES, "there are no votes"
    if counts.n_paired == 0:
        if counts.raters == 1:
            return WarningCode.SINGLE_ANNOTATOR, "there is only one annotator"
        return WarningCode.NO_VOTES, "no item has two votes"
    return None


def _one_category(counts: ItemCounts) -> bool:
    return int(np.count_nonzero(counts.items @ counts.vectors)) < 2


def _undefined(method: str, counts: ItemCounts, corrected: bool = True) -> Estimate | None:
    reason = why_undefined(counts)
    if reason is None and corrected and _one_category(counts):
        reason = WarningCode.DEGENERATE_SCALE, "all votes fall into one category"
    if reason is None:
        return None
    return undefined(method, counts.n_paired, reason[0], reason=reason[1])


def _degenerate(method: str, counts: ItemCounts) -> Estimate:
    reason = "agreement by chance alone would be complete"
    return undefined(method, counts.n_paired, WarningCode.DEGENERATE_SCALE, reason=reason)


def orientation_check(estimate: float, symmetrised: float) -> tuple[WarningCode, ...]:
    """Warn where the value with the margins of a and b replaced by their mean differs."""
    if abs(estimate - symmetrised) > ORIENTATION_TOLERANCE:
        return (WarningCode.ORIENTATION_SENSITIVE,)
    return ()


def _observed(counts: ItemCounts, weights: Floats) -> Floats:
    """p_a,i of each count vector: the weighted share of agreeing pairs, 0 below two votes."""
    votes = counts.votes
    agreeing = np.einsum("ik,ik->i", counts.vectors, counts.vectors @ weights - 1)
    return np.asarray(agreeing / np.maximum(votes * (votes - 1), 1), dtype=np.float64)


def _shares(counts: ItemCounts) -> Floats:
    """n_ik / r_i of each count vector."""
    return np.asarray(counts.vectors / counts.votes[:, None], dtype=np.float64)


def _contributions(
    counts: ItemCounts, observed: Floats, expected: float, weights_of_pairs: Floats
) -> Floats:
    """c_i, whose mean over items is c."""
    scale = counts.n_items / counts.n_paired
    return np.asarray(
        scale * (observed - expected * weights_of_pairs) / (1 - expected), dtype=np.float64
    )


def _coefficient(
    counts: ItemCounts,
    weights: Floats,
    method: str,
    expected: float,
    expected_item: Floats | None,
    symmetrised: float | None,
    level: float,
    details: dict[str, Any] | None = None,
) -> Estimate:
    """c with its interval. `expected_item` is p_e,i for each count vector, None if p_e is
    constant; `symmetrised` is p_e with the margins of a and b averaged."""
    if expected >= _CERTAIN:
        return _degenerate(method, counts)
    paired = (counts.votes >= 2).astype(np.float64)
    observed = _observed(counts, weights)
    p_a = float(counts.items @ observed) / counts.n_paired
    c = (p_a - expected) / (1 - expected)
    x = _contributions(counts, observed, expected, paired)
    if expected_item is not None:
        x = x - 2 * (1 - c) * (expected_item - expected) / (1 - expected)
    figures: dict[str, Any] = {"observed": p_a, "expected": expected, **(details or {})}
    warnings: tuple[WarningCode, ...] = ()
    if symmetrised is not None and symmetrised < _CERTAIN:
        mirrored = (p_a - symmetrised) / (1 - symmetrised)
        figures["symmetrised"] = mirrored
        warnings = orientation_check(c, mirrored)
    return linearised_estimate(
        c,
        x - c,
        counts,
        method=method,
        n=counts.n_paired,
        chance=expected,
        level=level,
        warnings=warnings,
        details=figures,
    )


def percent_agreement(counts: ItemCounts, *, level: float = 0.95) -> Estimate:
    """Share of equal pairs over all pairs of votes on an item, pooled over items.

    An item with many votes weighs more. The error is that of a ratio over items; `n` counts
    pairs, `details` holds the items with two votes and their unpooled mean.
    """
    method = "percent_pooled_ratio"
    missing = _undefined(method, counts, corrected=False)
    if missing is not None:
        return missing
    paired = counts.with_votes(2)
    agreeing = np.einsum("ik,ik->i", paired.vectors, paired.vectors - 1) / 2
    pairs = paired.votes * (paired.votes - 1) / 2
    total = float(paired.items @ pairs)
    share = float(paired.items @ agreeing) / total
    deviation = (agreeing - share * pairs) * paired.n_items / total
    item_mean = float(paired.items @ (agreeing / pairs)) / paired.n_items
    return linearised_estimate(
        share,
        deviation,
        paired,
        method=method,
        n=round(total),
        lowest=0.0,
        level=level,
        details={"items": paired.n_items, "item_mean": item_mean},
    )


def item_percent(
    counts: ItemCounts, weights: ArrayLike | None = None, *, level: float = 0.95
) -> Estimate:
    """Mean over items of the (weighted) share of agreeing pairs: every item weighs alike."""
    method = "percent_item_mean"
    missing = _undefined(method, counts, corrected=False)
    if missing is not None:
        return missing
    w = checked_weights(weights, counts.vectors.shape[1])
    return _coefficient(counts, w, method, 0.0, None, None, level)


def fleiss_kappa(
    counts: ItemCounts,
    weights: ArrayLike | None = None,
    *,
    mirror: Integers | None = None,
    level: float = 0.95,
    method: str = "fleiss_generalised_linearised",
) -> Estimate:
    """Fleiss' kappa generalised to any number of votes an item (Fleiss 1971; Gwet 2014).

    Parameters
    ----------
    counts : ItemCounts
        All rated items; those with one vote tell about the margins only.
    weights : (q, q) array, optional
        Agreement weights, identity by default.
    mirror : int array of shape (q,), optional
        Category after a and b are swapped. Given, the value with averaged margins stands in
        ``details["symmetrised"]``, and `orientation_sensitive` warns where it differs.
    """
    missing = _undefined(method, counts)
    if missing is not None:
        return missing
    w = checked_weights(weights, counts.vectors.shape[1])
    shares = _shares(counts)
    pi = counts.items @ shares / counts.n_items
    expected = float(pi @ w @ pi)
    symmetrised = None
    if mirror is not None:
        even = (pi + pi[mirror]) / 2
        symmetrised = float(even @ w @ even)
    return _coefficient(counts, w, method, expected, shares @ (w @ pi), symmetrised, level)


def fleiss_kappa_classical(
    counts: ItemCounts, *, mirror: Integers | None = None, level: float = 0.95
) -> Estimate:
    """Fleiss' kappa in its classical form, on items with one number of votes.

    That number is the commonest one of at least two, the larger of two equally common ones.
    ``details`` holds it as `votes_per_item`, and as `generalised` the value on all items.
    """
    method = "fleiss_classical_linearised"
    missing = _undefined(method, counts)
    if missing is not None:
        return missing
    votes = counts.votes.astype(np.int64)
    frequency = np.bincount(votes, weights=counts.items)
    frequency[:2] = 0
    commonest = int(np.flatnonzero(frequency == frequency.max())[-1])
    whole = fleiss_kappa(counts, mirror=mirror, level=level)
    chosen = counts.with_votes(commonest, commonest)
    kappa = fleiss_kappa(chosen, mirror=mirror, level=level, method=method)
    details = {
        **kappa.details,
        "votes_per_item": commonest,
        "generalised": None if whole.estimate is None else whole.as_dict(),
    }
    return replace(kappa, details=details)


def gwet_ac(
    counts: ItemCounts,
    weights: ArrayLike | None = None,
    *,
    mirror: Integers | None = None,
    level: float = 0.95,
) -> Estimate:
    """Gwet's AC1 (identity weights) or AC2 (any other), Gwet 2008.

    Depends on the number of categories of the scale, used or not. Parameters as in
    :func:`fleiss_kappa`.
    """
    method = "gwet_ac1_linearised" if weights is None else "gwet_ac2_linearised"
    missing = _undefined(method, counts)
    if missing is not None:
        return missing
    q = counts.vectors.shape[1]
    w = checked_weights(weights, q)
    scale = float(w.sum()) / (q * (q - 1))
    shares = _shares(counts)
    pi = counts.items @ shares / counts.n_items
    expected = scale * float(pi @ (1 - pi))
    symmetrised = None
    if mirror is not None:
        even = (pi + pi[mirror]) / 2
        symmetrised = scale * float(even @ (1 - even))
    return _coefficient(
        counts, w, method, expected, scale * (shares @ (1 - pi)), symmetrised, level
    )


def brennan_prediger(
    counts: ItemCounts, weights: ArrayLike | None = None, *, level: float = 0.95
) -> Estimate:
    """Brennan and Prediger's coefficient: chance spreads evenly over the categories."""
    method = "brennan_prediger_linearised"
    missing = _undefined(method, counts)
    if missing is not None:
        return missing
    q = counts.vectors.shape[1]
    w = checked_weights(weights, q)
    return _coefficient(counts, w, method, float(w.sum()) / q**2, None, None, level)


def conger_kappa(
    ratings: Ratings,
    counts: ItemCounts,
    weights: ArrayLike | None = None,
    *,
    mirror: Integers | None = None,
    level: float = 0.95,
) -> Estimate:
    """Conger's kappa (1980): chance agreement from each rater's own margins.

    Parameters
    ----------
    ratings : Ratings
    counts : ItemCounts
        ``ratings.item_counts()``, passed in because every caller has it.

    Other parameters as in :func:`fleiss_kappa`.
    """
    method = "conger_linearised"
    missing = _undefined(method, counts)
    if missing is not None:
        return missing
    q = ratings.n_categories
    w = checked_weights(weights, q)
    packed = ratings.rater * q + ratings.category
    table = np.bincount(packed, minlength=ratings.n_raters * q).reshape(-1, q)
    votes = table.sum(axis=1)
    active = votes > 0
    margins = table / np.maximum(votes, 1)[:, None]
    pairs = int(np.count_nonzero(active)) * (int(np.count_nonzero(active)) - 1)

    def between(p: Floats) -> tuple[float, Floats]:
        """p_e over ordered pairs of distinct raters, and W times the margins of the others."""
        others = (p.sum(axis=0) - p) @ w
        others[~active] = 0
        return float(np.einsum("gk,gk->", p, others)) / pairs, others / pairs

    expected, others = between(margins)
    if expected >= _CERTAIN:
        return _degenerate(method, counts)
    observed = _observed(counts, w)
    p_a = float(counts.items @ observed) / counts.n_paired
    c = (p_a - expected) / (1 - expected)
    own = np.einsum("gk,gk->g", margins, others)
    share = counts.n_items / np.maximum(votes, 1)
    effect = share[:, None] * (others - own[:, None])
    shift = np.bincount(ratings.item, effect.ravel()[packed], minlength=ratings.n_items)
    paired = (counts.votes >= 2).astype(np.float64)
    x = _contributions(counts, observed, expected, paired)[counts.pattern]
    x = x - 2 * (1 - c) * shift[counts.item] / (1 - expected)
    details: dict[str, Any] = {"observed": p_a, "expected": expected}
    warnings: tuple[WarningCode, ...] = ()
    if mirror is not None:
        even, _ = between((margins + margins[:, mirror]) / 2)
        details["symmetrised"] = (p_a - even) / (1 - even)
        warnings = orientation_check(c, details["symmetrised"])
    return linearised_estimate(
        c,
        x - c,
        counts,
        method=method,
        n=counts.n_paired,
        chance=expected,
        level=level,
        per_item=True,
        warnings=warnings,
        details=details,
    )
