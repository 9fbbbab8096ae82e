from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.queue.drawing import OpenCell, chances, drawn
from annotation.rules import Policy, Priorities

ADAPTIVE = Priorities(policy=Policy.ADAPTIVE, uniform_share=0.2)
EMPTIEST = Priorities(policy=Policy.EMPTIEST)
CELLS = st.lists(
    st.builds(OpenCell, st.integers(1), st.floats(0, 1e6), st.integers(0, 10**6)), min_size=1
)


@given(CELLS, st.sampled_from([ADAPTIVE, EMPTIEST]))
def test_the_chances_add_up_to_one(cells, priorities):
    found = chances(priorities, cells)
    assert sum(found) == pytest.approx(1)
    assert all(chance >= 0 for chance in found)


@given(CELLS)
def test_no_cell_with_work_is_left_without_a_chance_by_the_adaptive_policy(cells):
    assert min(chances(ADAPTIVE, cells)) > 0


def test_the_adaptive_policy_mixes_weights_with_the_numbers_of_comparisons():
    cells = [OpenCell(1, 3.0, 10), OpenCell(2, 1.0, 30)]
    assert chances(ADAPTIVE, cells) == pytest.approx([0.2 * 0.25 + 0.8 * 0.75, 0.35])


def test_without_weights_the_numbers_alone_decide():
    cells = [OpenCell(1, 0.0, 10), OpenCell(2, 0.0, 30)]
    assert chances(ADAPTIVE, cells) == pytest.approx([0.25, 0.75])


def test_the_emptiest_cell_is_the_one_of_the_largest_weight_and_equal_ones_share():
    cells = [OpenCell(1, 0.5, 1), OpenCell(2, 2.0, 1), OpenCell(3, 2.0, 9)]
    assert chances(EMPTIEST, cells) == [0, 0.5, 0.5]


def test_a_draw_falls_on_each_cell_as_often_as_its_chance_says():
    probabilities = [0.5, 0.0, 0.3, 0.2]
    counts = Counter(drawn(probabilities, step / 1000) for step in range(1000))
    assert counts == {0: 500, 2: 300, 3: 200}


def test_a_draw_at_the_very_end_falls_on_a_cell_that_has_a_chance():
    assert drawn([0.1] * 3 + [0.7 - 1e-12, 0.0], 1 - 1e-16) == 3
