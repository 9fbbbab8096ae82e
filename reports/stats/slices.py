"""Strengths by category or tag, shrunk towards the whole as far as the votes demand.

θ_{m,c} = θ_m + u_{m,c} with u ~ N(0, τ²). τ says how much systems differ between slices beyond
chance; it is the maximum of the Laplace-approximated marginal likelihood on a grid. A small
slice borrows from the whole; its raw win rates stand beside.

θ is told by the votes of the slices alone, which tags on some prompts leave with fewer systems than
the study, or in groups that never meet there: each group then has a scale of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reports.stats.bradley_terry import (
    METHOD_RIDGE,
    BradleyTerryFit,
    fit_bradley_terry,
    gauge_inverse,
)
from reports.stats.cells import Cells
from reports.stats.clusters import compact
from reports.stats.connectivity import NO_COMPONENT, weak_components
from reports.stats.covariance import Covariance, cr1
from reports.stats.intervals import check_level
from reports.stats.linear_terms import parameter_estimate
from reports.stats.newton import block_centre
from reports.stats.results import Estimate, VerdictCode, WarningCode, undefined
from reports.stats.slice_model import Posterior, SliceModel
from reports.stats.strength_covariance import component_design, strength_covariance
from reports.stats.votes import BothBadPolicy, FloatArray, Votes
from reports.stats.win_rates import system_mean_scores

__all__ = ["GRID", "SLICE_VOTES", "Slice", "Slices", "fit_slices"]

GRID: FloatArray = np.geomspace(0.02, 2.0, 25)
"""Values of τ: from a difference nobody could see (.02 logits move a win rate by half a point)
to one larger than most boards are wide, in steps of a fifth."""

SLICE_VOTES = 100
"""Below this many votes a slice shows the shrunk Strengths only: its own would be noise."""

DROP = 1.92
"""Half the 95 % quantile of chi-squared with one degree of freedom."""

LEAST_DISPERSION = 1e-9

METHOD_SLICES = "bt_slices"

NO_DIFFERENCE_TWICE = "no two slices tell of the same difference between systems"


@dataclass(frozen=True, slots=True)
class Slice:
    """One category or tag.

    Attributes
    ----------
    votes : int
    strengths : tuple of Estimate
        By system, shrunk; mean 0 over the systems that meet in the slices, be it by way of others.
        `n` counts the system's votes in the slice. Null for a system without votes in any slice.
        Where systems are left in groups that never meet in the slices, all carry `disconnected`,
        and ``details`` holds `component`, the number of the system's group from 1.
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
        Variance of the whole's Strengths with prompts as clusters over the model's: by it the
        likelihood is discounted, so that prompts within a slice do not pass for the slice.
    slices : tuple of Slice
        In the order given.
    """

    tau: Estimate
    dispersion: float
    slices: tuple[Slice, ...]


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
        τ is null with `no_votes` for fewer than two slices with votes, and with `degenerate_scale`
        where no difference between systems is seen in two of them; nothing is shrunk then.

    Raises
    ------
    UnknownPolicy, InvalidLevel
    """
    check_level(level)
    cells = [Cells.from_votes(votes.take(rows)) for rows in members]
    counts = np.array([_system_votes(part, both_bad) for part in cells]).reshape(
        len(cells), votes.n_systems
    )
    filled = [code for code, row in enumerate(counts) if row.any()]
    scores = [cells[code].scores("half", both_bad) for code in filled]
    unknown: tuple[WarningCode, str] | None = None
    if len(filled) < 2:
        unknown = WarningCode.NO_VOTES, "fewer than two slices have votes"
    elif not _tells_spread([total for _, total in scores]):
        unknown = WarningCode.DEGENERATE_SCALE, NO_DIFFERENCE_TWICE
    if unknown is not None:
        code, reason = unknown
        none = [
            tuple(undefined(METHOD_SLICES, n, code, reason=reason) for n in row.tolist())
            for row in counts
        ]
        return Slices(
            undefined(METHOD_SLICES, len(filled), code, reason=reason),
            1.0,
            tuple(
                _slice(votes.take(rows), row, both_bad, level)
                for rows, row in zip(members, none, strict=True)
            ),
        )
    inside = votes.take(np.logical_or.reduce(members))
    fit = fit_bradley_terry(Cells.from_votes(inside), both_bad=both_bad)
    dispersion = _dispersion(inside.counted("half", both_bad), fit)
    systems = np.flatnonzero(fit.component != NO_COMPONENT)
    taken = np.ix_(systems, systems)
    own = fit.component[systems]
    prior = np.zeros(votes.n_systems)
    for part in fit.components:
        prior[part.systems] = part.method == METHOD_RIDGE
    drawn = (WarningCode.SEPARATED,) if prior.any() else ()
    if len(fit.components) > 1:
        drawn = (*drawn, WarningCode.DISCONNECTED)
    model = SliceModel(
        np.array([score[taken] for score, _ in scores]) / dispersion,
        np.array([total[taken] for _, total in scores]) / dispersion,
        (own[:, None] == own) / 1.0,
        prior[systems],
    )
    whole = fit.strengths[systems]
    parts = np.tile(whole, (len(filled), 1))
    values = np.asarray(grid, dtype=np.float64)
    found: list[Posterior] = []
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


def _tells_spread(totals: Sequence[FloatArray]) -> bool:
    """Whether some difference between systems is seen in two slices.

    If not, the whole alone fits every slice as well as any τ does, and the likelihood is flat.
    """
    return sum(map(_differences, totals)) > _differences(np.sum(totals, axis=0))


def _differences(total: FloatArray) -> int:
    """How many differences of Strengths these votes tell: those within what meets in them."""
    component = weak_components(total)
    return int(np.count_nonzero(component != NO_COMPONENT) - (component.max(initial=-1) + 1))


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
    posterior: Posterior,
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
            figure = parameter_estimate(
                float(strengths[place]),
                place,
                covariance,
                method=f"{METHOD_SLICES}_shrunk",
                n=int(n[system]),
                converged=True,
                warnings=warnings,
                level=level,
            )
            if WarningCode.DISCONNECTED in warnings:
                figure = replace(figure, details={"component": int(component[place]) + 1})
            row[system] = figure
        out.append(tuple(row))
    return out


def _slice(
    votes: Votes,
    shrunk: tuple[Estimate, ...],
    both_bad: BothBadPolicy,
    level: float,
) -> Slice:
    rates = system_mean_scores(votes, both_bad=both_bad, level=level)
    systems = range(votes.n_systems)
    raw = None
    if votes.n >= SLICE_VOTES:
        raw = _raw(votes, both_bad, level)
    return Slice(
        votes.n,
        shrunk,
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
