"""The simulated judges behave as their profiles say, the same every time."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from itertools import combinations

import pytest

from evalsite.demo.cast import JUDGES, SYSTEM_QUALITY, SimulatedJudge
from evalsite.demo.simulation import Order, SimulatedJudgment, judge

SEED = 20261101
CATEGORIES = ("instructions", "code", "summaries", "reasoning", "support mail", "conversation")
QUILL, SLATE = JUDGES
FIRST_SHOWN: dict[Order, str] = {"ab": "a", "ba": "b"}


def every_pair() -> Iterator[tuple[str, str, str, str]]:
    """Give prompt id, category and two systems of 240 invented comparisons."""
    for number in range(40):
        category = CATEGORIES[number % len(CATEGORIES)]
        for system_a, system_b in combinations(sorted(SYSTEM_QUALITY), 2):
            yield f"p-{number}", category, system_a, system_b


def judgment(
    profile: SimulatedJudge, pair: tuple[str, str, str, str], order: Order
) -> SimulatedJudgment:
    prompt_id, category, system_a, system_b = pair
    return judge(
        profile,
        SEED,
        system_a=system_a,
        system_b=system_b,
        prompt_id=prompt_id,
        category=category,
        order=order,
    )


def judgments(profile: SimulatedJudge, order: Order) -> list[str | None]:
    return [judgment(profile, pair, order).verdict for pair in every_pair()]


def share_first(profile: SimulatedJudge) -> float:
    ab, ba = Counter(judgments(profile, "ab")), Counter(judgments(profile, "ba"))
    first, second = ab["a"] + ba["b"], ab["b"] + ba["a"]
    return first / (first + second)


def test_judgments_do_not_depend_on_the_order_in_which_they_are_asked() -> None:
    pairs = list(every_pair())
    shuffled = random.Random(1).sample(pairs, len(pairs))
    assert {pair: judgment(SLATE, pair, "ba") for pair in pairs} == {
        pair: judgment(SLATE, pair, "ba") for pair in shuffled
    }


def test_one_judge_favours_what_is_shown_first_and_the_other_hardly() -> None:
    assert share_first(SLATE) > 0.6
    assert share_first(QUILL) == pytest.approx(0.5, abs=0.06)


def test_the_steady_judge_keeps_its_verdict_when_the_order_is_swapped() -> None:
    def consistency(profile: SimulatedJudge) -> float:
        both = [
            (ab, ba)
            for ab, ba in zip(judgments(profile, "ab"), judgments(profile, "ba"), strict=True)
            if ab is not None and ba is not None
        ]
        return sum(ab == ba for ab, ba in both) / len(both)

    assert consistency(QUILL) > 0.8
    assert consistency(SLATE) < consistency(QUILL) - 0.1


@pytest.mark.parametrize("profile", JUDGES)
def test_a_few_replies_are_unparsed_and_carry_neither_confidence_nor_reason(
    profile: SimulatedJudge,
) -> None:
    answers = [judgment(profile, pair, order) for pair in every_pair() for order in FIRST_SHOWN]
    unparsed = [answer for answer in answers if answer.verdict is None]
    assert 0 < len(unparsed) < 0.06 * len(answers)
    assert all(answer.confidence is None and answer.reason == "" for answer in unparsed)
    for answer in answers:
        if answer.verdict is not None:
            assert answer.confidence is not None
            assert 0.5 <= answer.confidence <= 1.0
            assert answer.reason
            assert "\n" not in answer.reason


def test_a_judge_praises_the_response_as_it_was_numbered_for_it() -> None:
    wins = 0
    for pair in every_pair():
        for order, first in FIRST_SHOWN.items():
            answer = judgment(QUILL, pair, order)
            if answer.verdict in ("a", "b"):
                wins += 1
                number = 1 if answer.verdict == first else 2
                assert answer.reason.startswith(f"Response {number} ")
    assert wins > 100
