"""The multiplier bootstrap beside the clustered errors, as the report holds it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reports.stats.leaderboard import Leaderboard
from reports.stats.multiplier_bootstrap import multiplier_bootstrap
from reports.stats.votes import Votes

ASK = "made only on request: analyze --diagnostics"
NO_VOTES = "there are no votes"


def multiplier_check(
    votes: Votes,
    board: Leaderboard,
    systems: Sequence[str],
    *,
    seed: int,
    level: float,
    thorough: bool,
) -> dict[str, Any]:
    """The key `multiplier_bootstrap` of the report's diagnostics.

    Parameters
    ----------
    votes : Votes
        All counted votes.
    board : Leaderboard
        Theirs: ties half, both-bad as ties.
    systems : sequence of str
        Names of the codes.
    seed : int
    level : float
    thorough : bool
        Whether it was asked for.
    """
    if not thorough or not board.fit.components:
        return {"rows": None, "reason": NO_VOTES if thorough else ASK}
    errors = {row.system: row.strength.se for row in board.rows}
    return {
        "rows": [
            {
                "system": systems[found.system],
                "component": found.component + 1,
                # The leaderboard's own, over both dimensions.
                "se": errors[found.system],
                "annotator": found.annotator.as_dict(),
                "prompt": found.prompt.as_dict(),
            }
            for found in multiplier_bootstrap(votes, board.fit, seed=seed, level=level)
        ],
        "reason": None,
    }
