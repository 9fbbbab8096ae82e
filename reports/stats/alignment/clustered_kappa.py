"""Cohen's kappa between a judge and people where prompts hold several comparisons."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from reports.stats.alignment.resampling import prompt_bootstrap, sums_by_prompt, without_interval
from reports.stats.cohen import cohen_kappa, kappas_of_tables
from reports.stats.intervals import critical_value, wilson
from reports.stats.ratings import Floats, Integers
from reports.stats.results import Estimate

__all__ = ["clustered_kappa", "quadratic_weights"]


def quadratic_weights(levels: int) -> Floats:
    """Agreement weights 1 - ((k - l) / (levels - 1))² of ordered categories (Cohen 1968)."""
    k = np.arange(levels)
    distance = (k[:, None] - k) / max(levels - 1, 1)
    return np.asarray(1 - distance**2, dtype=np.float64)


def clustered_kappa(
    said: Integers,
    truth: Integers,
    prompt: Integers,
    *,
    classes: int,
    seed: int,
    weights: Floats | None = None,
    level: float = 0.95,
) -> Estimate:
    """Kappa of two rows of categories, one entry a comparison.

    Where prompts hold several comparisons the interval is a bootstrap over prompts, and
    ``details`` keeps the one for independent comparisons. Where the draws are all alike, or there
    is one prompt to draw from, it has none. Complete agreement is bounded by Wilson on the prompts.

    Parameters
    ----------
    said, truth, prompt : int arrays of shape (comparisons,)
        Categories count from 0 and lie below `classes`.
    weights : (classes, classes) array, optional
        Agreement weights, identity by default.
    """
    joint = said * classes + truth
    table = np.bincount(joint, minlength=classes**2).reshape(classes, classes)
    kappa = cohen_kappa(table, weights, level=level)
    distinct = np.unique(prompt).size
    if kappa.estimate is None or distinct == prompt.size:
        return kappa
    used = np.eye(classes) if weights is None else weights
    occurring, position = np.unique(joint, return_inverse=True)
    indicator = np.zeros((joint.size, occurring.size))
    indicator[np.arange(joint.size), position.reshape(-1)] = 1
    plain = "cohen_kappa" if weights is None else "cohen_kappa_weighted"
    method = f"{plain}_prompt_bootstrap"

    def statistic(totals: Floats) -> Floats:
        tables = np.zeros((totals.shape[0], classes**2))
        tables[:, occurring] = totals
        return kappas_of_tables(tables.reshape(-1, classes, classes), used)[0]

    low, high = prompt_bootstrap(
        sums_by_prompt(prompt, indicator), statistic, seed=seed, method=method, level=level
    )
    clusters = {"prompts": distinct}
    if kappa.estimate == 1:
        # No disagreement was seen: as many prompts bound it, not as many comparisons.
        expected = float(kappa.details["expected"])
        seen = float(wilson(1.0, distinct, critical_value(level, None))[0])
        return replace(kappa, low=(seen - expected) / (1 - expected), n_clusters=clusters)
    if low is None or high is None:
        codes = (*kappa.warnings, without_interval(distinct))
        return replace(
            kappa, low=None, high=None, method=method, se=None, level=None, seed=seed,
            n_clusters=clusters, warnings=tuple(dict.fromkeys(codes)),
        )  # fmt: skip
    return replace(
        kappa,
        low=min(low, kappa.estimate),
        high=max(high, kappa.estimate),
        method=method,
        se=None,
        seed=seed,
        n_clusters=clusters,
        details={
            **kappa.details,
            "independent": {"low": kappa.low, "high": kappa.high, "se": kappa.se},
        },
    )
