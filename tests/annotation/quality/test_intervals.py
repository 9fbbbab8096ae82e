"""How sure a mean or a median of somebody's answers is, against values from elsewhere."""

from __future__ import annotations

import math

import numpy as np
import pytest

from annotation.quality_rules.intervals import (
    interval_of_mean,
    interval_of_median,
    log_e_value,
)


@pytest.mark.parametrize(
    ("n", "places"),
    # Of the sign test's tables: 95 % at least.
    [(5, None), (6, (1, 6)), (8, (1, 8)), (9, (2, 8)), (20, (6, 15)), (50, (18, 33))],
)
def test_a_median_lies_between_two_of_the_values(n: int, places: tuple[int, int] | None) -> None:
    values = [float(value) for value in range(n, 0, -1)]
    assert interval_of_median(values, 0.025) == places


def test_nothing_has_no_interval() -> None:
    assert interval_of_median([], 0.025) is None
    assert interval_of_mean([], 0.025) is None


def test_a_means_bounds_are_where_the_evidence_begins() -> None:
    values = [1.0, 0.5, 0.0, 1.0] * 10
    bounds = interval_of_mean(values, 0.025)
    assert bounds is not None
    low, high = bounds
    assert low < np.mean(values) < high
    assert log_e_value(values, high) == pytest.approx(math.log(40), abs=1e-6)
    assert log_e_value([1 - value for value in values], 1 - low) == pytest.approx(math.log(40))


def test_a_mean_that_is_mirrored_has_a_mirrored_interval() -> None:
    values = [1.0, 0.5, 0.25, 1.0, 1.0, 0.0] * 5
    first, second = (
        interval_of_mean(values, 0.025),
        interval_of_mean([1 - value for value in values], 0.025),
    )
    assert first is not None
    assert second is not None
    assert first == pytest.approx((1 - second[1], 1 - second[0]))


def test_few_values_and_equal_ones_say_little() -> None:
    single = interval_of_mean([0.5], 0.025)
    assert single is not None
    assert single[0] < 0.01
    assert single[1] > 0.99
    bounds = interval_of_mean([1.0] * 15, 0.025)
    assert bounds is not None
    assert 0.6 < bounds[0] < 0.9
    assert bounds[1] == 1


def test_the_mean_is_within_however_often_somebody_looks() -> None:
    draws = np.random.default_rng(7).random((300, 60)) < 0.7
    missed = 0
    for row in draws.astype(float):
        looks = [interval_of_mean(list(row[:n]), 0.025) for n in (5, 15, 30, 60)]
        missed += any(look is None or not look[0] <= 0.7 <= look[1] for look in looks)
    # 5 % at most, and 2.5 standard errors of 300 draws.
    assert missed <= 300 * 0.05 + 2.5 * math.sqrt(300 * 0.05 * 0.95)
