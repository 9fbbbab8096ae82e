"""Graded votes: the cumulative link and Wilcoxon's test on margins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import wilcoxon

from reports.stats.bradley_terry import fit_bradley_terry
from reports.stats.cells import Cells
from reports.stats.davidson import fit_rao_kupper
from reports.stats.graded import GradedFit, fit_graded, signed_grades
from reports.stats.intervals import critical_value
from reports.stats.margin_tests import margin_tests
from reports.stats.results import ShapeMismatch, WarningCode
from reports.stats.votes import Votes
from tests.stats.coverage.measured import MARGINAL, Measured, hold
from tests.stats.vote_makers import Row, mirrored, regular_rows, votes_of, with_systems


def drawn(seed: int, n: int = 300, steps: int = 2) -> tuple[list[Row], np.ndarray]:
    rows = regular_rows(seed, n=n)
    return rows, np.random.default_rng(seed).integers(1, steps + 1, n)


def fitted(votes: Votes, margin: np.ndarray, steps: int = 2, **options: Any) -> GradedFit:
    found = fit_graded(votes, margin, steps, **options)
    assert found is not None
    return found


def simulated_grades(
    seed: int, theta: np.ndarray, cuts: list[float], n: int
) -> tuple[Votes, np.ndarray]:
    """Votes from the model: `cuts` are the thresholds above 0."""
    random = np.random.default_rng(seed)
    m = theta.size
    a = random.integers(0, m, n)
    b = (a + 1 + random.integers(0, m - 1, n)) % m
    latent = theta[a] - theta[b] + random.logistic(size=n)
    grade = np.sign(latent) * np.searchsorted(cuts, np.abs(latent))
    verdict = np.where(grade > 0, 0, np.where(grade < 0, 2, 1))
    votes = Votes.from_arrays(
        a, b, verdict, prompt=random.integers(0, 50, n), annotator=random.integers(0, 20, n)
    )
    return votes, np.abs(grade).astype(int)


def test_the_model_is_found_again_from_its_votes() -> None:
    theta = np.array([0.9, 0.2, -0.3, -0.8])
    votes, margin = simulated_grades(1, theta, [0.4, 1.6], 20_000)
    found = fitted(votes, margin)
    assert found.between == ((0, 1), (1, 2))
    np.testing.assert_allclose(found.fit.strengths, theta, atol=0.06)
    np.testing.assert_allclose(found.fit.shape, [0.4, 1.6], atol=0.05)


def test_the_fit_equals_a_general_optimiser() -> None:
    rows, margin = drawn(3)
    votes = votes_of(rows)
    grade = signed_grades(votes, margin, 2)

    def loss(point: np.ndarray) -> float:
        k0 = np.exp(point[4])
        k1 = k0 + np.exp(point[5])
        cuts = np.array([-np.inf, -k1, -k0, k0, k1, np.inf])
        d = point[votes.system_a] - point[votes.system_b]
        below = 1 / (1 + np.exp(-(cuts[:, None] - d)))
        place = grade + 2
        columns = np.arange(votes.n)
        return -float(np.log(below[place + 1, columns] - below[place, columns]).sum())

    point = minimize(loss, np.zeros(6), method="BFGS", options={"gtol": 1e-6}).x
    found = fitted(votes, margin)
    np.testing.assert_allclose(found.fit.strengths, point[:4] - point[:4].mean(), atol=1e-4)
    k0 = np.exp(point[4])
    np.testing.assert_allclose(found.fit.shape, [k0, k0 + np.exp(point[5])], atol=1e-4)
    assert found.fit.converged


def test_one_grade_and_ties_are_rao_and_kupper() -> None:
    votes = votes_of(regular_rows(5))
    found = fitted(votes, np.ones(votes.n), 1)
    other = fit_rao_kupper(votes)
    assert other is not None
    np.testing.assert_allclose(found.fit.strengths, other.fit.strengths, atol=1e-9)
    np.testing.assert_allclose(found.covariance.matrix, other.covariance.matrix, atol=1e-12)


def test_one_grade_without_ties_is_bradley_terry() -> None:
    rows = [row for row in regular_rows(5) if row[2] in (0, 2)]
    votes = votes_of(rows)
    found = fitted(votes, np.full(votes.n, 2), 2)
    np.testing.assert_allclose(
        found.fit.strengths, fit_bradley_terry(Cells.from_votes(votes)).strengths, atol=1e-8
    )
    assert found.between == ()


def test_a_grade_nobody_gave_is_left_out() -> None:
    rows, _ = drawn(4)
    votes = votes_of(rows)
    wide = fitted(votes, np.where(np.arange(votes.n) % 2, 1, 3), 3)
    narrow = fitted(votes, np.where(np.arange(votes.n) % 2, 1, 2), 2)
    assert wide.between == ((0, 1), (1, 3))
    np.testing.assert_allclose(wide.fit.strengths, narrow.fit.strengths, atol=1e-10)


@given(st.integers(0, 100), st.lists(st.booleans(), min_size=120, max_size=120))
@settings(max_examples=10)
def test_mirrored_rows_give_the_same_fit(seed: int, turns: list[bool]) -> None:
    rows, margin = drawn(seed, 120)
    plain = fitted(votes_of(rows), margin)
    turned = fitted(votes_of(mirrored(rows, turns)), margin)
    np.testing.assert_allclose(turned.fit.strengths, plain.fit.strengths, atol=1e-8)
    np.testing.assert_allclose(turned.fit.shape, plain.fit.shape, atol=1e-8)
    np.testing.assert_allclose(
        turned.covariance.matrix, plain.covariance.matrix, rtol=1e-6, atol=1e-10
    )


@given(st.integers(0, 100), st.permutations(range(4)), st.permutations(range(120)))
@settings(max_examples=10)
def test_names_and_order_of_rows_change_nothing(
    seed: int, systems: list[int], order: list[int]
) -> None:
    rows, margin = drawn(seed, 120)
    plain = fitted(votes_of(rows), margin)
    shuffled = fitted(votes_of([rows[k] for k in order]), margin[order])
    assert plain.fit.strengths.tobytes() == shuffled.fit.strengths.tobytes()
    assert plain.covariance.matrix.tobytes() == shuffled.covariance.matrix.tobytes()
    renamed = with_systems(rows, systems)
    moved = fitted(votes_of(renamed), margin)
    np.testing.assert_allclose(moved.fit.strengths[systems], plain.fit.strengths, atol=1e-8)


def test_doubling_keeps_the_fit_and_halves_model_variance() -> None:
    rows, margin = drawn(6)
    once = fitted(votes_of(rows), margin)
    twice = fitted(votes_of(rows * 2), np.tile(margin, 2))
    np.testing.assert_allclose(twice.fit.strengths, once.fit.strengths, atol=1e-8)
    np.testing.assert_allclose(
        twice.fit.model_covariance(), once.fit.model_covariance() / 2, rtol=1e-6, atol=1e-12
    )


def test_only_ties_give_no_fit_and_a_clean_sweep_gets_the_prior() -> None:
    ties: list[Row] = [(0, 1, 1 + 2 * (k % 2), 1, k, 0) for k in range(6)]
    assert fit_graded(votes_of(ties), np.zeros(6), 2) is None
    assert fit_graded(votes_of([], n_systems=2), np.zeros(0), 2) is None
    sweep: list[Row] = [(0, 1, 0, 1, k, k % 3) for k in range(12)]
    for margin in (np.full(12, 2), np.arange(12) % 2 + 1):
        found = fitted(votes_of(sweep), margin)
        assert found.method == "bt_graded_ridge"
        assert WarningCode.SEPARATED in found.fit.warnings
        assert np.isfinite(found.fit.strengths).all()
        assert found.fit.strengths[0] > 0


def test_both_bad_can_be_dropped() -> None:
    rows, margin = drawn(7)
    votes = votes_of(rows)
    kept = votes.verdict != 3
    dropped = fitted(votes, margin, both_bad="drop")
    np.testing.assert_allclose(
        dropped.fit.strengths, fitted(votes.take(kept), margin[kept]).fit.strengths, atol=1e-12
    )


@pytest.mark.parametrize("bad", [np.zeros(300), np.full(300, 3), np.ones(299)])
def test_margins_off_the_scale_are_refused(bad: np.ndarray) -> None:
    with pytest.raises(ShapeMismatch, match="margin"):
        fit_graded(votes_of(drawn(1)[0]), bad, 2)


def test_grades_carry_the_sign_of_the_verdict() -> None:
    votes = votes_of(
        [(0, 1, 0, 1, 0, 0), (0, 1, 2, 1, 0, 1), (0, 1, 1, 1, 0, 2), (1, 0, 3, 1, 1, 0)]
    )
    assert signed_grades(votes, [2, 1, 1, 2], 2).tolist() == [2, -1, 0, 0]


def test_margins_are_tested_by_prompt() -> None:
    rows, margin = drawn(9, 600)
    votes = votes_of(rows)
    found = margin_tests(votes, margin, 2)
    assert [(test.first, test.second) for test in found] == [
        (0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3),
    ]  # fmt: skip
    grade = signed_grades(votes, margin, 2)
    mean = []
    for prompt in range(5):
        mine = [
            g if a == 0 else -g
            for a, b, g, p in zip(votes.system_a, votes.system_b, grade, votes.prompt, strict=True)
            if {int(a), int(b)} == {0, 1} and p == prompt
        ]
        mean.append(np.mean(mine))
    assert found[0].prompts == 5
    assert found[0].mean_margin == pytest.approx(np.mean(mean))
    assert found[0].p_value == pytest.approx(wilcoxon(mean, method="exact").pvalue)
    assert all(test.p_value <= test.p_adjusted <= 1 for test in found)


def test_margins_that_all_cancel_decide_nothing() -> None:
    votes = votes_of([(0, 1, 1, 1, k, 0) for k in range(5)])
    (found,) = margin_tests(votes, np.zeros(5), 2)
    assert (found.p_value, found.mean_margin) == (1.0, 0.0)
    assert margin_tests(votes_of([], n_systems=3), np.zeros(0), 2) == ()


@pytest.mark.slow
def test_graded_intervals_cover(record_property: Callable[[str, object], None]) -> None:
    theta, runs, covered = np.linspace(-0.7, 0.7, 5), 300, []
    for seed in range(runs):
        votes, margin = simulated_grades(seed, theta, [0.4, 1.6], 900)
        found = fitted(votes, margin)
        half = critical_value(0.95, found.covariance.df) * np.sqrt(found.covariance.matrix[0, 0])
        covered.append(float(abs(found.fit.strengths[0] - theta[0]) <= half))
    hold(record_property, [Measured.of("independent", "strength, graded", MARGINAL, covered)])
