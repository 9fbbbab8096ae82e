"""Which systems can be compared with which, and where a finite fit exists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

__all__ = ["Separation", "find_separation", "weak_components"]

NO_COMPONENT = -1


def weak_components(total: NDArray[np.float64]) -> NDArray[np.intp]:
    """Components of the comparison graph.

    Parameters
    ----------
    total : float array, shape (systems, systems)
        Votes of each pair, symmetric.

    Returns
    -------
    int array, shape (systems,)
        Components numbered from 0 by their first system; -1 for a system without votes.
    """
    size = total.shape[0]
    labels = np.full(size, NO_COMPONENT, dtype=np.intp)
    if size == 0:
        return labels
    met: NDArray[np.bool_] = total > 0
    if size > 1 and _has_hub(met):
        labels[:] = 0
        return labels
    _, raw = connected_components(met, directed=False)
    voted = met.any(axis=1)
    distinct, first = np.unique(raw[voted], return_index=True)
    number = np.empty(int(raw.max()) + 1, dtype=np.intp)
    number[distinct[np.argsort(first)]] = np.arange(distinct.size)
    labels[voted] = number[raw[voted]]
    return labels


@dataclass(frozen=True, slots=True)
class Separation:
    """Why no finite maximum-likelihood fit exists in a connected component.

    Attributes
    ----------
    undefeated, winless : tuple of tuple of int
        Groups of systems that gave no point away to, or took no point from, the systems
        outside; each sorted, at least one of the two not empty.
    """

    undefeated: tuple[tuple[int, ...], ...]
    winless: tuple[tuple[int, ...], ...]


def find_separation(score: NDArray[np.float64]) -> Separation | None:
    """Groups at fault where the digraph "i scored against j" is not strongly connected.

    The half-win estimate of a connected component is finite if and only if that digraph is
    strongly connected (Ford 1957, doi 10.2307/2308513).

    Parameters
    ----------
    score : float array, shape (systems, systems)
        Points of row against column within one weak component.

    Returns
    -------
    Separation or None
        None where the estimate is finite.
    """
    arrows: NDArray[np.bool_] = score > 0
    if _has_hub(arrows & arrows.T):
        return None
    count, group = connected_components(arrows, directed=True, connection="strong")
    if count == 1:
        return None
    source, target = np.nonzero(arrows)
    crossing = group[source] != group[target]
    beaten = _groups(group, np.unique(group[target[crossing]]), count)
    scoring = _groups(group, np.unique(group[source[crossing]]), count)
    return Separation(undefeated=beaten, winless=scoring)


def _has_hub(joined: NDArray[np.bool_]) -> bool:
    """Whether one system is joined to every other: nearly always so, and quickly seen."""
    return bool((joined.sum(axis=1) >= joined.shape[0] - 1).any())


def _groups(group: NDArray[Any], excluded: NDArray[Any], count: int) -> tuple[tuple[int, ...], ...]:
    """Members of every group but the excluded ones, in order of their first system."""
    kept = np.setdiff1d(np.arange(count), excluded)
    return tuple(sorted(tuple(np.flatnonzero(group == label).tolist()) for label in kept))
