"""From the influence of each item on a coefficient to its standard error and interval."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from reports.stats.covariance import FEW_CLUSTERS
from reports.stats.intervals import NO_ERROR, critical_value, wilson
from reports.stats.ratings import Floats, ItemCounts
from reports.stats.results import Estimate, WarningCode

__all__ = ["linearised_estimate"]


def _variance(deviation: Floats, counts: ItemCounts, per_item: bool) -> tuple[float, int, str]:
    """Variance of a mean over items, its number of independent units, and their name."""
    n = counts.n_items
    if counts.prompt is not None:
        size = np.bincount(counts.prompt)
        prompts = int(np.count_nonzero(size))
        if n > prompts > 1:
            item_deviation = deviation if per_item else deviation[counts.pattern]
            sums = np.bincount(counts.prompt, weights=item_deviation)
            return prompts / (prompts - 1) * float(sums @ sums) / n**2, prompts, "prompts"
    weights = np.ones(n) if per_item else counts.items
    return float(weights @ deviation**2) / (n * (n - 1)) if n > 1 else 0.0, n, "items"


def linearised_estimate(
    estimate: float,
    deviation: Floats,
    counts: ItemCounts,
    *,
    method: str,
    n: int,
    chance: float = 0.0,
    lowest: float = -1.0,
    level: float = 0.95,
    per_item: bool = False,
    warnings: tuple[WarningCode, ...] = (),
    details: Mapping[str, Any] | None = None,
) -> Estimate:
    """A coefficient with its Student interval from item-linearised deviations.

    Parameters
    ----------
    estimate : float
    deviation : float array, one entry a count vector, or one an item where `per_item`
        x_i - c: what each item adds to the coefficient beyond the mean.
    counts : ItemCounts
        Items that the mean runs over. Where prompts hold several items the deviations are
        summed within prompts first.
    chance : float
        Expected agreement; 0 for shares. Only used where no item deviates: complete agreement
        is then bounded by Wilson on the number of independent units, since an interval of no
        width would claim certainty.
    lowest : float
        Least value that the coefficient can take; the greatest is 1.

    Returns
    -------
    Estimate
        Without an interval where there is only one independent unit, or where all units are
        alike short of complete agreement (`degenerate_scale`).
    """
    variance, units, unit = _variance(deviation, counts, per_item)
    codes = warnings
    if units < FEW_CLUSTERS:
        codes = (*codes, WarningCode.FEW_PROMPTS)
    shared: dict[str, Any] = {
        "n": n,
        "n_clusters": {unit: units},
        "details": dict(details or {}),
        "warnings": codes,
    }
    if units < 2:
        return Estimate(estimate, None, None, method, level=None, **shared)
    df = float(units - 1)
    critical = critical_value(level, df)
    se = math.sqrt(variance)
    if se <= NO_ERROR and estimate > 1 - 1e-12:
        low = (float(wilson(1.0, units, critical)[0]) - chance) / (1 - chance)
        return Estimate(1.0, max(low, lowest), 1.0, f"{method}_wilson_bound", se=0.0, df=df,
                        level=level, **shared)  # fmt: skip
    if se <= NO_ERROR:
        # Every unit adds the same: nothing tells how far another sample would lie.
        shared["warnings"] = (*codes, WarningCode.DEGENERATE_SCALE)
        return Estimate(estimate, None, None, method, level=None, **shared)
    low = max(estimate - critical * se, min(lowest, estimate))
    high = min(estimate + critical * se, 1.0)
    suffix = "_by_prompt" if unit == "prompts" else ""
    return Estimate(estimate, low, high, method + suffix, se=se, df=df, level=level, **shared)
