from __future__ import annotations

import dataclasses
import uuid
from collections import Counter
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation import blinding
from annotation.blinding import (
    Message,
    PresentedPair,
    ShownPair,
    choice_of,
    choose_slot,
    grade_of,
    graded_choice,
    present,
    side_starts,
    slot_is_swapped,
    verdict_of,
)
from annotation.models import Choice, Verdict


def test_the_mapping_of_sides_is_written_out():
    assert verdict_of("left", swapped=False) == "a"
    assert verdict_of("right", swapped=False) == "b"
    assert verdict_of("left", swapped=True) == "b"
    assert verdict_of("right", swapped=True) == "a"
    for swapped in (False, True):
        assert verdict_of("tie", swapped) == "tie"
        assert verdict_of("both_bad", swapped) == "both_bad"


@pytest.mark.parametrize("swapped", [False, True])
def test_a_choice_comes_back_from_its_verdict(swapped):
    assert {verdict_of(choice, swapped) for choice in Choice.values} == set(Verdict.values)
    for choice in Choice.values:
        assert choice_of(verdict_of(choice, swapped), swapped) == choice


@pytest.mark.parametrize("function", [verdict_of, choice_of])
def test_an_unknown_word_is_refused(function):
    with pytest.raises(ValueError, match="use one of"):
        function("middle", swapped=False)


def test_swapping_sides_turns_the_sign_of_a_grade():
    assert grade_of(verdict_of("left", swapped=False), 3) == 3
    assert grade_of(verdict_of("left", swapped=True), 3) == -3
    assert grade_of("b", None) == -1
    assert grade_of("tie", None) == 0
    assert grade_of("both_bad", None) is None
    with pytest.raises(ValueError, match="no verdict"):
        grade_of("left", 1)


def test_positions_of_a_graded_scale_run_from_left_to_right():
    assert [graded_choice(position, 7) for position in range(1, 8)] == [
        ("left", 3),
        ("left", 2),
        ("left", 1),
        ("tie", None),
        ("right", 1),
        ("right", 2),
        ("right", 3),
    ]
    with pytest.raises(ValueError, match="no position 6"):
        graded_choice(6, 5)
    with pytest.raises(ValueError, match="odd number"):
        graded_choice(1, 4)


@given(st.integers(0, 2**63), st.integers(0, 40), st.integers(0, 5))
def test_starts_are_balanced_at_the_end_and_nearly_so_on_the_way(seed, count, first):
    starts = list(side_starts(seed, ("alpha", "beta"), count, first))
    assert len(starts) == count
    leans = list(accumulate(1 if start else -1 for start in starts))
    assert all(abs(lean) <= 2 for lean in leans)
    assert not leans or abs(leans[-1]) <= 1


def test_starts_are_drawn_anew_for_each_seed_pair_and_batch():
    def starts(seed: int, pair: tuple[str, str], first: int = 0) -> tuple[bool, ...]:
        return tuple(side_starts(seed, pair, 64, first))

    drawn = {
        starts(0, ("a", "b")),
        starts(1, ("a", "b")),
        starts(0, ("a", "c")),
        starts(0, ("a", "b"), 64),
    }
    assert len(drawn) == 4


def test_an_odd_rest_starts_on_either_side_equally_often():
    firsts = Counter(next(side_starts(seed, ("a", "b"), 1)) for seed in range(2000))
    # Binomial(2000, 1/2) has a standard deviation of 22: five of them.
    assert abs(firsts[True] - 1000) < 112


@given(st.integers(1, 12), st.booleans())
def test_the_slots_of_a_comparison_are_balanced_within_one(overlap, first_swapped):
    sides = [slot_is_swapped(slot, first_swapped) for slot in range(1, overlap + 1)]
    assert sides[0] is first_swapped
    assert abs(sides.count(True) - sides.count(False)) <= 1


def test_of_the_free_slots_the_one_that_evens_out_the_annotator_is_chosen():
    # System 1 was left twice: slot 2 shows it right.
    shown = [ShownPair(1, 2, swapped=False), ShownPair(1, 3, swapped=False)]
    assert choose_slot([1, 2, 3], False, 1, 4, shown) == 2
    assert choose_slot([1, 3], False, 1, 4, shown) == 1
    # The other way round, with swapped starts.
    assert choose_slot([1, 2, 3], True, 1, 4, shown) == 1
    assert choose_slot([2], True, 1, 4, shown) == 2


def test_among_slots_equal_for_the_systems_the_overall_side_decides():
    shown = [ShownPair(5, 6, swapped=False)]
    assert choose_slot([1, 2], False, 1, 2, shown) == 2
    assert choose_slot([1, 2], False, 1, 2, []) == 1


@given(st.lists(st.tuples(st.integers(1, 4), st.booleans()), min_size=30, max_size=60))
def test_with_a_free_choice_each_system_stays_even_for_the_annotator(stream):
    shown: list[ShownPair] = []
    for number, first_swapped in stream:
        system_a, system_b = number, number % 4 + 1
        slot = choose_slot([1, 2], first_swapped, system_a, system_b, shown)
        shown.append(ShownPair(system_a, system_b, slot_is_swapped(slot, first_swapped)))
    lean: Counter[int] = Counter()
    for pair in shown:
        lean[pair.system_b if pair.swapped else pair.system_a] += 1
        lean[pair.system_a if pair.swapped else pair.system_b] -= 1
    # Half the number of systems: a lean of 3 would need two of 2 that meet.
    assert all(abs(value) <= 2 for value in lean.values())


@pytest.mark.parametrize("swapped", [False, True])
def test_a_presented_pair_has_each_text_on_its_side(swapped):
    pair = present(
        uuid.uuid4(), swapped=swapped, prompt=[Message("user", "?")], text_a="A", text_b="B"
    )
    assert (pair.left, pair.right) == (("B", "A") if swapped else ("A", "B"))
    assert pair.prompt == (Message("user", "?"),)


def test_a_presented_pair_holds_what_may_be_seen_and_nothing_else():
    assert [field.name for field in dataclasses.fields(PresentedPair)] == [
        "id",
        "prompt",
        "left",
        "right",
        "reference",  # empty unless the study shows it
    ]
    assert [field.name for field in dataclasses.fields(Message)] == ["role", "content"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        present(uuid.uuid4(), swapped=False, prompt=[], text_a="", text_b="").left = "x"  # type: ignore[misc]


def test_opaque_ids_are_random_and_not_ordered_in_time():
    ids = [blinding.opaque_id() for _ in range(1000)]
    assert {identifier.version for identifier in ids} == {4}
    assert len(set(ids)) == 1000
    ascending = sum(one < other for one, other in pairwise(ids))
    # About half of the neighbours; sqrt(1000/12) is 9.1: seven of them.
    assert abs(ascending - 499.5) < 64
