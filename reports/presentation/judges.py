"""Judges beside people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reports.charts.judges import judge_name
from reports.wording.numbers import NOTHING, count, named_list
from reports.wording.warnings import short

from .figures import Figure, coefficient, percentage

CAUSES = {
    "unparsed": "unparsed",
    "refused": "refused",
    "truncated": "cut short",
    "failed": "failed",
}


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
        missing=missing_in_words(entry["missing"]),
        missing_sort=sum(entry["missing"].values()),
        notes=tuple(short(code) for code in entry["warnings"]),
    )


def missing_in_words(missing: Mapping[str, int]) -> str:
    said = [
        f"{count(number)} {CAUSES.get(cause, cause)}" for cause, number in sorted(missing.items())
    ]
    return named_list(said) or NOTHING
