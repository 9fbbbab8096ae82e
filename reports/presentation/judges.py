"""Judges beside people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reports.wording.judges import closer_of, judge_name, judges_of, name_of
from reports.wording.numbers import (
    NOTHING,
    count,
    counted,
    named_list,
    p_value,
    points_with_interval,
)
from reports.wording.warnings import short

from .figures import Figure, coefficient, figure, percentage

CAUSES = {
    "unparsed": "unparsed",
    "refused": "refused",
    "truncated": "cut short",
    "failed": "failed",
}
PASSED = {True: "passed", False: "not passed", None: ""}


@dataclass(frozen=True, slots=True)
class JudgeRow:
    name: str
    n: int
    comparisons: str
    agreement: Figure
    no_ties: Figure
    majority: Figure
    kappa: Figure
    ceiling: Figure
    guess: Figure
    consistency: Figure
    # The alternative-annotator test, and whether it is passed; empty without a verdict.
    stands_in: Figure
    passed: str
    # `25 unparsed`, by cause, or a dash.
    missing: str
    missing_sort: int
    notes: tuple[str, ...]


def judge_rows(result: Mapping[str, Any]) -> list[JudgeRow]:
    entries = result["alignment"]
    return [_row(entry, judge_name(entry, entries)) for entry in entries]


def _row(entry: Mapping[str, Any], name: str) -> JudgeRow:
    return JudgeRow(
        name=name,
        n=entry["n"],
        comparisons=count(entry["n"]),
        agreement=percentage(entry["agreement"]),
        no_ties=percentage(entry["agreement_no_ties"]),
        majority=percentage(entry["agreement_majority"]),
        kappa=coefficient(entry["cohen_kappa"]),
        ceiling=percentage(entry["human_ceiling"]),
        guess=percentage(entry["constant_guess"]),
        consistency=percentage(entry["position_consistency"]),
        stands_in=percentage(entry["alt_test"]),
        passed=PASSED[entry["alt_test"].get("passed")],
        missing=missing_in_words(entry["missing"]),
        missing_sort=sum(entry["missing"].values()),
        notes=(*(short(code) for code in entry["warnings"]), *_named(entry)),
    )


@dataclass(frozen=True, slots=True)
class JudgePairRow:
    first: str
    second: str
    comparisons: str
    comparisons_sort: int
    difference: Figure
    p_adjusted: str
    p_sort: float | None
    # The judge that is shown to be closer to people.
    closer: str


def judge_pair_rows(result: Mapping[str, Any]) -> list[JudgePairRow]:
    return [_pair_row(pair, result) for pair in result.get("judge_pairs", ())]


def _pair_row(pair: Mapping[str, Any], result: Mapping[str, Any]) -> JudgePairRow:
    first, second = (name_of(judge, result["alignment"]) for judge in judges_of(pair))
    closer = closer_of(pair, result)
    return JudgePairRow(
        first=first,
        second=second,
        comparisons=count(pair["comparisons"]),
        comparisons_sort=pair["comparisons"],
        difference=figure(pair["difference"], points_with_interval),
        p_adjusted=p_value(pair["p_adjusted"]),
        p_sort=pair["p_adjusted"],
        closer="not decided" if closer is None else name_of(closer, result["alignment"]),
    )


def _named(entry: Mapping[str, Any]) -> Iterator[str]:
    number = entry.get("maker_names", {}).get("named")
    if number:
        yield f"a response names a maker in {counted(number, 'pair')}"


def missing_in_words(missing: Mapping[str, int]) -> str:
    said = [
        f"{count(number)} {CAUSES.get(cause, cause)}" for cause, number in sorted(missing.items())
    ]
    return named_list(said) or NOTHING
