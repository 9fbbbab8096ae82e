from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from annotation.queue.ring import (
    RING,
    START,
    annotator_start,
    distance,
    places,
    start_in_stratum,
    stretches_ahead,
)

PLACES = st.one_of(
    st.integers(0, 20), st.integers(RING - 20, RING - 1), st.integers(RING, RING + 20)
)
STARTS = st.one_of(st.integers(0, 20), st.integers(RING - 20, RING - 1))


def walk(open_places: set[int], start: int) -> list[int]:
    """Everything in the order in which a lone annotator would be given it."""
    cursor = START
    order: list[int] = []
    while True:
        for stretch in stretches_ahead(cursor, start):
            ahead = [
                place
                for place in open_places
                if place >= stretch.first and (stretch.end is None or place < stretch.end)
            ]
            if ahead:
                break
            cursor = stretch.cursor_after
        else:
            return order
        order.append(min(ahead))
        cursor = distance(order[-1], start)


@given(st.sets(PLACES), STARTS)
def test_a_walk_meets_every_place_once_and_what_came_back_last(open_places, start):
    order = walk(open_places, start)
    assert sorted(order) == sorted(open_places)
    distances = [distance(place, start) for place in order]
    assert distances == sorted(distances)
    on_ring = [place for place in order if place < RING]
    assert order[: len(on_ring)] == on_ring
    from_start = [place for place in on_ring if place >= start]
    assert on_ring[: len(from_start)] == from_start


@given(st.sets(PLACES, min_size=1), STARTS, st.data())
def test_nothing_ahead_of_a_cursor_is_out_of_reach(open_places, start, data):
    cursor = distance(data.draw(st.sampled_from(sorted(open_places))), start)
    ahead = {place for place in open_places if distance(place, start) > cursor}
    reached = {
        place
        for stretch in stretches_ahead(cursor, start)
        for place in open_places
        if place >= stretch.first and (stretch.end is None or place < stretch.end)
    }
    assert reached == ahead


@given(st.integers(0, 2**32), st.text(max_size=5), st.lists(st.text(), min_size=1, unique=True))
def test_one_prompts_pairs_are_spread_over_the_ring_in_a_seeded_order(seed, prompt_id, items):
    found = places(seed, prompt_id, items)
    assert found == places(seed, prompt_id, items[::-1])
    ordered = sorted(found.values())
    assert all(0 <= place < RING for place in ordered)
    around = [*ordered, ordered[0] + RING]
    spacing = RING / len(items) / 2
    assert all(after - before >= spacing - 2 for before, after in pairwise(around))


def test_annotators_start_at_different_places():
    starts = [annotator_start(0, f"annotator{number}") for number in range(200)]
    assert len(set(starts)) == 200
    assert min(starts) < RING // 20
    assert max(starts) > RING - RING // 20


@given(st.integers(0, 2**32), st.text(max_size=5), st.lists(st.text(), min_size=1, unique=True))
def test_grouped_pairs_of_one_prompt_lie_side_by_side_in_a_seeded_order(seed, prompt_id, items):
    found = places(seed, prompt_id, items, grouped=True)
    first = min(found.values())
    steps = {(place - first) % RING for place in found.values()}
    if first > 0:
        assert steps == set(range(len(items)))
    assert found == places(seed, prompt_id, items[::-1], grouped=True)


@given(
    st.integers(0, 2**32),
    st.integers(1, 400),
    st.integers(1, 3),
    st.integers(0, RING - 1),
    st.integers(1, RING - 1),
)
def test_every_stretch_of_the_ring_has_its_share_of_a_category(seed, prompts, pairs, first, length):
    inside = 0
    for number in range(prompts):
        start = start_in_stratum(seed, "law", number)
        items = [f"{number}-{pair}" for pair in range(pairs)]
        for place in places(seed, f"p{number}", items, start=start).values():
            inside += (place - first) % RING < length
    assert abs(inside - prompts * pairs * length / RING) <= 4 * pairs


def test_prompts_of_a_category_never_begin_at_the_same_place():
    starts = {start_in_stratum(0, "law", number) for number in range(100_000)}
    assert len(starts) == 100_000
