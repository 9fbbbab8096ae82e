"""What may be said of a pair however often somebody looked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.wording.numbers import bounds, count
from reports.wording.warnings import short

from .influence import e_value


@dataclass(frozen=True, slots=True)
class SequentialRow:
    system_a: str
    system_b: str
    votes: str
    votes_sort: int
    e_value: str
    e_value_sort: float | None
    # Per cent of votes for a, in brackets; or why there is none.
    interval: str
    decided: bool


def sequential_rows(result: Mapping[str, Any]) -> Sequence[SequentialRow]:
    return [_row(pair) for pair in result["head_to_head"] if pair["n"]]


def _row(pair: Mapping[str, Any]) -> SequentialRow:
    found = pair["sequential"]
    interval = bounds(found, scale=100, places=0)
    return SequentialRow(
        system_a=pair["system_a"],
        system_b=pair["system_b"],
        votes=count(pair["n"]),
        votes_sort=pair["n"],
        e_value=e_value(found["e_value"]),
        e_value_sort=found["e_value"],
        interval=interval or ", ".join(short(code) for code in found["warnings"]),
        decided=found["decided"],
    )
