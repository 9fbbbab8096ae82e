"""How sure a figure of somebody's answers is: intervals, and evidence that a mean is too low. Pure.

scipy.stats is imported where it is used: voting imports this room, and nearly every command does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from .figures import Share

# Bets of the e-value, as parts of the largest that cannot ruin: a mixture needs no tuning.
BETS = np.linspace(0.1, 0.9, 9)

# Halvings of the range in which a bound is sought: far finer than what is printed.
HALVINGS = 40


def interval(share: Share, error: float) -> tuple[float, float] | None:
    """Clopper and Pearson's interval of a share; each side errs with probability `error`."""
    if not share.n:
        return None
    from scipy import stats

    low = stats.beta.ppf(error, share.hits, share.n - share.hits + 1) if share.hits else 0.0
    high = (
        stats.beta.ppf(1 - error, share.hits + 1, share.n - share.hits)
        if share.hits < share.n
        else 1.0
    )
    return float(low), float(high)


def log_e_value(values: Sequence[float], mean: float) -> float:
    """Log evidence that values in 0 to 1 have a mean below `mean`, valid at any time.

    A bettor stakes against each value; whoever's mean is not below loses on average, so that the
    capital ever reaches 1/α with probability at most α (Ville). See Waudby-Smith and Ramdas 2024,
    Estimating means of bounded random variables by betting, JRSS B 86.
    """
    if not values or not 0 < mean < 1:
        return 0.0
    bets = BETS / (1 - mean)
    capital = np.log1p(np.outer(bets, mean - np.asarray(values))).sum(axis=1)
    return float(np.logaddexp.reduce(capital) - np.log(len(bets)))


def interval_of_mean(values: Sequence[float], error: float) -> tuple[float, float] | None:
    """The means of values in 0 to 1 that no bettor has refuted; each side errs with `error`.

    It inverts `log_e_value`, and so holds however often somebody looks.
    """
    if not values:
        return None

    def highest(observed: Sequence[float]) -> float:
        return first_true(lambda mean: log_e_value(observed, mean) >= -math.log(error))

    return 1 - highest([1 - value for value in values]), highest(values)


def first_true(holds: Callable[[float], bool]) -> float:
    """Where between 0 and 1 a condition begins to hold that then goes on to; 1 if it never does."""
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def interval_of_median(values: Sequence[float], error: float) -> tuple[float, float] | None:
    """Two of the values with the median of what they come from between them, after the sign test.

    Each side errs with at most `error`. None where so few values never are that sure: fewer than 6
    at 0.025.
    """
    from scipy import stats

    # So many of n values lie below the median with a smaller probability than `error`.
    below = int(stats.binom.ppf(error, len(values), 0.5)) if values else 0
    if below < 1:
        return None
    ordered = sorted(values)
    return ordered[below - 1], ordered[len(values) - below]
