"""Intervals of shares and of their differences."""

from __future__ import annotations

import pytest

from reports.stats.intervals import critical_value, difference_of_shares


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_differences_are_those_that_newcombe_published(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    """Newcombe 1998, Statistics in Medicine 17:873, table II, method 10."""
    (x, n), (y, m) = first, second
    found = difference_of_shares(x / n, y / m, n, m, critical_value(0.95, None))
    assert found == pytest.approx((low, high), abs=5.1e-5)
