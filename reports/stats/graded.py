"""Graded votes: slightly, clearly or much better, by a cumulative link.

Agresti 1992, doi 10.2307/2347562: logit P(grade ≤ j) = κ_j - d with thresholds that mirror each
other around a tie. The grades sharpen the Strengths where people use them alike; the half-win
board of the bare verdicts stands beside.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from reports.stats.bradley_terry import MAX_ITERATIONS
from reports.stats.covariance import Covariance
from reports.stats.outcome_fit import OutcomeFit, PairCounts, fit_outcomes, outcome_covariance
from reports.stats.outcome_models import CumulativeLink
from reports.stats.results import ShapeMismatch, VerdictCode
from reports.stats.votes import BothBadPolicy, IntArray, Votes

__all__ = ["GradedFit", "fit_graded", "signed_grades"]

METHOD_GRADED = "bt_graded"


@dataclass(frozen=True, slots=True)
class GradedFit:
    """Strengths and thresholds from graded votes.

    Attributes
    ----------
    method : str
    fit : OutcomeFit
        Its shape parameters are the thresholds above 0, ascending.
    covariance : Covariance
        Of the Strengths of systems with votes, ascending, then the thresholds.
    between : tuple of (int, int)
        The grades that each threshold parts, 0 for a tie.
    votes : Votes
        Those behind the fit.
    """

    method: str
    fit: OutcomeFit
    covariance: Covariance
    between: tuple[tuple[int, int], ...]
    votes: Votes


def signed_grades(votes: Votes, margin: ArrayLike, steps: int) -> IntArray:
    """Grade of each vote from +steps (a much better) to -steps, 0 for a tie or both-bad.

    Parameters
    ----------
    votes : Votes
    margin : array_like of int, shape (votes.n,)
        1 to `steps` for decisive votes; of other votes it is not read.
    steps : int
        Grades on each side of a tie.

    Raises
    ------
    ShapeMismatch
        Another shape, or a decisive vote without a grade on this scale.
    """
    margins = np.asarray(margin).astype(np.int64)
    if margins.shape != (votes.n,):
        raise ShapeMismatch(f"margin has shape {margins.shape}, but there are {votes.n} votes")
    sign = np.array([1, 0, -1, 0])[votes.verdict]
    wrong = (sign != 0) & ((margins < 1) | (margins > steps))
    if bool(wrong.any()):
        row = int(np.argmax(wrong))
        raise ShapeMismatch(
            f"margin of vote {row} is {int(margins[row])}; a decisive vote needs 1 to {steps}"
        )
    return np.asarray(sign * margins)


def fit_graded(
    votes: Votes,
    margin: ArrayLike,
    steps: int,
    *,
    both_bad: BothBadPolicy = "tie",
    max_iterations: int = MAX_ITERATIONS,
) -> GradedFit | None:
    """Strengths and thresholds with clustered errors.

    A grade that nobody gave has no threshold of its own: it is left out of the scale.

    Parameters
    ----------
    votes : Votes
    margin : array_like of int, shape (votes.n,)
    steps : int
    both_bad : policy
    max_iterations : int

    Returns
    -------
    GradedFit or None
        None without a decisive vote.

    Raises
    ------
    ShapeMismatch, UnknownPolicy
    """
    grades = signed_grades(votes, margin, steps)
    if both_bad == "drop":
        kept = votes.verdict != VerdictCode.BOTH_BAD
        grades = grades[kept]
    used = votes.counted("half", both_bad)
    if used.weight is not None:
        held = used.weight > 0
        used, grades = used.take(held), grades[held]
    levels = np.unique(np.abs(grades))
    tie = bool(levels.size) and int(levels[0]) == 0
    above = levels[1:] if tie else levels
    if above.size == 0:
        return None
    size = int(above.size)
    model = CumulativeLink(steps=size, tie=tie)
    # Ranks 1.. of the grades in use, their sign kept: outcome 0 is the best for a.
    rank = np.sign(grades) * (1 + np.searchsorted(above, np.abs(grades)))
    outcome = np.where(rank > 0, size - rank, size + tie - 1 - rank)
    outcome[grades == 0] = size
    pairs = PairCounts.from_votes(used, outcome, model.n_outcomes)
    fit = fit_outcomes(model, pairs, max_iterations=max_iterations)
    return GradedFit(
        METHOD_GRADED if not fit.ridge else f"{METHOD_GRADED}_ridge",
        fit,
        outcome_covariance(used, outcome, fit),
        tuple(itertools.pairwise(levels.tolist())),
        used,
    )
