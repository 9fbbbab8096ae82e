"""The multiplier bootstrap: Webb's moments, a naive twin, and the error that it tends to."""

from __future__ import annotations

import numpy as np
import pytest

from reports.stats import cluster_scores
from reports.stats import multiplier_bootstrap as room
from reports.stats.bradley_terry import fit_bradley_terry
from reports.stats.cells import Cells
from reports.stats.clusters import compact
from reports.stats.covariance import cr1
from reports.stats.multiplier_bootstrap import (
    DRAWS,
    NORMAL,
    WEBB,
    cluster_weights,
    multiplier_bootstrap,
    shaken_strengths,
)
from reports.stats.results import Estimate, WarningCode, generator
from reports.stats.strength_covariance import component_design
from reports.stats.votes import Votes
from tests.stats.vote_makers import simulated, votes_of

# Four times the error that so many draws leave in a standard deviation.
ALLOWED = 4 / np.sqrt(2 * DRAWS)


def bootstrapped(votes: Votes, seed: int = 1) -> tuple[room.BootstrappedStrength, ...]:
    return multiplier_bootstrap(votes, fit_bradley_terry(Cells.from_votes(votes)), seed=seed)


def test_webbs_weights_have_mean_nought_variance_one_and_six_points_a_sixth_each() -> None:
    weights = cluster_weights(np.random.default_rng(1), 60, 10_000, WEBB)
    points, counts = np.unique(weights, return_counts=True)
    expected = np.array([-np.sqrt(1.5), -1, -np.sqrt(0.5), np.sqrt(0.5), 1, np.sqrt(1.5)])
    np.testing.assert_allclose(points, expected, rtol=1e-15)
    assert points.mean() == pytest.approx(0, abs=1e-16)
    assert (points**2).mean() == pytest.approx(1, abs=1e-15)
    assert (points**3).mean() == pytest.approx(0, abs=1e-15)
    assert (points**4).mean() == pytest.approx(7 / 6)
    # Standard error of a count of 600,000 draws: 289.
    assert np.abs(counts - 100_000).max() < 4 * 289


@pytest.mark.parametrize("method", [NORMAL, WEBB])
def test_weights_are_independent_and_standard(method: str) -> None:
    weights = cluster_weights(np.random.default_rng(2), 8, 50_000, method)
    np.testing.assert_allclose(weights.mean(axis=1), 0, atol=0.02)
    np.testing.assert_allclose(np.cov(weights), np.eye(8), atol=0.03)


@pytest.mark.parametrize("annotators", [3, 11, 12, 40])
def test_the_spread_tends_to_cr1_without_its_factor(annotators: int) -> None:
    votes, _ = simulated(3, n=1_200, annotators=annotators, prompts=9, taste=0.5)
    part = fit_bradley_terry(Cells.from_votes(votes)).components[0]
    design, _ = component_design(votes, part)
    for dimension, column in (("annotator", votes.annotator), ("prompt", votes.prompt)):
        cluster, clusters = compact(column)
        cr1_error = np.sqrt(np.diag(cr1(design, cluster, clusters)))
        for row, place in zip(bootstrapped(votes), range(6), strict=True):
            found: Estimate = getattr(row, dimension)
            assert found.method == (WEBB if clusters < 12 else NORMAL)
            assert found.n_clusters == {dimension: clusters}
            assert found.details["se_cr1"] == pytest.approx(cr1_error[place])
            tends_to = np.sqrt((clusters - 1) / clusters) * cr1_error[place]
            assert found.se == pytest.approx(tends_to, rel=ALLOWED)
            assert found.estimate == part.strengths[place]


@pytest.mark.parametrize("annotators", [5, 30])
def test_each_draw_is_that_of_a_naive_twin(annotators: int) -> None:
    votes, _ = simulated(8, n=400, annotators=annotators)
    part = fit_bradley_terry(Cells.from_votes(votes)).components[0]
    design, _ = component_design(votes, part)
    moved, method = shaken_strengths(
        design, votes.annotator, annotators, seed=7, dimension="annotator"
    )
    weights = cluster_weights(generator(7, f"{method}_annotator"), annotators, DRAWS, method)
    inverse = np.linalg.pinv(part.information)
    for draw in (0, 1, DRAWS - 1):
        score = np.zeros(6)
        for vote in range(votes.n):
            w = weights[votes.annotator[vote], draw]
            a, b = votes.system_a[vote], votes.system_b[vote]
            p = 1 / (1 + np.exp(part.strengths[b] - part.strengths[a]))
            score[a] += w * (votes.score()[vote] - p)
            score[b] -= w * (votes.score()[vote] - p)
        np.testing.assert_allclose(moved[draw], inverse @ score, atol=1e-9)
    np.testing.assert_allclose(moved.sum(axis=1), 0, atol=1e-9)


