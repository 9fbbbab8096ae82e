"""What stands behind the tables: joint and narrower intervals, further tests, effective votes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.wording import numbers
from reports.wording.figures import FIGURES, FigureMethod


@dataclass(frozen=True, slots=True)
class SystemDetail:
    system: str
    # Rating intervals: for all systems at once, and for these annotators alone.
    together: str
    these_annotators: str
    # Of the distance to the anchor, for all systems at once.
    to_anchor_together: str
    equal_opponents: str
    effective_votes: str
    design_effect: str


@dataclass(frozen=True, slots=True)
class PairDetail:
    system_a: str
    system_b: str
    in_general: str
    in_general_sort: float | None
    of_votes: str
    of_votes_sort: float | None
    effective: str
    effective_sort: float | None
    needed: str


def system_details(result: Mapping[str, Any]) -> Sequence[SystemDetail]:
    return [_system(row) for row in result["leaderboard"] if row["votes"]]


def _system(row: Mapping[str, Any]) -> SystemDetail:
    rating, win_rate = row["rating"], row["win_rate"]
    equal = win_rate.get("equal_opponents")
    return SystemDetail(
        system=row["system"],
        together=_rating_bounds(rating.get("simultaneous")),
        these_annotators=_rating_bounds(rating.get("these_annotators")),
        to_anchor_together=_rating_bounds((row.get("to_anchor") or {}).get("simultaneous")),
        equal_opponents=numbers.share(equal),
        effective_votes=_number(win_rate.get("effective_n"), 0),
        design_effect=_number(win_rate.get("design_effect"), 1),
    )


def _rating_bounds(bounds: Mapping[str, Any] | None) -> str:
    if bounds is None or bounds["low"] is None:
        return numbers.NOTHING
    return f"[{numbers.rating(bounds['low'])}, {numbers.rating(bounds['high'])}]"


def _number(value: float | None, places: int) -> str:
    return numbers.NOTHING if value is None else numbers.decimal(value, places)


def pair_details(result: Mapping[str, Any]) -> Sequence[PairDetail]:
    return [
        PairDetail(
            system_a=pair["system_a"],
            system_b=pair["system_b"],
            in_general=numbers.p_value(pair["p_value_two_way"]),
            in_general_sort=pair["p_value_two_way"],
            of_votes=numbers.p_value(pair["p_value_votes"]),
            of_votes_sort=pair["p_value_votes"],
            effective=_number(pair["effective_decisive"], 0),
            effective_sort=pair["effective_decisive"],
            needed=numbers.count(pair["needed"]),
        )
        for pair in result["head_to_head"]
        if pair["n"]
    ]


def figure_methods() -> Sequence[FigureMethod]:
    """Every figure that a report may hold, in the order of the page."""
    return list(FIGURES.values())
