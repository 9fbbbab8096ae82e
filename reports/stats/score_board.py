"""A board beside the first: the same systems under another model of the votes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reports.stats.anchoring import Anchor, Anchoring, anchoring, missed_anchor
from reports.stats.covariance import Covariance
from reports.stats.results import Estimate, WarningCode, undefined
from reports.stats.standings import Standings
from reports.stats.votes import FloatArray, Votes

__all__ = ["BoardRow", "ScoreBoard", "score_board"]


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One system on one board.

    Attributes
    ----------
    system : int
    component : int or None
        From 0; None without votes that take part.
    strength, rating : Estimate
        `n` counts the system's votes that take part.
    to_anchor : Estimate or None
        As on the leaderboard.
    rank, rank_low, rank_high : int or None
        As on the leaderboard.
    votes : int
    """

    system: int
    component: int | None
    strength: Estimate
    rating: Estimate
    to_anchor: Estimate | None
    rank: int | None
    rank_low: int | None
    rank_high: int | None
    votes: int


@dataclass(frozen=True, slots=True)
class ScoreBoard:
    """All systems under one model.

    Attributes
    ----------
    rows : tuple of BoardRow
        By component, rank and code; systems without a fit last.
    better : bool array, shape (systems, systems)
        Row stronger than column, jointly for all pairs of a component.
    method : str
    n : int
        Votes that took part.
    anchoring : Anchoring or None
        What became of the anchor on this board; None where none was wanted.
    warnings : tuple of WarningCode
    """

    rows: tuple[BoardRow, ...]
    better: NDArray[np.bool_]
    method: str
    n: int
    anchoring: Anchoring | None
    warnings: tuple[WarningCode, ...]


def _of_systems(covariance: Covariance, places: NDArray[np.intp]) -> Covariance:
    """The block of some parameters."""
    alone = covariance.these_annotators
    ranks = covariance.for_ranks
    block = np.ix_(places, places)
    return replace(
        covariance,
        matrix=covariance.matrix[block],
        these_annotators=None if alone is None else replace(alone, matrix=alone.matrix[block]),
        for_ranks=None if ranks is None else replace(ranks, matrix=ranks.matrix[block]),
    )


def score_board(
    votes: Votes,
    strengths: FloatArray,
    component: NDArray[np.intp],
    covariance: Covariance,
    model_covariance: FloatArray,
    *,
    method: str,
    converged: bool,
    seed: int,
    warnings: Sequence[WarningCode] = (),
    level: float = 0.95,
    anchor: Anchor | None = None,
) -> ScoreBoard:
    """Rows, ranks and joint bounds from a fit of all components together.

    Parameters
    ----------
    votes : Votes
        Those that took part.
    strengths, component : array, shape (systems,)
        NaN and -1 for systems without votes.
    covariance : Covariance
    model_covariance : float array, shape (k, k)
        Both with the Strengths of systems with votes first, ascending.
    method : str
    converged : bool
    seed : int
    warnings : sequence of WarningCode
        Beyond those of the covariance.
    level : float
    anchor : Anchor, optional
        Shifts the Ratings of its component, on this board's scale.
    """
    n_systems = votes.n_systems
    counts = np.bincount(votes.system_a, minlength=n_systems)
    counts += np.bincount(votes.system_b, minlength=n_systems)
    systems = np.flatnonzero(component >= 0)
    better = np.zeros((n_systems, n_systems), dtype=bool)
    codes = tuple(dict.fromkeys((*warnings, *covariance.warnings)))
    components = int(component.max(initial=-1)) + 1
    # One prior for all components, where any of them has no finite estimate.
    anchored = anchoring(anchor, component, [WarningCode.SEPARATED in codes] * components)
    missed = missed_anchor(anchored)
    rows = []
    for label in range(components):
        places = np.flatnonzero(component[systems] == label)
        inside = systems[places]
        standing = Standings(
            strengths[inside],
            _of_systems(covariance, places),
            float(np.diag(model_covariance)[places].mean()),
            method=method,
            converged=converged,
            warnings=codes,
            seed=seed,
            level=level,
            anchor=None if anchored is None else anchored.among(label, inside),
        )
        better[np.ix_(inside, inside)] = standing.better
        for place, system in enumerate(inside.tolist()):
            n = int(counts[system])
            rows.append(
                BoardRow(
                    system=system,
                    component=label,
                    strength=standing.strength(place, n),
                    rating=standing.rating(place, n, *missed),
                    to_anchor=standing.to_anchor(place, n),
                    rank=standing.rank[place],
                    rank_low=standing.low[place],
                    rank_high=standing.high[place],
                    votes=n,
                )
            )
    rows.sort(key=lambda row: (row.component, row.rank, row.system))
    nothing = undefined(method, 0, WarningCode.NO_VOTES)
    rows += [
        BoardRow(system, None, nothing, nothing, None, None, None, None, 0)
        for system in np.flatnonzero(component < 0).tolist()
    ]
    return ScoreBoard(tuple(rows), better, method, votes.n, anchored, (*codes, *missed))
