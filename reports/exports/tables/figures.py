"""A figure of the report as columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from annotation.csv_lines import Cell


def estimate_cells(name: str, figure: Mapping[str, Any]) -> dict[str, Cell]:
    """`name` with its interval; empty where the figure is undefined."""
    return {
        name: figure["estimate"],
        f"{name}_low": figure["low"],
        f"{name}_high": figure["high"],
    }


def codes(*warnings: Iterable[str]) -> str | None:
    """Warning codes, each once, split by `|`; None where there is none."""
    found = dict.fromkeys(code for group in warnings for code in group)
    return "|".join(found) or None


def boards(result: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """`overall`, then the other criteria: what holds their leaderboard and agreement."""
    yield "overall", result
    for part in result["criteria"]:
        yield part["criterion"], part
