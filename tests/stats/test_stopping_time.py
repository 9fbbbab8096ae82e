"""When sequential studies stop: the recursion against simulated studies."""

from __future__ import annotations

import numpy as np
import pytest

from reports.stats.planning import PlanError
from reports.stats.sequential import log_e_values
from reports.stats.stopping_time import stopping_time


def simulated_stops(win_rate: float, runs: int, longest: int) -> np.ndarray:
    """Decisive votes at which each study's e-value first reaches 20, with the product's own."""
    random = np.random.default_rng(4)
    n = np.arange(1, longest + 1)
    table: dict[tuple[int, int], float] = {}
    stops = np.full(runs, longest + 1)
    for run in range(runs):
        wins = np.cumsum(random.random(longest) < win_rate)
        log_e = np.array([table.get((w, k), np.nan) for w, k in zip(wins, n, strict=True)])
        unknown = np.isnan(log_e)
        if unknown.any():
            losses = (n - wins)[unknown]
            log_e[unknown] = log_e_values(wins[unknown], np.zeros(unknown.sum()), losses)
            table.update(zip(zip(wins, n, strict=True), log_e, strict=True))
        over = np.flatnonzero(log_e >= np.log(20))
        if over.size:
            stops[run] = over[0] + 1
    return stops


def test_the_quantiles_are_those_of_simulated_studies() -> None:
    stops = simulated_stops(0.7, 2_000, 200)
    found = stopping_time(0.7)
    assert found.median is not None
    assert found.percentile_80 is not None
    # Two standard errors of a share of 2,000 on either side.
    assert float((stops <= found.median).mean()) >= 0.5 - 0.03
    assert float((stops < found.median).mean()) <= 0.5 + 0.03
    assert float((stops <= found.percentile_80).mean()) >= 0.8 - 0.03
    assert float((stops < found.percentile_80).mean()) <= 0.8 + 0.03


@pytest.mark.parametrize(
    ("win_rate", "median", "percentile_80"),
    [(0.52, 7_949, 12_791), (0.55, 1_116, 1_808), (0.60, 235, 417), (0.65, 97, 169), (0.7, 50, 87)],
)
def test_the_published_simulations_are_met(
    win_rate: float, median: int, percentile_80: int
) -> None:
    found = stopping_time(win_rate)
    assert found.median == pytest.approx(median, rel=0.05)
    assert found.percentile_80 == pytest.approx(percentile_80, rel=0.05)


def test_either_system_may_be_the_better_one() -> None:
    assert stopping_time(0.4) == stopping_time(0.6)


def test_a_stricter_level_takes_longer() -> None:
    strict, lax = stopping_time(0.65, 0.01), stopping_time(0.65, 0.05)
    assert strict.median is not None
    assert lax.median is not None
    assert strict.median > lax.median


def test_no_stop_is_foreseen_for_a_tiny_difference() -> None:
    found = stopping_time(0.501)
    assert found.median is None
    assert found.percentile_80 is None


@pytest.mark.parametrize("wrong", [(0.5, 0.05), (1.0, 0.05), (0.6, 0.0)])
def test_an_impossible_plan_is_refused(wrong: tuple[float, float]) -> None:
    with pytest.raises(PlanError, match="expected"):
        stopping_time(*wrong)
