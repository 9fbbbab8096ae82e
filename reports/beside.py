"""What stands beside the leaderboard: boards, their comparison, tests of fit and slices."""

from __future__ import annotations

from typing import Any

from reports.boards import BOARDS, SENSITIVITY, Boards, Grades
from reports.model_fit import model_fit, no_fit
from reports.records import StudyRecords
from reports.shown_boards import no_board
from reports.slicing import no_slices, slices
from reports.stats.anchoring import Anchor
from reports.stats.leaderboard import Leaderboard
from reports.stats.side_term import SideTermFit
from reports.stats.votes import Votes
from reports.with_excluded import NAME as WITH_EXCLUDED
from reports.with_excluded import with_excluded

# Boards, tests of fit and slices cluster and rank again: above this many votes they take longer
# than the report itself, and are made only for those who ask.
MORE_VOTES = 200_000
ASK = "With so many votes it is made only on request: analyze --diagnostics."


def is_large(votes: Votes) -> bool:
    """Whether there are so many votes that what refits or clusters again must be asked for."""
    return votes.n > MORE_VOTES


def beside(
    read: StudyRecords,
    first: Leaderboard,
    side_term: SideTermFit,
    grades: Grades | None,
    *,
    seed: int,
    level: float,
    anchor: Anchor | None,
    thorough: bool,
    still_voting: bool,
) -> dict[str, Any]:
    """The keys `boards`, `sensitivity`, `fit` and `slices` of the report object.

    Parameters
    ----------
    read : StudyRecords
    first : Leaderboard
        Of the overall votes.
    side_term : SideTermFit
    grades : Grades or None
        None where the overall scale has none.
    seed : int
    level : float
    anchor : Anchor or None
    thorough : bool
        Whether what takes long was asked for.
    still_voting : bool
        Whether annotators may still vote.
    """
    votes = read.overall.votes
    too = with_excluded(read, read.overall, first, seed=seed, level=level, anchor=anchor)
    board, compared = {WITH_EXCLUDED: too.board}, {WITH_EXCLUDED: too.compared}
    if is_large(votes) and not thorough:
        return {
            "boards": {**{name: no_board(ASK) for name in BOARDS}, **board},
            "sensitivity": {**dict.fromkeys(SENSITIVITY), **compared},
            "fit": no_fit(ASK),
            "slices": no_slices(read, ASK),
        }
    boards = Boards(
        read, read.overall, first, side_term, grades, seed=seed, level=level, anchor=anchor
    )
    return {
        "boards": {**boards.as_dict(), **board},
        "sensitivity": {**boards.sensitivity(), **compared},
        "fit": model_fit(votes, read, seed=seed, level=level, asked=thorough),
        "slices": slices(votes, read, level=level, still_voting=still_voting),
    }
