"""Strengths from few votes and many judgments, against the loss that they minimise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_expit

from reports.stats.alignment.powered_strengths import PoweredRows, powered_strengths
from reports.stats.bradley_terry import fit_scores
from reports.stats.results import ShapeMismatch, WarningCode

SYSTEMS = 4


def drawn(seed: int, *, n: int = 600, labelled: int = 150, right: float = 0.8) -> PoweredRows:
    random = np.random.default_rng(seed)
    pairs = np.array([(a, b) for a in range(SYSTEMS) for b in range(a + 1, SYSTEMS)])
    a, b = pairs[random.integers(0, len(pairs), n)].T
    theta = np.array([0.6, 0.2, -0.2, -0.6])
    truth = random.random(n) < 1 / (1 + np.exp(theta[b] - theta[a]))
    said = np.where(random.random(n) < right, truth, ~truth)
    own = np.zeros(n, dtype=bool)
    own[random.permutation(n)[:labelled]] = True
    return PoweredRows(a, b, np.arange(n) // 2, own, truth.astype(float), said.astype(float))


def loss(theta: np.ndarray, rows: PoweredRows, weight: float) -> float:
    """As published, term by term."""
    difference = theta[rows.system_a] - theta[rows.system_b]

    def each(points: np.ndarray) -> np.ndarray:
        return np.asarray(-points * log_expit(difference) - (1 - points) * log_expit(-difference))

    own = rows.labelled
    unlabelled = each(rows.judged)[~own].mean()
    return float(
        each(rows.label)[own].mean()
        + weight * (unlabelled - each(rows.judged)[own].mean())
        + 1e-9 * theta @ theta
    )


def test_the_strengths_minimise_the_published_loss() -> None:
    rows = drawn(1)
    found = powered_strengths(rows, SYSTEMS)
    weight = found[0].details["weight"]
    assert 0.2 < weight < 1
    best = minimize(loss, np.zeros(SYSTEMS), args=(rows, weight), tol=1e-12)
    expected = best.x - best.x.mean()
    assert [one.estimate for one in found] == pytest.approx(expected.tolist(), abs=1e-4)
    plain = minimize(loss, np.zeros(SYSTEMS), args=(rows, 0.0), tol=1e-12)
    expected = plain.x - plain.x.mean()
    assert [one.details["plain"] for one in found] == pytest.approx(expected.tolist(), abs=1e-4)
    assert sum(one.estimate or 0 for one in found) == pytest.approx(0)


def test_a_good_judge_sharpens_and_a_guess_leaves_the_votes_alone() -> None:
    good = drawn(2, right=0.95)
    random = np.random.default_rng(2)
    guess = replace(good, judged=random.integers(0, 2, good.judged.size).astype(float))
    width = {}
    for name, rows in (("good", good), ("guess", guess)):
        found = powered_strengths(rows, SYSTEMS)
        width[name] = (found[0].high or 0) - (found[0].low or 0)
        if name == "guess":
            assert found[0].details["weight"] < 0.15
            assert found[0].estimate == pytest.approx(found[0].details["plain"], abs=0.1)
    assert width["good"] < 0.75 * width["guess"]


def test_the_weight_is_the_one_with_the_least_error() -> None:
    # Over studies, the estimate scatters least near the weight that each study chose by itself.
    errors: dict[str, list[float]] = {"own": [], "none": [], "full": []}
    theta = np.array([0.6, 0.2, -0.2, -0.6])
    for seed in range(60):
        rows = drawn(100 + seed, right=0.8)
        found = powered_strengths(rows, SYSTEMS)
        full = minimize(loss, np.zeros(SYSTEMS), args=(rows, 1.0), tol=1e-8).x
        for name, value in (
            ("own", [one.estimate or 0 for one in found]),
            ("none", [one.details["plain"] for one in found]),
            ("full", full - full.mean()),
        ):
            errors[name].append(float(np.mean((np.array(value) - theta) ** 2)))
    assert np.mean(errors["own"]) < np.mean(errors["none"])
    assert np.mean(errors["own"]) < np.mean(errors["full"])


def test_intervals_cover_as_often_as_they_say() -> None:
    theta = np.array([0.6, 0.2, -0.2, -0.6])
    hits = [
        (one.low or 0) <= truth <= (one.high or 0)
        for seed in range(150)
        for one, truth in zip(powered_strengths(drawn(500 + seed), SYSTEMS), theta, strict=True)
    ]
    # Three Monte Carlo errors of 150 studies are .053.
    assert np.mean(hits) == pytest.approx(0.95, abs=0.04)


def test_with_votes_everywhere_they_are_the_plain_fit() -> None:
    rows = drawn(3, labelled=600)
    score = np.zeros((SYSTEMS, SYSTEMS))
    np.add.at(score, (rows.system_a, rows.system_b), rows.label)
    np.add.at(score, (rows.system_b, rows.system_a), 1 - rows.label)
    _, (fit,) = fit_scores(score, score + score.T)
    found = powered_strengths(rows, SYSTEMS)
    assert [one.estimate for one in found] == pytest.approx(fit.strengths.tolist())
    assert found[0].details["weight"] == 0


def test_what_has_no_estimate_says_why() -> None:
    rows = drawn(4)
    nobody = replace(rows, labelled=np.zeros_like(rows.labelled))
    assert powered_strengths(nobody, SYSTEMS)[0].warnings == (WarningCode.NO_VOTES,)
    together = replace(rows, prompt=np.zeros_like(rows.prompt))
    assert powered_strengths(together, SYSTEMS)[0].warnings == (WarningCode.TOO_FEW_PROMPTS,)
    parted = replace(rows, labelled=rows.labelled & (rows.system_a == 0) & (rows.system_b == 1))
    assert powered_strengths(parted, SYSTEMS)[0].warnings == (WarningCode.DISCONNECTED,)
    always = replace(rows, label=(rows.system_a == 0).astype(float))
    assert powered_strengths(always, SYSTEMS)[0].warnings == (WarningCode.SEPARATED,)
    # A system that was never judged has none, and no other loses its own.
    more = powered_strengths(rows, SYSTEMS + 1)
    assert more[SYSTEMS].warnings == (WarningCode.NO_VOTES,)
    assert more[0].estimate is not None
    with pytest.raises(ShapeMismatch):
        replace(rows, label=rows.label[1:])


def test_a_system_that_is_only_in_comparisons_with_votes_keeps_its_strength() -> None:
    # A judge that never errs gives λ = 1, at which comparisons without a judged counterpart
    # would weigh nothing, and system 2 has no other.
    a = np.concatenate((np.zeros(60, dtype=int), np.ones(12, dtype=int)))
    b = np.concatenate((np.ones(60, dtype=int), np.full(12, 2)))
    own = np.ones(72, dtype=bool)
    own[30:60] = False
    label = np.tile([1.0, 0.0, 1.0], 24)
    rows = PoweredRows(a, b, np.arange(72), own, label, 0.5 + 0.25 * (2 * label - 1))
    found = powered_strengths(rows, 3)
    votes = replace(rows, **{name: getattr(rows, name)[own] for name in rows.__slots__})
    assert [one.details["weight"] for one in found] == [0.0] * 3
    for one, alone in zip(found, powered_strengths(votes, 3), strict=True):
        assert one.estimate == pytest.approx(alone.estimate)
        # Prompts without votes count in the correction for few of them.
        assert one.se == pytest.approx(alone.se, rel=0.01)
