"""Do the intervals cover and the tests keep their size? Small here, larger in the nightly run.

Truth is what infinitely many votes of the same kind would give: the half-win fit of the
expected scores, averaged over annotators' tastes and prompts' leanings.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import expit

from reports.stats.bradley_terry import fit_bradley_terry, fit_scores
from reports.stats.cells import Cells
from reports.stats.head_to_head import head_to_head
from reports.stats.intervals import critical_value
from reports.stats.planning import decisive_votes_needed
from reports.stats.significance import sign_test
from reports.stats.simultaneous import max_t_quantile, rank_sets
from reports.stats.strength_covariance import strength_covariance
from reports.stats.win_rates import pair_mean_scores
from tests.stats.vote_makers import simulated

TIE_RATE = 0.24
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(40)


def expected_scores(theta: np.ndarray, variance: float) -> np.ndarray:
    """Mean score of row against column where the difference varies with `variance`."""
    d = theta[:, None] - theta
    p = (expit(d[:, :, None] + math.sqrt(variance) * NODES) * WEIGHTS).sum(axis=2) / WEIGHTS.sum()
    score = TIE_RATE / 2 + (1 - TIE_RATE) * p
    np.fill_diagonal(score, 0)
    return np.asarray(score)


def limits(theta: np.ndarray, taste: float, prompt_effect: float) -> np.ndarray:
    score = expected_scores(theta, 2 * (taste**2 + prompt_effect**2))
    _, (part,) = fit_scores(score, score + score.T)
    return part.strengths


def strength_coverage(runs: int, first_seed: int, **design: float) -> float:
    """Share of all (data set, system) whose interval holds the truth."""
    covered, total = 0, 0
    taste, effect = design.get("taste", 0.0), design.get("prompt_effect", 0.0)
    for seed in range(first_seed, first_seed + runs):
        votes, theta = simulated(seed, tie_rate=TIE_RATE, **design)  # type: ignore[arg-type]
        truth = limits(theta, taste, effect)
        fit = fit_bradley_terry(Cells.from_votes(votes))
        (found,) = strength_covariance(votes, fit)
        half = critical_value(0.95, found.df) * np.sqrt(np.diag(found.matrix))
        covered += int((np.abs(fit.strengths - truth) <= half).sum())
        total += truth.size
    return covered / total


CLUSTERED = {"n": 1_500, "annotators": 20, "prompts": 80, "taste": 0.5, "prompt_effect": 0.4}


def test_two_way_intervals_cover_under_tastes_and_prompt_effects() -> None:
    # Votes taken as independent would cover in 82 % here.
    assert 0.91 <= strength_coverage(120, 1, **CLUSTERED) <= 0.985


def test_intervals_cover_where_votes_are_independent() -> None:
    assert 0.91 <= strength_coverage(120, 500, n=600, annotators=30, prompts=100) <= 0.985


def win_rate_coverage(runs: int, first_seed: int, **design: float) -> float:
    covered, total = 0, 0
    taste, effect = design.get("taste", 0.0), design.get("prompt_effect", 0.0)
    for seed in range(first_seed, first_seed + runs):
        votes, theta = simulated(seed, systems=3, tie_rate=TIE_RATE, **design)  # type: ignore[arg-type]
        truth = expected_scores(theta, 2 * (taste**2 + effect**2))[np.triu_indices(3, 1)]
        found = pair_mean_scores(votes)
        for pair, value in enumerate(truth):
            figure = found.estimate(pair)
            assert figure.low is not None
            assert figure.high is not None
            covered += figure.low <= value <= figure.high
            total += 1
    return covered / total


def test_win_rate_intervals_cover_under_tastes_and_prompt_effects() -> None:
    assert 0.91 <= win_rate_coverage(120, 1, **{**CLUSTERED, "n": 600}) <= 0.99


def sign_flip_size(runs: int, first_seed: int) -> float:
    """Share of p ≤ .05 between equal systems whose prompts lean either way."""
    rejected = 0
    for seed in range(first_seed, first_seed + runs):
        votes, _ = simulated(
            seed, systems=2, spread=0.0, n=400, annotators=30, prompts=40, prompt_effect=0.8
        )
        (row,) = head_to_head(votes, seed=seed)
        rejected += row.p_value is not None and row.p_value <= 0.05
    return rejected / runs


def test_the_sign_flip_test_keeps_its_size_under_prompt_effects() -> None:
    # The vote-level sign test would reject in 20 % here.
    assert sign_flip_size(150, 1) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 150)


@pytest.mark.slow
@pytest.mark.parametrize(
    "design",
    [
        CLUSTERED,
        {**CLUSTERED, "n": 3_000, "annotators": 30, "prompts": 150},
        {**CLUSTERED, "n": 3_000, "annotators": 30, "prompts": 20},
    ],
)
def test_two_way_intervals_cover_nightly(design: dict[str, float]) -> None:
    assert 0.92 <= strength_coverage(400, 10_000, **design) <= 0.98


@pytest.mark.slow
@pytest.mark.parametrize("n", [300, 1_000])
def test_intervals_of_independent_votes_cover_nightly(n: int) -> None:
    coverage = strength_coverage(400, 20_000, systems=10, n=n, annotators=n, prompts=n)
    assert 0.92 <= coverage <= 0.98


@pytest.mark.slow
def test_win_rate_intervals_cover_nightly() -> None:
    assert 0.92 <= win_rate_coverage(400, 30_000, **{**CLUSTERED, "n": 600}) <= 0.985


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_joint_statements_hold_jointly_nightly() -> None:
    simultaneous, ranks, runs = 0, 0, 400
    for seed in range(40_000, 40_000 + runs):
        votes, theta = simulated(seed, systems=20, n=4_000, tie_rate=TIE_RATE)
        truth = limits(theta, 0.0, 0.0)
        fit = fit_bradley_terry(Cells.from_votes(votes))
        (found,) = strength_covariance(votes, fit)
        k = max_t_quantile(found, seed=seed)
        assert k is not None
        error = np.abs(fit.strengths - truth) / np.sqrt(np.diag(found.matrix))
        simultaneous += bool((error <= k).all())
        sets = rank_sets(fit.strengths, found, seed=seed)
        rank = 1 + (truth > truth[:, None]).sum(axis=1)
        ranks += bool(((sets.low <= rank) & (rank <= sets.high)).all())
    margin = 3 * math.sqrt(0.95 * 0.05 / runs)
    assert simultaneous / runs >= 0.93 - margin
    assert ranks / runs >= 0.95 - margin


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_sign_flip_test_keeps_its_size_nightly() -> None:
    assert sign_flip_size(2_000, 50_000) <= 0.06


@pytest.mark.slow
def test_the_planned_power_is_the_power() -> None:
    random = np.random.default_rng(7)
    n = decisive_votes_needed(0.6, 0.8)
    wins = random.binomial(n, 0.6, 20_000)
    assert float((sign_test(wins, n - wins) <= 0.05).mean()) == pytest.approx(0.8, abs=0.02)
