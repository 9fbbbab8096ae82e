"""When a sequential study is likely to stop."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import betaln

from reports.stats.planning import ALPHA, PlanError
from reports.stats.votes import FloatArray, IntArray

__all__ = ["StoppingTime", "stopping_time"]

LONGEST = 50_000
"""Decisive votes after which no stop is foreseen: a win rate of .51 is found by half the studies
well before."""


@dataclass(frozen=True, slots=True)
class StoppingTime:
    """Decisive votes until E(½) reaches 1/α, looking at every vote.

    Attributes
    ----------
    median, percentile_80 : int or None
        None beyond 50,000 votes.
    """

    median: int | None
    percentile_80: int | None


@lru_cache(maxsize=64)
def stopping_time(win_rate: float, alpha: float = ALPHA) -> StoppingTime:
    """The stopping time's median and 80th percentile, by the exact recursion.

    The number of wins is a random walk that ends where the e-value reaches its limit; carrying
    its distribution forward vote by vote gives what a simulation only estimates.

    Parameters
    ----------
    win_rate : float
        Among decisive votes; not ½.
    alpha : float

    Raises
    ------
    PlanError
    """
    if not 0 < win_rate < 1 or win_rate == 0.5:
        raise PlanError(f"win rate is {win_rate}; expected within (0, 1) and different from 0.5")
    if not 0 < alpha < 1:
        raise PlanError(f"alpha is {alpha}; expected within (0, 1)")
    leads = _stopping_leads(np.arange(1, LONGEST + 1), alpha)
    chance = np.ones(1)  # of each number of wins from `first` on, among studies still running
    first = 0
    median: int | None = None
    for n, lead in enumerate(leads.tolist(), 1):
        stepped = np.zeros(chance.size + 1)
        stepped[:-1] = chance * (1 - win_rate)
        stepped[1:] += chance * win_rate
        # wins - losses = 2 wins - n; running on while its magnitude is below the lead.
        low = max(first, (n - lead) // 2 + 1)
        high = min(first + stepped.size - 1, (n + lead + 1) // 2 - 1)
        chance = stepped[low - first : high - first + 1]
        first = low
        running = float(chance.sum())
        if median is None and running <= 0.5:
            median = n
        if running <= 0.2:
            return StoppingTime(median, n)
    return StoppingTime(median, None)


def _stopping_leads(n: IntArray, alpha: float) -> IntArray:
    """Smallest |wins - losses| at which n decisive votes stop, of the same parity as n.

    n + 2 where even unanimity would not.
    """
    low = np.zeros(n.shape, dtype=np.int64)  # in units of two, from the parity of n
    high = n // 2 + 1
    limit = -math.log(alpha)
    while bool((low < high).any()):
        middle = (low + high) // 2
        reached = _log_e(n, n % 2 + 2 * middle) >= limit
        high = np.where(reached, middle, high)
        low = np.where(reached, low, middle + 1)
    return np.asarray(n % 2 + 2 * low)


def _log_e(n: IntArray, lead: IntArray) -> FloatArray:
    """ln E(½) with no ties: the Beta(½, ½) mixture in closed form."""
    wins = (n + np.minimum(lead, n)) / 2
    out: FloatArray = betaln(wins + 0.5, n - wins + 0.5) - betaln(0.5, 0.5) + n * math.log(2)
    return out
