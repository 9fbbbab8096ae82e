"""Ratings are checked once, hold one row an item and rater, and never a dense array."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.stats.ratings import ratings
from reports.stats.results import ShapeMismatch, StatsError

Rows = list[tuple[int, int, int]]
rating_rows = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 4), st.integers(0, 2)), min_size=1, max_size=40
)


def test_only_the_first_rating_of_an_item_by_a_rater_counts_and_repeats_are_told() -> None:
    rated = ratings([1, 0, 1, 1], [2, 0, 2, 0], [0, 1, 2, 1], n_categories=3)
    assert rated.repeats == 1
    assert rated.counts().tolist() == [[0, 1, 0], [1, 1, 0]]


@given(rating_rows, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(rows: Rows, random: object) -> None:
    distinct = list({(i, g): (i, g, k) for i, g, k in rows}.values())
    shuffled = list(distinct)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one = ratings(*np.array(distinct).T, n_categories=3)
    other = ratings(*np.array(shuffled).T, n_categories=3)
    for name in ("item", "rater", "category"):
        assert getattr(one, name).tolist() == getattr(other, name).tolist()


@given(rating_rows)
def test_collapsed_count_vectors_lead_back_to_the_items(rows: Rows) -> None:
    rated = ratings(*np.array(rows).T, n_categories=3, n_items=8)
    counts = rated.item_counts()
    dense = rated.counts()
    assert counts.vectors[counts.pattern].tolist() == dense[counts.item].tolist()
    assert counts.items.tolist() == np.bincount(counts.pattern).tolist()
    assert counts.n_votes == rated.item.size
    assert np.unique(counts.vectors, axis=0).shape == counts.vectors.shape
    assert set(np.flatnonzero(dense.sum(axis=1))) == set(counts.item.tolist())


def test_items_with_very_many_votes_are_collapsed_as_well() -> None:
    # 200 votes an item and five categories: packed codes would need more than 3e11 places.
    random = np.random.default_rng(5)
    item, rater = np.divmod(np.arange(2000), 200)
    rated = ratings(item, rater, random.integers(0, 5, 2000), n_categories=5)
    counts = rated.item_counts()
    assert counts.vectors[counts.pattern].tolist() == rated.counts().tolist()


def test_items_are_selected_by_their_number_of_votes() -> None:
    rated = ratings([0, 0, 1, 2, 2, 2], [0, 1, 0, 0, 1, 2], [0, 0, 1, 1, 1, 0], n_categories=2)
    counts = rated.item_counts()
    assert counts.with_votes(2).item.tolist() == [0, 2]
    assert counts.with_votes(2, 2).item.tolist() == [0]
    assert counts.n_paired == 2


@pytest.mark.parametrize(
    ("arrays", "error", "message"),
    [
        (([0, 1], [0], [0, 1]), ShapeMismatch, "item, rater and category"),
        (([[0]], [0], [0]), ShapeMismatch, "item has 2 dimensions"),
        (([0.5], [0], [0]), StatsError, "item holds float64"),
        (([0], [-1], [0]), StatsError, "rater holds codes -1"),
        (([0], [0], [3]), StatsError, "expected codes from 0 to 2"),
    ],
)
def test_misuse_is_refused_by_name(
    arrays: tuple[object, object, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        ratings(*arrays, n_categories=3)  # type: ignore[arg-type]


def test_prompts_must_be_given_for_every_item() -> None:
    with pytest.raises(ShapeMismatch, match="prompt has 1 entries for 2 items"):
        ratings([0, 1], [0, 0], [0, 0], n_categories=2, prompt=[0])


def test_a_scale_has_at_least_two_categories() -> None:
    with pytest.raises(StatsError, match="at least two categories"):
        ratings([0], [0], [0], n_categories=1)


def test_five_hundred_raters_need_no_array_of_raters_by_items() -> None:
    # 500 x 20,000 floats would be 80 MB; the votes themselves are 1.4 MB.
    random = np.random.default_rng(11)
    item = np.repeat(np.arange(20_000), 3)
    rater, category = random.integers(0, 500, item.size), random.integers(0, 3, item.size)
    tracemalloc.start()
    try:
        ratings(item, rater, category, n_categories=3).item_counts()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20e6
