"""Whether one number for each system describes the votes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.wording.methods import explain
from reports.wording.numbers import NO_BREAK_SPACE, count, counted, decimal, p_value, percent

# Below it a deviation is more than chance would make.
ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Misfit:
    pair: str
    votes: str
    seen: str
    expected: str
    p_adjusted: str


@dataclass(frozen=True, slots=True)
class Fit:
    """`reason` says why there is no test; everything else is then empty."""

    reason: str
    sentences: Sequence[str]
    method: str
    misfits: Sequence[Misfit]


def fit(result: Mapping[str, Any]) -> Fit:
    found = result["fit"]
    if found["reason"] is not None:
        return Fit(found["reason"], (), "", ())
    test = found["test"]
    return Fit(
        reason="",
        sentences=[_test(test), _pairs(found), _triads(found["cyclic_triads"])],
        method="" if test["p_method"] is None else explain(test["p_method"]),
        misfits=[
            Misfit(
                pair=f"{row['system_a']} v {row['system_b']}",
                votes=count(row["n"]),
                seen=percent(row["mean"]),
                expected=percent(row["expected"]),
                p_adjusted=p_value(row["p_adjusted"]),
            )
            for row in found["misfits"]
        ],
    )


def _test(test: Mapping[str, Any]) -> str:
    if test["p_value"] is None:
        return "The strengths leave no freedom to test them: there are as many as pairs."
    p = f"p{NO_BREAK_SPACE}{_equals(test['p_value'])}"
    figures = f"(X² = {decimal(test['x2'], 1)}, df = {test['df']}, {p})"
    if test["p_value"] < ALPHA:
        return (
            f"The votes deviate from one strength a system by more than chance {figures}. Read the "
            "pairs one by one before you trust the single order."
        )
    return f"The votes do not contradict one strength a system {figures}."


def _equals(value: float) -> str:
    words = p_value(value)
    return words if words.startswith("<") else f"={NO_BREAK_SPACE}{words}"


def _pairs(found: Mapping[str, Any]) -> str:
    tested, wrong = found["pairs_tested"], found["n_misfits"]
    if not wrong:
        return f"None of {counted(tested, 'pair')} is far from what the strengths say."
    return (
        f"{count(wrong)} of {counted(tested, 'pair')} "
        f"{'is' if wrong == 1 else 'are'} far from what the strengths say, after Holm's adjustment."
    )


def _triads(triads: Mapping[str, Any]) -> str:
    if not triads["triads"]:
        return "There are no three systems that were all compared with each other."
    share = (
        ""
        if triads["expected_share"] is None
        else (f"; chance alone would make {percent(triads['expected_share'], 0)}")
    )
    return (
        f"{count(triads['cyclic'])} of {counted(triads['triads'], 'triple')} of systems run in a "
        f"circle, each beating the next{share}."
    )
