"""The further score models against the least work that any program must do.

Run with ``python -m tests.benchmarks.bench_models [b] [c]``; the cases and the rules are those of
:mod:`tests.benchmarks.bench_stats`.
"""

from __future__ import annotations

import sys

import numpy as np
from scipy.special import expit

from reports.stats.cyclic_triads import cyclic_triads
from reports.stats.davidson import fit_davidson, tie_outcomes
from reports.stats.goodness_of_fit import fit_test
from reports.stats.linear_terms import LinearRows, linear_slope
from reports.stats.outcome_fit import PairCounts, fit_outcomes
from reports.stats.outcome_models import Davidson
from reports.stats.pair_residuals import pair_residuals
from reports.stats.prompt_weights import weigh_prompts
from reports.stats.style_control import fit_style
from reports.stats.votes import Votes
from tests.benchmarks.bench_stats import Bench, run

FEATURES = 4


def benches(votes: Votes) -> list[Bench]:
    """The pairs of floor and figure of each step."""
    m = votes.n_systems
    random = np.random.default_rng(5)
    outcome = tie_outcomes(votes)
    pairs = PairCounts.from_votes(votes, outcome, 3)
    grid = random.normal(0, 0.6, (m, m))
    square = np.eye(m + 1) * 5 + random.random((m + 1, m + 1))
    looks = [random.integers(1, 900, (votes.n, FEATURES)).astype(float) for _ in range(2)]
    z = random.normal(0, 1, (votes.n, FEATURES))
    rows = LinearRows(votes.system_a, votes.system_b, votes.score(), np.ones(votes.n), z, m)
    point = random.normal(0, 0.3, m + FEATURES)
    frequency = random.uniform(0.5, 2, votes.n_prompts)
    big = np.eye(m + FEATURES) * 5 + random.random((m + FEATURES, m + FEATURES))

    def eight_davidson_steps() -> object:
        for _ in range(8):
            half = np.exp(grid)
            total = half + 1 / half
            step = np.linalg.solve(square, (half / total).sum() + np.ones(m + 1))
        return step

    def count_outcomes() -> object:
        code = outcome * np.int64(m * m) + votes.system_a * np.int64(m) + votes.system_b
        return np.bincount(code, minlength=3 * m * m)

    def one_style_pass() -> object:
        p = expit(point[votes.system_a] - point[votes.system_b] + z @ point[m:])
        residual, held = rows.score - p, p * (1 - p)
        np.bincount(votes.system_a, residual, m)
        np.bincount(votes.system_b, residual, m)
        np.bincount(votes.system_a * np.int64(m) + votes.system_b, held, m * m)
        for column in z.T:
            np.bincount(votes.system_a, held * column, m)
            np.bincount(votes.system_b, held * column, m)
        return (z.T * held) @ z, z.T @ residual, np.linalg.solve(big, point)

    def style_iteration() -> object:
        return linear_slope(rows, point), np.linalg.solve(big, point)

    return [
        Bench(
            "outcomes to pairs",
            count_outcomes,
            lambda: PairCounts.from_votes(votes, outcome, 3),
            2,
        ),
        Bench("Davidson fit", eight_davidson_steps, lambda: fit_outcomes(Davidson(), pairs), 2),
        Bench("Davidson, clustered", count_outcomes, lambda: fit_davidson(votes), 0),
        Bench("style, one iteration", one_style_pass, style_iteration, 2),
        Bench("style, all", one_style_pass, lambda: fit_style(votes, *looks), 0),
        Bench("prompt weights", count_outcomes, lambda: weigh_prompts(votes, frequency), 0),
        Bench("test of fit", count_outcomes, lambda: fit_test(votes, seed=1), 0),
        Bench("pair residuals", count_outcomes, lambda: pair_residuals(votes), 0),
        Bench("cyclic triads", count_outcomes, lambda: cyclic_triads(votes, seed=1), 0),
    ]


if __name__ == "__main__":
    run(benches, sys.argv[1:])
