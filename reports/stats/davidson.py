"""Davidson's model of ties, and Rao and Kupper's as a second opinion.

A Davidson Strength speaks of the odds of winning, a half-win Strength of the expected score:
with ties the first spread wider, and the two never belong on one axis. Both models here need a
tie and a decisive vote; without either the half-win fit says all there is to say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reports.stats.bradley_terry import MAX_ITERATIONS
from reports.stats.covariance import Covariance
from reports.stats.outcome_fit import (
    OutcomeFit,
    PairCounts,
    fit_outcomes,
    outcome_covariance,
)
from reports.stats.outcome_models import CumulativeLink, Davidson, OutcomeModel
from reports.stats.results import VerdictCode
from reports.stats.votes import BothBadPolicy, IntArray, Votes

__all__ = ["TieFit", "fit_davidson", "fit_rao_kupper", "tie_outcomes"]

OUTCOME_OF_VERDICT: IntArray = np.array([0, 1, 2, 1], dtype=np.int8)
"""a, tie, b in the order of :mod:`reports.stats.outcome_models`; both-bad counts as a tie."""

METHOD_DAVIDSON, METHOD_RAO_KUPPER = "bt_davidson", "bt_rao_kupper"


@dataclass(frozen=True, slots=True)
class TieFit:
    """A fit with a parameter for ties.

    Attributes
    ----------
    method : str
    fit : OutcomeFit
        The one shape parameter is ln ν (Davidson) or η = ln θ (Rao-Kupper).
    covariance : Covariance
        Of the Strengths of systems with votes, ascending, and the shape parameter last.
    pairs : PairCounts
        What was fitted.
    n : int
        Votes.
    """

    method: str
    fit: OutcomeFit
    covariance: Covariance
    pairs: PairCounts
    n: int


def tie_outcomes(votes: Votes) -> IntArray:
    """Outcome 0, 1, 2 (a, tie, b) of each vote, both-bad as a tie, shape (votes.n,)."""
    return np.asarray(OUTCOME_OF_VERDICT[votes.verdict])


def fit_davidson(
    votes: Votes, *, both_bad: BothBadPolicy = "tie", max_iterations: int = MAX_ITERATIONS
) -> TieFit | None:
    """Strengths and ν with clustered errors.

    Parameters
    ----------
    votes : Votes
    both_bad : policy
    max_iterations : int

    Returns
    -------
    TieFit or None
        None where there is no tie, or no decisive vote: ν is then on its boundary.
    """
    return _fit(Davidson(), METHOD_DAVIDSON, votes, both_bad, max_iterations)


def fit_rao_kupper(
    votes: Votes, *, both_bad: BothBadPolicy = "tie", max_iterations: int = MAX_ITERATIONS
) -> TieFit | None:
    """Strengths and η = ln θ with clustered errors: a sensitivity view, never the headline.

    Parameters and returns as :func:`fit_davidson`.
    """
    model = CumulativeLink(steps=1, tie=True)
    return _fit(model, METHOD_RAO_KUPPER, votes, both_bad, max_iterations)


def _fit(
    model: OutcomeModel, method: str, votes: Votes, both_bad: BothBadPolicy, max_iterations: int
) -> TieFit | None:
    used = votes.counted("half", both_bad)
    decisive = (used.verdict == VerdictCode.A) | (used.verdict == VerdictCode.B)
    if not 0 < int(decisive.sum()) < used.n:
        return None
    outcome = tie_outcomes(used)
    pairs = PairCounts.from_votes(used, outcome, model.n_outcomes)
    seen = pairs.counts.sum(axis=1)
    if min(float(seen[1]), float(seen[0] + seen[2])) <= 0:
        return None  # all the votes of one kind weigh nothing
    fit = fit_outcomes(model, pairs, max_iterations=max_iterations)
    return TieFit(
        method if not fit.ridge else f"{method}_ridge",
        fit,
        outcome_covariance(used, outcome, fit),
        pairs,
        used.n,
    )
