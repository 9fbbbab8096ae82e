"""One sentence: a leader only where the first place is settled, and never a winner before."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.wording.headline import finding, headline
from tests.reports.results import board_row, clear_report, pair, report, undecided


def test_the_leader_is_named_and_who_cannot_be_told_apart() -> None:
    board = [
        board_row("B", 1, (1, 1)),
        board_row("C", 2, (2, 3)),
        board_row("D", 3, (2, 3)),
    ]
    pairs = [pair("B", "C"), pair("B", "D"), undecided("C", "D")]
    assert headline(report(board, pairs)) == ("B leads; C and D cannot be told apart.",)


def test_a_settled_order_is_said_to_be_settled() -> None:
    assert headline(clear_report("x", "y", "z")) == (
        "x leads, and the order of all 3 systems is settled.",
    )


def test_ranks_that_overlap_in_a_chain_are_an_open_order_and_not_equality() -> None:
    board = [
        board_row("A", 1, (1, 1)),
        board_row("B", 2, (2, 3)),
        board_row("C", 3, (2, 4)),
        board_row("D", 4, (3, 4)),
    ]
    pairs = [pair(a, b) for a, b in combinations("ABCD", 2)]
    assert headline(report(board, pairs)) == ("A leads; the order of B, C and D is open.",)


def test_between_two_systems_the_share_of_votes_is_said() -> None:
    (sentence,) = headline(clear_report("x", "y"))
    assert sentence == "x leads with 55\u00a0% of the votes."


def test_an_open_first_place_names_the_votes_that_are_missing() -> None:
    board = [board_row("A", 1, (1, 2)), board_row("B", 2, (1, 2)), board_row("C", 3, (3, 3))]
    pairs = [undecided("A", "B", votes_needed=143), pair("A", "C"), pair("B", "C")]
    assert headline(report(board, pairs)) == ("Not decided yet: about 140 more votes.",)


def test_enough_votes_without_a_difference_is_a_finding_too() -> None:
    board = [board_row("A", 1, (1, 2)), board_row("B", 2, (1, 2))]
    (sentence,) = headline(report(board, [undecided("A", "B", enough=True, votes_needed=0)]))
    assert sentence.startswith("No clear difference between A and B")
    assert "60\u00a0%" in sentence


def test_too_few_prompts_are_never_answered_with_more_votes() -> None:
    board = [board_row("A", 1, (1, 2)), board_row("B", 2, (1, 2))]
    warned = undecided("A", "B", warnings=["too_few_prompts"], votes_needed=None)
    (sentence,) = headline(report(board, [warned]))
    assert "50 prompts cannot decide this" in sentence
    assert "more votes" not in sentence


def test_with_few_annotators_the_leader_holds_for_these_only() -> None:
    few = {"warnings": ["few_annotators"]}
    board = [board_row("A", 1, (1, 2), **few), board_row("B", 2, (1, 2), **few)]
    for row in board:
        row["rating"]["n_clusters"] = {"annotator": 3, "prompt": 50}
    (sentence,) = headline(report(board, [pair("A", "B")]))
    assert sentence.startswith("Among these 3 annotators A leads")
    assert sentence.endswith("too few to say so of others.")


def test_while_votes_come_in_nobody_leads_before_the_planned_number() -> None:
    early = {"warnings": ["sequential_look"]}
    (sentence,) = headline(clear_report("x", "y", **early))
    assert sentence == "Not decided yet: 100 more votes until every pair has its planned number."
    complete = clear_report("x", "y", **early)
    complete["head_to_head"][0].update(n=200, target_reached=True)
    assert headline(complete)[0].startswith("x leads")


def watched_board(*empty: dict[str, Any]) -> dict[str, Any]:
    """A, B and C settled and watched; every pair has its votes but `empty`."""
    result = clear_report("A", "B", "C", warnings=["sequential_look"])
    for row in result["head_to_head"]:
        row.update(n=200, target_reached=True)
    replaced = {(row["system_a"], row["system_b"]): row for row in empty}
    result["head_to_head"] = [
        replaced.get((row["system_a"], row["system_b"]), row) for row in result["head_to_head"]
    ]
    return result


def test_a_planned_pair_without_a_vote_keeps_the_first_place_open() -> None:
    (sentence,) = headline(watched_board(pair("A", "C", None, comparisons=50)))
    assert sentence == "Not decided yet: 200 more votes until every pair has its planned number."


def test_a_pair_that_the_design_leaves_out_is_not_waited_for() -> None:
    (sentence,) = headline(watched_board(pair("A", "C", None, comparisons=0)))
    assert sentence == "A leads, and the order of all 3 systems is settled."


def test_an_order_below_the_leader_waits_for_its_planned_votes() -> None:
    (sentence,) = headline(watched_board(pair("B", "C", None, comparisons=50)))
    assert sentence == "A leads; the order below it is not decided yet."


def test_a_planned_pair_without_votes_says_how_many_are_missing() -> None:
    row = pair("A", "C", None, comparisons=50)
    assert finding(row, watched_board(row)) == "not decided yet: 200 more votes"


def test_groups_that_never_met_have_no_common_leader() -> None:
    board = [
        board_row("A", 1, (1, 1)),
        board_row("B", 2, (2, 2)),
        board_row("C", 1, (1, 2), component=2),
        board_row("D", 2, (1, 2), component=2),
    ]
    pairs = [
        pair("A", "B"),
        *(pair(a, b, None) for a in "AB" for b in "CD"),
        undecided("C", "D", component=2),
    ]
    first, *others = headline(report(board, pairs))
    assert "never compared with each other" in first
    assert "leads" not in first
    assert [sentence[:9] for sentence in others] == ["Group 1: ", "Group 2: "]
    assert others[1] == "Group 2: not decided yet: about 140 more votes."


def test_without_votes_nothing_is_said_about_the_systems() -> None:
    nothing = board_row("A", 1, (1, 1), component=None)
    assert headline(report([nothing], []))[0].startswith("No votes yet")


def test_many_systems_in_an_open_order_are_counted_not_listed() -> None:
    board = [board_row("leader", 1, (1, 1))]
    board += [board_row(f"s{n}", n, (2, 9)) for n in range(2, 10)]
    names = [row["system"] for row in board]
    (sentence,) = headline(report(board, [pair(a, b) for a, b in combinations(names, 2)]))
    assert sentence == "leader leads; 8 systems below it are not in a settled order."


@st.composite
def boards(draw: st.DrawFn) -> dict[str, Any]:
    """Reports of any state: ranks, tests, counts, warnings, watched or not."""
    names = ["A", "B", "C", "D"][: draw(st.integers(2, 4))]
    size = len(names)
    people = draw(st.sampled_from([[], ["few_annotators"], ["single_annotator"]]))
    board = []
    for rank, name in enumerate(names, 1):
        low, high = draw(st.integers(1, rank)), draw(st.integers(rank, size))
        board.append(board_row(name, rank, (low, high), warnings=people))
    pairs = []
    for a, b in combinations(names, 2):
        p = draw(st.floats(0, 1))
        reached = draw(st.booleans())
        pairs.append(
            pair(
                a,
                b,
                draw(st.floats(0, 1)),
                p_value=p,
                p_adjusted=min(1.0, p * 3),
                enough=draw(st.booleans()),
                n=250 if reached else 100,
                target_reached=reached,
                votes_needed=draw(st.none() | st.integers(0, 999)),
                warnings=draw(st.sampled_from([[], ["too_few_prompts"], ["p_values_differ"]])),
            )
        )
    watched = draw(st.sampled_from([[], ["sequential_look"]]))
    return report(board, pairs, warnings=watched)


@given(boards())
def test_a_winner_is_never_named_while_it_is_undecided(result: dict[str, Any]) -> None:
    (sentence,) = headline(result)
    first = result["leaderboard"][0]
    if " leads" in sentence:
        own = [
            row
            for row in result["head_to_head"]
            if first["system"] in (row["system_a"], row["system_b"])
        ]
        settled = first["rank_high"] == 1
        tested = all(row["p_adjusted"] <= 0.05 for row in own)
        assert settled or (sentence.startswith(("Among these", "For this")) and tested)
        if result["warnings"]:
            assert all(row["target_reached"] for row in own)
    else:
        assert "wins" not in sentence
        assert sentence.startswith("Not decided") or "No clear difference" in sentence


@given(boards())
def test_it_never_says_significant_and_never_shouts(result: dict[str, Any]) -> None:
    said = [*headline(result), *(finding(row, result) for row in result["head_to_head"])]
    assert not any("significan" in text.lower() or "!" in text for text in said)


@given(boards())
def test_a_pair_has_a_winner_only_by_its_adjusted_test(result: dict[str, Any]) -> None:
    for row in result["head_to_head"]:
        said = finding(row, result)
        if "wins more" in said:
            assert row["p_adjusted"] <= 0.05
            ahead = row["system_a"] if row["win_rate_a"]["estimate"] > 0.5 else row["system_b"]
            assert said.startswith(ahead)
            assert row["target_reached"] or not result["warnings"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"n": 0, "comparisons": 0}, "never compared"),
        ({"n": 0, "comparisons": 50}, "no votes"),
        ({"p_adjusted": 0.2, "votes_needed": 143}, "not decided yet: about 140 more votes"),
        ({"p_adjusted": 0.2, "enough": True}, "no clear difference"),
        ({"p_adjusted": 0.2, "votes_needed": None}, "not decided: only ties so far"),
        ({"warnings": ["too_few_prompts"]}, "too few prompts to decide"),
        ({"warnings": ["p_values_differ"]}, "x wins more among these annotators"),
        ({"warnings": ["few_annotators"]}, "x wins more among these annotators"),
        ({"warnings": ["single_annotator"]}, "x wins more for this annotator"),
        ({}, "x wins more"),
    ],
)
def test_each_pair_says_what_it_shows(changes: dict[str, Any], said: str) -> None:
    row = pair("x", "y", 0.7, **changes)
    assert finding(row, report([], [row])) == said
