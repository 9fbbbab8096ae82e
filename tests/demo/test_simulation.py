"""The simulated annotators behave as their profiles say, the same every time."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest

from evalsite.demo.cast import (
    ANNOTATORS,
    SYSTEM_QUALITY,
    SimulatedAnnotator,
)
from evalsite.demo.simulation import (
    SLOWEST_SECONDS,
    Scale,
    active_seconds,
    choose,
    latent_quality,
    rationale,
    uniform,
)

ROOT = Path(__file__).resolve().parents[2]
SEED = 20261101
CATEGORIES = ("instructions", "code", "summaries", "reasoning", "support mail", "conversation")
BY_KEY = {annotator.key: annotator for annotator in ANNOTATORS}
LEFT_BIASED = BY_KEY["simulated-7"]
CARELESS = BY_KEY["simulated-8"]
CAREFUL = BY_KEY["simulated-1"]


def every_pair() -> Iterator[tuple[str, str, str, str]]:
    """Give prompt id, category and two systems of 240 invented comparisons."""
    for number in range(40):
        category = CATEGORIES[number % len(CATEGORIES)]
        for system_a, system_b in combinations(sorted(SYSTEM_QUALITY), 2):
            yield f"p-{number}", category, system_a, system_b


def shown_pairs() -> Iterator[tuple[str, str, str, str]]:
    """Give every pair once each way round, so that quality favours neither side."""
    for prompt_id, category, system_a, system_b in every_pair():
        yield prompt_id, category, system_a, system_b
        yield prompt_id, category, system_b, system_a


def choices(profile: SimulatedAnnotator, seed: int = SEED) -> Counter[str]:
    return Counter(
        choose(
            profile,
            seed,
            left_system=left,
            right_system=right,
            prompt_id=prompt_id,
            category=category,
            both_bad=True,
        ).choice
        for prompt_id, category, left, right in shown_pairs()
    )


def share_left(counts: Counter[str]) -> float:
    return counts["left"] / (counts["left"] + counts["right"])


def agreement_with_quality(profile: SimulatedAnnotator) -> float:
    """Share of decisive choices for the response of higher latent quality."""
    right_ones = decisive = 0
    for prompt_id, category, left, right in shown_pairs():
        choice = choose(
            profile,
            SEED,
            left_system=left,
            right_system=right,
            prompt_id=prompt_id,
            category=category,
        ).choice
        if choice == "tie":
            continue
        better_left = latent_quality(SEED, left, prompt_id, category) > latent_quality(
            SEED, right, prompt_id, category
        )
        decisive += 1
        right_ones += (choice == "left") == better_left
    return right_ones / decisive


def win_rate(system_a: str, system_b: str) -> float:
    """Half-win rate of the first system in the votes of all annotators, both ways round."""
    score, votes = 0.0, 0
    for prompt_id, category, left, right in shown_pairs():
        if {left, right} != {system_a, system_b}:
            continue
        for profile in ANNOTATORS:
            choice = choose(
                profile,
                SEED,
                left_system=left,
                right_system=right,
                prompt_id=prompt_id,
                category=category,
                both_bad=True,
            ).choice
            votes += 1
            if choice in ("tie", "both_bad"):
                score += 0.5
            elif (choice == "left") == (left == system_a):
                score += 1.0
    return score / votes


def test_choices_do_not_depend_on_the_order_in_which_they_are_asked() -> None:
    pairs = list(shown_pairs())
    shuffled = random.Random(1).sample(pairs, len(pairs))

    def answers(order: list[tuple[str, str, str, str]]) -> dict[tuple[str, ...], object]:
        return {
            pair: choose(
                CAREFUL,
                SEED,
                left_system=pair[2],
                right_system=pair[3],
                prompt_id=pair[0],
                category=pair[1],
                scale="seven",
            )
            for pair in order
        }

    assert answers(pairs) == answers(shuffled)


def test_draws_are_the_same_in_another_process() -> None:
    script = "from evalsite.demo.simulation import uniform; print(repr(uniform(7, 'a', 1)))"
    printed = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    assert float(printed) == uniform(7, "a", 1)


def test_the_simulation_needs_no_web_framework() -> None:
    script = (
        "import sys, evalsite.demo.simulation; "
        "print([name for name in sys.modules if name.split('.')[0] in ('django', 'httpx')])"
    )
    printed = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    assert printed.strip() == "[]"


def test_another_seed_gives_other_choices() -> None:
    assert choices(CAREFUL, 1) != choices(CAREFUL, 2)


def test_parts_of_a_draw_are_kept_apart() -> None:
    assert uniform(1, "ab", "c") != uniform(1, "a", "bc")


def test_uniform_draws_fill_the_unit_interval_evenly() -> None:
    draws = [uniform(SEED, number) for number in range(4000)]
    assert 0.0 < min(draws) < 0.01 < 0.99 < max(draws) < 1.0
    assert sum(draws) / len(draws) == pytest.approx(0.5, abs=0.02)


def test_the_left_biased_annotator_picks_left_far_more_than_half() -> None:
    assert share_left(choices(LEFT_BIASED)) > 0.65


@pytest.mark.parametrize("profile", [a for a in ANNOTATORS if a is not LEFT_BIASED])
def test_everyone_else_picks_both_sides_about_equally(profile: SimulatedAnnotator) -> None:
    assert share_left(choices(profile)) == pytest.approx(0.5, abs=0.08)


def test_the_careless_annotator_is_near_chance() -> None:
    assert agreement_with_quality(CARELESS) == pytest.approx(0.5, abs=0.08)


def test_careful_annotators_see_quality_better_than_hasty_ones() -> None:
    careful, hasty = agreement_with_quality(CAREFUL), agreement_with_quality(BY_KEY["simulated-6"])
    assert careful > 0.85
    assert 0.6 < hasty < careful


def test_the_leader_is_clear_two_are_nearly_tied_and_one_is_last() -> None:
    assert win_rate("cedar-large", "aster-medium") > 0.62
    assert win_rate("cedar-large", "dune-small") > 0.62
    assert win_rate("aster-medium", "dune-small") == pytest.approx(0.5, abs=0.08)
    assert win_rate("birch-mini", "dune-small") < 0.35
    assert win_rate("birch-mini", "aster-medium") < 0.35


def test_every_kind_of_choice_occurs() -> None:
    counts: Counter[str] = Counter()
    for profile in ANNOTATORS:
        counts += choices(profile)
    assert set(counts) == {"left", "right", "tie", "both_bad"}


@pytest.mark.parametrize("profile", [CAREFUL, CARELESS])
@pytest.mark.parametrize(
    ("scale", "both_bad", "offered", "margins"),
    [
        ("binary", False, {"left", "right"}, {None}),
        ("binary", True, {"left", "right", "both_bad"}, {None}),
        ("ternary", False, {"left", "right", "tie"}, {None}),
        ("five", False, {"left", "right", "tie"}, {1, 2, None}),
        ("seven", True, {"left", "right", "tie", "both_bad"}, {1, 2, 3, None}),
    ],
)
def test_choices_stay_within_the_scale(
    profile: SimulatedAnnotator,
    scale: Scale,
    both_bad: bool,
    offered: set[str],
    margins: set[int | None],
) -> None:
    answers = [
        choose(
            profile,
            SEED,
            left_system=left,
            right_system=right,
            prompt_id=prompt_id,
            category=category,
            scale=scale,
            both_bad=both_bad,
        )
        for prompt_id, category, left, right in shown_pairs()
    ]
    assert {answer.choice for answer in answers} <= offered
    assert {"left", "right"} <= {answer.choice for answer in answers}
    assert {answer.margin for answer in answers} == margins
    graded = scale in ("five", "seven")
    for answer in answers:
        assert (answer.margin is not None) == (graded and answer.choice in ("left", "right"))


def test_an_identical_pair_is_mostly_a_tie_for_someone_without_side_bias() -> None:
    answers = Counter(
        choose(
            CAREFUL,
            SEED,
            left_system="dune-small",
            right_system="dune-small",
            prompt_id=f"p-{number}",
            category="code",
        ).choice
        for number in range(200)
    )
    assert answers["tie"] > 120


def test_a_repeat_may_differ_but_mostly_agrees() -> None:
    agreed = total = 0
    for prompt_id, category, left, right in shown_pairs():
        looks = [
            choose(
                CAREFUL,
                SEED,
                left_system=left,
                right_system=right,
                prompt_id=prompt_id,
                category=category,
                occasion=occasion,
            ).choice
            for occasion in (0, 1)
        ]
        total += 1
        agreed += looks[0] == looks[1]
    assert 0.75 < agreed / total < 1.0


def test_an_unknown_system_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"'elm-huge'.*aster-medium, birch-mini"):
        latent_quality(SEED, "elm-huge", "p-1", "code")


def test_rationales_are_given_at_the_profile_rate_and_name_no_system() -> None:
    texts = []
    for prompt_id, _, left, right in shown_pairs():
        for choice in ("left", "right", "tie", "both_bad"):
            texts.append(
                rationale(
                    CAREFUL,
                    SEED,
                    choice,
                    left_system=left,
                    right_system=right,
                    prompt_id=prompt_id,
                )
            )
    given = [text for text in texts if text]
    assert len(given) / len(texts) == pytest.approx(CAREFUL.rationale_rate, abs=0.05)
    pattern = "|".join(part for system in SYSTEM_QUALITY for part in system.split("-")[:1])
    assert not any(re.search(pattern, text) for text in given)


def test_a_rationale_praises_the_side_that_was_chosen() -> None:
    talkative = SimulatedAnnotator("talkative", "Talkative", 0.5, rationale_rate=1.0)
    sides = {"left_system": "cedar-large", "right_system": "birch-mini", "prompt_id": "p-1"}
    assert rationale(talkative, SEED, "left", **sides).startswith("Response 1 ")
    assert rationale(talkative, SEED, "right", **sides).startswith("Response 2 ")


def test_active_seconds_grow_with_the_words_and_the_careless_are_fast() -> None:
    def median(profile: SimulatedAnnotator, words: int) -> float:
        seconds = sorted(
            active_seconds(
                profile,
                SEED,
                left_system=left,
                right_system=right,
                prompt_id=prompt_id,
                words=words,
            )
            for prompt_id, _, left, right in shown_pairs()
        )
        assert seconds[0] > 0
        assert seconds[-1] <= SLOWEST_SECONDS
        return seconds[len(seconds) // 2]

    assert median(CAREFUL, 100) < median(CAREFUL, 400)
    assert median(CARELESS, 400) < median(CAREFUL, 400) / 5
