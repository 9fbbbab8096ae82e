"""Bootstrap over prompts for statistics of sums."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from reports.stats.intervals import NO_ERROR
from reports.stats.ratings import Floats
from reports.stats.results import Estimate, WarningCode, generator

__all__ = ["DRAWS", "bootstrapped", "prompt_bootstrap", "sums_by_prompt", "without_interval"]

DRAWS = 2000

# Resampling counts are drawn in pieces of this many (32 MB of int64).
_PIECE = 1 << 22


def sums_by_prompt(prompt: ArrayLike, values: Floats) -> Floats:
    """Sum of each column within each prompt that occurs, shape (prompts, columns)."""
    distinct, code = np.unique(np.asarray(prompt), return_inverse=True)
    columns = [np.bincount(code.reshape(-1), column, distinct.size) for column in values.T]
    return np.array(columns, dtype=np.float64).T.reshape(distinct.size, values.shape[1])


def prompt_bootstrap(
    sums: Floats,
    statistic: Callable[[Floats], Floats],
    *,
    seed: int,
    method: str,
    level: float = 0.95,
    draws: int = DRAWS,
) -> tuple[float | None, float | None]:
    """Percentile interval of a statistic of the column sums when prompts are resampled.

    Parameters
    ----------
    sums : float array, shape (prompts, columns)
        What each prompt contributes. Prompts with equal rows are interchangeable, so only the
        distinct rows are drawn, with their frequencies: exact, and cheap for many prompts.
    statistic : function of a (draws, columns) array to (draws,)
        NaN where it is undefined; such draws are left out.
    seed : int
        Of the study.
    method : str
        Names the stream of random numbers.

    Returns
    -------
    low, high : float or None
        None with fewer than two prompts, where most draws are undefined, or where they are all
        alike but for rounding: nothing was seen then of how much the figure varies.
    """
    prompts = sums.shape[0]
    if prompts < 2:
        return None, None
    rows, frequency = np.unique(sums, axis=0, return_counts=True)
    random = generator(seed, method)
    piece = max(1, min(draws, _PIECE // rows.shape[0]))
    results = [
        statistic(random.multinomial(prompts, frequency / prompts, size=size) @ rows)
        for size in [piece] * (draws // piece) + [draws % piece] * (draws % piece > 0)
    ]
    values = np.concatenate(results)
    values = values[np.isfinite(values)]
    if values.size < draws / 2:
        return None, None
    tail = 50 * (1 - level)
    low, high = np.percentile(values, [tail, 100 - tail])
    return (float(low), float(high)) if high - low > NO_ERROR else (None, None)


def without_interval(prompts: int) -> WarningCode:
    """Why resampling so many prompts gave no interval."""
    return WarningCode.TOO_FEW_PROMPTS if prompts < 2 else WarningCode.DEGENERATE_SCALE


def bootstrapped(
    value: float,
    interval: tuple[float | None, float | None],
    *,
    method: str,
    n: int,
    prompts: int,
    seed: int,
    level: float,
    **details: Any,
) -> Estimate:
    """A figure with its interval from resampled prompts.

    Where the draws are all alike nothing was seen of how much the figure varies: it then has no
    interval, and the warning `degenerate_scale`; with too few prompts to draw from,
    `too_few_prompts`.

    Parameters
    ----------
    value : float
    interval : pair of float or None
        As :func:`prompt_bootstrap` gives it; widened to hold the value.
    prompts : int
        How many were drawn from.
    """
    low, high = interval
    clusters = {"prompts": prompts}
    if low is None or high is None or high - low <= NO_ERROR:
        return Estimate(
            value, None, None, method, n, clusters, level=None, seed=seed,
            warnings=(without_interval(prompts),), details=details,
        )  # fmt: skip
    return Estimate(
        value,
        min(low, value),
        max(high, value),
        method,
        n,
        clusters,
        level=level,
        seed=seed,
        details=details,
    )
