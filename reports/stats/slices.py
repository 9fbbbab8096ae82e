"""Strengths by category or tag, shrunk towards the whole as far as the votes demand.

θ_{m,c} = θ_m + u_{m,c} with u ~ N(0, τ²). τ says how much systems differ between slices beyond
chance; it is the maximum of the Laplace-approximated marginal likelihood on a grid. A small
slice borrows from the whole; its raw win rates stand beside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, log_expit

from reports.stats.bradley_terry import (
    MAX_ITERATIONS,
    MAX_STEP,
    METHOD_RIDGE,
    BradleyTerryFit,
    fit_bradley_terry,
    gauge_inverse,
)
from reports.stats.cells import Cells
from reports.stats.clusters import compact
from reports.stats.covariance import Covariance, cr1
from reports.stats.intervals import check_level
from reports.stats.linear_terms import parameter_estimate
from reports.stats.newton import block_centre
from reports.stats.results import Estimate, VerdictCode, WarningCode, undefined
from reports.stats.strength_covariance import component_design, strength_covariance
from reports.stats.votes import BothBadPolicy, FloatArray, Votes
from reports.stats.win_rates import system_mean_scores

__all__ = ["GRID", "SLICE_VOTES", "Slice", "Slices", "fit_slices"]

GRID: FloatArray = np.geomspace(0.02, 2.0, 25)
"""Values of τ: from a difference nobody could see (.02 logits move a win rate by half a point)
to one larger than most boards are wide, in steps of a fifth."""

SLICE_VOTES = 100
"""Below this many votes a slice shows the shrunk Strengths only: its own would be noise."""

TOLERANCE = 1e-9
DROP = 1.92
"""Half the 95 % quantile of chi-squared with one degree of freedom."""

LEAST_DISPERSION = 1e-9

METHOD_SLICES = "bt_slices"


@dataclass(frozen=True, slots=True)
class Slice:
    """One category or tag.

    Attributes
    ----------
    votes : int
    strengths : tuple of Estimate
        By system, shrunk; mean 0 over the systems of a component of the whole. `n` counts the
        system's votes in the slice. Null for a system without votes in the whole study.
    raw : tuple of Estimate, or None
        From the votes of the slice alone; None where they are fewer than `SLICE_VOTES`.
    win_rates : tuple of Estimate
        By system, from the votes of the slice alone.
    """

    votes: int
    strengths: tuple[Estimate, ...]
    raw: tuple[Estimate, ...] | None
    win_rates: tuple[Estimate, ...]


@dataclass(frozen=True, slots=True)
class Slices:
    """All slices of one kind.

    Attributes
    ----------
    tau : Estimate
        Standard deviation of a system's Strength between slices, in logits; its interval holds
        the grid's values that the likelihood does not rule out. `n` counts slices with votes.
    dispersion : float
        Variance of the Strengths with prompts as clusters over the model's: by it the
        likelihood is discounted, so that prompts within a slice do not pass for the slice.
    slices : tuple of Slice
        In the order given.
    """

    tau: Estimate
    dispersion: float
    slices: tuple[Slice, ...]


@dataclass(frozen=True, slots=True)
class _Posterior:
    """The mode for one τ, with what the marginal likelihood needs."""

    whole: FloatArray
    parts: FloatArray
    log_marginal: float
    inverse: FloatArray
    schur: FloatArray


@dataclass(frozen=True, slots=True)
class _Model:
    """Points and votes of each slice, (C, m, m), over the dispersion.

    `prior` is the precision of each Strength of the whole, (m,): 1 where the votes alone would put
    it infinitely far away, as in the whole's own fit, else 0.
    """

    score: FloatArray
    total: FloatArray
    gauge: FloatArray
    prior: FloatArray

    def likelihood(self, parts: FloatArray) -> FloatArray:
        difference = parts[:, :, None] - parts[:, None, :]
        return np.asarray((self.score * log_expit(difference)).sum(axis=(1, 2)))

    def slopes(self, parts: FloatArray) -> tuple[FloatArray, FloatArray]:
        p = expit(parts[:, :, None] - parts[:, None, :])
        lost = self.score.transpose(0, 2, 1) * p
        gradient = (lost.transpose(0, 2, 1) - lost).sum(axis=2)
        information = -self.total * p * (1 - p)
        diagonal = np.arange(parts.shape[1])
        information[:, diagonal, diagonal] = 0
        information[:, diagonal, diagonal] = -information.sum(axis=2)
        return gradient, information

    def mode(self, tau: float, whole: FloatArray, parts: FloatArray) -> _Posterior:
        """Newton on the whole and its slices jointly, the slices eliminated block by block."""
        precision = 1 / tau**2
        m = whole.size
        identity = np.eye(m) * precision
        for _ in range(MAX_ITERATIONS):
            gradient, information = self.slopes(parts)
            offset = parts - whole
            gradient = gradient - precision * offset
            inverse = np.linalg.inv(information + identity)
            # The whole's information once the slices are eliminated: Σ (H + 1/τ²)⁻¹ H/τ².
            schur = precision * (inverse @ information).sum(axis=0) + np.diag(self.prior)
            pulled = (inverse @ gradient[:, :, None])[:, :, 0]
            right = precision * offset.sum(axis=0) + precision * pulled.sum(axis=0)
            right -= self.prior * whole
            step = np.linalg.solve(schur + self.gauge, right)
            change = pulled + precision * (inverse @ step)
            largest = float(max(np.abs(change).max(), np.abs(step).max()))
            shrink = min(1.0, MAX_STEP / largest) if largest > 0 else 1.0
            whole = whole + shrink * step
            parts = parts + shrink * change
            if largest < TOLERANCE:
                break
        _, information = self.slopes(parts)
        inverse = np.linalg.inv(information + identity)
        schur = precision * (inverse @ information).sum(axis=0) + np.diag(self.prior)
        log_marginal = float(
            self.likelihood(parts).sum()
            - precision * ((parts - whole) ** 2).sum() / 2
            - (self.prior * whole**2).sum() / 2
            - parts.size * np.log(tau)
            + np.linalg.slogdet(inverse)[1].sum() / 2
            - np.linalg.slogdet(schur + self.gauge)[1] / 2
        )
        return _Posterior(whole, parts, log_marginal, np.asarray(inverse, dtype=np.float64), schur)


def _dispersion(votes: Votes, fit: BradleyTerryFit) -> float:
    """Prompt-clustered over model-based variance of the Strengths; 1 where it is not known."""
    ratios, weights = [], []
    for part in fit.components:
        if part.method == METHOD_RIDGE or part.systems.size < 2:
            continue
        design, rows = component_design(votes, part)
        prompt, prompts = compact(votes.prompt if rows is None else votes.prompt[rows])
        if prompts < 2:
            continue
        clustered = float(np.trace(cr1(design, prompt, prompts)))
        ratios.append(clustered / float(np.trace(gauge_inverse(part.information))))
        weights.append(part.systems.size)
    found = float(np.average(ratios, weights=weights)) if ratios else 1.0
    # Where every prompt has the same votes nothing varies between them but by rounding.
    return found if found > LEAST_DISPERSION else 1.0


def fit_slices(
    votes: Votes,
    members: Sequence[NDArray[np.bool_]],
    *,
    both_bad: BothBadPolicy = "tie",
    grid: ArrayLike = GRID,
    level: float = 0.95,
) -> Slices:
    """Shrunk and raw figures of every slice.

    Parameters
    ----------
    votes : Votes
    members : sequence of bool array, shape (votes.n,)
        Which votes belong to each slice. Slices may overlap (tags): a vote then counts in each
        of them, and τ is a little too sure of itself.
    both_bad : policy
    grid : array_like of float
        Values of τ, ascending.
    level : float

    Returns
    -------
    Slices
        τ is null for fewer than two slices with votes; nothing is shrunk then.

    Raises
    ------
    UnknownPolicy, InvalidLevel
    """
    check_level(level)
    cells = [Cells.from_votes(votes.take(rows)) for rows in members]
    used = votes.counted("half", both_bad)
    fit = fit_bradley_terry(Cells.from_votes(votes), both_bad=both_bad)
    systems = np.flatnonzero(fit.component >= 0)
    counts = np.array([_system_votes(part, both_bad) for part in cells]).reshape(
        len(cells), votes.n_systems
    )
    filled = [code for code, row in enumerate(counts) if row.any()]
    if len(filled) < 2:
        nothing = undefined(METHOD_SLICES, len(filled), WarningCode.NO_VOTES)
        return Slices(
            nothing,
            1.0,
            tuple(_slice(votes.take(rows), None, both_bad, level) for rows in members),
        )
    dispersion = _dispersion(used, fit)
    inside = np.ix_(systems, systems)
    scores = [cells[code].scores("half", both_bad) for code in filled]
    own = fit.component[systems]
    prior = np.zeros(votes.n_systems)
    for part in fit.components:
        prior[part.systems] = part.method == METHOD_RIDGE
    drawn = (WarningCode.SEPARATED,) if prior.any() else ()
    model = _Model(
        np.array([score[inside] for score, _ in scores]) / dispersion,
        np.array([total[inside] for _, total in scores]) / dispersion,
        (own[:, None] == own) / 1.0,
        prior[systems],
    )
    whole = fit.strengths[systems]
    parts = np.tile(whole, (len(filled), 1))
    values = np.asarray(grid, dtype=np.float64)
    found: list[_Posterior] = []
    for tau in values.tolist():
        found.append(model.mode(tau, whole, parts))
        whole, parts = found[-1].whole, found[-1].parts
    marginal = np.array([posterior.log_marginal for posterior in found])
    best = int(np.argmax(marginal))
    tau, posterior = float(values[best]), found[best]
    plausible = values[marginal >= marginal[best] - DROP]
    at_end = best in (0, values.size - 1)
    spread = Estimate(
        tau,
        float(plausible.min()),
        float(plausible.max()),
        f"{METHOD_SLICES}_laplace_grid",
        len(filled),
        level=0.95,
        converged=True,
        warnings=drawn,
        details={"at_limit": at_end},
    )
    shrunk = _shrunk(votes.n_systems, systems, own, posterior, tau, counts[filled], drawn, level)
    by_slice = dict(zip(filled, shrunk, strict=True))
    empty = tuple(undefined(METHOD_SLICES, 0, WarningCode.NO_VOTES) for _ in range(votes.n_systems))
    return Slices(
        spread,
        dispersion,
        tuple(
            _slice(votes.take(rows), by_slice.get(code, empty), both_bad, level)
            for code, rows in enumerate(members)
        ),
    )


def _system_votes(cells: Cells, both_bad: BothBadPolicy) -> NDArray[np.int64]:
    """Votes of each system that take part, shape (systems,)."""
    kept = cells.count * ((cells.verdict != VerdictCode.BOTH_BAD) | (both_bad == "tie"))
    return np.asarray(
        np.bincount(cells.system_a, kept, cells.n_systems)
        + np.bincount(cells.system_b, kept, cells.n_systems)
    ).astype(np.int64)


def _shrunk(
    n_systems: int,
    systems: NDArray[np.intp],
    component: NDArray[np.intp],
    posterior: _Posterior,
    tau: float,
    counts: NDArray[np.int64],
    warnings: tuple[WarningCode, ...],
    level: float,
) -> list[tuple[Estimate, ...]]:
    """Strengths of each slice from the posterior's mode and curvature."""
    m = systems.size
    centre = block_centre(component, m)
    same = component[:, None] == component
    free = np.linalg.inv(posterior.schur + same)
    free = centre @ free @ centre
    out = []
    for part, inverse, n in zip(posterior.parts, posterior.inverse, counts, strict=True):
        reach = inverse / tau**2
        matrix = centre @ (inverse + reach @ free @ reach.T) @ centre
        covariance = Covariance(matrix, None, "posterior", {}, {})
        strengths = centre @ part
        row = [undefined(METHOD_SLICES, 0, WarningCode.NO_VOTES)] * n_systems
        for place, system in enumerate(systems.tolist()):
            row[system] = parameter_estimate(
                float(strengths[place]),
                place,
                covariance,
                method=f"{METHOD_SLICES}_shrunk",
                n=int(n[system]),
                converged=True,
                warnings=warnings,
                level=level,
            )
        out.append(tuple(row))
    return out


