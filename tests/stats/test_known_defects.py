"""Faults found in other programs: none of them is ours.

Most are held by a test of the method itself, which is named here and must exist; the rest stand
below. A row that loses its test fails.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize

from reports.stats.agreement import fleiss_kappa, fleiss_kappa_classical
from reports.stats.anchoring import Anchor
from reports.stats.bradley_terry import fit_bradley_terry
from reports.stats.cells import Cells
from reports.stats.leaderboard import leaderboard
from reports.stats.ratings import ratings
from reports.stats.results import WarningCode
from reports.stats.text_features import STYLE_FEATURES
from reports.stats.win_rates import pair_mean_scores
from tests.stats.vote_makers import regular_rows, simulated, votes_of

HERE = Path(__file__).parent
ROOM = HERE.parents[1] / "reports" / "stats"

HELD_BY = {
    "crowd-kit BradleyTerry: scores alias and stop after two iterations": (
        "test_bradley_terry.py::test_the_score_equation_holds_after_every_fit",
        "test_davidson.py::test_the_score_equations_hold",
        "test_prompt_weights.py::test_the_weighted_score_equations_hold",
    ),
    "crowd-kit NoisyBradleyTerry: the gradient is wrong": (
        "test_bradley_terry.py::test_gradient_and_information_are_the_derivatives_of_the_likelihood",
        "test_outcome_models.py::test_the_gradient_and_information_are_those_of_the_likelihood",
        "test_crowd_bt.py::test_the_gradient_is_that_of_finite_differences",
    ),
    "crowd-kit DawidSkene: stops at 4 iterations of 30": (
        "test_dawid_skene.py::test_the_anaesthetists_are_reproduced",
        "test_dawid_skene.py::test_the_likelihood_never_falls",
    ),
    "evalica: an undefeated system gives 1e-6 for every system": (
        "test_bradley_terry.py::test_an_unanimous_chain_keeps_its_order_and_names_the_groups",
    ),
    "evalica: silent at the iteration limit": (
        "test_bradley_terry.py::test_the_iteration_limit_is_never_silent",
        "test_davidson.py::test_the_limit_on_iterations_is_told",
    ),
    "evalica: 19 GB for a bootstrap of 2M votes": (
        "test_known_defects.py::test_no_array_grows_with_votes_times_systems",
    ),
    "evalica alpha_bootstrap: the interval covers 88.7 %": (
        "coverage/test_agreement_intervals.py::test_every_coefficient_covers",
        "coverage/test_agreement_intervals.py::"
        "test_intervals_of_alpha_and_ac1_cover_in_small_studies",
    ),
    "arena-rank: a clean record has zero width": (
        "test_known_defects.py::test_a_clean_record_has_a_wide_interval_or_none",
    ),
    "arena-rank: its process pool deadlocks": (
        "test_known_defects.py::test_the_statistics_start_no_process_and_no_thread",
    ),
    "FastChat: A-B and B-A are not merged": (
        "test_bradley_terry.py::test_row_order_and_pair_order_do_not_matter_to_the_byte",
        "test_head_to_head.py::test_mirrored_and_shuffled_rows_give_the_same_table",
    ),
    "FastChat: the anchored model has no width": (
        "test_known_defects.py::test_no_system_is_an_anchor_without_error",
        "test_anchoring.py::test_the_anchor_stands_at_its_number_and_keeps_its_error",
    ),
    "FastChat, arena-rank: the optimiser leaves 1e-4 logits": (
        "test_known_defects.py::test_strengths_are_those_of_an_exact_optimum",
    ),
    "arena-hard-auto: style control takes the wrong columns": (
        "test_known_defects.py::test_each_style_has_a_name_and_its_own_column",
    ),
    "choix, crowd-kit: ties are dropped without a word": (
        "test_votes.py::test_an_unknown_policy_is_refused",
        "test_known_defects.py::test_ties_are_counted_by_a_policy_that_is_named",
    ),
    "arenakit: a prior that is always on": (
        "test_bradley_terry.py::test_a_finite_estimate_carries_no_hidden_prior",
    ),
    "Elo: the order of rows changes scores": (
        "test_leaderboard.py::test_row_order_does_not_change_a_byte",
    ),
    "alpaca_eval: the interval ignores the error of the fit": (
        "test_style_control.py::test_style_controlled_intervals_cover",
    ),
    "statsmodels fleiss_kappa: unequal raters, unanimous raters": (
        "test_known_defects.py::test_fleiss_takes_unequal_and_unanimous_raters",
    ),
    "pingouin: one missing vote is an error": (
        "test_agreement_references.py::"
        "test_one_missing_vote_changes_alpha_a_little_and_raises_nothing",
    ),
    "irrCAC: alpha's error from the wrong share": (
        "test_agreement_references.py::"
        "test_four_raters_on_twelve_items_with_gaps_reach_every_published_coefficient",
    ),
    "krippendorff: dense raters times items": (
        "test_known_defects.py::test_many_raters_cost_no_dense_table",
    ),
    "any Wald code: a unanimous pair has zero width": (
        "test_known_defects.py::test_a_clean_record_has_a_wide_interval_or_none",
    ),
    "a first Davidson fit: .4 % off that looked converged": (
        "test_davidson.py::test_springall_matches_r",
    ),
    "kappa on a/b labels: orientation by outcome halves alpha": (
        "test_agreement_properties.py::test_orientation_by_outcome_is_found_out",
    ),
}


@pytest.mark.parametrize("defect", list(HELD_BY))
def test_every_known_defect_has_its_test(defect: str) -> None:
    for named in HELD_BY[defect]:
        file, name = named.split("::")
        assert f"def {name}(" in (HERE / file).read_text(encoding="utf-8"), named


def test_no_defect_of_the_list_is_left_out() -> None:
    # The rows of the list of faults, one entry each.
    assert len(HELD_BY) == 24


def test_a_clean_record_has_a_wide_interval_or_none() -> None:
    votes = votes_of([(0, 1, 0, 1, k, k % 4) for k in range(10)])
    for row in leaderboard(votes, seed=1).rows:
        assert WarningCode.SEPARATED in row.strength.warnings
        assert row.strength.low is not None
        assert row.strength.high is not None
        assert row.strength.high - row.strength.low > 0.5
        assert abs(row.strength.estimate or 9) < 3
        assert row.win_rate.low is not None
        assert row.win_rate.high is not None
        assert row.win_rate.high - row.win_rate.low > 0.1
    pair = pair_mean_scores(votes).estimate(0)
    assert pair.estimate == 1
    assert pair.low is not None
    assert pair.low < 0.9


def test_the_statistics_start_no_process_and_no_thread() -> None:
    started = re.compile(
        r"multiprocessing|concurrent\.futures|threading|subprocess|os\.fork|joblib"
    )
    for path in ROOM.rglob("*.py"):
        assert not started.search(path.read_text(encoding="utf-8")), path


def test_no_system_is_an_anchor_without_error() -> None:
    for anchor in (None, Anchor(2, 1000.0)):
        rows = leaderboard(votes_of(regular_rows(3, n=300)), seed=1, anchor=anchor).rows
        assert all((row.rating.se or 0) > 1 for row in rows)
        assert all((row.rating.high or 0) - (row.rating.low or 0) > 2 for row in rows)
        assert sum(row.strength.estimate or 9 for row in rows) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_strengths_are_those_of_an_exact_optimum(seed: int) -> None:
    votes, _ = simulated(seed, systems=5, n=400)
    a, b, y = votes.system_a, votes.system_b, votes.score()

    def loss(theta: np.ndarray) -> float:
        d = theta[a] - theta[b]
        return float((y * np.logaddexp(0, -d) + (1 - y) * np.logaddexp(0, d)).sum())

    def slope(theta: np.ndarray) -> np.ndarray:
        r = y - 1 / (1 + np.exp(theta[b] - theta[a]))
        return np.bincount(b, r, 5) - np.bincount(a, r, 5)

    start = minimize(loss, np.zeros(5), jac=slope, method="BFGS", options={"gtol": 1e-10}).x
    found = fit_bradley_terry(Cells.from_votes(votes)).strengths
    np.testing.assert_allclose(found, start - start.mean(), atol=1e-8)


def test_each_style_has_a_name_and_its_own_column() -> None:
    from reports.stats.text_features import style_features

    plain = dict(zip(STYLE_FEATURES, style_features("one line"), strict=True))
    for name, text in (
        ("headers", "# one line"),
        ("list_items", "- one line"),
        ("bold", "**one** line"),
    ):
        own = dict(zip(STYLE_FEATURES, style_features(text), strict=True))
        assert {key for key in own if own[key] != plain[key]} - {"length"} == {name}


def test_ties_are_counted_by_a_policy_that_is_named() -> None:
    votes = votes_of(regular_rows(2, n=200))
    half, drop = (leaderboard(votes, seed=1, ties=ties) for ties in ("half", "drop"))  # type: ignore[arg-type]
    assert half.rows[0].strength.method.startswith("bt_half")
    assert drop.rows[0].strength.method.startswith("bt_drop")
    assert WarningCode.TIES_DROPPED in drop.warnings
    assert half.rows[0].strength.estimate != drop.rows[0].strength.estimate


def test_fleiss_takes_unequal_and_unanimous_raters() -> None:
    item, rater = np.array([(i, g) for i in range(8) for g in range(2 + i % 3)]).T
    unequal = ratings(item, rater, (item + rater) % 3, n_categories=3)
    assert fleiss_kappa(unequal.item_counts()).estimate is not None
    classical = fleiss_kappa_classical(unequal.item_counts())
    assert classical.estimate is not None
    assert classical.n < 8
    alike = ratings(item, rater, np.zeros(item.size, dtype=int), n_categories=3)
    figure = fleiss_kappa(alike.item_counts())
    assert (figure.estimate, figure.warnings) == (None, (WarningCode.DEGENERATE_SCALE,))


def test_no_array_grows_with_votes_times_systems() -> None:
    import tracemalloc

    votes, _ = simulated(1, systems=150, n=60_000, annotators=200, prompts=2_000)
    tracemalloc.start()
    leaderboard(votes, seed=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # A dense design alone would take 150 times 8 bytes a vote: 72 MB.
    assert peak < 60_000 * 150 * 8


def test_many_raters_cost_no_dense_table() -> None:
    import tracemalloc

    random = np.random.default_rng(1)
    item, rater = np.repeat(np.arange(20_000), 3), random.integers(0, 500, 60_000)
    kept = np.unique(item * 500 + rater)
    rated = ratings(kept // 500, kept % 500, random.integers(0, 3, kept.size), n_categories=3)
    tracemalloc.start()
    fleiss_kappa(rated.item_counts())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Raters times items are 10,000,000 cells.
    assert peak < 20_000_000
