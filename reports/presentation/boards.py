"""The leaderboard of a criterion, by groups of systems that were compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from reports.wording import numbers

from .anchor import Found, anchor_of_group
from .figures import Figure, distance, percentage, rating


@dataclass(frozen=True, slots=True)
class BoardRow:
    system: str
    rank: int | None
    # `1`, `1-3` or a dash: bounds that hold for the whole group at once.
    rank_range: str
    rating: Figure
    # None without an anchor, for the anchor itself, and in other groups.
    to_anchor: Figure | None
    win_rate: Figure
    votes: str
    votes_sort: int
    tie_rate: str
    tie_sort: float | None
    both_bad_rate: str
    both_bad_sort: float | None


@dataclass(frozen=True, slots=True)
class BoardGroup:
    """`number` is None for the systems without votes."""

    number: int | None
    rows: Sequence[BoardRow]


@dataclass(frozen=True, slots=True)
class Board:
    criterion: str
    groups: Sequence[BoardGroup]
    votes: int
    # The system that ratings are measured from, in one group of them; empty without one.
    anchor: str

    @property
    def is_split(self) -> bool:
        return sum(group.number is not None for group in self.groups) > 1


def board(
    criterion: str, leaderboard: Sequence[Mapping[str, Any]], votes: int, anchor: Found = None
) -> Board:
    groups = [
        BoardGroup(component, [_row(row) for row in rows])
        for component, rows in groupby(leaderboard, key=lambda row: row["component"])
    ]
    anchors = (anchor_of_group(anchor, group.number) for group in groups)
    return Board(criterion, groups, votes, next(filter(None, anchors), ""))


def _row(row: Mapping[str, Any]) -> BoardRow:
    to_anchor = row.get("to_anchor")
    return BoardRow(
        system=row["system"],
        rank=row["rank"],
        rank_range=rank_range(row),
        rating=rating(row["rating"]),
        to_anchor=None if to_anchor is None else distance(to_anchor),
        win_rate=percentage(row["win_rate"]),
        votes=numbers.count(row["votes"]),
        votes_sort=row["votes"],
        tie_rate=numbers.share(row["tie_rate"]),
        tie_sort=row["tie_rate"],
        both_bad_rate=numbers.share(row["both_bad_rate"]),
        both_bad_sort=row["both_bad_rate"],
    )


def rank_range(row: Mapping[str, Any]) -> str:
    low, high = row["rank_low"], row["rank_high"]
    if low is None:
        return numbers.NOTHING
    return str(low) if low == high else f"{low}{numbers.NOTHING}{high}"
