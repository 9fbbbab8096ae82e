"""Critical values, the Wilson interval, and how small an error is none."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from reports.stats.results import InvalidLevel

__all__ = [
    "NO_ERROR",
    "check_level",
    "critical_value",
    "critical_values",
    "difference_of_shares",
    "wilson",
]

FloatArray = NDArray[np.float64]

NO_ERROR = 1e-7
"""The root of what rounding leaves of a variance that is 0; a real error is never so small, in
shares as in logits. A figure whose error is no larger has no interval (`degenerate_scale`)."""


def check_level(level: float) -> None:
    """Refuse a confidence level outside (0, 1).

    Raises
    ------
    InvalidLevel
    """
    if not 0 < level < 1:
        raise InvalidLevel(f"level is {level}; expected a number between 0 and 1, such as 0.95")


def critical_value(level: float, df: float | None) -> float:
    """Two-sided quantile of Student's t, or of the normal distribution where `df` is None.

    Raises
    ------
    InvalidLevel
    """
    check_level(level)
    upper = (1 + level) / 2
    if df is None or math.isinf(df):
        return float(ndtri(upper))
    return float(stdtrit(df, upper))


def critical_values(level: float, df: FloatArray) -> FloatArray:
    """:func:`critical_value` of every entry; infinite degrees of freedom mean the normal one."""
    check_level(level)
    upper = (1 + level) / 2
    return np.where(np.isinf(df), ndtri(upper), stdtrit(df, upper))


def wilson(
    share: FloatArray | float, n: FloatArray | float, quantile: FloatArray | float
) -> tuple[FloatArray, FloatArray]:
    """Wilson's score interval of a share, cut to [0, 1].

    Parameters
    ----------
    share : float or float array
        Observed share or mean score, within [0, 1].
    n : float or float array
        Votes, or effective votes; above 0.
    quantile : float or float array
        Critical value: normal for the plain interval, Student's t under clustering.

    Returns
    -------
    low, high : float array
    """
    m, size, q = np.asarray(share), np.asarray(n), np.asarray(quantile)
    square = q * q
    shrink = 1 + square / size
    centre = (m + square / (2 * size)) / shrink
    half = q * np.sqrt(m * (1 - m) / size + square / (4 * size * size)) / shrink
    # At m = 0 or 1 the interval touches the end exactly; rounding must not move it off.
    low = np.where(m == 0, 0.0, np.clip(centre - half, 0.0, m))
    high = np.where(m == 1, 1.0, np.clip(centre + half, m, 1.0))
    return low, high


def difference_of_shares(
    first: float, second: float, n_first: int, n_second: int, quantile: float
) -> tuple[float, float]:
    """Newcombe's interval of a difference of two shares from Wilson's of each.

    Newcombe 1998, method 10, doi 10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.
    It has a width where both shares are 0 or 1, of which the standard error knows nothing.

    Parameters
    ----------
    first, second : float
        Shares within [0, 1].
    n_first, n_second : int
        Votes, or clusters of them; above 0.
    quantile : float
        Critical value.

    Returns
    -------
    low, high : float
        Of first - second.
    """
    (low_1, high_1), (low_2, high_2) = (
        (float(end) for end in wilson(share, n, quantile))
        for share, n in ((first, n_first), (second, n_second))
    )
    difference = first - second
    below = float(np.hypot(first - low_1, high_2 - second))
    above = float(np.hypot(high_1 - first, second - low_2))
    return difference - below, difference + above
