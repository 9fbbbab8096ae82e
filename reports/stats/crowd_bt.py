"""Crowd-BT: how often each annotator reports what the strengths make likely.

Chen, Bennett, Collins-Thompson & Horvitz 2013, doi 10.1145/2433396.2433420. It flags; it never
reweights the leaderboard.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit

from reports.stats.bradley_terry import ridge_strengths
from reports.stats.group_sums import group_sum
from reports.stats.results import VerdictCode
from reports.stats.votes import FloatArray, IntArray, Votes

__all__ = ["CrowdBradleyTerry", "agreement_log_e_values", "fit_crowd_bt", "penalised_likelihood"]

RIDGE = 0.01
PRIOR_SUCCESS, PRIOR_FAILURE = 8.0, 2.0
"""Beta(8, 2) on reliability: nine in ten at its mode."""

START = 0.9
FLAG_BELOW = 0.75
FEWEST_TO_FLAG = 20
MAX_ITERATIONS = 500
TOLERANCE = 1e-7
"""Largest change of a reliability or Strength in one round."""


@dataclass(frozen=True, slots=True)
class CrowdBradleyTerry:
    """Reliabilities with the Strengths that they go with.

    Attributes
    ----------
    reliability : float array, shape (annotators,)
        η: chance of reporting the winner that the model would draw. NaN without a decisive vote.
    decisive : int array, shape (annotators,)
        Decisive votes behind it.
    strengths : float array, shape (systems,)
    iterations : int
    converged : bool
    objective : float
        Penalised log-likelihood.
    """

    reliability: FloatArray
    decisive: IntArray
    strengths: FloatArray
    iterations: int
    converged: bool
    objective: float

    @property
    def flagged(self) -> NDArray[np.bool_]:
        """Reliability below .75 with at least 20 decisive votes."""
        low = np.nan_to_num(self.reliability, nan=1.0) < FLAG_BELOW
        return np.asarray(low & (self.decisive >= FEWEST_TO_FLAG))


@dataclass(frozen=True, slots=True)
class _Reports:
    """Decisive votes as winner, loser and annotator; ties as points of row against column."""

    winner: IntArray
    loser: IntArray
    annotator: IntArray
    tied: FloatArray


def _reports(votes: Votes) -> _Reports:
    m = votes.n_systems
    won = votes.verdict == VerdictCode.A
    decisive = won | (votes.verdict == VerdictCode.B)
    a, b = votes.system_a.astype(np.int64), votes.system_b.astype(np.int64)
    first, second = a[~decisive], b[~decisive]
    half = np.full(first.size, 0.5)
    tied = group_sum(first * m + second, half, m * m) + group_sum(second * m + first, half, m * m)
    winner, loser = np.where(won, a, b)[decisive], np.where(won, b, a)[decisive]
    annotator = votes.annotator[decisive]
    # Sums of equal votes in another order would round differently.
    order = np.argsort((annotator.astype(np.int64) * m + winner) * m + loser)
    return _Reports(winner[order], loser[order], annotator[order], tied.reshape(m, m))


def penalised_likelihood(
    votes: Votes, strengths: FloatArray, reliability: FloatArray
) -> tuple[float, FloatArray, FloatArray]:
    """What :func:`fit_crowd_bt` maximises, with its gradient.

    Σ ln(η p + (1-η)(1-p)) over decisive votes, half-wins for ties, the Beta prior on each η and
    the ridge on the Strengths.

    Parameters
    ----------
    votes : Votes
    strengths : float array, shape (systems,)
    reliability : float array, shape (annotators,)
        Within (0, 1).

    Returns
    -------
    value : float
    by_strength : float array, shape (systems,)
    by_reliability : float array, shape (annotators,)
    """
    return _likelihood(_reports(votes), strengths, reliability)


def _likelihood(
    reports: _Reports, strengths: FloatArray, reliability: FloatArray
) -> tuple[float, FloatArray, FloatArray]:
    m = strengths.size
    p = expit(strengths[reports.winner] - strengths[reports.loser])
    eta = reliability[reports.annotator]
    chance = eta * p + (1 - eta) * (1 - p)
    difference = strengths[:, None] - strengths
    value = (
        float(np.log(chance).sum())
        + float((reports.tied * log_expit(difference)).sum())
        - RIDGE / 2 * float((strengths**2).sum())
        + (PRIOR_SUCCESS - 1) * float(np.log(reliability).sum())
        + (PRIOR_FAILURE - 1) * float(np.log1p(-reliability).sum())
    )
    turn = (2 * eta - 1) * p * (1 - p) / chance
    by_strength = group_sum(reports.winner, turn, m) - group_sum(reports.loser, turn, m)
    by_strength += (reports.tied * expit(-difference)).sum(axis=1)
    by_strength -= (reports.tied * expit(-difference)).sum(axis=0)
    by_strength -= RIDGE * strengths
    by_reliability = group_sum(reports.annotator, (2 * p - 1) / chance, reliability.size)
    by_reliability += (PRIOR_SUCCESS - 1) / reliability
    by_reliability -= (PRIOR_FAILURE - 1) / (1 - reliability)
    return value, by_strength, by_reliability


def fit_crowd_bt(votes: Votes, *, max_iterations: int = MAX_ITERATIONS) -> CrowdBradleyTerry:
    """Strengths and reliabilities by expectation-maximisation.

    Both-bad counts as a tie; ties are half-wins of weight 1 and say nothing about reliability.

    Parameters
    ----------
    votes : Votes
        Weights are not used.
    max_iterations : int
        At this limit `converged` is False.
    """
    m, people = votes.n_systems, votes.n_annotators
    reports = _reports(votes)
    decisive = np.bincount(reports.annotator, minlength=people)
    forward = reports.winner * m + reports.loser
    backward = reports.loser * m + reports.winner
    reliability, strengths = np.full(people, START), np.zeros(m)
    converged, iterations = decisive.sum() == 0, 0
    while not converged and iterations < max_iterations:
        iterations += 1
        p = expit(strengths[reports.winner] - strengths[reports.loser])
        eta = reliability[reports.annotator]
        true = eta * p / (eta * p + (1 - eta) * (1 - p))
        successes = group_sum(reports.annotator, true, people)
        updated = (successes + PRIOR_SUCCESS - 1) / (decisive + PRIOR_SUCCESS + PRIOR_FAILURE - 2)
        score = group_sum(forward, true, m * m) + group_sum(backward, 1 - true, m * m)
        points = score.reshape(m, m) + reports.tied
        fitted = ridge_strengths(points, points + points.T, RIDGE)
        change = max(
            float(np.abs(updated - reliability).max()), float(np.abs(fitted - strengths).max())
        )
        reliability, strengths = updated, fitted
        converged = change < TOLERANCE
    objective = _likelihood(reports, strengths, reliability)[0] if m and people else 0.0
    return CrowdBradleyTerry(
        reliability=np.where(decisive > 0, reliability, np.nan),
        decisive=decisive,
        strengths=strengths,
        iterations=iterations,
        converged=bool(converged),
        objective=objective,
    )


def agreement_log_e_values(votes: Votes, without: FloatArray) -> FloatArray:
    """ln of the evidence that an annotator votes by the toss of a coin and not like the others.

    Π 1/(2p) over the annotator's decisive votes, p the chance that the others' Strengths give
    to what was chosen. Valid at any time, as p comes from others' votes; half-win Strengths lie
    nearer to ½ than the chance of a decisive vote, which errs on the annotator's side.

    Parameters
    ----------
    votes : Votes
    without : float array, shape (annotators, systems)
        Strengths without each annotator, as :class:`reports.stats.influence.LeaveOneOut` has
        them.

    Returns
    -------
    float array, shape (annotators,)
        NaN without a decisive vote, or where the others' votes give no fit.
    """
    reports = _reports(votes)
    who = reports.annotator
    ahead = without[who, reports.winner] - without[who, reports.loser]
    total = group_sum(who, -np.log(2) - log_expit(ahead), votes.n_annotators)
    voted = np.bincount(who, minlength=votes.n_annotators) > 0
    return np.where(voted, total, np.nan)
