"""Which pairs of systems a sequential study need not collect further.

The rule is fixed before the first vote: e-BH over all pairs that the study compares, at every look
(statistics.md 2.11). A pair that is stopped stays stopped: its e-value is then that of a betting
martingale stopped at a stopping time, and the set of all stopped pairs is self-consistent in the
sense of Wang & Ramdas 2022 whatever the other pairs do later. So the share of false stops among all
stops is at most 1 - level, however often anybody looks; where no two systems differ, that is the
chance of stopping any pair at all.

It counts as rejected while its own e-value still reaches what that takes. Votes may be excluded
after a stop, and a pair whose evidence went with them must not make it easier to stop others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.stats.intervals import check_level
from reports.stats.mean_scores import MeanScores
from reports.stats.results import ShapeMismatch
from reports.stats.sequential import (
    FEWEST_PROMPTS,
    LARGEST_LOG,
    deflation,
    e_benjamini_hochberg,
    log_e_values,
)
from reports.stats.votes import FloatArray, IntArray

__all__ = ["NO_FAMILY", "EarlyStops", "early_stops"]

NO_FAMILY = -1


@dataclass(frozen=True, slots=True)
class EarlyStops:
    """What the rule says of every pair.

    Attributes
    ----------
    stop : bool array, shape (pairs,)
        Stopped now or before.
    e_value : float array, shape (pairs,)
        Of the votes so far, from deflated counts; 0 before ten prompts have votes. At most 1e299.
    needed : float array, shape (pairs,)
        The e-value at which a pair stops at this look; infinite where none can.
    """

    stop: NDArray[np.bool_]
    e_value: FloatArray
    needed: FloatArray


def early_stops(
    wins: IntArray,
    ties: IntArray,
    losses: IntArray,
    rates: MeanScores,
    family: IntArray,
    stopped: NDArray[Any],
    *,
    level: float = 0.95,
) -> EarlyStops:
    """Apply the rule at one look.

    Parameters
    ----------
    wins, ties, losses : int array, shape (pairs,)
        Counted votes of score 1, ½ and 0 for the first system.
    rates : MeanScores
        Of the same votes, two-way clustered.
    family : int array, shape (pairs,)
        Pairs with one label are one family, with or without votes; -1 for a pair that is never
        compared. The family is all pairs of the study, whatever has votes by now: a family that
        grew with the votes would be no rule fixed beforehand.
    stopped : bool array, shape (pairs,)
        Stopped at an earlier look.
    level : float
        1 - level is the share of false stops allowed.

    Raises
    ------
    InvalidLevel, ShapeMismatch
    """
    check_level(level)
    for name, column in (("family", family), ("stopped", stopped)):
        if column.shape != wins.shape:
            raise ShapeMismatch(f"{name} has shape {column.shape}, but wins has {wins.shape}")
    e_value = np.zeros(wins.size)
    looked = np.flatnonzero(rates.prompts >= FEWEST_PROMPTS)
    counts = np.stack([wins, ties, losses]) * deflation(rates)
    e_value[looked] = np.exp(np.minimum(log_e_values(*counts[:, looked]), LARGEST_LOG))
    stop = np.asarray(stopped, dtype=bool).copy()
    needed = np.full(wins.size, np.inf)
    for label in np.unique(family[family != NO_FAMILY]):
        inside = np.flatnonzero(family == label)
        found = e_benjamini_hochberg(e_value[inside], alpha=1 - level)
        stop[inside] |= found
        if bool(found.any()):
            needed[inside] = inside.size / ((1 - level) * int(found.sum()))
    return EarlyStops(stop, e_value, needed)
