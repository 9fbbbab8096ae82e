"""How many votes a question needs."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, ndtri

from reports.stats.results import StatsError

__all__ = ["PlanError", "decisive_votes_needed", "sign_test_power", "votes_still_needed"]

SMALLEST_DIFFERENCE = 0.60
"""Default win rate that a study wants to tell from one half."""

POWER = 0.80
ALPHA = 0.05

HOLDING = 10
"""The power of a discrete test saws up and down in n; it must hold this often in a row."""

NEAREST = 0.005
"""A win rate nearer to ½ would need more than 79,000 decisive votes, which no study collects, and
seconds to minutes of scanning."""


class PlanError(StatsError):
    """A win rate, power or level for which no plan exists."""


def sign_test_power(
    n: NDArray[np.intp], win_rate: float, alpha: float = ALPHA
) -> NDArray[np.float64]:
    """Power of the exact two-sided sign test with n decisive votes.

    Parameters
    ----------
    n : int array
    win_rate : float
        True share of wins among decisive votes.
    alpha : float
    """
    limit = _critical_count(n, alpha)
    reached = limit >= 0
    at = np.maximum(limit, 0)
    power = bdtr(at, n, win_rate) + bdtr(at, n, 1 - win_rate)
    return np.where(reached, power, 0.0)


def _critical_count(n: NDArray[np.intp], alpha: float) -> NDArray[np.intp]:
    """Largest k with 2 P(X ≤ k | ½) ≤ alpha, -1 where even k = 0 is not significant."""
    low = np.full(n.shape, -1, dtype=np.intp)
    high = n // 2
    while bool((low < high).any()):
        middle = (low + high + 1) // 2
        passes = 2 * bdtr(middle, n, 0.5) <= alpha
        low = np.where(passes, middle, low)
        high = np.where(passes, high, middle - 1)
    return low


@lru_cache(maxsize=64)
def decisive_votes_needed(
    win_rate: float = SMALLEST_DIFFERENCE, power: float = POWER, alpha: float = ALPHA
) -> int:
    """Decisive votes with which the exact sign test finds a true win rate.

    The normal approximation n₀ = [(z_{a/2}/2 + z_β √(p(1-p)))/(p-½)]² gives the start; from
    0.9 n₀ the exact power is scanned upward until it holds for ten consecutive n, of which
    the first is returned.

    Raises
    ------
    PlanError
        Win rate nearer to ½ than :data:`NEAREST` or outside (0, 1), power or alpha outside (0, 1).
    """
    if not 0 < win_rate < 1 or abs(win_rate - 0.5) < NEAREST:
        raise PlanError(
            f"win rate is {win_rate}; expected within (0, 1) and at least {NEAREST} from 0.5"
        )
    if not 0 < alpha < 1 or not 0 < power < 1:
        raise PlanError(f"power is {power} and alpha {alpha}; expected both within (0, 1)")
    root = math.sqrt(win_rate * (1 - win_rate))
    reach = -float(ndtri(alpha / 2)) / 2 + float(ndtri(power)) * root
    start = max(1, math.floor(0.9 * (max(reach, 0.0) / (win_rate - 0.5)) ** 2))
    held: NDArray[np.bool_] = np.zeros(0, dtype=bool)
    block = max(64, start // 4)
    while True:
        n = start + held.size + np.arange(block)
        held = np.concatenate([held, sign_test_power(n, win_rate, alpha) >= power])
        runs = np.lib.stride_tricks.sliding_window_view(held, HOLDING).all(axis=1)
        if bool(runs.any()):
            return start + int(np.argmax(runs))


def votes_still_needed(
    needed: int, *, votes: int, decisive: int, effective: float | None
) -> int | None:
    """Votes of any verdict that a pair still lacks, if they keep coming as they have.

    Total votes = needed/(1 - tie rate) times the design effect, less those given.

    Parameters
    ----------
    needed : int
        Effective decisive votes wanted (:func:`decisive_votes_needed`).
    votes, decisive : int
        Votes so far, and the decisive ones among them.
    effective : float or None
        Effective number of the decisive votes; None without any.

    Returns
    -------
    int or None
        None where all votes so far are ties: no number can be foreseen.
    """
    if votes == 0:
        return needed
    if decisive == 0 or effective is None or effective <= 0:
        return None
    if effective >= needed:
        return 0
    total = math.ceil(needed * votes / min(effective, float(decisive)))
    return max(1, total - votes)
