"""Ties with a parameter of their own: Davidson, and Rao and Kupper beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from reports.stats.bradley_terry import fit_bradley_terry
from reports.stats.cells import Cells
from reports.stats.clusters import compact
from reports.stats.davidson import TieFit, fit_davidson, fit_rao_kupper
from reports.stats.results import WarningCode
from reports.stats.votes import Votes
from tests.stats.shared_sets import load, references
from tests.stats.vote_makers import Row, mirrored, regular_rows, simulated, votes_of, with_systems


def springall(shared_data: Path) -> tuple[Votes, dict[str, Any]]:
    """One annotator and one prompt: the iid sandwich of the table."""
    data = references(shared_data)["bt_ties_springall"]
    rows: list[Row] = []
    for i, j, won, lost, tied in data["rows"]:
        for verdict, count in ((0, won), (2, lost), (1, tied)):
            rows += [(i - 1, j - 1, verdict, 0, 0, 0)] * count
    return votes_of(rows), data["computed"]


def fitted(votes: Votes) -> TieFit:
    found = fit_davidson(votes)
    assert found is not None
    return found


def test_springall_matches_r(shared_data: Path) -> None:
    votes, computed = springall(shared_data)
    expected = computed["davidson"]
    found = fitted(votes)
    strengths = found.fit.strengths
    np.testing.assert_allclose(strengths - strengths[0], expected["coef"], atol=1e-7)
    assert np.exp(found.fit.shape[0]) == pytest.approx(0.865549, abs=1e-6)
    assert found.fit.shape[0] == pytest.approx(expected["log_nu"], abs=1e-7)
    for matrix, kind in (
        (found.fit.model_covariance(), "model"),
        (found.covariance.matrix, "sandwich"),
    ):
        assert np.sqrt(matrix[-1, -1]) == pytest.approx(expected[f"log_nu_{kind}_se"], abs=1e-7)
        v = matrix[:-1, :-1]
        error = np.sqrt(np.maximum(np.diag(v) + v[0, 0] - 2 * v[0], 0))
        np.testing.assert_allclose(error, expected[f"{kind}_se"], atol=1e-7)
    assert found.covariance.method == "iid"
    assert found.fit.converged


def test_springall_by_rao_and_kupper(shared_data: Path) -> None:
    votes, computed = springall(shared_data)
    found = fit_rao_kupper(votes)
    assert found is not None
    assert np.exp(found.fit.shape[0]) == pytest.approx(2.00791, abs=1e-5)
    strengths = found.fit.strengths
    np.testing.assert_allclose(strengths - strengths[0], computed["rao_kupper"]["coef"], atol=1e-4)


def test_real_clustered_votes_match_the_reference(shared_data: Path) -> None:
    expected = references(shared_data)["bt_mtbench_turn1"]["computed"]["davidson"]
    votes = load(shared_data / "mtbench_turn1").votes
    found = fitted(votes)
    np.testing.assert_allclose(found.fit.strengths, expected["strength"], atol=1e-7)
    assert found.fit.shape[0] == pytest.approx(expected["log_nu"], abs=1e-7)
    model = np.sqrt(np.diag(found.fit.model_covariance()))
    np.testing.assert_allclose(model[:-1], expected["se_model"], atol=1e-7)
    assert model[-1] == pytest.approx(expected["log_nu_se_model"], abs=1e-7)
    assert found.covariance.method == "two_way_cr3"
    # CR3 is a little wider than the reference's CR1.
    default = np.sqrt(np.diag(found.covariance.matrix))
    np.testing.assert_allclose(default[:-1], expected["se_two_way_cr1"], rtol=0.02)
    assert (default[:-1] > 0.99 * np.array(expected["se_two_way_cr1"])).all()


def test_one_way_errors_of_real_votes_match_the_reference(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = references(shared_data)["bt_mtbench_turn1"]["computed"]["davidson"]
    votes = load(shared_data / "mtbench_turn1").votes
    monkeypatch.setattr("reports.stats.covariance.CR3_LIMIT", 0)
    found = fitted(votes)
    errors = np.sqrt(np.diag(found.covariance.matrix))
    np.testing.assert_allclose(errors[:-1], expected["se_two_way_cr1"], atol=1e-6)
    assert errors[-1] == pytest.approx(expected["log_nu_se_two_way_cr1"], abs=1e-6)


def naive(votes: Votes) -> np.ndarray:
    """(Strengths, ln ν) by a general optimiser on the likelihood, vote by vote."""
    m = votes.n_systems

    def loss(point: np.ndarray) -> float:
        d = point[votes.system_a] - point[votes.system_b]
        weights = np.exp([d / 2, np.full_like(d, point[m]), -d / 2])
        chosen = np.array([0, 1, 2, 1])[votes.verdict]
        rows = np.arange(votes.n)
        return -float(np.log(weights[chosen, rows] / weights.sum(axis=0)).sum())

    point = minimize(loss, np.zeros(m + 1), method="BFGS", options={"gtol": 1e-7}).x
    point[:m] -= point[:m].mean()
    return np.asarray(point)


@given(st.integers(0, 200))
@settings(max_examples=5)
def test_the_fit_equals_a_general_optimiser(seed: int) -> None:
    votes = votes_of(regular_rows(seed, n=80))
    found = fitted(votes)
    np.testing.assert_allclose([*found.fit.strengths, *found.fit.shape], naive(votes), atol=1e-4)


@given(st.integers(0, 200), st.lists(st.booleans(), min_size=60, max_size=60))
@settings(max_examples=15)
def test_mirrored_rows_give_the_same_fit(seed: int, turns: list[bool]) -> None:
    rows = regular_rows(seed, n=60)
    plain, turned = fitted(votes_of(rows)), fitted(votes_of(mirrored(rows, turns)))
    np.testing.assert_allclose(turned.fit.strengths, plain.fit.strengths, atol=1e-9)
    np.testing.assert_allclose(
        turned.covariance.matrix, plain.covariance.matrix, rtol=1e-7, atol=1e-12
    )


@given(st.integers(0, 200), st.permutations(range(4)), st.randoms(use_true_random=False))
@settings(max_examples=15)
def test_names_and_order_of_rows_change_nothing(seed: int, systems: list[int], random: Any) -> None:
    rows = regular_rows(seed, n=60)
    shuffled = rows.copy()
    random.shuffle(shuffled)
    plain, other = fitted(votes_of(rows)), fitted(votes_of(shuffled))
    assert plain.fit.strengths.tobytes() == other.fit.strengths.tobytes()
    assert plain.covariance.matrix.tobytes() == other.covariance.matrix.tobytes()
    renamed = with_systems(rows, systems)
    moved = fitted(votes_of(renamed))
    np.testing.assert_allclose(moved.fit.strengths[systems], plain.fit.strengths, atol=1e-8)
    assert moved.fit.shape[0] == pytest.approx(plain.fit.shape[0], abs=1e-8)


@given(st.integers(0, 200))
@settings(max_examples=15)
def test_doubling_keeps_the_fit_and_its_clustered_errors(seed: int) -> None:
    rows = regular_rows(seed, n=60)
    once, twice = fitted(votes_of(rows)), fitted(votes_of(rows * 2))
    np.testing.assert_allclose(twice.fit.strengths, once.fit.strengths, atol=1e-8)
    np.testing.assert_allclose(
        twice.fit.model_covariance(), once.fit.model_covariance() / 2, rtol=1e-7, atol=1e-12
    )


def test_the_score_equations_hold() -> None:
    """Points of each system, and ties, equal what the model expects."""
    votes = votes_of(regular_rows(11, n=200))
    found = fitted(votes)
    score, total = Cells.from_votes(votes).scores()
    theta, nu = found.fit.strengths, np.exp(found.fit.shape[0])
    half = np.exp((theta[:, None] - theta) / 2)
    z = half + 1 / half + nu
    expected = (total * (half + nu / 2) / z).sum(axis=1)
    np.testing.assert_allclose(score.sum(axis=1), expected, atol=1e-8)
    ties = float((votes.verdict == 1).sum() + (votes.verdict == 3).sum())
    assert ties == pytest.approx(float((total * nu / z).sum()) / 2, abs=1e-8)


@pytest.mark.parametrize("verdicts", [(0, 2), (1, 1), (1, 3)])
def test_without_a_tie_or_a_decision_there_is_no_fit(verdicts: tuple[int, int]) -> None:
    rows: list[Row] = [(k % 3, (k + 1) % 3, verdicts[k % 2], 1, k % 4, k % 3) for k in range(24)]
    assert fit_davidson(votes_of(rows)) is None
    assert fit_rao_kupper(votes_of(rows)) is None
    assert fit_davidson(votes_of([], n_systems=2)) is None


def test_dropping_both_bad_can_leave_no_tie() -> None:
    rows: list[Row] = [(k % 3, (k + 1) % 3, (0, 2, 3)[k % 3], 1, k % 4, k % 2) for k in range(30)]
    assert fit_davidson(votes_of(rows)) is not None
    assert fit_davidson(votes_of(rows), both_bad="drop") is None


def test_an_undefeated_system_gets_the_prior_and_says_so() -> None:
    rows: list[Row] = [(0, 1 + k % 2, 0, 1, k % 5, k % 3) for k in range(20)]
    rows += [(1, 2, k % 3, 1, k % 5, k % 3) for k in range(20)]
    found = fitted(votes_of(rows))
    assert found.method == "bt_davidson_ridge"
    assert WarningCode.SEPARATED in found.fit.warnings
    assert found.covariance.df is None
    assert np.isfinite(found.fit.strengths).all()
    assert found.fit.strengths[0] == max(found.fit.strengths)
    assert (np.diag(found.covariance.matrix) > 0).all()


def test_two_islands_share_the_rate_of_ties_and_nothing_else() -> None:
    rows = regular_rows(6, n=80, systems=3)
    island: list[Row] = [(a + 3, b + 3, *rest) for a, b, *rest in regular_rows(7, 80, 3)]  # type: ignore[misc]
    found = fitted(votes_of(rows + island))
    assert found.fit.component.tolist() == [0, 0, 0, 1, 1, 1]
    assert found.fit.strengths[:3].sum() == pytest.approx(0, abs=1e-9)
    assert WarningCode.DISCONNECTED in found.fit.warnings


def test_a_system_without_votes_has_no_strength() -> None:
    found = fitted(votes_of(regular_rows(2), n_systems=6))
    assert np.isnan(found.fit.strengths[4:]).all()
    assert found.covariance.matrix.shape == (5, 5)


def test_the_limit_on_iterations_is_told() -> None:
    found = fit_davidson(votes_of(regular_rows(2)), max_iterations=1)
    assert found is not None
    assert WarningCode.NOT_CONVERGED in found.fit.warnings


def test_davidson_spreads_wider_than_half_wins() -> None:
    votes, _ = simulated(1, n=4000, spread=0.6, tie_rate=0.24)
    half = fit_bradley_terry(Cells.from_votes(votes)).strengths
    slope = float(half @ fitted(votes).fit.strengths / (half @ half))
    assert 1 / slope == pytest.approx(0.73, abs=0.04)


def test_an_added_win_raises_the_difference() -> None:
    rows = regular_rows(4)
    before, after = fitted(votes_of(rows)), fitted(votes_of([*rows, (2, 3, 0, 1, 0, 0)]))
    gap = [fit.fit.strengths[2] - fit.fit.strengths[3] for fit in (before, after)]
    assert gap[1] > gap[0]


def test_one_step_leave_one_out_is_close_to_true_refits() -> None:
    votes, _ = simulated(3, n=900, annotators=12, taste=0.4)
    codes, count = compact(votes.annotator)
    refits = []
    for g in range(count):
        left = fitted(votes.take(codes != g)).fit
        refits.append([*left.strengths, *left.shape])
    table = np.array(refits) - np.mean(refits, axis=0)
    jackknife = (count - 1) / count * table.T @ table
    alone = fitted(
        Votes.from_arrays(
            votes.system_a,
            votes.system_b,
            votes.verdict,
            prompt=np.zeros(votes.n, dtype=int),
            annotator=votes.annotator,
        )
    )
    assert alone.covariance.method == "annotator_cr3"
    np.testing.assert_allclose(
        np.sqrt(np.diag(alone.covariance.matrix)), np.sqrt(np.diag(jackknife)), rtol=0.05
    )
