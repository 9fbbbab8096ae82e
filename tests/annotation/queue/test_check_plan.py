from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from annotation.queue.check_plan import CheckKind, check_at
from annotation.rules import Checks

SHARES = st.sampled_from([0.0, 0.01, 0.05, 0.1, 0.15])


def planned(checks: Checks, count: int, seed: int = 1, person: str = "p") -> list[CheckKind | None]:
    return [check_at(checks, seed, person, position) for position in range(count)]


def test_without_checks_everything_is_work():
    assert set(planned(Checks(), 200)) == {None}


@given(st.integers(0, 2**63), st.text(max_size=8), SHARES, SHARES, SHARES)
def test_every_block_has_exactly_one_of_a_kind(seed, person, gold, repeat, identical):
    checks = Checks(gold_share=gold, repeat_share=repeat, identical_share=identical)
    plan = planned(checks, 200, seed, person)
    shares = {
        CheckKind.GOLD: gold,
        CheckKind.REPEAT: repeat,
        CheckKind.IDENTICAL: identical,
    }
    for kind, share in shares.items():
        if share == 0:
            assert kind not in plan
            continue
        block = round(1 / share)
        for start in range(0, 200 - block + 1, block):
            assert plan[start : start + block].count(kind) == 1


def test_half_of_the_pairs_as_checks_still_fit_their_blocks():
    checks = Checks(gold_share=0.25, repeat_share=0.15, identical_share=0.1)
    counts = Counter(planned(checks, 700))
    assert counts[CheckKind.GOLD] == 175
    assert counts[CheckKind.REPEAT] == 100
    assert counts[CheckKind.IDENTICAL] == 70


def test_places_differ_between_annotators_and_blocks_and_come_again_from_the_seed():
    checks = Checks(gold_share=0.1)
    places = {
        person: [
            position
            for position, kind in enumerate(planned(checks, 100, person=person))
            if kind is not None
        ]
        for person in ("anna", "bert")
    }
    assert places["anna"] != places["bert"]
    assert len({place % 10 for place in places["anna"]}) > 2
    assert planned(checks, 100, person="anna") == planned(checks, 100, person="anna")
    assert planned(checks, 100, seed=2) != planned(checks, 100, seed=3)


def test_every_place_of_a_block_is_drawn_about_equally_often():
    checks = Checks(gold_share=0.1)
    counts = Counter(
        position % 10
        for person in range(40)
        for position, kind in enumerate(planned(checks, 100, person=str(person)))
        if kind is not None
    )
    assert set(counts) == set(range(10))
    assert max(counts.values()) < 70
