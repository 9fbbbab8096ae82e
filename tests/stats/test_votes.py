"""The public edge: what is refused, and how votes become cells."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.stats.cells import Cells
from reports.stats.group_sums import group_sum, on_exact_grid
from reports.stats.results import (
    NegativeCount,
    NonFiniteInput,
    SelfComparison,
    ShapeMismatch,
    StatsError,
    UnknownPolicy,
    UnknownVerdict,
)
from reports.stats.votes import Votes
from tests.stats.vote_makers import Row, mirrored, regular_rows, vote_rows, votes_of

GOOD: dict[str, Any] = {
    "system_a": [0, 1],
    "system_b": [1, 2],
    "verdict": [0, 3],
    "prompt": [0, 1],
    "annotator": [0, 0],
}


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"verdict": [0, 4]}, UnknownVerdict, "verdict of vote 1 is .*4"),
        ({"verdict": [0, -1]}, UnknownVerdict, "verdict of vote 1"),
        ({"verdict": [0.0, 0.5]}, UnknownVerdict, "verdict of vote 1"),
        ({"system_b": [1, 1]}, SelfComparison, "vote 1 compares system 1 with itself"),
        ({"prompt": [0]}, ShapeMismatch, "prompt has shape"),
        ({"side": [0, 2]}, ShapeMismatch, "side of vote 1"),
        ({"system_a": [-1, 1]}, NegativeCount, "system_a holds the code -1"),
        ({"system_a": [0.0, 1.0]}, ShapeMismatch, "expected integer codes"),
        ({"system_a": [[0, 1]]}, ShapeMismatch, "2 dimensions"),
        ({"n_systems": 2}, ShapeMismatch, "holds the code 2, but there are only 2"),
        ({"weight": [1.0, np.nan]}, NonFiniteInput, "weight of vote 1"),
        ({"weight": [1.0, -1.0]}, NegativeCount, "weight of vote 1"),
        ({"weight": [0.0, 0.0]}, NegativeCount, "all weights are 0"),
        ({"weight": [1.0]}, ShapeMismatch, "weight has shape"),
        ({"item": [1]}, ShapeMismatch, "item has shape"),
    ],
)
def test_misuse_is_refused_with_the_place_and_the_reason(
    change: dict[str, Any], error: type[StatsError], message: str
) -> None:
    with pytest.raises(error, match=message):
        Votes.from_arrays(**{**GOOD, **change})


def test_an_unknown_policy_is_refused() -> None:
    votes = Votes.from_arrays(**GOOD)
    with pytest.raises(UnknownPolicy, match="ties='davidson'"):
        votes.counted("davidson")  # type: ignore[arg-type]
    with pytest.raises(UnknownPolicy, match="both_bad='keep'"):
        Cells.from_votes(votes).scores(both_bad="keep")  # type: ignore[arg-type]


def test_counts_below_zero_are_refused() -> None:
    with pytest.raises(NegativeCount, match="count 1 is -2"):
        Cells.from_counts([0, 0], [1, 1], [0, 1], [3, -2], n_systems=2)


def test_an_item_defaults_to_the_prompt_with_the_unordered_pair() -> None:
    votes = votes_of(
        [(0, 1, 0, 0, 0, 0), (1, 0, 0, 0, 0, 1), (0, 1, 0, 0, 1, 0), (0, 2, 0, 0, 0, 0)]
    )
    assert votes.item[0] == votes.item[1]
    assert len(set(votes.item.tolist())) == votes.n_items == 3


def test_weights_are_rescaled_to_mean_one() -> None:
    votes = Votes.from_arrays(**GOOD, weight=[1.0, 3.0])
    assert votes.weight is not None
    assert votes.weight.tolist() == [0.5, 1.5]


@given(vote_rows())
def test_cells_count_what_a_naive_loop_counts(rows: list[Row]) -> None:
    wins, ties, bad = np.zeros((4, 4)), np.zeros((4, 4)), np.zeros((4, 4))
    for a, b, verdict, *_ in rows:
        if verdict == 0:
            wins[a, b] += 1
        elif verdict == 2:
            wins[b, a] += 1
        else:
            table = ties if verdict == 1 else bad
            table[a, b] += 1
            table[b, a] += 1
    cells = Cells.from_votes(votes_of(rows, n_systems=4))
    assert cells.n == len(rows)
    assert bool((cells.system_a < cells.system_b).all())
    for both_bad, tied in (("drop", ties), ("tie", ties + bad)):
        found_wins, found_ties = cells.wins_and_ties(both_bad)
        np.testing.assert_array_equal(found_wins, wins)
        np.testing.assert_array_equal(found_ties, tied)
    np.testing.assert_array_equal(cells.both_bad(), bad)
    score, total = cells.scores()
    np.testing.assert_array_equal(score, wins + (ties + bad) / 2)
    np.testing.assert_array_equal(score + score.T, total)
    score, total = cells.scores("drop")
    np.testing.assert_array_equal(score, wins)
    np.testing.assert_array_equal(total, wins + wins.T)


@given(vote_rows(), st.randoms(use_true_random=False))
def test_cells_do_not_depend_on_row_order_or_on_how_a_pair_was_stored(
    rows: list[Row], random: Any
) -> None:
    turned = mirrored(rows, [random.random() < 0.5 for _ in rows])
    random.shuffle(turned)
    first = Cells.from_votes(votes_of(rows, n_systems=4))
    second = Cells.from_votes(votes_of(turned, n_systems=4))
    for name in ("system_a", "system_b", "side", "verdict", "count", "weight"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def test_many_systems_are_counted_by_sorting_with_the_same_result() -> None:
    rows = regular_rows(1)
    small = Cells.from_votes(votes_of(rows, n_systems=4))
    large = Cells.from_votes(votes_of(rows, n_systems=5_000))
    np.testing.assert_array_equal(small.count, large.count)
    np.testing.assert_array_equal(small.verdict, large.verdict)
    assert large.n_systems == 5_000


def test_taking_counted_votes_leaves_out_what_the_policies_leave_out() -> None:
    votes = votes_of([(0, 1, verdict, 0, 0, 0) for verdict in range(4)])
    assert votes.counted() is votes
    assert votes.counted("half", "drop").verdict.tolist() == [0, 1, 2]
    assert votes.counted("drop").verdict.tolist() == [0, 2]


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=200), st.randoms(use_true_random=False))
def test_sums_on_the_exact_grid_do_not_depend_on_the_order(
    values: list[float], random: Any
) -> None:
    shuffled = values.copy()
    random.shuffle(shuffled)
    sums = [
        group_sum(np.zeros(len(values), int), on_exact_grid(np.array(order)), 1)[0]
        for order in (values, shuffled)
    ]
    assert sums[0] == sums[1]
    assert sums[0] == pytest.approx(sum(values), abs=1e-12)
