"""Where the next votes should go: each policy a pure function of counts and estimates.

They know which systems a cell is of only by number, and nothing of sides, texts or people.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.stats.connectivity import weak_components
from reports.stats.group_sums import group_sum
from reports.stats.information_gain import information_gain
from reports.stats.results import ShapeMismatch, UnknownPolicy
from reports.stats.votes import FloatArray, IntArray
from reports.stats.win_rates import pair_index

__all__ = ["FLOOR", "POLICIES", "CellCounts", "Evidence", "weigh"]

FLOOR = 10
"""Votes that each system has before estimates steer: with fewer they are noise, and in simulations
connecting the systems matters more than any rule after it."""


@dataclass(frozen=True, slots=True)
class CellCounts:
    """What each cell of a study wants and has.

    Attributes
    ----------
    system_a, system_b : int array, shape (cells,)
        Codes of the two systems, never equal. Several cells of one pair are its strata.
    wanted : int array, shape (cells,)
        Votes wanted: the sum of the overlaps of its comparisons.
    taken : int array, shape (cells,)
        Slots with a vote or under way.
    stopped : bool array, shape (cells,)
    n_systems : int
    """

    system_a: IntArray
    system_b: IntArray
    wanted: IntArray
    taken: IntArray
    stopped: NDArray[np.bool_]
    n_systems: int

    @property
    def lacking(self) -> FloatArray:
        """Votes that can still be had of each cell, shape (cells,)."""
        left = np.maximum(np.asarray(self.wanted) - self.taken, 0).astype(np.float64)
        return np.where(self.stopped, 0.0, left)

    @property
    def pair(self) -> NDArray[Any]:
        """Place of each cell's pair of systems in the list (0,1), (0,2), … (1,2), …"""
        low = np.minimum(self.system_a, self.system_b)
        high = np.maximum(self.system_a, self.system_b)
        return np.asarray(pair_index(low, high, self.n_systems))


@dataclass(frozen=True, slots=True)
class Evidence:
    """The counted votes of each pair of systems.

    Attributes
    ----------
    score, total : float array, shape (systems, systems)
        Points of row against column, ties as half, and votes of each pair.
    """

    score: FloatArray
    total: FloatArray


def uniform(cells: CellCounts, evidence: Evidence) -> FloatArray:
    """As the walk through all comparisons draws them: by what each cell lacks."""
    return cells.lacking


def emptiest(cells: CellCounts, evidence: Evidence) -> FloatArray:
    """The share of its votes that each cell still lacks."""
    lacking = cells.lacking
    return np.divide(lacking, cells.wanted, out=np.zeros_like(lacking), where=lacking > 0)


def adaptive(cells: CellCounts, evidence: Evidence) -> FloatArray:
    """What a vote on the pair would tell, shared by its strata as they lack votes.

    Until the votes connect all systems that the study compares, and each has its first ten, the
    emptiest cell goes first; so it does where no order is open any more.
    """
    if not has_floor(cells, evidence):
        return emptiest(cells, evidence)
    lacking, pair = cells.lacking, cells.pair
    pairs = cells.n_systems * (cells.n_systems - 1) // 2
    of_pair = group_sum(pair, lacking, pairs)[pair]
    share = np.divide(lacking, of_pair, out=np.zeros_like(lacking), where=lacking > 0)
    gain = information_gain(evidence.score, evidence.total)[cells.system_a, cells.system_b]
    weight: FloatArray = gain * share
    return weight if bool((weight > 0).any()) else emptiest(cells, evidence)


def has_floor(cells: CellCounts, evidence: Evidence) -> bool:
    """Whether the votes join all systems that the cells join, and each has its first ones."""
    compared = np.zeros_like(evidence.total)
    compared[cells.system_a, cells.system_b] = compared[cells.system_b, cells.system_a] = 1.0
    wanted_parts, parts = weak_components(compared), weak_components(evidence.total)
    inside = wanted_parts >= 0
    if not bool(inside.any()):
        return False
    joined = bool((parts[inside] >= 0).all()) and all(
        np.unique(parts[wanted_parts == label]).size == 1
        for label in np.unique(wanted_parts[inside])
    )
    # A system of which fewer votes are wanted cannot have more.
    most = np.zeros(cells.n_systems)
    np.add.at(most, cells.system_a, cells.wanted)
    np.add.at(most, cells.system_b, cells.wanted)
    return joined and bool((evidence.total.sum(axis=1) >= np.minimum(most, FLOOR))[inside].all())


POLICIES: Mapping[str, Callable[[CellCounts, Evidence], FloatArray]] = {
    "uniform": uniform,
    "emptiest": emptiest,
    "adaptive": adaptive,
}
"""By their names in a study's rules."""


def weigh(policy: str, cells: CellCounts, evidence: Evidence) -> FloatArray:
    """The share of the draws that each cell gets, shape (cells,).

    Sums to 1 over the cells with room; all 0 where none has any. The part of the draws that an
    adaptive study makes uniformly is the queue's to mix in, at each draw.

    Parameters
    ----------
    policy : str
        A key of :data:`POLICIES`.
    cells : CellCounts
    evidence : Evidence
        Of the same systems.

    Raises
    ------
    UnknownPolicy, ShapeMismatch
    """
    if policy not in POLICIES:
        raise UnknownPolicy(f"policy={policy!r}; expected one of {', '.join(POLICIES)}")
    if evidence.total.shape != (cells.n_systems, cells.n_systems):
        raise ShapeMismatch(
            f"votes are of {evidence.total.shape[0]} systems, cells of {cells.n_systems}"
        )
    weight = POLICIES[policy](cells, evidence)
    total = float(weight.sum())
    return weight / total if total > 0 else weight
