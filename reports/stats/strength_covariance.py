"""Covariance of fitted Strengths, component by component."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from reports.stats.bradley_terry import (
    METHOD_RIDGE,
    BradleyTerryFit,
    ComponentFit,
    among,
    diagonal_of,
    gauge_inverse,
)
from reports.stats.cells import Cells
from reports.stats.covariance import Covariance, clustered_covariance
from reports.stats.design import Design
from reports.stats.group_sums import on_exact_grid
from reports.stats.votes import BothBadPolicy, FloatArray, TiePolicy, Votes

__all__ = ["component_design", "iid_covariance_from_cells", "strength_covariance"]


def component_design(votes: Votes, part: ComponentFit) -> tuple[Design, NDArray[np.bool_] | None]:
    """The votes of one component as a regression on its Strengths.

    Parameters
    ----------
    votes : Votes
        Those that took part in the fit (:meth:`Votes.counted`).
    part : ComponentFit

    Returns
    -------
    design : Design
        Columns in the order of ``part.systems``.
    rows : bool array, shape (votes.n,), or None
        Which votes belong to the component; None for all.
    """
    local = np.full(votes.n_systems, -1, dtype=np.int32)
    local[part.systems] = np.arange(part.systems.size)
    rows: NDArray[np.bool_] | None = local[votes.system_a] >= 0
    if bool(np.all(rows)):
        rows = None
    inside = votes if rows is None else votes.take(rows)
    m = part.systems.size
    a, b = local[inside.system_a], local[inside.system_b]
    p = expit(part.strengths[a] - part.strengths[b])
    residual = inside.score() - p
    information = p * (1 - p)
    if inside.weight is not None:
        residual *= inside.weight
        information *= inside.weight
    design = Design(
        a=a,
        b=b,
        residual=on_exact_grid(residual),
        information=on_exact_grid(information),
        extra=None,
        total=part.information,
        gauge=np.full(part.information.shape, np.trace(part.information) / m**2),
        n_systems=m,
    )
    return design, rows


def strength_covariance(votes: Votes, fit: BradleyTerryFit) -> tuple[Covariance, ...]:
    """One covariance a component, in the order of ``fit.components``.

    Parameters
    ----------
    votes : Votes
        Those that took part in the fit (:meth:`Votes.counted`).
    fit : BradleyTerryFit

    Returns
    -------
    tuple of Covariance
        Two-way cluster-robust by default; for a ridge fit C(H+I)⁻¹C with the normal
        distribution, as its prior already bounds the interval.
    """
    out = []
    for part in fit.components:
        if part.method == METHOD_RIDGE:
            out.append(Covariance(part.model_covariance(), None, METHOD_RIDGE, {}, {}))
            continue
        design, rows = component_design(votes, part)
        own: Any = slice(None) if rows is None else rows
        out.append(
            clustered_covariance(
                design,
                votes.annotator[own],
                votes.prompt[own],
                votes.shared[own],
                None if votes.weight is None else votes.weight[own],
            )
        )
    return tuple(out)


def iid_covariance_from_cells(
    cells: Cells,
    part: ComponentFit,
    *,
    ties: TiePolicy = "half",
    both_bad: BothBadPolicy = "tie",
) -> FloatArray:
    """The iid sandwich from cells alone: no row of votes is needed.

    Σ r² of a pair is W(1-p)² + Wᵀp² + T(½-p)², each vote's term times its squared weight.

    Returns
    -------
    float array, shape (m, m)
        In the order of ``part.systems``.
    """
    squared = replace(cells, weight=cells.weight_square)
    wins, tied = (among(part.systems, table) for table in squared.wins_and_ties(both_bad))
    q = expit(part.strengths - part.strengths[:, None])
    lost = wins * (q * q)
    if ties == "half":
        off = q - 0.5
        lost += tied / 2 * (off * off)
    # Wins of column over row have the transposed term, and of ties half is counted there.
    meat = -(lost + lost.T)
    diagonal_of(meat)[:] -= meat.sum(axis=1)
    bread = gauge_inverse(part.information)
    return np.asarray(bread @ meat @ bread)
