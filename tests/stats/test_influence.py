"""Leaving annotators and votes out: real votes, true refits, and what must not change."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.stats import influence
from reports.stats.bradley_terry import fit_bradley_terry
from reports.stats.cells import Cells
from reports.stats.influence import fewest_votes_to_flip, leave_one_annotator_out
from reports.stats.results import ShapeMismatch, WarningCode
from reports.stats.votes import Votes
from tests.stats.shared_sets import load, references
from tests.stats.vote_makers import (
    Row,
    mirrored,
    regular_rows,
    simulated,
    vote_rows,
    votes_of,
)


def test_real_votes_give_the_published_shift(shared_data: Path) -> None:
    real = load(shared_data / "mtbench_turn1")
    published = references(shared_data)["bt_mtbench_turn1"]["computed"]["leave_one_annotator_out"]
    fit = fit_bradley_terry(Cells.from_votes(real.votes))
    found = leave_one_annotator_out(real.votes, fit)
    assert found.largest is not None
    assert real.annotators[found.largest] == published["annotator"]
    assert round(found.shift[found.largest], 4) == published["largest_shift"]


def test_real_votes_give_the_published_counts(shared_data: Path) -> None:
    real = load(shared_data / "mtbench_turn1")
    published = references(shared_data)["bt_mtbench_turn1"]["computed"]["drop_to_flip_adjacent"]
    cells = Cells.from_votes(real.votes)
    (part,) = fit_bradley_terry(cells).components
    for better, worse, linear, votes in published:
        i, j = real.systems.index(better), real.systems.index(worse)
        found = fewest_votes_to_flip(cells, part, i, j)
        assert (found.linear, found.votes, found.n) == (linear, votes, 1689)
        assert found.share == pytest.approx(votes / 1689)


def true_refit(votes: Votes, annotator: int) -> tuple[np.ndarray, bool]:
    """Strengths without one annotator, and whether the fit is finite and complete."""
    rest = votes.take(votes.annotator != annotator)
    fit = fit_bradley_terry(Cells.from_votes(rest))
    whole = len(fit.components) == 1 and not np.isnan(fit.strengths).any()
    return fit.strengths, whole and fit.components[0].method == "bt_half"


@pytest.mark.parametrize("entries", [1, 1 << 18])
def test_every_shift_is_that_of_a_true_refit(entries: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(influence, "BLOCK_ENTRIES", entries)
    votes, _ = simulated(4, n=300, annotators=12)
    fit = fit_bradley_terry(Cells.from_votes(votes))
    found = leave_one_annotator_out(votes, fit)
    order = np.argsort(fit.strengths)
    for annotator in range(12):
        strengths, finite = true_refit(votes, annotator)
        assert finite
        moved = np.abs(strengths - fit.strengths)
        assert found.shift[annotator] == pytest.approx(moved.max(), abs=1e-8)
        assert found.system[annotator] == np.argmax(moved)
        assert found.rank_changes[annotator] == (np.argsort(strengths) != order).any()
    assert found.undefined == 0
    assert found.warnings == ()


@settings(max_examples=60)
@given(vote_rows(systems=3, min_size=1, max_size=25))
def test_annotators_who_hold_the_board_up_are_counted(rows: list[Row]) -> None:
    votes = votes_of(rows, n_systems=3)
    fit = fit_bradley_terry(Cells.from_votes(votes))
    found = leave_one_annotator_out(votes, fit)
    if len(fit.components) != 1 or np.isnan(fit.strengths).any():
        return
    people = np.unique(votes.annotator)
    if people.size < 2:
        assert found.warnings == (WarningCode.SINGLE_ANNOTATOR,)
        assert found.largest is None
        return
    if fit.components[0].method != "bt_half":
        assert found.undefined == 0  # the prior holds every fit
        return
    lost = 0
    for annotator in people:
        strengths, finite = true_refit(votes, int(annotator))
        lost += not finite
        if finite:
            moved = np.abs(strengths - fit.strengths).max()
            assert found.shift[annotator] == pytest.approx(moved, abs=1e-7)
        else:
            assert np.isnan(found.shift[annotator])
    assert found.undefined == lost
    assert (WarningCode.SPARSE_CELLS in found.warnings) == (lost > 0)


def test_islands_are_refitted_on_their_own() -> None:
    left = regular_rows(1, n=60, systems=3)
    right: list[Row] = [
        (a + 3, b + 3, verdict, side, prompt, who)
        for a, b, verdict, side, prompt, who in regular_rows(2, n=60, systems=3)
    ]
    both = votes_of([*left, *right], n_systems=6)
    found = leave_one_annotator_out(both, fit_bradley_terry(Cells.from_votes(both)))
    parts = []
    for rows in (left, right):
        votes = votes_of(rows)
        parts.append(leave_one_annotator_out(votes, fit_bradley_terry(Cells.from_votes(votes))))
    assert found.shift == pytest.approx(np.maximum(parts[0].shift, parts[1].shift), abs=1e-8)


def test_weights_count() -> None:
    votes, _ = simulated(6, n=200, annotators=5, systems=3)
    heavy = np.where(votes.annotator == 2, 3.0, 1.0)
    weighted = Votes.from_arrays(
        votes.system_a,
        votes.system_b,
        votes.verdict,
        prompt=votes.prompt,
        annotator=votes.annotator,
        weight=heavy,
    )
    repeated = votes.take(np.repeat(np.arange(votes.n), heavy.astype(int)))
    one, other = (
        leave_one_annotator_out(rows, fit_bradley_terry(Cells.from_votes(rows)))
        for rows in (weighted, repeated)
    )
    assert one.shift == pytest.approx(other.shift, abs=1e-6)


def test_without_votes_there_is_nobody_to_leave_out() -> None:
    votes = votes_of([], n_systems=3)
    found = leave_one_annotator_out(votes, fit_bradley_terry(Cells.from_votes(votes)))
    assert found.largest is None
    assert found.warnings == (WarningCode.NO_VOTES,)


def brute_force(rows: list[Row], higher: int, lower: int, systems: int) -> int | None:
    """Fewest votes over all subsets."""
    for size in range(1, len(rows) + 1):
        for removed in combinations(range(len(rows)), size):
            rest = [row for place, row in enumerate(rows) if place not in removed]
            strengths = fit_bradley_terry(
                Cells.from_votes(votes_of(rest, n_systems=systems))
            ).strengths
            if strengths[higher] < strengths[lower]:
                return size
    return None


def test_two_systems_need_the_surplus_of_wins_and_one_more() -> None:
    rows = [(0, 1, 0, 1, 0, 0)] * 7 + [(0, 1, 2, 1, 0, 0)] * 4 + [(0, 1, 1, 1, 0, 0)] * 3
    cells = Cells.from_votes(votes_of(rows))
    (part,) = fit_bradley_terry(cells).components
    assert fewest_votes_to_flip(cells, part, 0, 1).votes == 4
    assert fewest_votes_to_flip(cells, part, 0, 1, ties="drop").n == 11


def test_small_boards_meet_the_search_over_all_subsets() -> None:
    met = 0
    for seed in range(4):
        rows = regular_rows(seed, n=11, systems=3)
        cells = Cells.from_votes(votes_of(rows, n_systems=3))
        (part,) = fit_bradley_terry(cells).components
        order = np.argsort(-part.strengths)
        higher, lower = int(order[0]), int(order[1])
        if part.strengths[higher] - part.strengths[lower] < 1e-8:
            continue
        least = brute_force(rows, higher, lower, 3)
        found = fewest_votes_to_flip(cells, part, higher, lower)
        assert found.votes is not None
        assert least is not None
        assert least <= found.votes <= least + 1  # greedy: never fewer than the least
        met += found.votes == least
    assert met >= 2


@settings(max_examples=30)
@given(st.integers(0, 1_000))
def test_the_order_within_pairs_changes_no_count(seed: int) -> None:
    votes = votes_of(regular_rows(seed, n=80))
    cells = Cells.from_votes(votes)
    (part,) = fit_bradley_terry(cells).components
    order = np.argsort(-part.strengths)
    found = fewest_votes_to_flip(cells, part, int(order[0]), int(order[1]))
    assert found.votes is not None
    assert 0 <= found.votes <= cells.n
    turned = mirrored(regular_rows(seed, n=80), [place % 3 == 0 for place in range(80)])
    again = fewest_votes_to_flip(
        Cells.from_votes(votes_of(turned)), part, int(order[0]), int(order[1])
    )
    assert again == found


def test_equal_systems_need_no_vote_removed() -> None:
    rows = [(0, 1, 0, 1, 0, 0), (0, 1, 2, 1, 0, 0)]
    cells = Cells.from_votes(votes_of(rows))
    (part,) = fit_bradley_terry(cells).components
    assert fewest_votes_to_flip(cells, part, 0, 1).votes == 0


def test_unanimous_votes_hold_until_they_are_all_gone() -> None:
    cells = Cells.from_votes(votes_of([(0, 1, 0, 1, p, 0) for p in range(6)]))
    (part,) = fit_bradley_terry(cells).components
    found = fewest_votes_to_flip(cells, part, 0, 1)
    assert found.votes == 6


def test_systems_of_two_components_are_refused() -> None:
    rows = [(0, 1, 0, 1, 0, 0), (0, 1, 2, 1, 0, 0), (2, 3, 0, 1, 0, 0)]
    cells = Cells.from_votes(votes_of(rows))
    part = fit_bradley_terry(cells).components[0]
    with pytest.raises(ShapeMismatch, match="not two of one component"):
        fewest_votes_to_flip(cells, part, 0, 2)
