"""What stands beside the leaderboard: boards, their comparison, tests of fit and slices."""

from __future__ import annotations

from typing import Any

from reports.boards import BOARDS, SENSITIVITY, Boards, Grades, no_board
from reports.model_fit import model_fit, no_fit
from reports.records import StudyRecords
from reports.slicing import no_slices, slices
from reports.stats.leaderboard import Leaderboard
from reports.stats.side_term import SideTermFit

# Boards, tests of fit and slices cluster and rank again: above this many votes they take longer
# than the report itself, and are made only for those who ask.
MORE_VOTES = 200_000
ASK = "With so many votes it is made only on request: analyze --diagnostics."


def beside(
    read: StudyRecords,
    first: Leaderboard,
    side_term: SideTermFit,
    grades: Grades | None,
    *,
    seed: int,
    level: float,
    thorough: bool,
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
    thorough : bool
        Whether what takes long was asked for.
    """
    votes = read.overall.votes
    if votes.n > MORE_VOTES and not thorough:
        return {
            "boards": {name: no_board(ASK) for name in BOARDS},
            "sensitivity": dict.fromkeys(SENSITIVITY),
            "fit": no_fit(ASK),
            "slices": no_slices(ASK),
        }
    boards = Boards(read, read.overall, first, side_term, grades, seed=seed, level=level)
    return {
        "boards": boards.as_dict(),
        "sensitivity": boards.sensitivity(),
        "fit": model_fit(votes, read, seed=seed, level=level, asked=thorough),
        "slices": slices(votes, read, level=level),
    }
