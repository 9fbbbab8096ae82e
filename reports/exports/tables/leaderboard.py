"""The leaderboard, of `overall` and of every further criterion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from annotation.csv_lines import Cell
from reports.presentation.anchor import anchor_of_group

from .figures import boards, codes, estimate_cells

COLUMNS = (
    "criterion",
    "component",
    "rank",
    "rank_low",
    "rank_high",
    "system",
    "rating",
    "rating_low",
    "rating_high",
    "strength",
    "strength_low",
    "strength_high",
    "win_rate",
    "win_rate_low",
    "win_rate_high",
    "votes",
    "tie_rate",
    "both_bad_rate",
    "rating_method",
    "win_rate_method",
    "warnings",
    "anchor",
    "to_anchor",
    "to_anchor_low",
    "to_anchor_high",
)
NOTHING = {"estimate": None, "low": None, "high": None}


def rows(result: Mapping[str, Any]) -> Iterator[dict[str, Cell]]:
    for criterion, part in boards(result):
        anchor = part.get("anchor")
        for row in part["leaderboard"]:
            yield {
                "criterion": criterion,
                **{name: row[name] for name in ("component", "rank", "rank_low", "rank_high")},
                "system": row["system"],
                **estimate_cells("rating", row["rating"]),
                **estimate_cells("strength", row["strength"]),
                **estimate_cells("win_rate", row["win_rate"]),
                **{name: row[name] for name in ("votes", "tie_rate", "both_bad_rate")},
                "rating_method": row["rating"]["method"],
                "win_rate_method": row["win_rate"]["method"],
                "warnings": codes(row["rating"]["warnings"], row["win_rate"]["warnings"]),
                # What the rating is measured from; empty where it is the mean of the group.
                "anchor": anchor_of_group(anchor, row["component"]) or None,
                **estimate_cells("to_anchor", row.get("to_anchor") or NOTHING),
            }
