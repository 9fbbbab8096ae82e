"""Whether a judge may stand in for a person, and the faults of planted judges by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from reports.stats.alignment import Answer, Finding, Judgments, alignment
from reports.stats.alignment.parts import Part
from reports.stats.alignment.shares import share_by_prompt
from reports.stats.alignment.standing import DISQUALIFYING, Standing, standing
from reports.stats.results import Estimate
from tests.stats.alignment.planted_judges import (
    Known,
    aligned,
    confused,
    first_shown,
    honest,
    known_study,
    longest_wins,
    obeying,
    silent,
)
from tests.stats.alignment.small_studies import TIE, A, judge_once

SKEWED = np.array([[0.95, 0.03, 0.02], [0.1, 0.8, 0.1], [0.35, 0.05, 0.6]])

FAULTS = {
    Finding.PREFERS_LONGER,
    Finding.PREFERS_FIRST,
    Finding.PREFERS_SECOND,
    Finding.OBEYS_RESPONSES,
    Finding.MISSING_BY_OUTCOME,
    Finding.MUCH_MISSING,
    Finding.LEANS_TO_A,
    Finding.LEANS_TO_B,
    Finding.NO_BETTER_THAN_CONSTANT,
}

PLANTED: dict[str, tuple[Callable[[Known], Judgments], set[Finding]]] = {
    "known confusion": (lambda known: confused(known, SKEWED), {Finding.LEANS_TO_A}),
    "first shown": (lambda known: first_shown(known, 0.3), {Finding.PREFERS_FIRST}),
    "longest wins": (longest_wins, {Finding.PREFERS_LONGER}),
    "obeying": (obeying, {Finding.OBEYS_RESPONSES}),
    "silent where a wins": (
        lambda known: silent(known, 0.15, 0.02),
        {Finding.MISSING_BY_OUTCOME},
    ),
}


@pytest.mark.parametrize("name", PLANTED)
@pytest.mark.parametrize("seed", range(3))
def test_a_planted_fault_is_found_and_no_other(name: str, seed: int) -> None:
    make, expected = PLANTED[name]
    known = known_study(seed)
    found = set(aligned(known, make(known)).standing.findings) & FAULTS
    assert expected <= found
    # Whoever goes by length alone is right by chance only, and may be no better than one answer.
    also = {Finding.NO_BETTER_THAN_CONSTANT} if name == "longest wins" else set()
    assert found - also == expected


def test_an_honest_judge_stands_in_and_is_accused_of_nothing() -> None:
    accused = 0
    for seed in range(20):
        known = known_study(100 + seed)
        standing = aligned(known, honest(known)).standing
        assert standing.answer is Answer.STANDS_IN
        accused += bool(set(standing.findings) & FAULTS)
    # Six looks at one in a hundred each.
    assert accused <= 3


@pytest.mark.parametrize("name", ["longest wins", "obeying", "silent where a wins"])
def test_a_fault_that_sways_the_result_outweighs_good_agreement(name: str) -> None:
    known = known_study(7)
    standing = aligned(known, PLANTED[name][0](known)).standing
    assert standing.answer is Answer.DOES_NOT
    if name != "longest wins":
        assert set(standing.findings) & DISQUALIFYING


def test_the_errors_of_a_known_matrix_come_back() -> None:
    known = known_study(3, n=3000, raters=5, right=0.97)
    errors = aligned(known, confused(known, SKEWED)).standing.errors
    assert errors.a_for_b == pytest.approx(0.35, abs=0.03)
    assert errors.b_for_a == pytest.approx(0.02, abs=0.02)
    assert errors.tie == pytest.approx(0.04, abs=0.02)
    assert errors.opposite == pytest.approx(0.185, abs=0.02)


@pytest.mark.parametrize(
    ("n", "raters", "answer", "more", "people"),
    [
        (20, 4, Answer.TOO_FEW, 80, 0),
        (60, 4, Answer.NOT_DECIDED, 40, 0),
        (400, 2, Answer.NOT_DECIDED, None, 1),
    ],
)
def test_little_data_are_said_and_so_is_how_much_more_it_takes(
    n: int, raters: int, answer: Answer, more: int | None, people: int
) -> None:
    known = known_study(5, n=n, raters=raters)
    standing = aligned(known, honest(known)).standing
    assert (standing.answer, standing.more_comparisons, standing.more_raters) == (
        answer,
        more,
        people,
    )


def test_more_comparisons_are_asked_for_only_where_they_could_help() -> None:
    known = known_study(6, n=110)
    # As good as people but for a little: within the margin, and not yet shown.
    close = aligned(known, honest(known, 0.78))
    assert close.alt_test.details["passed"] is False
    assert close.standing.answer is Answer.NOT_DECIDED
    assert close.standing.more_comparisons is not None
    assert close.standing.more_comparisons > 0
    far = aligned(known, honest(known, 0.6)).standing
    assert (far.answer, far.more_comparisons) == (Answer.DOES_NOT, None)
    assert Finding.FALLS_SHORT in far.findings


def test_a_judge_that_always_says_tie_is_worse_than_the_best_constant() -> None:
    known = known_study(8)
    standing = alignment(known.comparisons, known.votes, judge_once([TIE] * 400), seed=1).standing
    assert Finding.NO_BETTER_THAN_CONSTANT in standing.findings
    assert Finding.ONE_ORDER in standing.findings
    constant = alignment(known.comparisons, known.votes, judge_once([A] * 400), seed=1).standing
    assert constant.answer is Answer.DOES_NOT


def test_parts_in_which_a_judge_falls_short_are_told_apart() -> None:
    known = known_study(9, n=600)
    part = np.arange(600) % 2
    said = np.where(part == 0, known.truth, (known.truth + 1) % 3)
    found = alignment(known.comparisons, known.votes, judge_once(said.tolist()), seed=1, part=part)
    assert (found.standing.strong_parts, found.standing.weak_parts) == ((0,), (1,))
    assert [one.n for one in found.parts] == [300, 300]


def figure(estimate: float, low: float, high: float, **fields: Any) -> Estimate:
    return Estimate(estimate, low, high, "planted", 100, **fields)


def standing_with(known: Known, **planted: Any) -> Standing:
    """The standing of an honest judge, but for the figures that are planted."""
    whole = aligned(known, honest(known))
    figures = {
        "n": whole.n,
        "raters": 4,
        "agreement": whole.agreement,
        "constant_guess": whole.constant_guess,
        "alt_test": whole.alt_test,
        "position": whole.position_consistency,
        "missing": whole.missing_share,
        "longer": whole.longer_wins,
        "length": whole.length_effect,
        "bait": whole.bait_wins,
        "drift": whole.drift,
        "table": whole.confusion,
        "parts": whole.parts,
    }
    return standing(**{**figures, **planted})


def test_a_part_is_strong_only_where_that_is_shown() -> None:
    ceiling, guess = figure(0.8, 0.75, 0.85), figure(0.5, 0.4, 0.6)
    parts = [
        Part(0, 12, figure(0.6, 0.3, 0.84), ceiling, guess),  # its interval touches, no more
        Part(1, 400, figure(0.79, 0.75, 0.83), ceiling, guess),
        Part(2, 400, figure(0.6, 0.55, 0.65), ceiling, guess),
    ]
    found = standing_with(known_study(3), parts=parts)
    assert (found.weak_parts, found.strong_parts) == ((2,), (1,))


@pytest.mark.parametrize(("se", "drifted"), [(0.023, False), (0.02, True)])
def test_drift_is_named_only_where_chance_explains_it_once_in_a_hundred(
    se: float, drifted: bool
) -> None:
    # Both 95 % intervals lie below 0.
    drift = figure(-0.05, -0.05 - 1.96 * se, -0.05 + 1.96 * se, se=se)
    found = standing_with(known_study(3), drift=drift)
    assert (Finding.DRIFTED in found.findings) is drifted


def test_a_constant_answer_is_better_only_where_chance_explains_it_once_in_a_hundred() -> None:
    agreement = share_by_prompt(np.arange(400) < 200, np.arange(400), method="agreement")
    assert agreement.high is not None
    for guess, worse in ((agreement.high + 0.001, False), (agreement.high + 0.02, True)):
        found = standing_with(
            known_study(3), agreement=agreement, constant_guess=figure(guess, guess, guess)
        )
        assert (Finding.NO_BETTER_THAN_CONSTANT in found.findings) is worse


@pytest.mark.parametrize(("of_b", "said"), [(100, False), (250, True)])
def test_silence_where_one_side_wins_is_named_only_where_it_matters(of_b: int, said: bool) -> None:
    known = known_study(3)
    details = {
        "p_value": 1e-6,
        "by_majority": [
            {"verdict": "a", "n": 4000, "missing": 10},
            {"verdict": "b", "n": 4000, "missing": of_b},
        ],
    }
    found = standing_with(known, missing=figure(0.02, 0.01, 0.03, details=details))
    assert (Finding.MISSING_BY_OUTCOME in found.findings) is said