def _slice(
    votes: Votes,
    shrunk: tuple[Estimate, ...] | None,
    both_bad: BothBadPolicy,
    level: float,
) -> Slice:
    rates = system_mean_scores(votes, both_bad=both_bad, level=level)
    systems = range(votes.n_systems)
    raw = None
    if votes.n >= SLICE_VOTES:
        raw = _raw(votes, both_bad, level)
    none = tuple(undefined(METHOD_SLICES, 0, WarningCode.NO_VOTES) for _ in systems)
    return Slice(
        votes.n,
        none if shrunk is None else shrunk,
        raw,
        tuple(rates.estimate(system) for system in systems),
    )


def _raw(votes: Votes, both_bad: BothBadPolicy, level: float) -> tuple[Estimate, ...]:
    """Half-win Strengths of the slice's votes alone."""
    used = votes.counted("half", both_bad)
    fit = fit_bradley_terry(Cells.from_votes(votes), both_bad=both_bad)
    counts = np.bincount(used.system_a, minlength=votes.n_systems)
    counts += np.bincount(used.system_b, minlength=votes.n_systems)
    out = [undefined("bt_half", 0, WarningCode.NO_VOTES)] * votes.n_systems
    apart = (WarningCode.DISCONNECTED,) if len(fit.components) > 1 else ()
    for part, covariance in zip(fit.components, strength_covariance(used, fit), strict=True):
        ridge = part.method == METHOD_RIDGE
        for place, system in enumerate(part.systems.tolist()):
            out[system] = parameter_estimate(
                float(part.strengths[place]),
                place,
                covariance,
                method=part.method if ridge else f"{part.method}_{covariance.method}",
                n=int(counts[system]),
                converged=part.converged,
                warnings=(*part.warnings, *apart),
                level=level,
            )
    return tuple(out)
