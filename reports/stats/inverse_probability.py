"""Weights that undo a draw of comparisons that followed the outcomes.

Within a cell (a pair of systems, or one of its strata) the order of comparisons is a seeded walk,
so that a cell's own win rate needs no weights. What pools over cells does: where close pairs were
drawn oftener, a system's overall win rate leans to its close opponents. A vote weighs

    w = D_c (1/p_v) / Σ_{votes of c} 1/p

with p_v the probability with which its cell was drawn then, and D_c the share of its cell in the
votes that the study wants: inverse-probability weights (Horvitz & Thompson 1952, doi
10.1080/01621459.1952.10483446), normalised within the cell (Hájek), so that every cell counts as
the design has it, also after it was full or stopped.

Where nothing was drawn but pairs were stopped early, every vote of a cell weighs n D_c / n_c: the
cell was sampled at a rate of n_c to what the design wants of it, and post-stratifying by cells
takes that back (Holt & Smith 1979, doi 10.2307/2344652). Clear pairs stop first, so that without
weights a system's overall win rate leans to the opponents that it could not be told from.
That the votes of a stopped pair ended when its difference looked large stays: its own win rate
leans a little outwards, on this board as in its row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reports.stats.group_sums import group_sum, on_exact_grid
from reports.stats.results import NegativeCount, NonFiniteInput, ShapeMismatch
from reports.stats.votes import FloatArray, IntArray

__all__ = ["LARGEST_WEIGHT", "DrawWeights", "draw_weights"]

LARGEST_WEIGHT = 10.0
"""Times the mean weight: one vote of a rare cell must not speak for the whole study."""


@dataclass(frozen=True, slots=True)
class DrawWeights:
    """Weights of votes, mean 1.

    Attributes
    ----------
    weight : float array, shape (votes,)
    clipped : int
        Votes whose weight was cut to `limit` before all were scaled to mean 1 again.
    limit : float
    covered : float
        Share of the design that the cells with votes make up.
    """

    weight: FloatArray
    clipped: int
    limit: float
    covered: float


def draw_weights(
    cell: IntArray,
    probability: FloatArray,
    wanted: FloatArray,
    *,
    limit: float = LARGEST_WEIGHT,
) -> DrawWeights | None:
    """Weigh votes by the design instead of by how they were drawn.

    Parameters
    ----------
    cell : int array, shape (votes,)
        Index into `wanted`.
    probability : float array, shape (votes,)
        With which the cell was drawn, within (0, 1]; NaN where it was not drawn but walked to,
        which is taken for the cell's share of the design.
    wanted : float array, shape (cells,)
        Votes that the design wants of each cell, not negative.
    limit : float
        Largest weight, in units of the mean.

    Returns
    -------
    DrawWeights or None
        None where no vote is of a cell that the design wants.

    Raises
    ------
    ShapeMismatch, NonFiniteInput, NegativeCount
    """
    if cell.shape != probability.shape:
        raise ShapeMismatch(f"cell has shape {cell.shape}, but probability has {probability.shape}")
    if not bool(np.isfinite(wanted).all()):
        raise NonFiniteInput("wanted holds a number that is not finite")
    if wanted.size and float(wanted.min()) < 0:
        raise NegativeCount(f"wanted holds {float(wanted.min())}; expected 0 or more")
    known = ~np.isnan(probability)
    if bool((known & ~((probability > 0) & (probability <= 1))).any()):
        raise NonFiniteInput("a probability lies outside (0, 1]")
    if not limit >= 1:
        raise NonFiniteInput(f"limit is {limit}; expected 1 or more")
    cells = wanted.size
    total = float(wanted.sum())
    voted = np.bincount(cell, minlength=cells) > 0
    covered = float(wanted[voted].sum())
    if not covered > 0:
        return None
    share = wanted / total
    with np.errstate(divide="ignore"):
        inverse = np.where(
            share[cell] > 0, 1 / np.where(known, probability, np.maximum(share[cell], 0)), 0.0
        )
    of_cell = group_sum(cell, on_exact_grid(inverse), cells)
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = np.where(inverse > 0, share[cell] * inverse / of_cell[cell], 0.0)
    weight *= cell.size / weight.sum()
    over = weight > limit
    weight = np.minimum(weight, limit)
    return DrawWeights(
        weight=weight * (cell.size / weight.sum()),
        clipped=int(over.sum()),
        limit=limit,
        covered=covered / total,
    )
