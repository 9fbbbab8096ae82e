"""May a judge stand in for a person here? The answer, and what was found on the way.

A finding is named only where chance alone is a poor explanation: several are looked for in every
judge, so each asks for one in a hundred (a test, or one end of a 98 % interval). A finding that
takes a judge's standing away and that a large study would show for next to nothing asks for a gap
that matters, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from reports.stats.alignment.alt_test import ADVISED_RATERS
from reports.stats.alignment.confusion import Confusion
from reports.stats.alignment.gates import FEWEST_LABELLED, SETTLED_LABELLED
from reports.stats.alignment.parts import Part
from reports.stats.intervals import critical_value, wilson
from reports.stats.results import Estimate, VerdictCode

__all__ = ["Answer", "Errors", "Finding", "Standing", "errors_of", "standing"]

ALPHA = 0.01

ACCUSING_LEVEL = 1 - 2 * ALPHA
"""Of an interval by whose one end a judge is accused."""

SILENCE_GAP = 0.05
"""Least difference of the shares of comparisons with a missing call, where a wins and where b does.

Below it a win rate moves by less than 2.5 points even if the judge would have said one thing of all
that is missing.
"""

STRONG_MARGIN = 0.1
"""How far below people's agreement the lower end of a judge's may lie where it is called strong."""


class Answer(StrEnum):
    """May it stand in for one annotator of this kind?"""

    STANDS_IN = "stands_in"
    DOES_NOT = "does_not"
    NOT_DECIDED = "not_decided"
    TOO_FEW = "too_few"


class Finding(StrEnum):
    """What was found of a judge. Those of `DISQUALIFYING` outweigh a passed alt-test."""

    FEW_LABELLED = "few_labelled"
    FEW_RATERS = "few_raters"
    FALLS_SHORT = "falls_short"
    NO_BETTER_THAN_CONSTANT = "no_better_than_constant"
    MISSING_BY_OUTCOME = "missing_by_outcome"
    MUCH_MISSING = "much_missing"
    OBEYS_RESPONSES = "obeys_responses"
    PREFERS_LONGER = "prefers_longer"
    PREFERS_FIRST = "prefers_first"
    PREFERS_SECOND = "prefers_second"
    LEANS_TO_A = "leans_to_a"
    LEANS_TO_B = "leans_to_b"
    DRIFTED = "drifted"
    ONE_ORDER = "one_order"


DISQUALIFYING = frozenset(
    {
        Finding.NO_BETTER_THAN_CONSTANT,
        Finding.MISSING_BY_OUTCOME,
        Finding.OBEYS_RESPONSES,
        Finding.DRIFTED,
    }
)


@dataclass(frozen=True, slots=True)
class Errors:
    """What the judge says where most people prefer a response.

    Attributes
    ----------
    n : int
        Comparisons where they do, and it said something.
    opposite, tie : float or None
        Shares on which it prefers the other one, or neither.
    a_for_b, b_for_a : float or None
        Share of those that people give to b (a) which it gives to a (b).
    p_value : float or None
        Fisher's exact test that these two are alike.
    """

    n: int
    opposite: float | None
    tie: float | None
    a_for_b: float | None
    b_for_a: float | None
    p_value: float | None

    def as_dict(self) -> dict[str, Any]:
        return {
            "n": self.n,
            "opposite": self.opposite,
            "tie": self.tie,
            "a_for_b": self.a_for_b,
            "b_for_a": self.b_for_a,
            "p_value": self.p_value,
        }


@dataclass(frozen=True, slots=True)
class Standing:
    """The answer on one judge version.

    Attributes
    ----------
    answer : Answer
    findings : tuple of Finding
        The reasons first.
    errors : Errors
    more_comparisons : int or None
        How many more with votes would let the alt-test decide, roughly; None where more of them
        would not.
    more_raters : int
        How many more annotators it takes for a verdict.
    weak_parts, strong_parts : tuple of int
        Parts where its agreement is shown to be below what two people reach; parts where it is
        shown to be at most `STRONG_MARGIN` below. Of all other parts neither is decided.
    """

    answer: Answer
    findings: tuple[Finding, ...]
    errors: Errors
    more_comparisons: int | None
    more_raters: int
    weak_parts: tuple[int, ...]
    strong_parts: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        """The object as the report's JSON holds it, but for the parts."""
        return {
            "answer": str(self.answer),
            "findings": [str(finding) for finding in self.findings],
            "errors": self.errors.as_dict(),
            "more_comparisons": self.more_comparisons,
            "more_raters": self.more_raters,
        }


def errors_of(table: Confusion) -> Errors:
    """The errors of a judge on what people decide."""
    b_for_a, of_a = table.share(VerdictCode.B, VerdictCode.A)
    a_for_b, of_b = table.share(VerdictCode.A, VerdictCode.B)
    tied = sum(table.share(VerdictCode.TIE, side)[0] for side in (VerdictCode.A, VerdictCode.B))
    n = of_a + of_b
    p_value = None
    if of_a and of_b:
        # Imported here: scipy.stats takes a second to load.
        from scipy.stats import fisher_exact

        cells = np.array([[b_for_a, of_a - b_for_a], [a_for_b, of_b - a_for_b]])
        p_value = float(fisher_exact(cells).pvalue)
    return Errors(
        n=n,
        opposite=(a_for_b + b_for_a) / n if n else None,
        tie=tied / n if n else None,
        a_for_b=a_for_b / of_b if of_b else None,
        b_for_a=b_for_a / of_a if of_a else None,
        p_value=p_value,
    )


