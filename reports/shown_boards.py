"""How a board stands in the report, and what one beside the first changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.anchored_boards import anchor_as_dict
from reports.stats.leaderboard import Leaderboard, LeaderboardRow
from reports.stats.results import Estimate
from reports.stats.score_board import BoardRow, ScoreBoard
from reports.stats.sensitivity import compare_conclusions

# Differences between two boards listed in full; the counts say how many there are.
CHANGES_SHOWN = 50

EXPECTED_SCORE, WIN_ODDS, GRADE_ODDS = "expected_score", "win_odds", "grade_odds"


@dataclass(frozen=True, slots=True)
class ShownBoard:
    """A board as the report holds it, and what it decides."""

    shown: dict[str, Any]
    ranks: Mapping[int, int | None]
    better: Any


def leaderboard_rows(board: Leaderboard, names: Sequence[str]) -> list[dict[str, Any]]:
    """The first board, with all that it says of a system."""
    return [
        {
            **_row(row, row.votes, names),
            "win_rate": row.win_rate.as_dict(),
            "tie_rate": row.tie_rate,
            "both_bad_rate": row.both_bad_rate,
        }
        for row in board.rows
    ]


def no_board(reason: str) -> dict[str, Any]:
    """A board that there is not, and why."""
    return {"rows": None, "reason": reason}


def show_board(
    board: ScoreBoard, names: Sequence[str], scale: str, terms: Mapping[str, Estimate], **more: Any
) -> ShownBoard:
    rows = [_row(row, row.votes, names) for row in board.rows]
    return _shown(rows, board, names, scale, board.n, terms, more)


def show_half_win(
    board: Leaderboard, names: Sequence[str], n: int, scale: str, **more: Any
) -> ShownBoard:
    """A board of the same kind as the first, from other votes."""
    rows = [
        {**_row(row, row.win_rate.n, names), "win_rate": row.win_rate.as_dict()}
        for row in board.rows
    ]
    return _shown(rows, board, names, scale, n, {}, more)


def compare(first: Leaderboard, board: ShownBoard, names: Sequence[str]) -> dict[str, Any]:
    """What ranks and conclusions of the first board are others on another one."""
    here: dict[int, int | None] = {row.system: row.rank for row in first.rows}
    found = compare_conclusions(here, first.better, dict(board.ranks), board.better)
    return {
        "order_changed": found.order_changed,
        "conclusions_changed": found.conclusions_changed,
        "n_moved": len(found.moved),
        "moved": [
            {"system": names[system], "rank": rank, "rank_there": there}
            for system, rank, there in found.moved[:CHANGES_SHOWN]
        ],
        "n_changes": len(found.changes),
        "changes": [
            {"better": names[better], "worse": names[worse], "change": change}
            for better, worse, change in found.changes[:CHANGES_SHOWN]
        ],
    }


def _row(row: BoardRow | LeaderboardRow, votes: int, names: Sequence[str]) -> dict[str, Any]:
    return {
        "system": names[row.system],
        # Components count from 1 in the report, as people do.
        "component": None if row.component is None else row.component + 1,
        "strength": row.strength.as_dict(),
        "rating": row.rating.as_dict(),
        "to_anchor": None if row.to_anchor is None else row.to_anchor.as_dict(),
        "rank": row.rank,
        "rank_low": row.rank_low,
        "rank_high": row.rank_high,
        "votes": votes,
    }


def _shown(
    rows: list[dict[str, Any]],
    board: ScoreBoard | Leaderboard,
    names: Sequence[str],
    scale: str,
    n: int,
    terms: Mapping[str, Estimate],
    more: Mapping[str, Any],
) -> ShownBoard:
    shown = {
        "rows": rows,
        "reason": None,
        "scale": scale,
        "n": n,
        "anchor": anchor_as_dict(board.anchoring, names),
        "terms": {name: term.as_dict() for name, term in terms.items()},
        "warnings": [str(code) for code in board.warnings],
        **more,
    }
    return ShownBoard(shown, {row.system: row.rank for row in board.rows}, board.better)
