"""Few human labels and many judgments in one estimate (PPI++, Angelopoulos et al. 2023)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from reports.stats.intervals import NO_ERROR
from reports.stats.ratings import Floats
from reports.stats.results import (
    Estimate,
    NonFiniteInput,
    ShapeMismatch,
    WarningCode,
    undefined,
)

__all__ = ["prediction_powered_mean"]


def _values(name: str, values: ArrayLike) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ShapeMismatch(f"{name} has shape {array.shape}; expected one value a unit")
    if not np.all(np.isfinite(array)):
        raise NonFiniteInput(f"{name} holds a value that is not finite")
    return array


def _clustered_variance(
    labelled: Floats, unlabelled: Floats, clusters: tuple[ArrayLike, ArrayLike]
) -> float | None:
    """Variance of mean(labelled) + mean(unlabelled) when units of a cluster go together."""
    first, second = (np.asarray(codes) for codes in clusters)
    if first.shape != labelled.shape or second.shape != unlabelled.shape:
        raise ShapeMismatch("clusters need one code a labelled and one an unlabelled unit")
    distinct, code = np.unique(np.concatenate((first, second)), return_inverse=True)
    if distinct.size < 2:
        return None
    influence = np.concatenate(
        (
            (labelled - labelled.mean()) / labelled.size,
            (unlabelled - unlabelled.mean()) / unlabelled.size if unlabelled.size else unlabelled,
        )
    )
    sums = np.bincount(code.reshape(-1), influence)
    return distinct.size / (distinct.size - 1) * float(sums @ sums)


def prediction_powered_mean(
    labels: ArrayLike,
    judged: ArrayLike,
    unlabelled: ArrayLike,
    *,
    clusters: tuple[ArrayLike, ArrayLike] | None = None,
    level: float = 0.95,
) -> Estimate:
    """Mean label of all units, from labels on a random sample and judgments on all.

    Parameters
    ----------
    labels : float array, shape (n,)
        y in [0, 1].
    judged : float array, shape (n,)
        The judge's score in [0, 1] of the same units.
    unlabelled : float array, shape (N,)
        The judge's score of the units without labels.
    clusters : pair of int arrays of shapes (n,) and (N,), optional
        Cluster of each labelled and unlabelled unit, where units are not independent.

    Returns
    -------
    Estimate
        Valid only where the labelled units are a random draw of all, which the caller must
        know. `n` counts labelled units. ``details``: `weight` (lambda, 0 is the plain human
        mean), `plain`, `n_unlabelled`, `n_effective` labelled units.

    Raises
    ------
    ShapeMismatch, NonFiniteInput
    """
    method = "ppi_plus_plus"
    y, f = _values("labels", labels), _values("judged", judged)
    rest = _values("unlabelled", unlabelled)
    if y.size != f.size:
        raise ShapeMismatch(f"{y.size} labels for {f.size} judged units")
    n, others = y.size, rest.size
    if n < 2:
        return undefined(method, n, WarningCode.TOO_FEW_PROMPTS, reason="fewer than two labels")
    weight = 0.0
    if others:
        spread = float(np.var(np.concatenate((f, rest)), ddof=1))
        covariance = float(np.mean((y - y.mean()) * (f - f.mean())))
        if spread > NO_ERROR**2:
            weight = min(max(covariance / ((1 + n / others) * spread), 0.0), 1.0)
    classical = float(np.var(y)) / n
    variance = float(np.var(y - weight * f)) / n
    estimate = float(np.mean(y - weight * f))
    if others:
        variance += weight**2 * float(np.var(rest)) / others
        estimate += weight * float(rest.mean())
    if clusters is not None:
        clustered = _clustered_variance(y - weight * f, weight * rest, clusters)
        plain = _clustered_variance(y, rest[:0], (clusters[0], np.asarray(clusters[1])[:0]))
        if clustered is None or plain is None:
            reason = "all units belong to one prompt"
            return undefined(method, n, WarningCode.TOO_FEW_PROMPTS, reason=reason)
        variance, classical = clustered, plain
        method += "_by_prompt"
    se = math.sqrt(variance)
    z = float(ndtri((1 + level) / 2))
    details = {
        "weight": weight,
        "plain": float(y.mean()),
        "n_unlabelled": others,
        "n_effective": n * classical / variance if se > NO_ERROR else None,
    }
    point = min(max(estimate, 0.0), 1.0)
    if se <= NO_ERROR:
        # All labels equal: nothing was seen of how much they vary.
        return Estimate(point, None, None, method, n, level=None,
                        warnings=(WarningCode.DEGENERATE_SCALE,), details=details)  # fmt: skip
    return Estimate(
        point,
        max(min(estimate - z * se, 1.0), 0.0),
        min(max(estimate + z * se, 0.0), 1.0),
        method,
        n,
        n_clusters={"labelled": n, "unlabelled": others},
        se=se,
        level=level,
        details=details,
    )
