"""Strengths by category, tag and answer, drawn towards the whole as far as the votes demand."""

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
    """`kind` heads the column, `by` the table, `reason` says why there is nothing to show.

    `spread` is a sentence on how much systems differ between slices, `apart` one on those that
    never meet in them.
    """

    kind: str
    by: str
    reason: str
    spread: str
    apart: str
    smallest: str
    left_out: str
    systems: Sequence[str]
    systems_left_out: int
    rows: Sequence[SliceRow]


def all_slices(result: Mapping[str, Any]) -> list[Sliced]:
    """By category, by tag, and by the answers to each question about people."""
    found = result["slices"]
    names = [row["system"] for row in result["leaderboard"]]
    kinds = [_sliced(found[kind], kind, kind, names) for kind in ("category", "tag")]
    # Reports before format 13 have none.
    asked = [
        _sliced(entry["sliced"], "answer", f"answer: {entry['text']}", names, _hidden(entry))
        for entry in found.get("profile", ())
    ]
    return [*kinds, *asked]


def _sliced(
    found: Mapping[str, Any], kind: str, by: str, names: Sequence[str], hidden: str = ""
) -> Sliced:
    if found["slices"] is None:
        reason = f"{found['reason']} {hidden}".strip()
        return Sliced(kind, by, reason, "", "", "", "", (), 0, ())
    shown = names[:MOST_SYSTEMS]
    return Sliced(
        kind=kind,
        by=by,
        reason="",
        spread=_spread(found["tau"]),
        apart=_apart(found["slices"]),
        smallest=count(found["smallest"]),
        left_out=f"{_left_out(found['left_out'])} {hidden}".strip(),
        systems=shown,
        systems_left_out=len(names) - len(shown),
        rows=[_row(entry, shown) for entry in found["slices"]],
    )


def _spread(tau: Mapping[str, Any]) -> str:
    """How much systems differ between slices, or why that cannot be told."""
    if tau["estimate"] is None:
        why = tau.get("reason") or coefficient(tau).why
        return (
            f"How much a system's strength varies between them cannot be told: {why}. So no "
            "strength within them is given."
        )
    return (
        f"A system's strength varies between them by about {in_logits(tau)} (standard deviation on "
        "the log scale of odds; the interval is what the votes do not rule out)."
    )


def _apart(slices: Sequence[Mapping[str, Any]]) -> str:
    """Which systems have a scale of their own, as the slices never join them to others."""
    groups: dict[int, dict[str, None]] = {}
    for entry in slices:
        for row in entry["rows"]:
            if "component" in row["strength"]:
                groups.setdefault(row["strength"]["component"], {})[row["system"]] = None
    if not groups:
        return ""
    listed = "; ".join(", ".join(groups[number]) for number in sorted(groups))
    return (
        f"Within them systems fall into groups that never meet, not even by way of others: "
        f"{listed}. Compare strengths within a group only."
    )


def _hidden(entry: Mapping[str, Any]) -> str:
    """That answers of few people are not shown, and why."""
    if not entry["hidden"]:
        return ""
    verb = "is" if entry["hidden"] == 1 else "are"
    return (
        f"{counted(entry['hidden'], 'answer')} {verb} not shown, so that no figure here is of "
        f"fewer than {count(entry['least_people'])} people."
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
