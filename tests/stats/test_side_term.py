"""The side term and the share of left."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.stats.bradley_terry import fit_bradley_terry
from reports.stats.cells import Cells
from reports.stats.results import WarningCode
from reports.stats.side_term import fit_side_term, side_bias
from tests.stats.vote_makers import Row, mirrored, regular_rows, votes_of


def test_home_advantage_of_baseball_matches_r_and_agresti(shared_data: Path) -> None:
    data = json.loads((shared_data / "reference_values.json").read_text())["bt_baseball"]
    expected = data["computed"]["home_advantage"]
    code = {name: k for k, name in enumerate(data["items"])}
    rows: list[Row] = []
    for home, away, won, lost in data["rows"]:
        rows += [(code[home], code[away], 0, 1, 0, 0)] * won
        rows += [(code[home], code[away], 2, 1, 0, 0)] * lost
    fit = fit_side_term(votes_of(rows))
    assert fit.gamma.estimate == pytest.approx(0.302261, abs=1e-6)
    assert fit.gamma.estimate == pytest.approx(expected["side"], abs=1e-8)
    assert fit.model_se == pytest.approx(0.130944, abs=1e-6)
    # One annotator and one prompt in this table: the iid sandwich.
    assert fit.gamma.se == pytest.approx(expected["side_sandwich_se"], abs=1e-8)
    np.testing.assert_allclose(fit.strengths - fit.strengths[0], expected["coef"], atol=1e-8)
    assert fit.covariance is not None
    v = fit.covariance.matrix[:-1, :-1]
    error = np.sqrt(np.maximum(np.diag(v) + v[0, 0] - 2 * v[0], 0))
    np.testing.assert_allclose(error, expected["sandwich_se"], atol=1e-8)
    share = fit.left_share
    assert share.estimate == pytest.approx(1 / (1 + np.exp(-0.3022606555)))
    assert share.low is not None
    assert 0.5 < share.low < 0.52


@given(st.integers(0, 300), st.lists(st.booleans(), min_size=120, max_size=120))
@settings(max_examples=25)
def test_mirrored_rows_give_the_same_side_term(seed: int, turns: list[bool]) -> None:
    rows = regular_rows(seed)
    plain = fit_side_term(votes_of(rows))
    turned = fit_side_term(votes_of(mirrored(rows, turns)))
    np.testing.assert_allclose(turned.strengths, plain.strengths, atol=1e-9)
    assert turned.gamma.estimate == pytest.approx(plain.gamma.estimate, abs=1e-9)
    assert turned.gamma.se == pytest.approx(plain.gamma.se, rel=1e-7)


def test_swapping_every_side_turns_the_sign() -> None:
    rows = regular_rows(5)
    other: list[Row] = [(a, b, v, -side, p, w) for a, b, v, side, p, w in rows]
    plain, turned = fit_side_term(votes_of(rows)), fit_side_term(votes_of(other))
    assert plain.gamma.estimate == pytest.approx(-(turned.gamma.estimate or 0.0))
    np.testing.assert_allclose(plain.strengths, turned.strengths, atol=1e-9)


def test_votes_that_favour_the_left_give_a_positive_term() -> None:
    rows: list[Row] = []
    for k in range(90):
        side = 1 if k % 2 else -1
        left_wins = k % 3 != 0
        rows.append((k % 3, (k + 1) % 3, 0 if left_wins == (side == 1) else 2, side, k % 5, k % 4))
    fit = fit_side_term(votes_of(rows))
    assert fit.gamma.estimate is not None
    assert fit.gamma.estimate > 0.3
    bias = side_bias(votes_of(rows))
    assert bias.left_rate.estimate == pytest.approx(2 / 3)


def test_balanced_sides_without_bias_leave_the_strengths_of_the_plain_board() -> None:
    rows = regular_rows(2)
    both: list[Row] = rows + [(a, b, v, -side, p, w) for a, b, v, side, p, w in rows]
    fit = fit_side_term(votes_of(both))
    plain = fit_bradley_terry(Cells.from_votes(votes_of(both)))
    assert fit.gamma.estimate == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(fit.strengths, plain.strengths, atol=1e-8)


def test_rows_of_unknown_side_do_not_count_for_the_term() -> None:
    rows = regular_rows(3)
    unknown: list[Row] = [(a, b, v, 0, p, w) for a, b, v, _, p, w in rows]
    fit = fit_side_term(votes_of(unknown))
    assert fit.gamma.estimate is None
    assert fit.gamma.warnings == (WarningCode.NO_VOTES,)
    mixed = fit_side_term(votes_of(rows + unknown))
    assert mixed.gamma.n == sum(row[3] != 0 for row in rows)


def test_one_order_only_says_nothing_about_the_side() -> None:
    rows: list[Row] = [(0, 1, k % 3, 1, k % 4, k % 2) for k in range(30)]
    fit = fit_side_term(votes_of(rows))
    assert fit.gamma.estimate is None
    assert fit.gamma.warnings == (WarningCode.ONE_ORDER,)


def test_an_annotator_base_that_always_clicks_left_is_separated_not_infinite() -> None:
    rows: list[Row] = [
        (k % 3, (k + 1) % 3, 0 if k % 2 else 2, 1 if k % 2 else -1, k % 5, k % 4) for k in range(60)
    ]
    fit = fit_side_term(votes_of(rows))
    assert WarningCode.SEPARATED in fit.gamma.warnings
    assert fit.gamma.method == "bt_side_ridge"
    assert fit.gamma.estimate is not None
    assert fit.gamma.low is not None
    assert 0 < fit.gamma.low < fit.gamma.estimate < 6


def test_one_side_term_serves_two_islands() -> None:
    rows = regular_rows(6, n=80, systems=3)
    island: list[Row] = [(a + 3, b + 3, v, s, p, w) for a, b, v, s, p, w in regular_rows(7, 80, 3)]
    fit = fit_side_term(votes_of(rows + island))
    assert fit.component.tolist() == [0, 0, 0, 1, 1, 1]
    assert fit.strengths[:3].sum() == pytest.approx(0, abs=1e-9)
    assert fit.strengths[3:].sum() == pytest.approx(0, abs=1e-9)
    assert fit.gamma.low is not None


def test_the_left_share_counts_decisive_votes_by_annotator() -> None:
    rows: list[Row] = [
        (0, 1, 0, 1, 0, 0),
        (0, 1, 2, -1, 1, 0),
        (0, 1, 2, 1, 2, 0),
        (0, 1, 1, 1, 3, 0),
        (0, 1, 3, 1, 3, 0),
        (0, 1, 0, 0, 4, 1),
        (0, 1, 0, -1, 4, 2),
    ]
    bias = side_bias(votes_of(rows))
    assert bias.left_rate.n == 4
    assert bias.left_rate.estimate == 0.5
    shares = [figure.estimate for figure in bias.per_annotator]
    assert shares == [pytest.approx(2 / 3), None, 0.0]
    assert bias.per_annotator[1].warnings == (WarningCode.NO_VOTES,)
    assert [figure.n for figure in bias.per_annotator] == [3, 0, 1]
    assert bias.per_annotator[0].method == "wilson_iid"


def test_no_votes_give_null_shares() -> None:
    bias = side_bias(votes_of([], n_systems=2, n_annotators=2))
    assert bias.left_rate.estimate is None
    assert len(bias.per_annotator) == 2
    assert fit_side_term(votes_of([], n_systems=2)).gamma.estimate is None
