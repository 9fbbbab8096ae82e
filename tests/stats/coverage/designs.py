"""Designs of simulated studies, and what infinitely many votes of the same kind would give."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from reports.stats.bradley_terry import fit_scores
from reports.stats.davidson import fit_davidson
from reports.stats.votes import Votes
from tests.stats.vote_makers import Load, simulated

Floats = NDArray[np.float64]

TIE_RATE = 0.24
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(40)


@dataclass(frozen=True)
class Design:
    """How the votes of a study come about; see :func:`tests.stats.vote_makers.simulated`."""

    n: int
    annotators: int
    prompts: int
    systems: int = 6
    taste: float = 0.0
    prompt_effect: float = 0.0
    load: Load = "even"

    def draw(self, seed: int) -> tuple[Votes, Truth]:
        votes, theta = simulated(seed, tie_rate=TIE_RATE, **asdict(self))
        return votes, Truth(theta, 2 * (self.taste**2 + self.prompt_effect**2))


@dataclass(frozen=True)
class Truth:
    """The limits of a study's figures.

    Attributes
    ----------
    theta : float array, shape (systems,)
        Strengths of an annotator without taste on a prompt that favours nobody.
    variance : float
        Of the difference of two systems between annotators and prompts.
    """

    theta: Floats
    variance: float

    @cached_property
    def score(self) -> Floats:
        """Expected score of row against column, 0 on the diagonal."""
        d = self.theta[:, None] - self.theta
        p = expit(d[:, :, None] + math.sqrt(self.variance) * NODES) @ WEIGHTS / WEIGHTS.sum()
        score = TIE_RATE / 2 + (1 - TIE_RATE) * p
        np.fill_diagonal(score, 0)
        return np.asarray(score)

    @cached_property
    def strengths(self) -> Floats:
        """The half-win fit of the expected scores."""
        _, (part,) = fit_scores(self.score, self.score + self.score.T)
        return part.strengths

    @cached_property
    def davidson(self) -> Floats:
        """Strengths and ln ν of the Davidson fit of the expected verdicts."""
        rows: list[tuple[int, int, int, float]] = []
        for a, b in combinations(range(self.theta.size), 2):
            won = float(self.score[a, b]) - TIE_RATE / 2
            rows += [(a, b, 0, won), (a, b, 1, TIE_RATE), (a, b, 2, 1 - TIE_RATE - won)]
        columns = [np.array(column) for column in zip(*rows, strict=True)]
        blank = np.zeros(len(rows), dtype=int)
        whole = Votes.from_arrays(*columns[:3], prompt=blank, annotator=blank, weight=columns[3])
        found = fit_davidson(whole)
        assert found is not None
        return np.append(found.fit.strengths, found.fit.shape)

    @property
    def pair_scores(self) -> Floats:
        """Expected scores of the first system of each pair, in the order of a head-to-head."""
        return self.score[np.triu_indices(self.theta.size, 1)]

    @property
    def win_rates(self) -> Floats:
        """Of each system against opponents met equally often."""
        return np.asarray(self.score.sum(axis=1) / (self.theta.size - 1))

    @property
    def ranks(self) -> NDArray[np.int64]:
        return np.asarray(1 + (self.strengths > self.strengths[:, None]).sum(axis=1))


CLUSTERS: dict[str, Any] = {"taste": 0.5, "prompt_effect": 0.4}

DESIGNS = {
    "independent, 300 votes": Design(300, 300, 300, systems=10),
    "independent, 1,000 votes": Design(1_000, 1_000, 1_000, systems=10),
    "no effects, 30 annotators": Design(3_000, 30, 150),
    "clustered, 30 annotators": Design(3_000, 30, 150, **CLUSTERS),
    "clustered, 20 prompts": Design(3_000, 30, 20, **CLUSTERS),
    "clustered, 10 annotators": Design(3_000, 10, 150, **CLUSTERS),
    "few: 3 annotators rate all": Design(1_800, 3, 150, load="everyone", **CLUSTERS),
    "few: 5 annotators rate all": Design(3_000, 5, 150, load="everyone", **CLUSTERS),
    "load Zipf(1), 30 annotators": Design(3_000, 30, 150, load="zipf", **CLUSTERS),
    "load Zipf(1), 10 annotators": Design(3_000, 10, 150, load="zipf", **CLUSTERS),
}