def standing(
    *,
    n: int,
    raters: int,
    agreement: Estimate,
    constant_guess: Estimate,
    alt_test: Estimate,
    position: Estimate,
    missing: Estimate,
    longer: Estimate,
    length: Estimate,
    bait: Estimate,
    drift: Estimate,
    table: Confusion,
    parts: Sequence[Part],
) -> Standing:
    """Bring the figures of one judge version to an answer.

    Parameters
    ----------
    n : int
        Comparisons with votes and a judgment.
    raters : int
        Annotators with votes.
    agreement, constant_guess, alt_test, position, missing, longer, length, bait, drift : Estimate
    table : Confusion
    parts : sequence of Part
    """
    errors = errors_of(table)
    found = [
        *_by_outcome(missing),
        *_speaking_to_it(bait),
        *_no_better(agreement, constant_guess),
        *_by_length(longer, length),
        *_by_position(position),
        *_leaning(errors),
    ]
    highest = _high(drift)
    if highest is not None and highest < 0:
        found.insert(0, Finding.DRIFTED)
    if missing.details.get("much") and Finding.MISSING_BY_OUTCOME not in found:
        found.append(Finding.MUCH_MISSING)
    if n and position.estimate is None:
        found.append(Finding.ONE_ORDER)
    answer, reasons, more = _answer(n, raters, alt_test, found)
    weak, strong = _by_part(parts)
    return Standing(
        answer=answer,
        findings=(*reasons, *found),
        errors=errors,
        more_comparisons=more,
        more_raters=max(ADVISED_RATERS - raters, 0),
        weak_parts=weak,
        strong_parts=strong,
    )


def _answer(
    n: int, raters: int, alt_test: Estimate, found: Sequence[Finding]
) -> tuple[Answer, list[Finding], int | None]:
    if n < FEWEST_LABELLED:
        return Answer.TOO_FEW, [Finding.FEW_LABELLED], SETTLED_LABELLED - n
    passed = alt_test.details.get("passed")
    needed = alt_test.details.get("comparisons_needed")
    short = [Finding.FALLS_SHORT] if passed is False and needed is None else []
    if any(finding in DISQUALIFYING for finding in found):
        return Answer.DOES_NOT, short, None
    few = []
    if n < SETTLED_LABELLED:
        few.append(Finding.FEW_LABELLED)
    if raters < ADVISED_RATERS:
        few.append(Finding.FEW_RATERS)
    if few:
        return Answer.NOT_DECIDED, few, SETTLED_LABELLED - n if n < SETTLED_LABELLED else None
    if passed:
        return Answer.STANDS_IN, [], None
    if short:
        return Answer.DOES_NOT, short, None
    return Answer.NOT_DECIDED, [Finding.FEW_LABELLED], needed


def _high(figure: Estimate) -> float | None:
    """The upper end by which a judge is accused: of the figure's own interval, but wider."""
    if figure.estimate is None:
        return None
    critical = critical_value(ACCUSING_LEVEL, figure.df)
    if figure.se is not None:
        return figure.estimate + critical * figure.se
    effective = figure.details.get("n_effective")
    return (
        figure.high if effective is None else float(wilson(figure.estimate, effective, critical)[1])
    )


def _by_outcome(missing: Estimate) -> list[Finding]:
    p = missing.details.get("p_value")
    if p is None or p >= ALPHA:
        return []
    share = {row["verdict"]: row["missing"] / row["n"] for row in missing.details["by_majority"]}
    return [Finding.MISSING_BY_OUTCOME] if abs(share["a"] - share["b"]) >= SILENCE_GAP else []


def _speaking_to_it(bait: Estimate) -> list[Finding]:
    low = bait.details.get("excess_low")
    return [Finding.OBEYS_RESPONSES] if low is not None and low > 0 else []


def _no_better(agreement: Estimate, constant: Estimate) -> list[Finding]:
    highest = _high(agreement)
    if highest is None or constant.estimate is None:
        return []
    return [Finding.NO_BETTER_THAN_CONSTANT] if highest < constant.estimate else []


def _by_length(longer: Estimate, length: Estimate) -> list[Finding]:
    low = longer.details.get("excess_low")
    more = low is not None and low > 0
    return [Finding.PREFERS_LONGER] if more and length.low is not None and length.low > 0 else []


def _by_position(position: Estimate) -> list[Finding]:
    p = position.details.get("p_value")
    if position.estimate is None or p is None or p >= ALPHA:
        return []
    first = position.details["preference"] > 0
    return [Finding.PREFERS_FIRST if first else Finding.PREFERS_SECOND]


def _leaning(errors: Errors) -> list[Finding]:
    if errors.p_value is None or errors.p_value >= ALPHA:
        return []
    a_for_b, b_for_a = errors.a_for_b or 0.0, errors.b_for_a or 0.0
    return [Finding.LEANS_TO_A if a_for_b > b_for_a else Finding.LEANS_TO_B]


def _by_part(parts: Sequence[Part]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    weak: list[int] = []
    strong: list[int] = []
    for part in parts:
        own, ceiling = part.agreement, part.human_ceiling
        if own.high is None or own.low is None or ceiling.low is None or ceiling.estimate is None:
            continue
        if own.high < ceiling.low:
            weak.append(part.part)
        elif own.low >= ceiling.estimate - STRONG_MARGIN:
            strong.append(part.part)
    return tuple(weak), tuple(strong)
