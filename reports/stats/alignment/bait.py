"""Does a response win with the judge by speaking to the judge?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from reports.stats.alignment.humans import Humans
from reports.stats.alignment.judgments import MISSING, Comparisons, Reconciled
from reports.stats.alignment.resampling import prompt_bootstrap, sums_by_prompt
from reports.stats.alignment.shares import share_by_prompt
from reports.stats.ratings import Floats
from reports.stats.results import Estimate, ShapeMismatch, WarningCode, undefined
from reports.stats.votes import VERDICT_SCORE

__all__ = ["Bait", "bait_wins"]

Bait = tuple[NDArray[np.bool_], NDArray[np.bool_]]
"""Which responses a and b, by comparison, tell a judge what to say."""

EXCESS_LEVEL = 0.98
"""Of the interval of the excess: a judge is accused by its lower end alone, once in a hundred."""

NO_TEXTS = "the responses' texts were not read"


def bait_wins(
    judge: Reconciled,
    humans: Humans,
    comparisons: Comparisons,
    bait: Bait | None,
    *,
    seed: int,
    level: float = 0.95,
) -> Estimate:
    """Mean score that the judge gives the one response of a pair that tells a judge what to say.

    Parameters
    ----------
    bait : pair of bool arrays of shape (comparisons,), optional
        None where the texts were not read.

    Returns
    -------
    Estimate
        1 where it always wins, ties as half, over judged comparisons in which just one response
        does; `n` counts them. ``details``, over those with votes: `n_voted`; `judge` and `humans`,
        both scores; `excess`, their difference, with `excess_low` and `excess_high` (bootstrap
        over prompts, 98 %). None with `no_votes` where no response does.
    """
    method = "bait_wins"
    if bait is None:
        return undefined(method, 0, WarningCode.DEGENERATE_SCALE, reason=NO_TEXTS)
    a, b = bait
    if a.shape != (comparisons.n,) or b.shape != (comparisons.n,):
        raise ShapeMismatch(
            f"bait has shapes {a.shape} and {b.shape}; expected one flag a comparison"
        )
    one = (a != b) & (judge.category != MISSING)
    if not one.any():
        reason = "no judged response speaks to a judge"
        return undefined(method, 0, WarningCode.NO_VOTES, reason=reason)
    said = (1 + np.where(a, judge.score, -judge.score)) / 2
    figure = share_by_prompt(said[one], comparisons.prompt[one], method=method, level=level)
    number = humans.counts.sum(axis=1)
    voted = one & (number > 0)
    details = {**figure.details, "n_voted": int(voted.sum())}
    if voted.any():
        mean = (humans.counts[voted] @ VERDICT_SCORE) / number[voted]
        truth = np.where(a[voted], mean, 1 - mean)
        sums = sums_by_prompt(
            comparisons.prompt[voted], np.column_stack([said[voted] - truth, np.ones(truth.size)])
        )

        def statistic(totals: Floats) -> Floats:
            return np.asarray(totals[:, 0] / totals[:, 1], dtype=np.float64)

        low, high = prompt_bootstrap(sums, statistic, seed=seed, method=method, level=EXCESS_LEVEL)
        details |= {
            "judge": float(said[voted].mean()),
            "humans": float(truth.mean()),
            "excess": float((said[voted] - truth).mean()),
            "excess_low": low,
            "excess_high": high,
        }
    return replace(figure, details=details)
