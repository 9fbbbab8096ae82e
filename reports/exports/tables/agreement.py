"""Agreement coefficients of every criterion, and kappa of every pair of annotators."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from annotation.csv_lines import Cell

from .figures import boards, codes, estimate_cells

COLUMNS = (
    "criterion",
    "coefficient",
    "rater_1",
    "rater_2",
    "estimate",
    "estimate_low",
    "estimate_high",
    "n",
    "method",
    "warnings",
)


def rows(result: Mapping[str, Any]) -> Iterator[dict[str, Cell]]:
    for criterion, part in boards(result):
        for name, figure in part["agreement"].items():
            if isinstance(figure, Mapping) and "estimate" in figure:
                yield _row(criterion, name, figure)
        for pair in part["agreement"]["cohen_kappa"]:
            yield _row(criterion, "cohen_kappa", pair)


def _row(criterion: str, name: str, figure: Mapping[str, Any]) -> dict[str, Cell]:
    return {
        "criterion": criterion,
        "coefficient": name,
        "rater_1": figure.get("rater_1"),
        "rater_2": figure.get("rater_2"),
        **estimate_cells("estimate", figure),
        "n": figure["n"],
        "method": figure["method"],
        "warnings": codes(figure["warnings"]),
    }
