from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.pairing import (
    Design,
    DesignError,
    PairingRules,
    PlannedPair,
    Planner,
    pair_of,
    round_robin,
    summarise,
)

NAMES = st.lists(st.text(min_size=1, max_size=4), min_size=2, max_size=9, unique=True)
SEEDS = st.integers(min_value=-5, max_value=2**64)


def plan(rules: PairingRules, prompts: dict[str, dict[str, list[int]]]) -> list[PlannedPair]:
    planner = Planner(rules)
    return [pair for key, samples in prompts.items() for pair in planner.pairs_on(key, samples)]


def full(systems: list[str], prompts: int, samples: int = 1) -> dict[str, dict[str, list[int]]]:
    return {
        f"p{number}": {system: list(range(samples)) for system in systems}
        for number in range(prompts)
    }


def counts_of(pairs: list[PlannedPair], systems: list[str]) -> list[int]:
    met = Counter((pair.system_a, pair.system_b) for pair in pairs)
    return [met[pair_of(*pair)] for pair in combinations(systems, 2)]


def responses() -> st.SearchStrategy[dict[str, dict[str, list[int]]]]:
    """Prompts on which any systems have any samples."""
    samples = st.lists(st.integers(0, 3), unique=True, max_size=4)
    return st.dictionaries(
        st.sampled_from([f"p{number}" for number in range(8)]),
        st.dictionaries(st.sampled_from(["alpha", "beta", "Gamma", "δ", "e"]), samples),
        max_size=8,
    )


def any_rules() -> st.SearchStrategy[PairingRules]:
    return st.one_of(
        st.builds(PairingRules, seed=SEEDS),
        st.builds(PairingRules, st.just(Design.ANCHOR), anchor=st.just("beta")),
        st.builds(PairingRules, st.just(Design.FOCUSED), systems=st.just(("δ", "e"))),
        st.builds(PairingRules, st.just(Design.BALANCED), rounds=st.integers(1, 4), seed=SEEDS),
    )


@given(any_rules(), responses())
def test_every_design_pairs_two_systems_that_have_the_sample_once_and_in_order(rules, prompts):
    pairs = plan(rules, prompts)
    assert len(set(pairs)) == len(pairs)
    for pair in pairs:
        assert pair.system_a < pair.system_b
        assert pair.sample in prompts[pair.prompt_id][pair.system_a]
        assert pair.sample in prompts[pair.prompt_id][pair.system_b]


@given(any_rules(), responses())
def test_the_same_seed_gives_the_same_pairs_whatever_the_order_of_systems(rules, prompts):
    turned = {
        key: {system: prompts[key][system][::-1] for system in reversed(prompts[key])}
        for key in prompts
    }
    assert plan(rules, turned) == plan(rules, prompts)


@given(responses())
def test_all_is_every_pair_with_a_common_sample(prompts):
    expected = {
        PlannedPair(key, *pair_of(one, other), sample)
        for key, systems in prompts.items()
        for one, other in combinations(systems, 2)
        for sample in set(systems[one]) & set(systems[other])
    }
    assert set(plan(PairingRules(), prompts)) == expected


@given(responses())
def test_anchor_and_focused_take_from_all_what_has_one_of_their_systems(prompts):
    everything = plan(PairingRules(), prompts)
    anchored = plan(PairingRules(Design.ANCHOR, anchor="beta"), prompts)
    assert anchored == [pair for pair in everything if "beta" in (pair.system_a, pair.system_b)]
    focused = plan(PairingRules(Design.FOCUSED, systems=("e", "alpha")), prompts)
    assert focused == [
        pair for pair in everything if {pair.system_a, pair.system_b} & {"e", "alpha"}
    ]


@given(NAMES, st.integers(1, 12), st.integers(1, 3), st.integers(1, 4), SEEDS)
def test_balanced_counts_of_pairs_differ_by_one_at_most(systems, prompts, samples, rounds, seed):
    rules = PairingRules(Design.BALANCED, rounds=rounds, seed=seed)
    counts = counts_of(plan(rules, full(systems, prompts, samples)), systems)
    assert max(counts) - min(counts) <= 1


@given(NAMES, st.integers(1, 4), SEEDS)
def test_a_balanced_prompt_has_each_system_once_a_round(systems, rounds, seed):
    pairs = plan(PairingRules(Design.BALANCED, rounds=rounds, seed=seed), full(systems, 1))
    appearances = Counter(name for pair in pairs for name in (pair.system_a, pair.system_b))
    assert max(appearances.values()) <= rounds
    available = len(systems) * (len(systems) - 1) // 2
    assert len(pairs) == min(rounds * (len(systems) // 2), available)


def test_balanced_draws_other_rounds_with_another_seed():
    prompts = full(["a", "b", "c", "d", "e"], 6)
    plans = {tuple(plan(PairingRules(Design.BALANCED, seed=seed), prompts)) for seed in range(5)}
    assert len(plans) > 1


def test_balanced_levels_pairs_across_prompts_with_different_systems():
    prompts = full(["a", "b"], 10) | {
        f"q{number}": {system: [0] for system in "abc"} for number in range(20)
    }
    counts = counts_of(plan(PairingRules(Design.BALANCED), prompts), ["a", "b", "c"])
    assert counts == [10, 10, 10]


@given(NAMES)
def test_a_round_robin_has_every_pair_once_and_nobody_twice_a_round(systems):
    rounds = round_robin(systems)
    played = Counter(pair for pairs in rounds for pair in pairs)
    assert played == Counter(pair_of(*pair) for pair in combinations(systems, 2))
    assert len(rounds) == len(systems) - 1 + len(systems) % 2
    for pairs in rounds:
        names = [name for pair in pairs for name in pair]
        assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"design": Design.ANCHOR}, "needs an anchor"),
        ({"design": Design.ALL, "anchor": "a"}, "takes no anchor"),
        ({"design": Design.FOCUSED}, "needs the systems"),
        ({"design": Design.BALANCED, "systems": ("a",)}, "takes no systems"),
        ({"design": Design.BALANCED, "rounds": 0}, "at least one round"),
        ({"design": Design.ALL, "rounds": 2}, "takes no rounds"),
    ],
)
def test_a_design_with_something_missing_or_foreign_is_refused(arguments, message):
    with pytest.raises(DesignError, match=message):
        PairingRules(**arguments)


def test_a_system_that_is_not_there_is_named_beside_those_that_are():
    rules = PairingRules(Design.FOCUSED, systems=("a", "x"))
    with pytest.raises(DesignError, match=r"no system 'x'; there are: a, b"):
        rules.check_systems({"b", "a"})
    rules.check_systems({"a", "x"})


def test_a_summary_adds_up_both_orders_and_finds_the_groups_and_the_lone():
    summary = summarise(
        ["a", "b", "c", "d", "e"], [("a", "b", 2, 6), ("b", "a", 1, 1), ("d", "c", 4, 4)]
    )
    assert [
        (pair.system_a, pair.system_b, pair.comparisons, pair.votes) for pair in summary.pairs
    ] == [
        ("a", "b", 3, 7),
        ("c", "d", 4, 4),
    ]
    assert (summary.comparisons, summary.votes) == (7, 11)
    assert summary.components == (("a", "b"), ("c", "d"))
    assert summary.alone == ("e",)
    assert not summary.is_connected
    assert summarise("ab", [("b", "a", 1, 3)]).is_connected
