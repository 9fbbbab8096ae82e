"""Half-win Bradley-Terry against R, against calculus, and where no finite fit exists."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from reports.stats.bradley_terry import (
    BradleyTerryFit,
    fit_bradley_terry,
    fit_scores,
    gradient_and_information,
    log_likelihood,
    ridge_strengths,
)
from reports.stats.cells import Cells
from reports.stats.connectivity import find_separation, weak_components
from reports.stats.results import NonFiniteInput, ShapeMismatch, WarningCode
from reports.stats.votes import Votes
from tests.stats.shared_sets import load
from tests.stats.vote_makers import Row, mirrored, regular_rows, vote_rows, votes_of


def fit_of(rows: list[Row], n_systems: int = 4, **policies: Any) -> BradleyTerryFit:
    return fit_bradley_terry(Cells.from_votes(votes_of(rows, n_systems=n_systems)), **policies)


def wins(a: int, b: int, count: int) -> list[Row]:
    return [(a, b, 0, 0, k % 5, k % 3) for k in range(count)]


@pytest.mark.parametrize("table", ["baseball", "citations", "springall"])
def test_strengths_and_model_errors_match_r(shared_data: Path, table: str) -> None:
    data = json.loads((shared_data / "bt_reference.json").read_text())[table]
    names = sorted(data["bt"])
    counts = [
        (names.index(row["p1"]), names.index(row["p2"]), code, row.get(key, 0))
        for row in data["contests"]
        for code, key in enumerate(("win1", "tie", "win2"))
    ]
    a, b, verdict, count = zip(*counts, strict=True)
    fit = fit_bradley_terry(Cells.from_counts(a, b, verdict, count, n_systems=len(names)))
    v = fit.components[0].model_covariance()
    error = np.sqrt(np.diag(v) + v[0, 0] - 2 * v[0])
    for code, name in enumerate(names):
        strength, se = data["bt"][name]
        assert fit.strengths[code] - fit.strengths[0] == pytest.approx(strength, abs=1e-6)
        assert error[code] == pytest.approx(se, abs=1e-6)


@pytest.mark.parametrize("name", ["pandalm", "mtbench_turn1", "rankgen"])
def test_real_votes_give_the_strengths_of_r(shared_data: Path, name: str) -> None:
    shared = load(shared_data / name)
    fit = fit_bradley_terry(Cells.from_votes(shared.votes))
    reference = shared.expected["bt_R"]
    for part in fit.components:
        v = part.model_covariance()
        # R leaves one system of each component at 0 or unestimated: that is the anchor.
        anchors = [
            place
            for place, system in enumerate(part.systems)
            if not (reference[shared.systems[system]] or [0.0])[0]
        ]
        anchor = anchors[0]
        error = np.sqrt(np.diag(v) + v[anchor, anchor] - 2 * v[anchor])
        for place, system in enumerate(part.systems):
            strength, se = reference[shared.systems[system]] or (0.0, 0.0)
            gap = part.strengths[place] - part.strengths[anchor]
            assert gap == pytest.approx(strength, abs=1e-5)
            assert error[place] == pytest.approx(se, abs=1e-5)


def test_two_islands_get_two_components_and_no_common_scale(shared_data: Path) -> None:
    fit = fit_bradley_terry(Cells.from_votes(load(shared_data / "rankgen").votes))
    assert fit.component.tolist() == [0, 0, 1, 1]
    assert WarningCode.DISCONNECTED in fit.warnings
    for part in fit.components:
        assert part.strengths.sum() == pytest.approx(0, abs=1e-12)


@given(vote_rows(min_size=1))
def test_the_score_equation_holds_after_every_fit(rows: list[Row]) -> None:
    score, total = Cells.from_votes(votes_of(rows, n_systems=4)).scores()
    fit = fit_of(rows)
    assert fit.converged
    for part in fit.components:
        inside = np.ix_(part.systems, part.systems)
        gradient, _ = gradient_and_information(part.strengths, score[inside], total[inside])
        prior = part.strengths if part.method == "bt_ridge" else 0.0
        np.testing.assert_allclose(gradient - prior, 0, atol=1e-8)
        assert part.strengths.mean() == pytest.approx(0, abs=1e-12)
        assert (part.method == "bt_ridge") == (part.separation is not None)


@given(st.integers(0, 1_000), st.floats(0.01, 2))
def test_gradient_and_information_are_the_derivatives_of_the_likelihood(
    seed: int, spread: float
) -> None:
    random = np.random.default_rng(seed)
    score = random.integers(0, 9, (4, 4)) / 2
    np.fill_diagonal(score, 0)
    total, theta, step = score + score.T, random.normal(0, spread, 4), 1e-5
    gradient, information = gradient_and_information(theta, score, total)
    for k in range(4):
        shift = np.eye(4)[k] * step
        slope = (log_likelihood(theta + shift, score) - log_likelihood(theta - shift, score)) / (
            2 * step
        )
        assert gradient[k] == pytest.approx(slope, abs=1e-5)
        change = (
            gradient_and_information(theta + shift, score, total)[0]
            - gradient_and_information(theta - shift, score, total)[0]
        )
        np.testing.assert_allclose(-information[k], change / (2 * step), atol=1e-6)


@given(st.integers(0, 500), st.permutations(range(4)))
def test_relabelling_systems_permutes_the_strengths(seed: int, order: list[int]) -> None:
    rows = regular_rows(seed, n=40)
    renamed = [(order[a], order[b], *rest) for a, b, *rest in rows]
    plain, moved = fit_of(rows), fit_of(renamed)  # type: ignore[arg-type]
    np.testing.assert_allclose(moved.strengths[order], plain.strengths, atol=1e-10)


@given(vote_rows(min_size=1), st.randoms(use_true_random=False))
def test_row_order_and_pair_order_do_not_matter_to_the_byte(rows: list[Row], random: Any) -> None:
    turned = mirrored(rows, [random.random() < 0.5 for _ in rows])
    random.shuffle(turned)
    assert fit_of(rows).strengths.tobytes() == fit_of(turned).strengths.tobytes()


@given(st.integers(0, 500))
def test_doubling_every_row_keeps_the_fit(seed: int) -> None:
    rows = regular_rows(seed, n=40)
    np.testing.assert_allclose(fit_of(rows * 2).strengths, fit_of(rows).strengths, atol=1e-10)


@given(vote_rows(min_size=1))
def test_a_system_without_votes_changes_nothing_but_its_own_entry(rows: list[Row]) -> None:
    plain, wider = fit_of(rows, 4), fit_of(rows, 6)
    assert wider.strengths[:4].tobytes() == plain.strengths.tobytes()
    assert wider.component.tolist() == [*plain.component.tolist(), -1, -1]
    assert np.isnan(wider.strengths[4:]).all()


@given(st.integers(0, 500), st.permutations(range(4)))
def test_one_more_win_widens_the_gap(seed: int, order: list[int]) -> None:
    i, j = order[:2]
    rows = regular_rows(seed, n=40)
    before, after = fit_of(rows).strengths, fit_of(rows + wins(i, j, 1)).strengths
    assert after[i] - after[j] > before[i] - before[j]


def test_integer_weights_equal_repeated_rows() -> None:
    rows = np.array(regular_rows(3, n=60))
    weight = np.random.default_rng(0).integers(1, 4, len(rows))
    columns = {"prompt": rows[:, 4], "annotator": rows[:, 5]}
    weighted = Votes.from_arrays(*rows[:, :3].T, **columns, weight=weight)  # type: ignore[arg-type]
    repeated = np.repeat(rows, weight, axis=0)
    many = votes_of([tuple(row) for row in repeated.tolist()])
    np.testing.assert_allclose(
        fit_bradley_terry(Cells.from_votes(weighted)).strengths,
        fit_bradley_terry(Cells.from_votes(many)).strengths,
        atol=1e-9,
    )


def test_an_unanimous_chain_keeps_its_order_and_names_the_groups() -> None:
    fit = fit_of(wins(0, 1, 5) + wins(1, 2, 5), 3)
    assert fit.strengths[0] > fit.strengths[1] > fit.strengths[2]
    assert fit.components[0].method == "bt_ridge"
    assert WarningCode.SEPARATED in fit.warnings
    separation = fit.components[0].separation
    assert separation is not None
    assert separation.undefeated == ((0,),)
    assert separation.winless == ((2,),)


def test_groups_at_fault_are_named_in_the_codes_of_all_systems() -> None:
    rows = wins(1, 2, 3) + wins(2, 1, 2) + wins(1, 4, 3) + wins(4, 5, 1) + wins(5, 4, 1)
    separation = fit_of(rows, 6).components[0].separation
    assert separation is not None
    assert separation.undefeated == ((1, 2),)
    assert separation.winless == ((4, 5),)


def test_the_ridge_fit_is_the_posterior_mode() -> None:
    rows = wins(0, 1, 10)
    fit = fit_of(rows, 2)
    theta = fit.strengths[0]
    assert theta == pytest.approx(10 * expit(-2 * theta), abs=1e-9)
    covariance = fit.components[0].model_covariance()
    assert np.isfinite(covariance).all()
    assert covariance[0, 0] > 0


def test_the_iteration_limit_is_never_silent() -> None:
    cells = Cells.from_votes(votes_of(regular_rows(1)))
    fit = fit_bradley_terry(cells, max_iterations=1)
    assert not fit.converged
    assert fit.iterations == 1
    assert WarningCode.NOT_CONVERGED in fit.warnings


def test_a_finite_estimate_carries_no_hidden_prior() -> None:
    rows = wins(0, 1, 3) + wins(1, 0, 1)
    assert fit_of(rows, 2).strengths[0] == pytest.approx(np.log(3) / 2, abs=1e-12)


def test_extreme_but_finite_data_converge() -> None:
    cells = Cells.from_counts(
        [0, 1, 1, 2], [1, 0, 2, 1], [0, 0, 0, 0], [10**6, 1, 10**6, 1], n_systems=3
    )
    fit = fit_bradley_terry(cells)
    assert fit.converged
    assert fit.strengths[0] - fit.strengths[1] == pytest.approx(np.log(10**6), rel=1e-9)


def test_no_votes_give_no_component_and_a_warning() -> None:
    fit = fit_of([], 3)
    assert np.isnan(fit.strengths).all()
    assert fit.component.tolist() == [-1, -1, -1]
    assert fit.warnings == (WarningCode.NO_VOTES,)


def test_both_bad_votes_are_folded_into_ties_and_said_to_be() -> None:
    rows: list[Row] = [*wins(0, 1, 3), *wins(1, 0, 1), (0, 1, 3, 0, 0, 0), (0, 1, 3, 0, 1, 0)]
    folded, dropped = fit_of(rows, 2), fit_of(rows, 2, both_bad="drop")
    assert WarningCode.BOTH_BAD_FOLDED in folded.warnings
    assert WarningCode.BOTH_BAD_FOLDED not in dropped.warnings
    assert (folded.n, dropped.n) == (6, 4)
    assert folded.strengths[0] == pytest.approx(np.log(4 / 2) / 2)
    assert dropped.strengths[0] == pytest.approx(np.log(3 / 1) / 2)


def test_dropping_ties_uses_decisive_votes_only() -> None:
    rows: list[Row] = [*wins(0, 1, 3), *wins(1, 0, 1), (0, 1, 1, 0, 0, 0), (1, 2, 1, 0, 0, 0)]
    fit = fit_of(rows, 3, ties="drop")
    assert fit.n == 4
    assert fit.components[0].method == "bt_drop"
    assert fit.component.tolist() == [0, 0, -1]
    assert WarningCode.TIES_DROPPED in fit.warnings


def test_components_are_numbered_by_their_first_system() -> None:
    total = np.zeros((6, 6))
    for i, j in ((0, 5), (1, 3)):
        total[i, j] = total[j, i] = 1
    assert weak_components(total).tolist() == [0, 1, -1, 1, -1, 0]


def test_a_circle_of_wins_is_not_separated() -> None:
    score = np.zeros((3, 3))
    score[0, 1] = score[1, 2] = score[2, 0] = 1
    assert find_separation(score) is None


@given(vote_rows())
def test_the_ridge_loses_no_system(rows: list[Row]) -> None:
    score, total = Cells.from_votes(votes_of(rows, n_systems=4)).scores()
    theta = ridge_strengths(score, total)
    gradient, _ = gradient_and_information(theta, score, total)
    np.testing.assert_allclose(gradient - theta, 0, atol=1e-8)


def test_the_ridge_refuses_misuse() -> None:
    with pytest.raises(NonFiniteInput, match="precision is 0"):
        ridge_strengths(np.zeros((2, 2)), np.zeros((2, 2)), 0)
    with pytest.raises(ShapeMismatch):
        ridge_strengths(np.zeros((2, 3)), np.zeros((2, 3)))


def test_a_fit_may_start_from_the_one_before_the_newest_vote() -> None:
    random = np.random.default_rng(5)
    score = random.integers(1, 40, (30, 30)).astype(float)
    np.fill_diagonal(score, 0)
    _, (before,) = fit_scores(score, score + score.T)
    score[3, 7] += 1
    total = score + score.T
    _, (cold,) = fit_scores(score, total)
    _, (warm,) = fit_scores(score, total, start=before.strengths + 2)
    assert warm.iterations <= 3 < cold.iterations
    np.testing.assert_allclose(warm.strengths, cold.strengths, atol=1e-10)
    assert abs(warm.strengths.mean()) < 1e-12


def test_a_system_without_a_fit_before_starts_at_nought() -> None:
    score = np.array([[0, 4, 2], [3, 0, 5], [1, 1, 0]], dtype=float)
    _, (part,) = fit_scores(score, score + score.T, start=np.array([0.2, -0.2, np.nan]))
    np.testing.assert_allclose(
        part.strengths, fit_scores(score, score + score.T)[1][0].strengths, atol=1e-10
    )
