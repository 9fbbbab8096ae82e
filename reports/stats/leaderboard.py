"""The leaderboard: a row for every system, sorted as it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reports.stats.anchoring import Anchor, Anchoring, anchoring, missed_anchor
from reports.stats.bradley_terry import (
    METHOD_DROP,
    METHOD_HALF,
    METHOD_RIDGE,
    BradleyTerryFit,
    fit_bradley_terry,
)
from reports.stats.cells import Cells
from reports.stats.connectivity import Separation
from reports.stats.covariance import Covariance
from reports.stats.intervals import check_level
from reports.stats.mean_scores import MeanScores
from reports.stats.results import Estimate, VerdictCode, WarningCode, undefined
from reports.stats.standings import RATING_CENTRE, RATING_SCALE, Standings
from reports.stats.strength_covariance import strength_covariance
from reports.stats.votes import BothBadPolicy, FloatArray, TiePolicy, Votes
from reports.stats.win_rates import system_mean_scores

__all__ = ["Leaderboard", "LeaderboardRow", "leaderboard", "rating_of"]


@dataclass(frozen=True, slots=True)
class LeaderboardRow:
    """One system.

    Attributes
    ----------
    system : int
        Its code.
    component : int or None
        From 0; None without votes that take part in the fit.
    strength, rating : Estimate
        On the log scale and as displayed; `n` counts the system's votes. `details` hold the
        simultaneous interval and, with few annotators, the prompt-only one.
    to_anchor : Estimate or None
        Rating less the anchor's, with the error of the difference; None without an anchor, for the
        anchor itself, and outside its component.
    rank, rank_low, rank_high : int or None
        Within the component; the last two bound the rank jointly for all its systems.
    win_rate : Estimate
        `details["equal_opponents"]`: the rate averaged equally over opponents.
    votes : int
        Counted votes, whatever the verdict.
    tie_rate, both_bad_rate : float or None
        Shares of those votes.
    """

    system: int
    component: int | None
    strength: Estimate
    rating: Estimate
    to_anchor: Estimate | None
    rank: int | None
    rank_low: int | None
    rank_high: int | None
    win_rate: Estimate
    votes: int
    tie_rate: float | None
    both_bad_rate: float | None


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """All systems, with what holds for the board as a whole.

    Attributes
    ----------
    rows : tuple of LeaderboardRow
        By component, rank and code; systems without a fit come last.
    fit : BradleyTerryFit
    covariance : tuple of Covariance
        One a component, in the order of ``fit.components``.
    better : bool array, shape (systems, systems)
        Row stronger than column, jointly for all pairs of a component.
    separations : mapping of int to Separation
        By component: which groups of systems are undefeated or winless.
    anchoring : Anchoring or None
        What became of the anchor; None where none was wanted.
    warnings : tuple of WarningCode
    """

    rows: tuple[LeaderboardRow, ...]
    fit: BradleyTerryFit
    covariance: tuple[Covariance, ...]
    better: NDArray[np.bool_]
    separations: Mapping[int, Separation]
    anchoring: Anchoring | None
    warnings: tuple[WarningCode, ...]


def rating_of(strength: float) -> float:
    """Rating = 1000 + (400/ln 10) Strength."""
    return RATING_CENTRE + RATING_SCALE * strength


def leaderboard(
    votes: Votes,
    *,
    seed: int,
    level: float = 0.95,
    ties: TiePolicy = "half",
    both_bad: BothBadPolicy = "tie",
    anchor: Anchor | None = None,
) -> Leaderboard:
    """Rank the systems.

    Strengths by half-win Bradley-Terry with two-way cluster-robust marginal intervals, joint
    rank bounds, and win rates with effective-vote Wilson intervals.

    Parameters
    ----------
    votes : Votes
        All counted votes, with any verdict.
    seed : int
        The study's seed, for the draws behind simultaneous intervals and rank bounds.
    level : float
    ties, both_bad : policies
        Which votes enter Strengths and win rates, and how.
    anchor : Anchor, optional
        Shifts the Ratings of its component, whose mean is 1000 without one.

    Returns
    -------
    Leaderboard

    Raises
    ------
    UnknownPolicy, InvalidLevel
    """
    check_level(level)
    used = votes.counted(ties, both_bad)
    cells = Cells.from_votes(votes)
    fit = fit_bradley_terry(cells, ties=ties, both_bad=both_bad)
    covariance = strength_covariance(used, fit)
    counts = _verdict_counts(cells)
    rates = system_mean_scores(votes, ties=ties, both_bad=both_bad, level=level)
    equal = _equal_opponents(*cells.scores(ties, both_bad))
    policy = tuple(
        code
        for code in (WarningCode.TIES_DROPPED, WarningCode.BOTH_BAD_FOLDED)
        if code in fit.warnings
    )
    anchored = anchoring(
        anchor, fit.component, [part.method == METHOD_RIDGE for part in fit.components]
    )
    missed = missed_anchor(anchored)
    rows = []
    better = np.zeros((votes.n_systems, votes.n_systems), dtype=bool)
    for label, (part, errors) in enumerate(zip(fit.components, covariance, strict=True)):
        apart = (WarningCode.DISCONNECTED,) if len(fit.components) > 1 else ()
        board = Standings(
            part.strengths,
            errors,
            float(np.diag(part.model_covariance()).mean()),
            method=part.method if part.method == METHOD_RIDGE else f"{part.method}_{errors.method}",
            converged=part.converged,
            warnings=(*part.warnings, *errors.warnings, *apart, *policy),
            seed=seed,
            level=level,
            anchor=None if anchored is None else anchored.among(label, part.systems),
        )
        better[np.ix_(part.systems, part.systems)] = board.better
        for place, system in enumerate(part.systems.tolist()):
            n = int(counts[system].sum())
            low, high, rank = board.low[place], board.high[place], board.rank[place]
            rows.append(
                LeaderboardRow(
                    system=system,
                    component=label,
                    strength=board.strength(place, n),
                    rating=board.rating(place, n, *missed),
                    to_anchor=board.to_anchor(place, n),
                    rank=rank,
                    rank_low=low,
                    rank_high=high,
                    win_rate=rates.estimate(system, *policy, equal_opponents=float(equal[system])),
                    votes=n,
                    tie_rate=float(counts[system, VerdictCode.TIE] / n),
                    both_bad_rate=float(counts[system, VerdictCode.BOTH_BAD] / n),
                )
            )
    rows.sort(key=lambda row: (row.component, row.rank, row.system))
    fallback = METHOD_HALF if ties == "half" else METHOD_DROP
    for system in np.flatnonzero(fit.component < 0).tolist():
        rows.append(_row_without_fit(system, counts[system], rates, fallback, policy))
    return Leaderboard(
        rows=tuple(rows),
        fit=fit,
        covariance=covariance,
        better=better,
        separations={
            label: part.separation
            for label, part in enumerate(fit.components)
            if part.separation is not None
        },
        anchoring=anchored,
        warnings=tuple(
            dict.fromkeys(
                (*fit.warnings, *(c for errors in covariance for c in errors.warnings), *missed)
            )
        ),
    )


def _row_without_fit(
    system: int,
    counts: FloatArray,
    rates: MeanScores,
    method: str,
    policy: tuple[WarningCode, ...],
) -> LeaderboardRow:
    """A system without votes, or without any that take part in the fit."""
    n = int(counts.sum())
    nothing = undefined(method, n, WarningCode.NO_VOTES, *policy)
    return LeaderboardRow(
        system=system,
        component=None,
        strength=nothing,
        rating=nothing,
        to_anchor=None,
        rank=None,
        rank_low=None,
        rank_high=None,
        win_rate=rates.estimate(system, *policy),
        votes=n,
        tie_rate=float(counts[VerdictCode.TIE] / n) if n else None,
        both_bad_rate=float(counts[VerdictCode.BOTH_BAD] / n) if n else None,
    )


def _verdict_counts(cells: Cells) -> FloatArray:
    """Votes of each system by verdict, shape (systems, 4); a and b are not told apart here."""
    size = cells.n_systems * len(VerdictCode)
    counts = np.zeros(size)
    for column in (cells.system_a, cells.system_b):
        counts += np.bincount(column * len(VerdictCode) + cells.verdict, cells.count, size)
    return counts.reshape(cells.n_systems, len(VerdictCode))


def _equal_opponents(score: FloatArray, total: FloatArray) -> FloatArray:
    """Mean over opponents of the mean score against each, shape (systems,); NaN without any."""
    met = total > 0
    rate = np.divide(score, total, out=np.zeros_like(score), where=met)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(rate.sum(axis=1) / met.sum(axis=1))
