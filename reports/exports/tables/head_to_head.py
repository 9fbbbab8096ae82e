"""Every pair of systems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from annotation.csv_lines import Cell

from .figures import codes, estimate_cells

COUNTS = ("n", "wins_a", "wins_b", "ties", "both_bad")
TESTS = ("p_value", "p_adjusted", "q_value", "p_value_votes", "p_value_two_way")
EVIDENCE = (
    "target",
    "target_reached",
    "effective_decisive",
    "needed",
    "enough",
    "votes_needed",
)
COLUMNS = (
    "system_a",
    "system_b",
    "component",
    *COUNTS,
    "win_rate_a",
    "win_rate_a_low",
    "win_rate_a_high",
    *TESTS,
    *EVIDENCE,
    "win_rate_method",
    "p_method",
    "warnings",
)


def rows(result: Mapping[str, Any]) -> Iterator[dict[str, Cell]]:
    for row in result["head_to_head"]:
        yield {
            **{name: row[name] for name in ("system_a", "system_b", "component", *COUNTS)},
            **estimate_cells("win_rate_a", row["win_rate_a"]),
            **{name: row[name] for name in (*TESTS, *EVIDENCE)},
            "win_rate_method": row["win_rate_a"]["method"],
            "p_method": row["p_method"],
            "warnings": codes(row["warnings"]),
        }
