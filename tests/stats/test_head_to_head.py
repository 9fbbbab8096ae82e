"""Every pair of systems: real data, degenerate data, and the words on sufficiency."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.stats.head_to_head import HeadToHeadRow, head_to_head
from reports.stats.results import InvalidLevel, NegativeCount, WarningCode
from tests.stats.shared_sets import load
from tests.stats.vote_makers import Row, mirrored, vote_rows, votes_of


def rows_of(rows: list[Row], **options: Any) -> tuple[HeadToHeadRow, ...]:
    sizes = {name: options.pop(name, None) for name in ("n_systems", "n_prompts", "n_annotators")}
    return head_to_head(votes_of(rows, **sizes), seed=5, **options)


def one_vote_a_prompt(wins: int, losses: int, ties: int = 0) -> list[Row]:
    verdicts = [0] * wins + [2] * losses + [1] * ties
    return [(0, 1, verdict, 0, prompt, prompt % 30) for prompt, verdict in enumerate(verdicts)]


@pytest.mark.parametrize("name", ["pandalm", "mtbench_turn1", "rankgen"])
def test_counts_and_vote_level_tests_match_the_reference(shared_data: Path, name: str) -> None:
    shared = load(shared_data / name)
    table = head_to_head(shared.votes, seed=1)
    count = len(shared.systems)
    assert len(table) == count * (count - 1) // 2
    assert [(row.system_a, row.system_b) for row in table] == sorted(
        (row.system_a, row.system_b) for row in table
    )
    for row in table:
        key = f"{shared.systems[row.system_a]} | {shared.systems[row.system_b]}"
        expected = shared.expected["head_to_head"].get(key)
        if expected is None:
            assert row.n == 0
            assert row.p_value is row.p_adjusted is row.p_value_votes is row.component is None
            assert row.win_rate_a.estimate is None
            assert WarningCode.NO_VOTES in row.warnings
            assert not row.enough
            continue
        assert (row.wins_a, row.wins_b, row.ties) == tuple(
            expected[k] for k in ("wins_a", "wins_b", "ties")
        )
        assert row.p_value_votes == pytest.approx(expected["sign_p"], rel=1e-9)
        assert row.win_rate_a.estimate == pytest.approx(expected["winrate_a"], abs=5e-7)
        assert row.p_value is not None
        assert row.p_adjusted is not None
        assert row.p_value <= row.p_adjusted <= 1
        assert row.p_method == "sign_flip_exact"


def test_the_family_of_holm_is_the_pairs_with_votes_in_one_component(shared_data: Path) -> None:
    table = head_to_head(load(shared_data / "rankgen").votes, seed=1)
    tested = [row for row in table if row.n]
    assert [row.component for row in tested] == [0, 1]
    for row in tested:
        assert row.family == 1
        assert row.p_adjusted == row.p_value


@given(vote_rows(systems=3, max_size=30))
@settings(max_examples=20)
def test_any_votes_give_a_row_for_every_pair(rows: list[Row]) -> None:
    table = rows_of(rows, n_systems=3)
    assert [(row.system_a, row.system_b) for row in table] == [(0, 1), (0, 2), (1, 2)]
    assert sum(row.n for row in table) == len(rows)
    for row in table:
        assert row.n == row.wins_a + row.wins_b + row.ties + row.both_bad
        assert (row.p_value is None) == (row.n == 0)
        for p in (row.p_value, row.p_adjusted, row.p_value_votes, row.p_value_two_way):
            assert p is None or 0 < p <= 1
        if row.effective_decisive is not None:
            assert row.effective_decisive <= row.wins_a + row.wins_b
        assert not row.enough


@given(vote_rows(systems=3, max_size=30), st.data())
@settings(max_examples=12)
def test_mirrored_and_shuffled_rows_give_the_same_table(
    rows: list[Row], data: st.DataObject
) -> None:
    turns = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    shuffled = data.draw(st.permutations(mirrored(rows, turns)))
    sizes = {"n_systems": 3, "n_prompts": 5}
    assert rows_of(rows, **sizes) == rows_of(list(shuffled), **sizes)


def test_one_vote_a_prompt_makes_the_permutation_the_sign_test() -> None:
    (row,) = rows_of(one_vote_a_prompt(40, 20, 15))
    assert row.p_value == pytest.approx(row.p_value_votes, rel=1e-12)


def test_prompts_are_the_units_not_votes() -> None:
    rows: list[Row] = [
        (0, 1, 0 if prompt < 7 else 2, 0, prompt, who) for prompt in range(10) for who in range(20)
    ]
    (row,) = rows_of(rows)
    assert row.p_value_votes is not None
    assert row.p_value_votes < 1e-6
    assert row.p_value == pytest.approx(2 * (1 + 10 + 45 + 120) / 1024)


def test_enough_counts_effective_decisive_votes() -> None:
    (row,) = rows_of(one_vote_a_prompt(140, 90))
    assert row.needed == 210
    assert row.n == 230
    assert row.target_reached
    # The same votes on ten prompts, each prompt of one mind, are worth ten votes.
    rows: list[Row] = [
        (0, 1, 0 if prompt < 6 else 2, 0, prompt, who) for prompt in range(10) for who in range(40)
    ]
    (clustered,) = rows_of(rows)
    assert clustered.n == 400
    assert clustered.effective_decisive is not None
    assert clustered.effective_decisive < 15
    assert not clustered.enough


def test_enough_is_reached_by_independent_votes() -> None:
    rows = [(0, 1, 0 if k % 5 < 3 else 2, 0, k, k) for k in range(260)]
    (row,) = rows_of(rows)
    assert row.enough
    assert row.votes_needed == 0
    (short,) = rows_of(rows[:150])
    assert not short.enough
    assert short.votes_needed is not None
    assert 50 <= short.votes_needed <= 75


def test_lucky_clusters_are_not_more_votes_than_there_are() -> None:
    # Every prompt holds one win and one loss: the prompt means do not vary at all.
    rows: list[Row] = [
        (0, 1, verdict, 0, prompt, 2 * (prompt % 20) + verdict // 2)
        for prompt in range(60)
        for verdict in (0, 2)
    ]
    (row,) = rows_of(rows)
    assert row.effective_decisive is not None
    assert row.effective_decisive <= 120
    assert not row.enough


def test_too_few_prompts_are_said_to_be_and_no_more_votes_are_asked_for() -> None:
    rows: list[Row] = [(0, 1, 0, 0, prompt, who) for prompt in range(5) for who in range(50)]
    (row,) = rows_of(rows)
    assert row.p_value == 0.0625
    assert WarningCode.TOO_FEW_PROMPTS in row.warnings
    assert row.votes_needed is None
    (six,) = rows_of(rows, n_prompts=6)
    assert WarningCode.TOO_FEW_PROMPTS not in six.warnings


def test_the_floor_grows_with_the_family() -> None:
    rows: list[Row] = [
        (a, b, 0 if prompt % 3 else 2, 0, prompt, who)
        for a, b in ((0, 1), (0, 2), (1, 2))
        for prompt in range(6)
        for who in range(3)
    ]
    assert all(WarningCode.TOO_FEW_PROMPTS in row.warnings for row in rows_of(rows))
    pair = [row for row in rows if row[:2] == (0, 1)]
    assert WarningCode.TOO_FEW_PROMPTS not in rows_of(pair)[0].warnings


def test_a_verdict_that_hangs_on_these_annotators_is_pointed_out() -> None:
    # Three annotators of one mind and one of another, over many prompts.
    rows: list[Row] = [
        (0, 1, (0 if who < 3 else 2) if prompt % 7 else 1, 0, prompt, who)
        for prompt in range(40)
        for who in range(4)
    ]
    (row,) = rows_of(rows)
    assert row.p_value is not None
    assert row.p_value < 0.001
    assert row.p_value_two_way is not None
    assert row.p_value_two_way > 0.05
    assert WarningCode.P_VALUES_DIFFER in row.warnings


def test_unanimity_has_no_two_way_p_but_a_permutation_p() -> None:
    (row,) = rows_of(one_vote_a_prompt(12, 0))
    assert row.p_value_two_way is None
    assert row.p_value == pytest.approx(2**-11)
    assert row.win_rate_a.low is not None
    assert row.win_rate_a.low > 0.5


def test_nothing_but_ties_is_no_difference() -> None:
    (row,) = rows_of(one_vote_a_prompt(0, 0, 20))
    assert (row.p_value, row.p_value_votes, row.effective_decisive) == (1, 1, None)
    assert row.votes_needed is None
    assert row.win_rate_a.estimate == 0.5


def test_dropped_ties_leave_their_counts_but_not_their_points() -> None:
    rows = one_vote_a_prompt(6, 2, 8)
    (half,), (drop,) = rows_of(rows), rows_of(rows, ties="drop")
    assert half.n == drop.n == 16
    assert half.win_rate_a.estimate == 10 / 16
    assert drop.win_rate_a.estimate == 6 / 8
    assert WarningCode.TIES_DROPPED in drop.warnings
    only_ties = rows_of(one_vote_a_prompt(0, 0, 3), ties="drop")[0]
    assert only_ties.n == 3
    assert only_ties.p_value is None
    assert only_ties.win_rate_a.estimate is None


def test_both_bad_counts_as_half_a_win_unless_dropped() -> None:
    rows: list[Row] = [*one_vote_a_prompt(3, 1), (0, 1, 3, 0, 5, 0), (0, 1, 3, 0, 6, 0)]
    (folded,), (dropped,) = rows_of(rows), rows_of(rows, both_bad="drop")
    assert folded.both_bad == dropped.both_bad == 2
    assert folded.win_rate_a.estimate == pytest.approx(4 / 6)
    assert dropped.win_rate_a.estimate == 0.75
    assert WarningCode.BOTH_BAD_FOLDED in folded.warnings
    assert WarningCode.BOTH_BAD_FOLDED not in dropped.warnings


def test_the_target_is_a_number_of_votes() -> None:
    rows = one_vote_a_prompt(5, 5)
    assert rows_of(rows, target=10)[0].target_reached
    assert not rows_of(rows, target=11)[0].target_reached
    assert rows_of(rows)[0].target == 200


def test_misuse_is_refused() -> None:
    rows = one_vote_a_prompt(1, 1)
    with pytest.raises(NegativeCount, match="target is -1"):
        rows_of(rows, target=-1)
    with pytest.raises(InvalidLevel):
        rows_of(rows, level=1.0)


def test_no_or_one_system_gives_no_pair() -> None:
    assert rows_of([], n_systems=0) == ()
    assert rows_of([], n_systems=1) == ()
