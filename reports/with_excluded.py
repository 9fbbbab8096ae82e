"""The first board with the excluded votes counted too: what the exclusions change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from reports.columns import by_item_and_annotator
from reports.exclusion_records import ExclusionRecords
from reports.records import CriterionRecords, StudyRecords
from reports.shown_boards import EXPECTED_SCORE, compare, no_board, show_half_win
from reports.stats.anchoring import Anchor
from reports.stats.leaderboard import Leaderboard, LeaderboardRow, leaderboard
from reports.stats.votes import Votes

NAME = "with_excluded"
NOTHING_EXCLUDED = "No vote is excluded that would otherwise count."


@dataclass(frozen=True, slots=True)
class WithExcluded:
    """The board, and what it changes.

    Attributes
    ----------
    board : dict
        Of the report's `boards`; without rows where nothing is excluded.
    compared : dict or None
        Of the report's `sensitivity`; None where nothing is excluded.
    """

    board: dict[str, Any]
    compared: dict[str, Any] | None

    def as_dict(self) -> dict[str, Any]:
        """Of a criterion beside `overall`, whose other boards are not made."""
        return {"board": self.board, "compared": self.compared}


def with_excluded(
    read: StudyRecords,
    criterion: CriterionRecords,
    first: Leaderboard,
    *,
    seed: int,
    level: float,
    anchor: Anchor | None = None,
) -> WithExcluded:
    """Fit the first board's model to counted and excluded votes together.

    Unlike the boards of other methods it is always made, however many votes there are: a result
    whose votes were chosen is shown without the choice too.

    Parameters
    ----------
    read : StudyRecords
    criterion : CriterionRecords
        Of `read`.
    first : Leaderboard
        Of the counted votes on the criterion.
    seed : int
    level : float
    anchor : Anchor, optional
        Of the first board.
    """
    excluded = criterion.exclusions
    if excluded is None:
        return WithExcluded(no_board(NOTHING_EXCLUDED), None)
    votes = votes_with(read, criterion.votes, excluded)
    other = leaderboard(votes, seed=seed, level=level, anchor=anchor)
    board = show_half_win(other, read.systems, votes.n, EXPECTED_SCORE)
    added = int(excluded.item.size)
    return WithExcluded(
        board.shown,
        {
            **compare(first, board, read.systems),
            "n": votes.n,
            "n_added": added,
            "n_post_hoc": int(excluded.post_hoc.sum()),
            "n_own_votes": int(excluded.own.sum()),
            "n_replaced": criterion.votes.n + added - votes.n,
            "largest_shift": largest_shift(first, other, read.systems),
        },
    )


def votes_with(read: StudyRecords, counted: Votes, excluded: ExclusionRecords) -> Votes:
    """The votes that the study would count without its exclusions, on one criterion.

    A counted label that was imported gives way to the excluded vote of the same annotator on the
    same item: it counts only because that one does not.
    """
    names = sorted({*read.annotators, *excluded.annotators})
    place = {name: code for code, name in enumerate(names)}
    of_counted = np.array([place[name] for name in read.annotators], dtype=np.int64)
    of_excluded = np.array([place[name] for name in excluded.annotators], dtype=np.int64)
    annotator, added = of_counted[counted.annotator], of_excluded[excluded.annotator]
    width = len(names)
    kept = ~np.isin(
        counted.item.astype(np.int64) * width + annotator,
        excluded.item.astype(np.int64) * width + added,
    )
    item = np.concatenate([counted.item[kept], excluded.item])
    annotator = np.concatenate([annotator[kept], added])
    order = by_item_and_annotator(item, annotator)
    item = item[order]
    return Votes.from_arrays(
        read.item_system_a[item],
        read.item_system_b[item],
        np.concatenate([counted.verdict[kept], excluded.verdict])[order],
        side=np.concatenate([counted.side[kept], excluded.side])[order],
        prompt=read.item_prompt[item],
        annotator=annotator[order],
        item=item,
        n_systems=counted.n_systems,
        n_prompts=counted.n_prompts,
        n_annotators=width,
        n_items=counted.n_items,
    )


def largest_shift(
    first: Leaderboard, other: Leaderboard, names: tuple[str, ...]
) -> dict[str, Any] | None:
    """The system whose rating moves furthest, the first by name of several.

    Ratings are relative to the systems they were fitted with: only systems whose group is the same
    on both boards have moved by anything, and of these only such as are measured from the anchor on
    both or on neither. None where there is no such system.
    """
    groups_here, groups_there = _groups(first), _groups(other)
    there = {row.system: row for row in other.rows}
    moved = [
        (row, there[row.system])
        for row in sorted(first.rows, key=lambda row: row.system)
        if _is_rated(row)
        and _is_rated(there[row.system])
        and groups_here[row.system] == groups_there[row.system]
        and _is_anchored(first, row) == _is_anchored(other, there[row.system])
    ]
    if not moved:
        return None
    row, now = max(moved, key=lambda pair: abs(_rating(pair[1]) - _rating(pair[0])))
    return {
        "system": names[row.system],
        "rating": _rating(row),
        "rating_there": _rating(now),
        "shift": _rating(now) - _rating(row),
    }


def _is_rated(row: LeaderboardRow) -> bool:
    return row.rating.estimate is not None


def _is_anchored(board: Leaderboard, row: LeaderboardRow) -> bool:
    found = board.anchoring
    return found is not None and row.component is not None and found.component == row.component


def _rating(row: LeaderboardRow) -> float:
    if row.rating.estimate is None:
        raise ValueError("A system without a rating has not moved.")
    return row.rating.estimate


def _groups(board: Leaderboard) -> dict[int, frozenset[int]]:
    """The systems of each system's group, itself too; empty for those without votes."""
    members: dict[int, set[int]] = {}
    for row in board.rows:
        if row.component is not None:
            members.setdefault(row.component, set()).add(row.system)
    return {
        row.system: frozenset() if row.component is None else frozenset(members[row.component])
        for row in board.rows
    }
