"""Do 95 % intervals hold the truth where prompts count by weights, a few of them by much?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from reports.stats.leaderboard import leaderboard
from reports.stats.prompt_weights import weigh_prompts
from reports.stats.votes import Votes
from reports.stats.win_rates import pair_mean_scores
from tests.stats.coverage.designs import CLUSTERS, Design, Floats, Truth
from tests.stats.coverage.measured import WIN_RATE, Band, Measured, hold

STRENGTH = Band(0.95, 0.94, 0.98)
"""Weights in few prompts make CR3 too large, so that the intervals hold more than they claim."""

WEIGHTS: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "Zipf(1)": lambda random, prompts: random.permutation(1 / np.arange(1, prompts + 1)),
    "log-normal(1)": lambda random, prompts: np.exp(random.normal(0, 1, prompts)),
}


@dataclass(frozen=True)
class Weighted:
    """A design, and how the weights of its prompts are drawn."""

    design: Design
    weights: str

    def draw(self, seed: int) -> tuple[Votes, Truth]:
        votes, truth = self.design.draw(seed)
        random = np.random.default_rng([seed, 77])
        found = weigh_prompts(votes, WEIGHTS[self.weights](random, votes.n_prompts))
        assert found is not None
        return found, truth


DESIGNS = {
    "30 annotators, 30 prompts": Weighted(Design(3_000, 30, 30, **CLUSTERS), "Zipf(1)"),
    "30 annotators, 20 prompts": Weighted(Design(600, 30, 20, **CLUSTERS), "log-normal(1)"),
    "5 annotators, 150 prompts": Weighted(Design(3_000, 5, 150, **CLUSTERS), "Zipf(1)"),
    "no effects, 40 prompts": Weighted(Design(1_000, 200, 40), "log-normal(1)"),
}


def met_score(votes: Votes, truth: Truth) -> Floats:
    """What each system's weighted win rate estimates: its score against those that it met."""
    met = np.zeros_like(truth.score)
    np.add.at(met, (votes.system_a, votes.system_b), votes.weight)
    met += met.T
    return np.asarray((met * truth.score).sum(axis=1) / met.sum(axis=1))


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("name", list(DESIGNS))
def test_weighted_intervals_cover(
    name: str, record_property: Callable[[str, object], None]
) -> None:
    found: dict[str, list[float]] = {"strength": [], "win rate": [], "win rate of a pair": []}
    for seed in range(400):
        votes, truth = DESIGNS[name].draw(seed)
        score = met_score(votes, truth)
        rows = leaderboard(votes, seed=seed).rows
        for figure, values in (("strength", truth.strengths), ("win rate", score)):
            bounds = [
                (row.strength if figure == "strength" else row.win_rate, values[row.system])
                for row in rows
            ]
            held = [
                of.low is not None and of.high is not None and of.low <= value <= of.high
                for of, value in bounds
            ]
            found[figure].append(float(np.mean(held)))
        pairs = pair_mean_scores(votes)
        inside = (pairs.low <= truth.pair_scores) & (truth.pair_scores <= pairs.high)
        found["win rate of a pair"].append(float(inside[pairs.votes > 0].mean()))
    label = f"weighted, {name}"
    hold(
        record_property,
        [
            Measured.of(label, figure, STRENGTH if figure == "strength" else WIN_RATE, shares)
            for figure, shares in found.items()
        ],
    )