def test_the_blocks_in_which_clusters_are_taken_change_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    votes, _ = simulated(9, n=500)
    whole = bootstrapped(votes)
    for entries in (1, 7 * DRAWS):
        monkeypatch.setattr(cluster_scores, "BLOCK_ENTRIES", entries)
        for one, other in zip(whole, bootstrapped(votes), strict=True):
            assert other.prompt.se == pytest.approx(one.prompt.se, rel=1e-9)
            assert other.annotator.low == pytest.approx(one.annotator.low, rel=1e-9)


def test_the_percentiles_of_normal_weights_are_those_of_a_normal_interval() -> None:
    votes, _ = simulated(10, n=900)
    for row in bootstrapped(votes):
        assert row.prompt.method == NORMAL
        assert row.prompt.estimate is not None
        assert row.prompt.se is not None
        for bound, turn in ((row.prompt.low, -1.96), (row.prompt.high, 1.96)):
            reach = (bound or 0) - row.prompt.estimate
            assert reach == pytest.approx(turn * row.prompt.se, rel=0.06)


def test_draws_hang_on_the_seed_and_on_the_dimension_alone() -> None:
    votes, _ = simulated(11, n=500, annotators=60)
    first, again, other = bootstrapped(votes), bootstrapped(votes), bootstrapped(votes, seed=2)
    assert first == again
    assert first[0].annotator.seed == 1
    assert first[0].annotator.se != other[0].annotator.se
    # The same clusters under both names are given other weights.
    same = votes_of(
        [(a, b, v, 0, who, who) for a, b, v, who in
         zip(votes.system_a, votes.system_b, votes.verdict, votes.annotator, strict=True)]
    )  # fmt: skip
    row = bootstrapped(same)[0]
    assert row.annotator.details == row.prompt.details
    assert row.annotator.se != row.prompt.se


def test_fewer_draws_of_very_many_clusters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MANY_CLUSTERS", 19)
    votes, _ = simulated(12, n=600, annotators=20)
    design, _ = component_design(votes, fit_bradley_terry(Cells.from_votes(votes)).components[0])
    moved, _ = shaken_strengths(design, votes.annotator, 20, seed=1, dimension="annotator")
    assert moved.shape == (room.DRAWS_MANY, 6)


def test_what_cannot_be_reweighted_says_why() -> None:
    one_person = votes_of([(0, 1, v, 1, v + step, 0) for v in range(3) for step in range(4)])
    (row, _) = bootstrapped(one_person)
    assert row.annotator.estimate is None
    assert row.annotator.warnings == (WarningCode.SINGLE_ANNOTATOR,)
    assert row.prompt.estimate is not None
    one_prompt = votes_of([(0, 1, v, 1, 0, step) for v in range(3) for step in range(4)])
    (row, _) = bootstrapped(one_prompt)
    assert row.prompt.warnings == (WarningCode.FEW_PROMPTS,)
    unanimous = votes_of([(0, 1, 0, 1, step, step) for step in range(4)])
    for row in bootstrapped(unanimous):
        assert row.annotator.estimate is row.prompt.estimate is None
        assert row.annotator.warnings == (WarningCode.SEPARATED,)
        assert row.annotator.n == 4
    assert bootstrapped(votes_of([], n_systems=3)) == ()


def test_each_component_has_its_own_and_systems_without_votes_have_none() -> None:
    rows = [(a, a + 1, v, 1, v + step, step) for a in (0, 2) for v in range(3) for step in range(4)]
    found = bootstrapped(votes_of(rows, n_systems=5))
    assert [(row.system, row.component) for row in found] == [(0, 0), (1, 0), (2, 1), (3, 1)]
    assert all(row.annotator.n == 12 for row in found)


def test_clusters_that_say_the_same_leave_no_error_to_show() -> None:
    # Each annotator: one win for each side. Every cluster's score is 0.
    rows = [(0, 1, v, 1, p, who) for who in range(4) for p, v in enumerate((0, 2))]
    (row, _) = bootstrapped(votes_of(rows))
    assert row.annotator.low is None
    assert row.annotator.warnings == (WarningCode.DEGENERATE_SCALE,)
    assert row.prompt.low is not None
