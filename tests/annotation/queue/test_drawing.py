from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.queue.drawing import OpenCell, Urn
from annotation.rules import Policy, Priorities

ADAPTIVE = Priorities(policy=Policy.ADAPTIVE, uniform_share=0.2)
EMPTIEST = Priorities(policy=Policy.EMPTIEST)
POLICIES = st.sampled_from([ADAPTIVE, EMPTIEST])
CELLS = st.lists(
    st.builds(OpenCell, st.integers(1), st.floats(0, 1e6), st.integers(0, 10**6)), min_size=1
)
CELLS_AND_SOME = CELLS.flatmap(
    lambda cells: st.tuples(
        st.just(cells), st.sets(st.integers(0, len(cells) - 1), max_size=len(cells) - 1)
    )
)


def chances(
    priorities: Priorities, cells: Sequence[OpenCell], left_out: Collection[int] = ()
) -> list[float]:
    """What the policies are, said as plainly as can be; 0 for what is left out."""
    there = [float(place not in left_out) for place in range(len(cells))]
    weights = [cell.weight * one for cell, one in zip(cells, there, strict=True)]
    if priorities.policy == Policy.EMPTIEST:
        largest = max(weight for weight, one in zip(weights, there, strict=True) if one)
        return shares(
            [one * (weight == largest) for weight, one in zip(weights, there, strict=True)]
        )
    even = shares([max(1, cell.room) * one for cell, one in zip(cells, there, strict=True)])
    if not any(weights):
        return even
    mixed = priorities.uniform_share
    return [mixed * a + (1 - mixed) * b for a, b in zip(even, shares(weights), strict=True)]


def shares(amounts: Sequence[float]) -> list[float]:
    return [amount / sum(amounts) for amount in amounts]


def drawn_over(urn: Urn, steps: int, left_out: Collection[int] = ()) -> Counter[int]:
    found = [urn.draw(step / steps, left_out) for step in range(steps)]
    return Counter(one.place for one in found if one is not None)


@given(CELLS_AND_SOME, POLICIES, st.floats(0, 1, exclude_max=True))
def test_what_is_drawn_has_the_chance_that_the_policy_gives_it(drawn_from, priorities, at):
    cells, left_out = drawn_from
    drawn = Urn(priorities, cells).draw(at, left_out)
    assert drawn is not None
    assert drawn.place not in left_out
    assert drawn.probability > 0
    expected = chances(priorities, cells, left_out)
    assert drawn.probability == pytest.approx(expected[drawn.place], rel=1e-6)


@given(CELLS_AND_SOME, POLICIES)
def test_draws_fall_on_each_cell_as_often_as_its_chance_says(drawn_from, priorities):
    cells, left_out = drawn_from
    counts = drawn_over(Urn(priorities, cells), 200, left_out)
    for place, chance in enumerate(chances(priorities, cells, left_out)):
        # Of evenly spaced draws a stretch holds its share, give or take its two ends.
        assert counts[place] == pytest.approx(200 * chance, abs=1.001)


def test_the_adaptive_policy_mixes_weights_with_the_numbers_of_comparisons():
    urn = Urn(ADAPTIVE, [OpenCell(1, 3.0, 10), OpenCell(2, 1.0, 30)])
    first, second = urn.draw(0.0), urn.draw(0.999)
    assert first is not None
    assert first.probability == pytest.approx(0.2 * 0.25 + 0.8 * 0.75)
    assert second is not None
    assert second.probability == pytest.approx(0.35)


def test_without_weights_the_numbers_alone_decide():
    urn = Urn(ADAPTIVE, [OpenCell(1, 0.0, 10), OpenCell(2, 0.0, 30)])
    assert drawn_over(urn, 1000) == {0: 250, 1: 750}


def test_the_emptiest_cell_is_the_one_of_the_largest_weight_and_equal_ones_share():
    urn = Urn(EMPTIEST, [OpenCell(1, 0.5, 1), OpenCell(2, 2.0, 1), OpenCell(3, 2.0, 9)])
    assert drawn_over(urn, 1000) == {1: 500, 2: 500}
    assert drawn_over(urn, 1000, {1}) == {2: 1000}
    assert drawn_over(urn, 1000, {1, 2}) == {0: 1000}
    assert urn.draw(0.5, {0, 1, 2}) is None


def test_a_cell_of_hardly_any_weight_keeps_its_chance_beside_one_that_is_left_out():
    cells = [OpenCell(1, 1e18, 1), OpenCell(2, 1e-3, 1), OpenCell(3, 3e-3, 1)]
    urn = Urn(Priorities(policy=Policy.ADAPTIVE, uniform_share=0.1), cells)
    drawn = urn.draw(0.999, {0})
    assert drawn is not None
    assert drawn.place == 2
    assert drawn.probability == pytest.approx(0.1 / 2 + 0.9 * 0.75)


def test_a_draw_at_the_very_end_falls_on_a_cell_that_is_there():
    cells = [OpenCell(number, 0.1, 1) for number in range(10)]
    for left_out, last in (((), 9), ((9,), 8), ((0, 9), 8)):
        drawn = Urn(ADAPTIVE, cells).draw(1 - 1e-16, left_out)
        assert drawn is not None
        assert drawn.place == last
