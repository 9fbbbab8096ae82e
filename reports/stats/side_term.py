"""Does the side on which a response is shown win votes?

The side term adds gamma·side to the difference of Strengths (Davidson & Beaver 1977, doi
10.2307/2529467): gamma > 0 favours the left response. The share of left among each annotator's
decisive votes needs no model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from reports.stats.bradley_terry import MAX_ITERATIONS, MAX_STEP, TOLERANCE
from reports.stats.cells import Cells
from reports.stats.connectivity import weak_components
from reports.stats.covariance import Covariance, Design, clustered_covariance
from reports.stats.extra_columns import LinearColumns
from reports.stats.group_sums import group_sum, on_exact_grid
from reports.stats.intervals import critical_value
from reports.stats.results import Estimate, VerdictCode, WarningCode, undefined
from reports.stats.votes import VERDICT_SCORE, BothBadPolicy, FloatArray, TiePolicy, Votes
from reports.stats.win_rates import mean_scores

__all__ = ["SideBias", "SideTermFit", "fit_side_term", "side_bias"]

SEPARATED_PREDICTOR = 15.0
SEPARATED_CONDITION = 1e10
"""Beyond either, a probability has run to 0 or 1 and the fit has no finite estimate."""


@dataclass(frozen=True, slots=True)
class SideTermFit:
    """Strengths and side term, fitted together.

    Attributes
    ----------
    strengths : float array, shape (systems,)
        Mean 0 in each component; NaN for a system without votes, or without a fit.
    component : int array, shape (systems,)
    gamma : Estimate
        In logits; `n` counts votes whose side is known.
    left_share : Estimate
        logistic(gamma): the left response's chance between equal systems.
    model_se : float or None
        Of gamma, model-based: for comparison with other programs.
    covariance : Covariance or None
        Of the Strengths of systems with votes, in ascending order, and gamma last.
    iterations : int
    converged : bool
    """

    strengths: FloatArray
    component: NDArray[np.intp]
    gamma: Estimate
    left_share: Estimate
    model_se: float | None
    covariance: Covariance | None
    iterations: int
    converged: bool


@dataclass(frozen=True, slots=True)
class _Problem:
    """Cells of the votes in use, with systems renumbered to those that have votes."""

    a: NDArray[np.intp]
    b: NDArray[np.intp]
    side: FloatArray
    score: FloatArray
    weight: FloatArray
    component: NDArray[np.intp]

    def derivatives(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, float]:
        """Gradient, information and the largest linear predictor at (Strengths, gamma)."""
        m = self.component.size
        predictor = theta[self.a] - theta[self.b] + theta[m] * self.side
        p = expit(predictor)
        residual = self.weight * (self.score - p)
        information = self.weight * p * (1 - p)
        gradient = np.zeros(m + 1)
        gradient[:m] = group_sum(self.a, residual, m) - group_sum(self.b, residual, m)
        gradient[m] = float((residual * self.side).sum())
        pair = group_sum(self.a * m + self.b, information, m * m).reshape(m, m)
        matrix = np.zeros((m + 1, m + 1))
        matrix[:m, :m] = -pair - pair.T
        np.fill_diagonal(matrix[:m, :m], pair.sum(axis=0) + pair.sum(axis=1))
        tilted = information * self.side
        matrix[:m, m] = group_sum(self.a, tilted, m) - group_sum(self.b, tilted, m)
        matrix[m, :m] = matrix[:m, m]
        matrix[m, m] = float((information * self.side**2).sum())
        return gradient, matrix, float(np.abs(predictor).max(initial=0.0))

    def gauge(self, information: FloatArray) -> FloatArray:
        """One constant vector a component, on the scale of the information."""
        m = self.component.size
        scale = float(np.trace(information[:m, :m])) / m
        same = self.component[:, None] == self.component
        full = np.zeros((m + 1, m + 1))
        full[:m, :m] = same * (scale / same.sum(axis=1))
        return full


def fit_side_term(
    votes: Votes,
    *,
    ties: TiePolicy = "half",
    both_bad: BothBadPolicy = "tie",
    level: float = 0.95,
) -> SideTermFit:
    """Fit Strengths and one side term for all components by Newton's method.

    The interval of gamma is cluster-robust as that of the Strengths. Where the fit is separated, a
    prior N(0, 1) on all parameters takes over, with the interval of its posterior
    (``"bt_side_ridge"``). Where no vote has a known side, or side and system always coincide
    (`one_order`), gamma is undefined.

    Parameters
    ----------
    votes : Votes
    ties, both_bad : policies
    level : float

    Raises
    ------
    UnknownPolicy, InvalidLevel
    """
    critical_value(level, None)  # refuses a wrong level before any work
    used = votes.counted(ties, both_bad)
    cells = Cells.from_votes(used)
    _, total = cells.scores("half", "tie")
    component = weak_components(total)
    known = int((used.side != 0).sum())
    blank = np.full(votes.n_systems, np.nan)
    if known == 0:
        reason = undefined("bt_side", 0, WarningCode.NO_VOTES)
        return SideTermFit(blank, component, reason, reason, None, None, 0, True)
    systems = np.flatnonzero(component >= 0)
    local = np.full(votes.n_systems, -1, dtype=np.intp)
    local[systems] = np.arange(systems.size)
    problem = _Problem(
        a=local[cells.system_a],
        b=local[cells.system_b],
        side=cells.side.astype(np.float64),
        score=VERDICT_SCORE[cells.verdict],
        weight=cells.weight,
        component=component[systems],
    )
    m = systems.size
    _, start, _ = problem.derivatives(np.zeros(m + 1))
    if float(np.linalg.cond(start + problem.gauge(start))) > SEPARATED_CONDITION:
        reason = undefined("bt_side", known, WarningCode.ONE_ORDER)
        return SideTermFit(blank, component, reason, reason, None, None, 0, True)
    theta, iterations, converged = _newton(problem, 0.0)
    _, information, largest = problem.derivatives(theta)
    regular = information + problem.gauge(information)
    separated = largest > SEPARATED_PREDICTOR or not bool(
        np.linalg.cond(regular) <= SEPARATED_CONDITION
    )
    if separated:
        theta, iterations, converged = _newton(problem, 1.0)
        _, information, _ = problem.derivatives(theta)
        centre = np.eye(m + 1)
        same = problem.component[:, None] == problem.component
        centre[:m, :m] -= same / same.sum(axis=1)
        model = np.asarray(centre @ np.linalg.inv(information + np.eye(m + 1)) @ centre)
        covariance = Covariance(model, None, "ridge", {}, {}, (WarningCode.SEPARATED,))
        method = "bt_side_ridge"
    else:
        model = np.asarray(np.linalg.inv(regular))
        covariance = _covariance(used, problem, local, theta, information)
        method = f"bt_side_{covariance.method}"
    warnings = list(covariance.warnings)
    if not converged:
        warnings.append(WarningCode.NOT_CONVERGED)
    strengths = blank.copy()
    strengths[systems] = theta[:m]
    gamma, share = _estimates(
        float(theta[m]), covariance, method, known, converged, tuple(warnings), level
    )
    return SideTermFit(
        strengths,
        component,
        gamma,
        share,
        float(np.sqrt(model[m, m])),
        covariance,
        iterations,
        converged,
    )


def _newton(problem: _Problem, precision: float) -> tuple[FloatArray, int, bool]:
    theta = np.zeros(problem.component.size + 1)
    for iteration in range(1, MAX_ITERATIONS + 1):
        gradient, information, largest = problem.derivatives(theta)
        if precision:
            gradient -= precision * theta
            information += precision * np.eye(theta.size)
        else:
            if largest > SEPARATED_PREDICTOR:
                return theta, iteration, False
            information += problem.gauge(information)
        step = np.linalg.solve(information, gradient)
        size = float(np.abs(step).max())
        theta += step * min(1.0, MAX_STEP / size) if size > 0 else step
        if size < TOLERANCE:
            return theta, iteration, True
    return theta, MAX_ITERATIONS, False


def _covariance(
    used: Votes,
    problem: _Problem,
    local: NDArray[np.intp],
    theta: FloatArray,
    information: FloatArray,
) -> Covariance:
    m = problem.component.size
    a, b = local[used.system_a], local[used.system_b]
    side = used.side.astype(np.float64)
    p = expit(theta[a] - theta[b] + theta[m] * side)
    weight = 1.0 if used.weight is None else used.weight
    residual = on_exact_grid(weight * (used.score() - p))
    information_of_vote = on_exact_grid(weight * p * (1 - p))
    design = Design(
        a=a,
        b=b,
        residual=residual,
        information=information_of_vote,
        extra=LinearColumns(side[:, None], residual, information_of_vote),
        total=information,
        gauge=problem.gauge(information),
        n_systems=m,
    )
    return clustered_covariance(design, used.annotator, used.prompt)


def _estimates(
    value: float,
    covariance: Covariance,
    method: str,
    n: int,
    converged: bool,
    warnings: tuple[WarningCode, ...],
    level: float,
) -> tuple[Estimate, Estimate]:
    """gamma and logistic(gamma); without an interval where the votes show no variation."""
    se = float(np.sqrt(max(float(covariance.matrix[-1, -1]), 0.0)))
    low: float | None = None
    high: float | None = None
    if se > 0:
        half = critical_value(level, covariance.df) * se
        low, high = value - half, value + half
    else:
        warnings = (*warnings, WarningCode.DEGENERATE_SCALE)

    def figure(
        estimate: float, low: float | None, high: float | None, se: float | None
    ) -> Estimate:
        return Estimate(
            estimate,
            low,
            high,
            method,
            n,
            n_clusters=covariance.n_clusters,
            se=se,
            df=covariance.df,
            level=level,
            converged=converged,
            warnings=warnings,
        )

    ends = [None if end is None else float(expit(end)) for end in (low, high)]
    return figure(value, low, high, se), figure(float(expit(value)), ends[0], ends[1], None)


@dataclass(frozen=True, slots=True)
class SideBias:
    """Share of left among decisive votes whose side is known.

    Attributes
    ----------
    left_rate : Estimate
        Over all such votes, clustered by annotator and prompt.
    per_annotator : tuple of Estimate
        By annotator code, plain Wilson intervals; null for one without such a vote.
    """

    left_rate: Estimate
    per_annotator: tuple[Estimate, ...]


def side_bias(votes: Votes, *, level: float = 0.95) -> SideBias:
    """How often the left response won, over all votes and for every annotator.

    Parameters
    ----------
    votes : Votes
        Only decisive votes with a known side count.
    level : float

    Raises
    ------
    InvalidLevel
    """
    decisive = votes.counted("drop")
    known = decisive.take(decisive.side != 0)
    left = ((known.verdict == VerdictCode.A) == (known.side == 1)).astype(np.float64)
    blank = np.zeros(known.n, dtype=np.intp)
    overall = mean_scores(blank, 1, left, None, known.annotator, known.prompt, level=level)
    people = mean_scores(
        known.annotator,
        votes.n_annotators,
        left,
        None,
        known.annotator,
        known.prompt,
        clustering="none",
        level=level,
    )
    return SideBias(
        overall.estimate(0),
        tuple(people.estimate(code) for code in range(votes.n_annotators)),
    )
