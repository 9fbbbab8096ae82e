"""How many votes a question needs."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.stats.planning import (
    PlanError,
    decisive_votes_needed,
    sign_test_power,
    votes_still_needed,
)


@pytest.mark.parametrize(
    ("win_rate", "at_80", "at_90"),
    [(0.52, 4984, 6633), (0.55, 807, 1080), (0.60, 210, 274), (0.65, 97, 121), (0.70, 54, 70)],
)
def test_the_plan_is_the_published_table(win_rate: float, at_80: int, at_90: int) -> None:
    assert decisive_votes_needed(win_rate, 0.8) == at_80
    assert decisive_votes_needed(win_rate, 0.9) == at_90
    assert decisive_votes_needed(1 - win_rate, 0.8) == at_80


@given(st.integers(1, 60), st.floats(0.3, 0.95))
def test_power_is_the_sum_over_the_rejection_region(n: int, p: float) -> None:
    power = 0.0
    for k in range(n + 1):
        tail = sum(comb(n, j) for j in range(min(k, n - k) + 1)) / 2**n
        if 2 * tail <= 0.05:
            power += comb(n, k) * p**k * (1 - p) ** (n - k)
    assert sign_test_power(np.array([n]), p)[0] == pytest.approx(power, abs=1e-9)


def test_power_holds_for_ten_counts_and_fails_just_before() -> None:
    n = decisive_votes_needed(0.6, 0.8)
    assert (sign_test_power(np.arange(n, n + 10), 0.6) >= 0.8).all()
    assert sign_test_power(np.array([n - 1]), 0.6)[0] < 0.8


def test_a_certain_winner_needs_few_votes() -> None:
    assert 6 <= decisive_votes_needed(0.99, 0.8) <= 10


@pytest.mark.parametrize(
    "plan",
    [
        (0.5, 0.8, 0.05),
        (0.504, 0.8, 0.05),
        (0.4951, 0.8, 0.05),
        (1.0, 0.8, 0.05),
        (0.6, 1.0, 0.05),
        (0.6, 0.8, 0.0),
    ],
)
def test_an_impossible_plan_is_refused(plan: tuple[float, float, float]) -> None:
    with pytest.raises(PlanError, match="expected"):
        decisive_votes_needed(*plan)


def test_votes_still_needed_scale_with_ties_and_the_design_effect() -> None:
    assert votes_still_needed(210, votes=0, decisive=0, effective=None) == 210
    assert votes_still_needed(210, votes=100, decisive=100, effective=100.0) == 110
    assert votes_still_needed(210, votes=100, decisive=75, effective=75.0) == 180
    assert votes_still_needed(210, votes=100, decisive=75, effective=37.5) == 460
    assert votes_still_needed(210, votes=300, decisive=250, effective=210.0) == 0
    assert votes_still_needed(210, votes=9, decisive=0, effective=None) is None


def test_lucky_clusters_do_not_shorten_the_plan() -> None:
    assert votes_still_needed(210, votes=100, decisive=100, effective=190.0) == 110
