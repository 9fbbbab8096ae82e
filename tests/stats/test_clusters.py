"""Clusters of votes as codes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.stats import clusters as room
from reports.stats.clusters import ALONE, effective_clusters, intersect, order_of, shared_by_several
from tests.stats.vote_makers import simulated


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 400)), max_size=60))
@settings(max_examples=50)
def test_intersected_clusters_are_those_of_equal_pairs(pairs: list[tuple[int, int]]) -> None:
    first = np.array([pair[0] for pair in pairs], dtype=np.int32)
    second = np.array([pair[1] for pair in pairs], dtype=np.int32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "CHUNK_ENTRIES", -10_000)
        code, count = intersect(first, second)
    places = {pair: number for number, pair in enumerate(sorted(set(pairs)))}
    assert count == len(places)
    assert code.tolist() == [places[pair] for pair in pairs]


@given(st.lists(st.integers(0, 50), max_size=80))
def test_counting_orders_as_a_stable_sort_does(codes: list[int]) -> None:
    code = np.array(codes, dtype=np.int64)
    assert order_of(code).tolist() == np.argsort(code, kind="stable").tolist()


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), max_size=40))
def test_only_clusters_of_several_votes_have_a_code(pairs: list[tuple[int, int]]) -> None:
    first = np.array([pair[0] for pair in pairs], dtype=np.int32)
    second = np.array([pair[1] for pair in pairs], dtype=np.int32)
    several = sorted({pair for pair in pairs if pairs.count(pair) > 1})
    expected = [several.index(pair) if pair in several else ALONE for pair in pairs]
    assert shared_by_several(first, second).tolist() == expected


def test_votes_that_are_taken_keep_the_clusters_that_were_found() -> None:
    votes, _ = simulated(4, systems=4, n=200, annotators=3, prompts=40)
    rows = np.arange(0, votes.n, 2)
    before = votes.take(rows)
    known = votes.shared
    after = votes.take(rows)
    np.testing.assert_array_equal(after.shared, known[rows])
    # One that was left alone keeps its code; the others are the same clusters by other codes.
    for cluster in set(before.shared.tolist()) - {ALONE}:
        members = before.shared == cluster
        assert len(set(after.shared[members].tolist())) == 1
        assert (after.shared == after.shared[members][0]).sum() == members.sum()


def test_effective_clusters_are_the_inverse_concentration() -> None:
    assert effective_clusters(np.array([0, 0, 3, 3])) == (2, 2.0)
    assert effective_clusters(np.array([5, 5, 5, 1])) == (2, 16 / 10)
    assert effective_clusters(np.zeros(0, dtype=int)) == (0, 0.0)


def test_weights_concentrate_clusters() -> None:
    cluster = np.array([0, 0, 3, 3])
    assert effective_clusters(cluster, np.array([1.0, 1.0, 1.0, 1.0])) == (2, 2.0)
    assert effective_clusters(cluster, np.array([2.0, 1.0, 1.0, 0.0])) == (2, 16 / 10)
    assert effective_clusters(cluster, np.array([2.0, 2.0, 0.0, 0.0])) == (2, 1.0)


def test_intersections_are_the_distinct_pairs_however_they_are_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    random = np.random.default_rng(0)
    first, second = random.integers(0, 50, 300), random.integers(0, 4000, 300)
    codes, count = intersect(first, second)
    assert count == len(set(zip(first.tolist(), second.tolist(), strict=True)))
    monkeypatch.setattr(room, "CHUNK_ENTRIES", 0)
    sorted_codes, sorted_count = intersect(first, second)
    assert sorted_count == count
    np.testing.assert_array_equal(codes, sorted_codes)
