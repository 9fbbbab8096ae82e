"""Fit Strengths together with the shape of an outcome model, with clustered errors.

All components of the comparison graph share the shape parameters: how often people call a tie
is a habit of theirs, not of the systems. Strengths have mean 0 in each component.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.stats.bradley_terry import MAX_ITERATIONS
from reports.stats.connectivity import find_separation, weak_components
from reports.stats.covariance import Covariance, clustered_covariance
from reports.stats.design import Design
from reports.stats.extra_columns import TableColumns
from reports.stats.group_sums import group_sum, on_exact_grid
from reports.stats.newton import Slope, block_centre, block_gauge, maximise
from reports.stats.outcome_models import OutcomeModel
from reports.stats.results import ShapeMismatch, WarningCode
from reports.stats.votes import FloatArray, IntArray, Votes

__all__ = ["OutcomeFit", "PairCounts", "fit_outcomes", "outcome_covariance", "outcome_slope"]


@dataclass(frozen=True, slots=True)
class PairCounts:
    """Votes of each pair i < j by outcome, as seen from i.

    Attributes
    ----------
    first, second : int array, shape (pairs,)
        Codes of pairs with votes, sorted.
    counts : float array, shape (C, pairs)
        Sums of weights.
    n_systems : int
    """

    first: IntArray
    second: IntArray
    counts: FloatArray
    n_systems: int

    @classmethod
    def from_votes(cls, votes: Votes, outcome: IntArray, n_outcomes: int) -> PairCounts:
        """Count the votes by pair and outcome.

        Parameters
        ----------
        votes : Votes
        outcome : int array, shape (votes.n,)
            From 0, the best for system a, to `n_outcomes` - 1.
        n_outcomes : int

        Raises
        ------
        ShapeMismatch
        """
        if outcome.shape != (votes.n,):
            raise ShapeMismatch(f"outcome has shape {outcome.shape}, but there are {votes.n} votes")
        m = votes.n_systems
        size = m * m
        code = outcome * np.int64(size) + votes.system_a * np.int64(m) + votes.system_b
        weight = None if votes.weight is None else on_exact_grid(votes.weight)
        table = np.bincount(code, weight, n_outcomes * size).reshape(n_outcomes, m, m)
        folded = table + table[::-1].transpose(0, 2, 1)
        first, second = np.nonzero(np.triu(folded.sum(axis=0), 1))
        return cls(first, second, folded[:, first, second].astype(np.float64), m)

    @property
    def totals(self) -> FloatArray:
        """Votes of each pair, shape (pairs,)."""
        return np.asarray(self.counts.sum(axis=0))

    def square(self, values: FloatArray) -> FloatArray:
        """The symmetric matrix of one value a pair, shape (n_systems, n_systems)."""
        matrix = np.zeros((self.n_systems, self.n_systems))
        matrix[self.first, self.second] = matrix[self.second, self.first] = values
        return matrix


@dataclass(frozen=True, slots=True)
class OutcomeFit:
    """Strengths and shape parameters of an outcome model.

    Attributes
    ----------
    model : OutcomeModel
    systems : int array, shape (m,)
        Codes of systems with votes, ascending.
    component : int array, shape (systems,)
        Of all systems; -1 without votes.
    strengths : float array, shape (systems,)
        NaN without votes.
    shape : float array, shape (K,)
    information : float array, shape (m + K, m + K)
        Expected information, Strengths first.
    log_likelihood : float
    ridge : bool
        Fitted with the prior N(0, 1) on the Strengths, as no finite estimate exists.
    iterations : int
    converged : bool
    """

    model: OutcomeModel
    systems: NDArray[np.intp]
    component: NDArray[np.intp]
    strengths: FloatArray
    shape: FloatArray
    information: FloatArray
    log_likelihood: float
    ridge: bool
    iterations: int
    converged: bool

    @property
    def warnings(self) -> tuple[WarningCode, ...]:
        codes = []
        if int(self.component.max(initial=-1)) > 0:
            codes.append(WarningCode.DISCONNECTED)
        if self.ridge:
            codes.append(WarningCode.SEPARATED)
        if not self.converged:
            codes.append(WarningCode.NOT_CONVERGED)
        return tuple(codes)

    def model_covariance(self) -> FloatArray:
        """Model-based covariance of (Strengths, shape), shape (m + K, m + K).

        The inverse information, in the mean gauge; of the posterior for a ridge fit.
        """
        own = self.component[self.systems]
        centre = block_centre(own, self.information.shape[0])
        if self.ridge:
            regular = self.information + np.diag(_prior(own.size, self.shape.size))
        else:
            regular = self.information + block_gauge(self.information, own)
        return np.asarray(centre @ np.linalg.inv(regular) @ centre)


def _prior(systems: int, shapes: int) -> FloatArray:
    return np.concatenate([np.ones(systems), np.zeros(shapes)])


def outcome_slope(
    model: OutcomeModel,
    first: IntArray,
    second: IntArray,
    counts: FloatArray,
    m: int,
    point: FloatArray,
) -> Slope:
    """Log-likelihood of (Strengths, shape), its gradient and the expected information.

    Parameters
    ----------
    model : OutcomeModel
    first, second : int array, shape (pairs,)
        Systems of each pair, coded 0..m-1; no pair twice.
    counts : float array, shape (C, pairs)
    m : int
    point : float array, shape (m + K,)
    """
    difference = point[first] - point[second]
    k = point.size
    if not model.contains(point[m:]):
        return Slope(-np.inf, np.zeros(k), np.zeros((k, k)), 0.0)
    outcomes = model.outcomes(difference, point[m:])
    total = counts.sum(axis=0)
    expected = outcomes.chance * total
    pull = np.einsum("cp,cp->p", counts, outcomes.by_difference)
    gradient = np.empty(k)
    gradient[:m] = group_sum(first, pull, m) - group_sum(second, pull, m)
    weighted = expected * outcomes.by_difference
    held = np.einsum("cp,cp->p", weighted, outcomes.by_difference)
    information = np.zeros((k, k))
    information[first, second] = information[second, first] = -held
    np.fill_diagonal(information[:m, :m], -information[:m, :m].sum(axis=1))
    for row, own in enumerate(outcomes.by_shape, start=m):
        gradient[row] = float(np.vdot(counts, own))
        cross = np.einsum("cp,cp->p", weighted, own)
        information[:m, row] = group_sum(first, cross, m) - group_sum(second, cross, m)
        information[row, :m] = information[:m, row]
        for other in range(m, row + 1):
            shared = float(np.vdot(expected * own, outcomes.by_shape[other - m]))
            information[row, other] = information[other, row] = shared
    value = float(np.vdot(counts, outcomes.log_chance))
    return Slope(value, gradient, information, float(np.abs(difference).max(initial=0.0)))


def fit_outcomes(
    model: OutcomeModel, pairs: PairCounts, *, max_iterations: int = MAX_ITERATIONS
) -> OutcomeFit:
    """Maximum likelihood by scoring; with the prior N(0, 1) on Strengths where separated.

    A pair's outcomes are separated where the digraph "i did not always lose outright to j" is
    not strongly connected, or where the search runs away.

    Parameters
    ----------
    model : OutcomeModel
    pairs : PairCounts
        At least one vote; every outcome or its mirror has one.
    max_iterations : int
        At this limit `converged` is False.
    """
    component = weak_components(pairs.square(pairs.totals))
    systems = np.flatnonzero(component >= 0)
    m = systems.size
    local = np.full(pairs.n_systems, -1, dtype=np.intp)
    local[systems] = np.arange(m)
    first, second, own = local[pairs.first], local[pairs.second], component[systems]

    def slope(point: FloatArray) -> Slope:
        return outcome_slope(model, first, second, pairs.counts, m, point)

    start = np.concatenate([np.zeros(m), model.start(pairs.counts.sum(axis=1))])
    none = np.zeros(start.size)
    ridge = _separated(pairs, component)
    if not ridge:
        found = maximise(slope, start, own, none, max_iterations=max_iterations)
        ridge = found.separated
    if ridge:
        prior = _prior(m, model.n_shapes)
        found = maximise(slope, start, own, prior, gauged=False, max_iterations=max_iterations)
    theta = block_centre(own, start.size) @ found.point
    last = slope(theta) if ridge else found.slope
    strengths = np.full(pairs.n_systems, np.nan)
    strengths[systems] = theta[:m]
    return OutcomeFit(
        model,
        systems,
        component,
        strengths,
        theta[m:],
        last.information,
        last.value,
        ridge,
        found.iterations,
        found.converged,
    )


def _separated(pairs: PairCounts, component: NDArray[np.intp]) -> bool:
    """Whether the outright wins of some component all point out of a group of its systems."""
    arrows = np.zeros((pairs.n_systems, pairs.n_systems))
    total = pairs.counts.sum(axis=0)
    arrows[pairs.first, pairs.second] = total - pairs.counts[-1]
    arrows[pairs.second, pairs.first] = total - pairs.counts[0]
    for label in range(int(component.max(initial=-1)) + 1):
        inside = np.flatnonzero(component == label)
        if find_separation(arrows[np.ix_(inside, inside)]) is not None:
            return True
    return False


def outcome_covariance(votes: Votes, outcome: IntArray, fit: OutcomeFit) -> Covariance:
    """Covariance of (Strengths of `fit.systems`, shape parameters).

    Clustered as that of the half-win Strengths; the posterior's for a ridge fit.

    Parameters
    ----------
    votes : Votes
        Those behind the fit.
    outcome : int array, shape (votes.n,)
    fit : OutcomeFit
    """
    if fit.ridge:
        return Covariance(fit.model_covariance(), None, "ridge", {}, {}, (WarningCode.SEPARATED,))
    m = fit.systems.size
    local = np.full(votes.n_systems, -1, dtype=np.intp)
    local[fit.systems] = np.arange(m)
    a, b = local[votes.system_a], local[votes.system_b]
    theta = fit.strengths[fit.systems]
    tables = fit.model.outcomes((theta[:, None] - theta).ravel(), fit.shape)
    pair: NDArray[Any] = a * m + b
    chance = tables.chance
    held = chance * tables.by_difference
    weight = 1.0 if votes.weight is None else votes.weight
    information = (held * tables.by_difference).sum(axis=0)
    shapes = tables.by_shape
    design = Design(
        a=a,
        b=b,
        residual=on_exact_grid(weight * tables.by_difference[outcome, pair]),
        information=on_exact_grid(weight * information[pair]),
        extra=TableColumns(
            pair=pair,
            outcome=outcome,
            scores=shapes,
            crosses=(held * shapes).sum(axis=1),
            informations=np.einsum("cp,kcp,lcp->klp", chance, shapes, shapes),
            weight=votes.weight,
        ),
        total=fit.information,
        gauge=block_gauge(fit.information, fit.component[fit.systems]),
        n_systems=m,
    )
    return clustered_covariance(design, votes.annotator, votes.prompt, votes.shared, votes.weight)
