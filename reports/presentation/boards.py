"""The leaderboard of a criterion, by groups of systems that were compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from reports.wording import numbers

from .figures import Figure, percentage, rating


@dataclass(frozen=True, slots=True)
class BoardRow:
    system: str
    rank: int | None
    # `1`, `1-3` or a dash: bounds that hold for the whole group at once.
    rank_range: str
    rating: Figure
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

    @property
    def is_split(self) -> bool:
        return sum(group.number is not None for group in self.groups) > 1


def board(criterion: str, leaderboard: Sequence[Mapping[str, Any]], votes: int) -> Board:
    groups = [
        BoardGroup(component, [_row(row) for row in rows])
        for component, rows in groupby(leaderboard, key=lambda row: row["component"])
    ]
    return Board(criterion, groups, votes)


def _row(row: Mapping[str, Any]) -> BoardRow:
    return BoardRow(
        system=row["system"],
        rank=row["rank"],
        rank_range=rank_range(row),
        rating=rating(row["rating"]),
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
