"""Each system against all that it met, for the reader who had one in mind beforehand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.wording.headline import alpha_of
from reports.wording.numbers import NOTHING, p_value
from reports.wording.warnings import short


@dataclass(frozen=True, slots=True)
class AgainstOneRow:
    system: str
    # The opponents by what is found of them, each with its adjusted p; a dash where there is none.
    ahead_of: str
    behind: str
    open: str
    prompts: int
    notes: str


@dataclass(frozen=True, slots=True)
class AgainstOne:
    """`reason` says why there are no rows; `anchor` is empty where the design has none."""

    rows: Sequence[AgainstOneRow]
    reason: str
    anchor: str


def against_one(result: Mapping[str, Any]) -> AgainstOne | None:
    """None for reports that were made before format 7, which do not hold it."""
    found = result.get("against_one")
    if found is None:
        return None
    alpha = alpha_of(result)
    rows = [_row(row, alpha) for row in found["rows"] or ()]
    anchor = found["anchor"] or ""
    # The anchor is what such a study is about.
    rows.sort(key=lambda row: row.system != anchor)
    return AgainstOne(rows, found["reason"] or "", anchor)


def _row(row: Mapping[str, Any], alpha: float) -> AgainstOneRow:
    found = [other for other in row["opponents"] if other["p_adjusted"] <= alpha]
    return AgainstOneRow(
        system=row["system"],
        ahead_of=_named(other for other in found if other["mean_score"] > 0.5),
        behind=_named(other for other in found if other["mean_score"] < 0.5),
        open=_named(other for other in row["opponents"] if other["p_adjusted"] > alpha),
        prompts=row["prompts"],
        notes=", ".join(short(code) for code in row["warnings"]),
    )


def _named(others: Iterable[Mapping[str, Any]]) -> str:
    said = [f"{other['system']} ({_p(other['p_adjusted'])})" for other in others]
    return ", ".join(said) or NOTHING


def _p(value: float) -> str:
    """`p = 0.013`, `p < 0.001`."""
    said = p_value(value)
    return f"p {said}" if said.startswith("<") else f"p = {said}"
