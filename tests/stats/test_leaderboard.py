"""The leaderboard as a whole: real data, degenerate data, and what must never matter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.stats.leaderboard import Leaderboard, LeaderboardRow, leaderboard, rating_of
from reports.stats.results import Estimate, InvalidLevel, UnknownPolicy, WarningCode
from tests.stats.shared_sets import load
from tests.stats.vote_makers import Row, mirrored, regular_rows, simulated, vote_rows, votes_of


def board_of(rows: list[Row], n_systems: int | None = None, **options: Any) -> Leaderboard:
    return leaderboard(votes_of(rows, n_systems=n_systems), seed=5, **options)


def by_system(board: Leaderboard) -> dict[int, LeaderboardRow]:
    return {row.system: row for row in board.rows}


def as_json(board: Leaderboard) -> str:
    """All figures; NaN and infinity are refused as the report refuses them."""
    rows = [
        {
            name: value.as_dict() if isinstance(value, Estimate) else value
            for name in LeaderboardRow.__slots__
            for value in [getattr(row, name)]
        }
        for row in board.rows
    ]
    return json.dumps([rows, [str(code) for code in board.warnings]], allow_nan=False)


def test_mtbench_is_ranked_as_its_votes_say(shared_data: Path) -> None:
    shared = load(shared_data / "mtbench_turn1")
    board = leaderboard(shared.votes, seed=1)
    names = [shared.systems[row.system] for row in board.rows]
    assert names == [
        "gpt-4", "claude-v1", "gpt-3.5-turbo", "vicuna-13b-v1.2", "alpaca-13b", "llama-13b",
    ]  # fmt: skip
    assert [row.rank for row in board.rows] == [1, 2, 3, 4, 5, 6]
    assert [(row.rank_low, row.rank_high) for row in board.rows][:4] == [
        (1, 1), (2, 3), (2, 3), (4, 4),
    ]  # fmt: skip
    assert board.warnings == ()
    for row in board.rows:
        rate, n = shared.expected["winrate_labels"][shared.systems[row.system]]
        assert row.win_rate.estimate == pytest.approx(rate, abs=5.1e-5)
        assert row.votes == n
        assert row.strength.n_clusters == {"annotator": 65, "prompt": 80}
        joint = row.strength.details["simultaneous"]
        assert row.strength.low is not None
        assert joint["low"] < row.strength.low
    alpaca = board.rows[4].strength
    assert alpaca.method == "bt_half_two_way_cr3"
    assert alpaca.se == pytest.approx(0.115502662, abs=1e-6)


def test_rankgen_has_two_boards_and_says_so(shared_data: Path) -> None:
    board = leaderboard(load(shared_data / "rankgen").votes, seed=1)
    assert [row.component for row in board.rows] == [0, 0, 1, 1]
    assert [row.rank for row in board.rows] == [1, 2, 1, 2]
    assert WarningCode.DISCONNECTED in board.warnings
    for row in board.rows:
        assert WarningCode.DISCONNECTED in row.strength.warnings
        assert row.rank_high is not None
        assert row.rank_high <= 2


def test_few_annotators_show_their_own_interval_beside(shared_data: Path) -> None:
    board = leaderboard(load(shared_data / "pandalm").votes, seed=1)
    assert board.warnings == (WarningCode.FEW_ANNOTATORS,)
    for row in board.rows:
        for figure in (row.strength, row.rating):
            alone = figure.details["these_annotators"]
            assert figure.low is not None
            assert figure.high is not None
            assert figure.low < alone["low"] < alone["high"] < figure.high


@given(vote_rows(max_size=30))
@settings(max_examples=60)
def test_any_votes_give_a_board_of_finite_figures(rows: list[Row]) -> None:
    board = board_of(rows, 4)
    assert len(board.rows) == 4
    as_json(board)
    for row in board.rows:
        if row.component is None:
            assert row.rank is row.rank_low is row.rank_high is row.strength.estimate is None
            assert WarningCode.NO_VOTES in row.strength.warnings
            continue
        assert row.rank_low is not None
        assert row.rank_high is not None
        assert row.rank is not None
        size = sum(other.component == row.component for other in board.rows)
        assert 1 <= row.rank_low <= row.rank <= row.rank_high <= size
        assert row.strength.estimate is not None
        assert row.rating.estimate == pytest.approx(rating_of(row.strength.estimate))
        if row.strength.low is None:
            assert WarningCode.DEGENERATE_SCALE in row.strength.warnings
        else:
            assert row.strength.high is not None
            assert row.strength.high - row.strength.low > 1e-6
            assert row.strength.low <= row.strength.estimate <= row.strength.high


def test_an_error_that_is_only_rounding_is_none_for_these_annotators_either() -> None:
    """Three votes whose prompt-clustered variance of one system is 0, computed as less."""
    board = board_of([(1, 0, 0, -1, 1, 1), (0, 2, 3, 1, 0, 1), (2, 1, 3, 1, 0, 0)])
    as_json(board)
    for row in board.rows:
        alone = row.strength.details.get("these_annotators")
        assert alone is None or alone["high"] - alone["low"] > 1e-6


@given(vote_rows(max_size=30), st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_row_order_does_not_change_a_byte(rows: list[Row], random: Any) -> None:
    shuffled = rows.copy()
    random.shuffle(shuffled)
    assert as_json(board_of(rows, 4)) == as_json(board_of(shuffled, 4))


@given(st.integers(0, 100), st.lists(st.booleans(), min_size=120, max_size=120))
@settings(max_examples=10)
def test_how_a_pair_was_stored_changes_no_figure(seed: int, turns: list[bool]) -> None:
    rows = regular_rows(seed)
    plain, turned = by_system(board_of(rows)), by_system(board_of(mirrored(rows, turns)))
    for system, row in plain.items():
        other = turned[system]
        assert (row.rank, row.rank_low, row.rank_high) == (
            other.rank, other.rank_low, other.rank_high,
        )  # fmt: skip
        for one, two in ((row.strength, other.strength), (row.win_rate, other.win_rate)):
            assert two.estimate == pytest.approx(one.estimate, abs=1e-12)
            assert two.low == pytest.approx(one.low, abs=1e-9)
            assert two.high == pytest.approx(one.high, abs=1e-9)


def test_a_system_without_votes_adds_only_a_null_row() -> None:
    rows = regular_rows(1)
    plain, wider = board_of(rows, 4), board_of(rows, 5)
    assert wider.rows[:4] == plain.rows
    last = wider.rows[4]
    assert (last.system, last.component, last.rank, last.votes) == (4, None, None, 0)
    assert last.tie_rate is None
    assert last.strength.estimate is last.rating.estimate is last.win_rate.estimate is None


def test_the_same_seed_gives_the_same_board_and_another_seed_other_draws() -> None:
    votes, _ = simulated(1)
    first, second = leaderboard(votes, seed=1), leaderboard(votes, seed=1)
    other = leaderboard(votes, seed=2)
    assert as_json(first) == as_json(second)
    assert first.rows[0].strength.details != other.rows[0].strength.details
    assert first.rows[0].strength.low == other.rows[0].strength.low


def test_strengths_within_rounding_share_a_rank_and_stand_in_order_of_code() -> None:
    rows: list[Row] = []
    for prompt in range(4):
        for who in range(3):
            rows += [(0, 1, 1, 0, prompt, who), (2, 0, 0, 0, prompt, who)]
            rows += [(1, 2, 2, 0, prompt, who), (1, 2, 0 if prompt else 2, 0, prompt, who)]
            rows += [(0, 2, 0 if prompt else 2, 0, prompt, who)]
    board = board_of(rows)
    assert [(row.system, row.rank) for row in board.rows] == [(2, 1), (0, 2), (1, 2)]


def test_no_votes_give_null_rows() -> None:
    board = board_of([], 3)
    assert [row.system for row in board.rows] == [0, 1, 2]
    assert board.warnings == (WarningCode.NO_VOTES,)
    as_json(board)


def test_no_systems_give_an_empty_board() -> None:
    assert board_of([], 0).rows == ()


def test_a_single_vote_is_separated_and_bounded_by_the_prior() -> None:
    board = board_of([(0, 1, 0, 1, 0, 0)])
    top = board.rows[0]
    assert top.system == 0
    assert top.strength.method == "bt_ridge"
    assert WarningCode.SEPARATED in top.strength.warnings
    assert top.strength.low is not None
    assert top.strength.high is not None
    assert -2 < top.strength.low < 0 < top.strength.high < 2
    assert (top.rank_low, top.rank_high) == (1, 2)
    separation = board.separations[0]
    assert separation.undefeated == ((0,),)
    assert separation.winless == ((1,),)


def test_an_unbeaten_record_never_has_zero_width() -> None:
    rows: list[Row] = [(0, 1, 0, 0, k % 5, k % 4) for k in range(10)]
    for row in board_of(rows).rows:
        assert row.strength.low is not None
        assert row.strength.high is not None
        assert row.strength.high - row.strength.low > 0.5


@pytest.mark.parametrize("verdict", [1, 3])
def test_nothing_but_ties_gives_equal_strengths_without_a_false_interval(verdict: int) -> None:
    rows: list[Row] = [
        (a, b, verdict, 0, k % 5, k % 4) for k in range(20) for a, b in ((0, 1), (1, 2))
    ]
    board = board_of(rows)
    for row in board.rows:
        assert row.strength.estimate == pytest.approx(0, abs=1e-12)
        assert row.strength.low is None
        assert WarningCode.DEGENERATE_SCALE in row.strength.warnings
        assert (row.rank, row.rank_low, row.rank_high) == (1, 1, 3)
        assert row.win_rate.estimate == 0.5
        assert row.win_rate.low is not None
        assert (row.tie_rate, row.both_bad_rate) == ((1.0, 0.0) if verdict == 1 else (0.0, 1.0))
    assert (WarningCode.BOTH_BAD_FOLDED in board.warnings) == (verdict == 3)


def test_dropping_ties_leaves_out_a_system_that_only_tied() -> None:
    rows = [*regular_rows(2, systems=3), (0, 3, 1, 0, 0, 0)]
    board = board_of(rows, 4, ties="drop")
    last = board.rows[-1]
    assert (last.system, last.component, last.votes, last.tie_rate) == (3, None, 1, 1.0)
    assert WarningCode.TIES_DROPPED in board.warnings
    assert board.rows[0].strength.method.startswith("bt_drop_")


def test_an_equal_weight_of_opponents_stands_beside_the_win_rate() -> None:
    rows: list[Row] = [(0, 1, 0, 0, k % 5, k % 4) for k in range(30)]
    rows += [(0, 2, 2, 0, k % 5, k % 4) for k in range(10)]
    row = by_system(board_of(rows))[0]
    assert row.win_rate.estimate == 0.75
    assert row.win_rate.details["equal_opponents"] == 0.5


def test_one_annotator_and_one_prompt_are_warned_of() -> None:
    rows: list[Row] = [(a, b, v, s, 0, 0) for a, b, v, s, _, _ in regular_rows(3)]
    board = board_of(rows)
    assert WarningCode.SINGLE_ANNOTATOR in board.warnings
    assert WarningCode.FEW_PROMPTS in board.warnings
    assert board.rows[0].strength.method == "bt_half_iid"


def test_a_rating_gap_of_four_hundred_is_odds_of_ten() -> None:
    assert rating_of(0) == 1000
    assert rating_of(np.log(10)) - rating_of(0) == pytest.approx(400)


def test_misuse_is_refused() -> None:
    votes = votes_of(regular_rows(1))
    with pytest.raises(InvalidLevel):
        leaderboard(votes, seed=1, level=95)
    with pytest.raises(UnknownPolicy):
        leaderboard(votes, seed=1, ties="davidson")  # type: ignore[arg-type]
