"""Strengths by category and by tag, drawn towards the whole as far as the votes demand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.wording.numbers import NOTHING, count, counted

from .figures import Figure, coefficient, percentage
from .other_boards import in_logits

# More columns cannot be read; the JSON has all.
MOST_SYSTEMS = 7


@dataclass(frozen=True, slots=True)
class SliceRow:
    """`cells` are the systems' win rates and shrunk strengths, in the board's order."""

    name: str
    votes: str
    # Fewer votes than a slice of its own needs.
    few: bool
    cells: Sequence[tuple[Figure | None, Figure | None]]


@dataclass(frozen=True, slots=True)
class Sliced:
    """`reason` says why there is nothing to show."""

    kind: str
    reason: str
    spread: str
    smallest: str
    left_out: str
    systems: Sequence[str]
    systems_left_out: int
    rows: Sequence[SliceRow]


def sliced(result: Mapping[str, Any], kind: str) -> Sliced:
    """The slices by `category` or `tag`."""
    found = result["slices"][kind]
    names = [row["system"] for row in result["leaderboard"]]
    if found["slices"] is None:
        return Sliced(kind, found["reason"], "", "", "", (), 0, ())
    shown = names[:MOST_SYSTEMS]
    return Sliced(
        kind=kind,
        reason="",
        spread=f"{in_logits(found['tau'])}",
        smallest=count(found["smallest"]),
        left_out=_left_out(found["left_out"]),
        systems=shown,
        systems_left_out=len(names) - len(shown),
        rows=[_row(entry, shown) for entry in found["slices"]],
    )


def _left_out(number: int) -> str:
    if not number:
        return ""
    return f"{counted(number, 'smaller slice')} {'is' if number == 1 else 'are'} left out."


def _row(entry: Mapping[str, Any], systems: Sequence[str]) -> SliceRow:
    by_name = {row["system"]: row for row in entry["rows"]}
    return SliceRow(
        name=entry["name"] or NOTHING,
        votes=count(entry["votes"]),
        few=entry["shrunk_only"],
        cells=[
            (percentage(by_name[name]["win_rate"]), coefficient(by_name[name]["strength"]))
            if name in by_name
            else (None, None)
            for name in systems
        ],
    )
