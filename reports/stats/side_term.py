"""Does the side on which a response is shown win votes?

The side term adds gamma·side to the difference of Strengths (Davidson & Beaver 1977, doi
10.2307/2529467): gamma > 0 favours the left response. The share of left among each annotator's
decisive votes needs no model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from reports.stats.cells import Cells
from reports.stats.connectivity import weak_components
from reports.stats.covariance import Covariance
from reports.stats.intervals import critical_value
from reports.stats.linear_terms import (
    LinearRows,
    fit_linear,
    linear_covariance,
    parameter_estimate,
)
from reports.stats.results import Estimate, VerdictCode, WarningCode, undefined
from reports.stats.votes import VERDICT_SCORE, BothBadPolicy, FloatArray, TiePolicy, Votes
from reports.stats.win_rates import mean_scores

__all__ = ["SideBias", "SideTermFit", "fit_side_term", "side_bias"]


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
    model_covariance : float array, shape (k, k), or None
        Model-based, of the same parameters.
    iterations : int
    converged : bool
    """

    strengths: FloatArray
    component: NDArray[np.intp]
    gamma: Estimate
    left_share: Estimate
    model_se: float | None
    covariance: Covariance | None
    model_covariance: FloatArray | None
    iterations: int
    converged: bool


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
        return SideTermFit(blank, component, reason, reason, None, None, None, 0, True)
    fit = fit_linear(
        LinearRows(
            cells.system_a,
            cells.system_b,
            VERDICT_SCORE[cells.verdict],
            cells.weight,
            cells.side[:, None].astype(np.float64),
            cells.n_systems,
        )
    )
    if not fit.identified:
        reason = undefined("bt_side", known, WarningCode.ONE_ORDER)
        return SideTermFit(blank, component, reason, reason, None, None, None, 0, True)
    covariance = linear_covariance(used, used.side[:, None].astype(np.float64), fit)
    model = fit.model_covariance()
    gamma = parameter_estimate(
        float(fit.coefficients[0]),
        -1,
        covariance,
        method="bt_side_ridge" if fit.ridge else f"bt_side_{covariance.method}",
        n=known,
        converged=fit.converged,
        warnings=() if fit.converged else (WarningCode.NOT_CONVERGED,),
        level=level,
    )
    return SideTermFit(
        fit.strengths,
        component,
        gamma,
        _share(gamma),
        float(np.sqrt(model[-1, -1])),
        covariance,
        model,
        fit.iterations,
        fit.converged,
    )


def _share(gamma: Estimate) -> Estimate:
    """logistic(gamma), with the ends of its interval."""
    estimate, low, high = (
        None if end is None else float(expit(end))
        for end in (gamma.estimate, gamma.low, gamma.high)
    )
    return replace(gamma, estimate=estimate, low=low, high=high, se=None)


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
    clusters = (known.annotator, known.prompt)
    overall = mean_scores(blank, 1, left, None, *clusters, shared=known.shared, level=level)
    people = mean_scores(
        known.annotator,
        votes.n_annotators,
        left,
        None,
        *clusters,
        shared=known.shared,
        clustering="none",
        level=level,
    )
    return SideBias(
        overall.estimate(0),
        tuple(people.estimate(code) for code in range(votes.n_annotators)),
    )
