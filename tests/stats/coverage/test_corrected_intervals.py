"""Do win rates that are corrected for a judge's errors cover, whatever is wrong with the judge?

Few of the comparisons that a judge saw were drawn at random and given to people. What is held is
the product's own path: the entry of the report with its sample.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from reports.stats.alignment import (
    Comparisons,
    Drawn,
    Judgments,
    Texts,
    alignment,
    reconcile,
)
from reports.stats.alignment.humans import human_labels
from reports.stats.alignment.prediction_powered import prediction_powered_mean
from reports.stats.bradley_terry import fit_scores
from reports.stats.votes import VERDICT_SCORE
from tests.stats.alignment.planted_judges import (
    Known,
    confused,
    first_shown,
    honest,
    longest_wins,
    obeying,
    silent,
)
from tests.stats.alignment.small_studies import TIE, A, B, panel
from tests.stats.coverage.measured import Band, Measured, hold
from tests.stats.shared_sets import SharedSet, load

COVERS = Band(0.95, 0.93, 1.0)
SEEDS = 200
COMPARISONS, SAMPLE = 900, 200
# Chances that a wins, ties and loses, of the three pairs of systems.
CHANCES = np.array([[0.6, 0.1, 0.3], [0.35, 0.15, 0.5], [0.45, 0.05, 0.5]])
MATRIX = np.array([[0.9, 0.05, 0.05], [0.15, 0.75, 0.1], [0.3, 0.1, 0.6]])

JUDGES: dict[str, Callable[[Known], Judgments]] = {
    "honest": honest,
    "known confusion": lambda known: confused(known, MATRIX),
    "first shown": lambda known: first_shown(known, 0.3),
    "longest wins": longest_wins,
    "obeying": obeying,
    "silent where a wins": lambda known: silent(known, 0.2, 0.02),
}


def true_strengths() -> list[float]:
    """What a fit to endless votes would give, equally many on each pair."""
    points = CHANCES[:, A] + CHANCES[:, TIE] / 2
    score = np.zeros((3, 3))
    for (first, second), share in zip(((0, 1), (0, 2), (1, 2)), points, strict=True):
        score[first, second], score[second, first] = share, 1 - share
    _, (fit,) = fit_scores(score, score + score.T)
    return [float(one) for one in fit.strengths]


STRENGTHS = true_strengths()


def drawn_study(seed: int) -> tuple[Known, Drawn, list[float]]:
    """A study of three systems, a random sample of it with votes, and the true win rates."""
    random = np.random.default_rng([seed, 77])
    i = np.arange(COMPARISONS)
    first, second = np.array([0, 0, 1]), np.array([1, 2, 2])
    study = Comparisons.from_arrays(i, first[i % 3], second[i % 3], n_systems=3)
    chance = CHANCES[i % 3].cumsum(axis=1)
    truth = (random.random(COMPARISONS)[:, None] > chance).sum(axis=1).clip(0, 2)
    sample = np.zeros(COMPARISONS, dtype=np.bool_)
    sample[random.permutation(COMPARISONS)[:SAMPLE]] = True
    votes = panel(study, np.where(sample, truth, -1)[:, None])
    features = random.integers(200, 2000, (2, COMPARISONS, 1))
    speaks, in_a = random.random(COMPARISONS) < 0.1, random.random(COMPARISONS) < 0.5
    texts = Texts(features[0], features[1], (speaks & in_a, speaks & ~in_a), np.zeros_like(speaks))
    points = CHANCES[:, A] + CHANCES[:, TIE] / 2
    rates = [
        (points[0] + points[1]) / 2,
        (1 - points[0] + points[2]) / 2,
        (2 - points[1] - points[2]) / 2,
    ]
    assert B == 2
    drawn = Drawn(np.ones(COMPARISONS, dtype=np.bool_), sample)
    return Known(study, truth, votes, texts, random), drawn, rates


def covered(name: str, seeds: int) -> Iterator[Measured]:
    inside: dict[str, list[float]] = defaultdict(list)
    for seed in range(seeds):
        known, drawn, rates = drawn_study(seed)
        found = alignment(
            known.comparisons, known.votes, JUDGES[name](known), seed=seed, drawn=drawn
        ).corrected_win_rates
        for figure, truths in (
            ("rogan_gladen", rates),
            ("prediction_powered", rates),
            ("strength", STRENGTHS),
        ):
            intervals = [getattr(row, figure) for row in found]
            hits = [
                one.low <= truth <= one.high
                for one, truth in zip(intervals, truths, strict=True)
                if one.low is not None
            ]
            # A judge that tells nothing apart has no correction by its errors.
            if hits:
                inside[figure].append(float(np.mean(hits)))
    for figure, shares in inside.items():
        yield Measured.of(name, figure, COVERS, shares)


@pytest.mark.parametrize("name", ["known confusion", "silent where a wins"])
def test_corrected_win_rates_cover_in_a_few_studies(
    name: str, record_property: Callable[[str, object], None]
) -> None:
    hold(record_property, covered(name, 12))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", JUDGES)
def test_corrected_win_rates_cover(
    name: str, record_property: Callable[[str, object], None]
) -> None:
    rows = list(covered(name, SEEDS))
    assert {row.figure for row in rows} >= {"prediction_powered", "strength"}
    # No room beyond what was promised.
    assert all(row.share >= COVERS.low for row in rows), "\n".join(map(str, rows))
    hold(record_property, rows)


@pytest.mark.parametrize(
    ("system", "covers", "narrower"), [("gpt-4", 0.947, 0.97), ("alpaca-13b", 0.954, 0.79)]
)
def test_twenty_random_prompts_of_real_votes_cover_as_measured(
    system: str, covers: float, narrower: float, shared_data: Path
) -> None:
    # Against the mean of all votes; the published runs drew the last twenty prompts and missed it.
    known = load(shared_data / "mtbench_turn1")
    code = known.systems.index(system)
    labels, scores = prompt_means(known, code)
    random = np.random.default_rng(8)
    runs, hits, ratios = 2000, 0, []
    for _ in range(runs):
        order = random.permutation(labels.size)
        own, rest = order[:20], order[20:]
        figure = prediction_powered_mean(labels[own], scores[own], scores[rest])
        plain = prediction_powered_mean(labels[own], scores[own], [])
        assert figure.low is not None
        assert figure.high is not None
        hits += figure.low <= labels.mean() <= figure.high
        ratios.append((figure.high - figure.low) / ((plain.high or 0) - (plain.low or 0)))
    # Three Monte Carlo errors are .015.
    assert hits / runs == pytest.approx(covers, abs=0.02)
    assert float(np.mean(ratios)) == pytest.approx(narrower, abs=0.03)


def prompt_means(known: SharedSet, system: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A system's mean points on each prompt, by all votes and by the judge."""
    study = known.comparisons
    judge = reconcile(known.judgments["gpt-4-pair"], study.n)
    humans = human_labels(known.votes, study, says_both_bad=False)
    mean = humans.counts @ VERDICT_SCORE / humans.counts.sum(axis=1)
    first = study.system_a == system
    row = first | (study.system_b == system)
    points = [np.where(first, side, 1 - side) for side in (mean, (1 + judge.score) / 2)]
    number = np.bincount(study.prompt[row])
    labels, scores = (np.bincount(study.prompt[row], side[row]) / number for side in points)
    return labels, scores
