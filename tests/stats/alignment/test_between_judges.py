"""Two judges on the same votes: the paired test, its naive twin, and what it refuses to say."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import stdtrit

from reports.stats.alignment import judge_pairs
from reports.stats.results import InvalidLevel, WarningCode
from tests.stats.alignment.small_studies import (
    BAD,
    MISS,
    TIE,
    A,
    B,
    comparisons,
    judge_once,
    panel,
)


def test_the_figures_are_those_of_the_votes_that_both_can_be_held_to() -> None:
    study = comparisons(40, prompts=20)
    people = panel(study, np.array([[A, A], [B, A]] * 20))
    first = judge_once([A] * 38 + [MISS, MISS])
    second = judge_once([MISS] + [B] * 39)
    (found,) = judge_pairs(study, people, [first, second], seed=0)
    assert (found.first, found.second, found.comparisons) == (0, 1, 37)
    # Of the 74 votes the first says what 18 * 2 + 19 say, the second what 19 say.
    assert found.difference.n == 74
    assert found.difference.estimate == pytest.approx((18 * 2 + 19 - 19) / 74)
    assert (found.family, found.p_adjusted) == (1, found.p_value)


ANSWER = st.sampled_from([A, TIE, B])


@settings(max_examples=30)
@given(st.data())
def test_the_test_and_the_interval_are_those_of_the_prompts(data: st.DataObject) -> None:
    prompts, items = 8, 32
    study = comparisons(items, prompts=prompts)
    table = np.array(data.draw(st.lists(ANSWER, min_size=items * 2, max_size=items * 2)))
    people = panel(study, table.reshape(items, 2))
    judges = [data.draw(st.lists(ANSWER, min_size=items, max_size=items)) for _ in range(2)]
    (found,) = judge_pairs(study, people, [judge_once(said) for said in judges], seed=0)
    by_prompt: dict[int, list[int]] = {}
    for item, row in enumerate(table.reshape(items, 2).tolist()):
        for vote in row:
            right = (judges[0][item] == vote) - (judges[1][item] == vote)
            by_prompt.setdefault(item % prompts, []).append(right)
    means = [float(np.mean(values)) for values in by_prompt.values()]
    flips = [
        abs(sum(sign * mean for sign, mean in zip(signs, means, strict=True)))
        for signs in product((1, -1), repeat=prompts)
    ]
    hits = sum(flip >= abs(sum(means)) - 1e-9 for flip in flips)
    assert found.p_value == pytest.approx(hits / len(flips))
    everything = [value for values in by_prompt.values() for value in values]
    mean = float(np.mean(everything))
    assert found.difference.estimate == pytest.approx(mean)
    sums = [sum(values) - mean * len(values) for values in by_prompt.values()]
    se = math.sqrt(prompts / (prompts - 1) * sum(s * s for s in sums)) / len(everything)
    if se > 0:
        half = stdtrit(prompts - 1, 0.975) * se
        assert found.difference.low == pytest.approx(max(-1, mean - half))
        assert found.difference.high == pytest.approx(min(1, mean + half))


def test_the_other_order_turns_the_difference_round() -> None:
    random = np.random.default_rng(4)
    study = comparisons(60, prompts=30)
    people = panel(study, random.choice([A, TIE, B], (60, 2)))
    judges = [judge_once(random.choice([A, TIE, B], 60).tolist()) for _ in range(2)]
    (here,) = judge_pairs(study, people, judges, seed=0)
    (there,) = judge_pairs(study, people, judges[::-1], seed=0)
    assert here.difference.estimate == pytest.approx(-(there.difference.estimate or 0))
    assert here.difference.low == pytest.approx(-(there.difference.high or 0))
    assert here.p_value == there.p_value


def test_the_order_of_votes_and_repeats_are_irrelevant() -> None:
    random = np.random.default_rng(6)
    study = comparisons(60, prompts=12)
    people = panel(study, random.choice([A, TIE, B], (60, 3), p=[0.6, 0.2, 0.2]))
    judges = [
        judge_once(random.choice([A, TIE, B, MISS], 60, p=p).tolist())
        for p in ([0.6, 0.1, 0.1, 0.2], [0.3, 0.3, 0.3, 0.1])
    ]
    plain = judge_pairs(study, people, judges, seed=0)
    order = random.permutation(people.n)
    assert judge_pairs(study, people.take(order), judges, seed=0) == plain
    # Who votes twice on a comparison counts once there.
    twice = np.concatenate((order, order[:20]))
    assert judge_pairs(study, people.take(twice), judges, seed=0) == plain


def test_the_same_judge_twice_is_no_difference_and_no_interval() -> None:
    study = comparisons(40)
    people = panel(study, np.full((40, 2), A))
    judge = judge_once([A, B] * 20)
    (found,) = judge_pairs(study, people, [judge, judge], seed=0)
    assert found.difference.estimate == 0
    assert (found.difference.low, found.difference.high) == (None, None)
    assert WarningCode.DEGENERATE_SCALE in found.difference.warnings
    assert found.p_value == 1.0


def test_too_little_in_common_is_explained_and_leaves_the_family() -> None:
    study = comparisons(80)
    people = panel(study, np.full((80, 1), A))
    early = judge_once([A] * 40 + [MISS] * 40)
    late = judge_once([MISS] * 55 + [B] * 25)
    other = judge_once([B] * 80)
    first, second, third = judge_pairs(study, people, [early, late, other], seed=0)
    assert first.difference.warnings == (WarningCode.NO_VOTES,)
    assert (first.p_value, first.family) == (None, None)
    assert second.family == 1
    assert third.difference.warnings == (WarningCode.TOO_FEW_PROMPTS,)


def test_clear_differences_are_found_after_holm() -> None:
    study = comparisons(60)
    people = panel(study, np.full((60, 2), A))
    judges = [judge_once([A] * right + [B] * (60 - right)) for right in (55, 20, 19)]
    pairs = judge_pairs(study, people, judges, seed=0)
    assert [pair.family for pair in pairs] == [3, 3, 3]
    assert [(pair.p_adjusted or 1) < 0.05 for pair in pairs] == [True, True, False]
    assert all((pair.p_adjusted or 0) >= (pair.p_value or 0) for pair in pairs)


def test_each_judge_is_held_to_votes_in_its_own_answers() -> None:
    # A judge that can say both-bad is right on it; for the other it is a tie.
    study = comparisons(40)
    people = panel(study, np.full((40, 1), BAD))
    (found,) = judge_pairs(study, people, [judge_once([BAD] * 40), judge_once([TIE] * 40)], seed=0)
    assert found.difference.estimate == 0


def test_misuse_and_single_judges() -> None:
    study = comparisons(40)
    people = panel(study, np.full((40, 1), A))
    assert judge_pairs(study, people, [judge_once([A] * 40)], seed=0) == ()
    with pytest.raises(InvalidLevel):
        judge_pairs(study, people, [], seed=0, level=1.0)
