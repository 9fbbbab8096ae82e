"""A system that stands at a number of its own, as the reference of many leaderboards does.

An anchor only shifts: Rating_i - Rating_anchor + value. Standard errors stay those of the mean
gauge, the anchor's own too: that its number is agreed on takes nothing from what is not known of
it. How far another system is from it is a contrast, with an error of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from reports.stats.covariance import Covariance
from reports.stats.results import WarningCode

__all__ = [
    "Anchor",
    "Anchoring",
    "Obstacle",
    "PlacedAnchor",
    "anchoring",
    "contrasts_to",
    "missed_anchor",
]


class Obstacle(StrEnum):
    """Why ratings of a board cannot be measured from its anchor."""

    NO_VOTES = "no_votes"
    SEPARATED = "separated"


@dataclass(frozen=True, slots=True)
class Anchor:
    """The wish.

    Attributes
    ----------
    system : int
        Its code.
    rating : float
        Where it stands.
    """

    system: int
    rating: float


@dataclass(frozen=True, slots=True)
class PlacedAnchor:
    """The anchor among the systems of its component.

    Attributes
    ----------
    place : int
        Its place among the component's Strengths.
    rating : float
    """

    place: int
    rating: float


@dataclass(frozen=True, slots=True)
class Anchoring:
    """What became of the wish on one board.

    Attributes
    ----------
    anchor : Anchor
    component : int or None
        From 0: the one whose ratings are measured from the anchor. All others keep their mean.
        None where there is an obstacle.
    obstacle : Obstacle or None
    """

    anchor: Anchor
    component: int | None
    obstacle: Obstacle | None

    def among(self, label: int, systems: NDArray[np.intp]) -> PlacedAnchor | None:
        """The anchor where it shifts a component of these systems, ascending; None elsewhere."""
        if label != self.component:
            return None
        return PlacedAnchor(int(np.searchsorted(systems, self.anchor.system)), self.anchor.rating)


def anchoring(
    anchor: Anchor | None, component: NDArray[np.intp], separated: Sequence[bool]
) -> Anchoring | None:
    """Whether a board's ratings can be measured from the anchor.

    Parameters
    ----------
    anchor : Anchor or None
    component : int array, shape (systems,)
        From 0; -1 for a system without votes that take part.
    separated : sequence of bool
        By component: whether a prior takes the place of a finite estimate. Its distances are the
        prior's as much as the votes', so that a number measured along them would only look exact.

    Returns
    -------
    Anchoring or None
        None without an anchor.
    """
    if anchor is None:
        return None
    label = int(component[anchor.system])
    if label < 0:
        return Anchoring(anchor, None, Obstacle.NO_VOTES)
    if separated[label]:
        return Anchoring(anchor, None, Obstacle.SEPARATED)
    return Anchoring(anchor, label, None)


def missed_anchor(found: Anchoring | None) -> tuple[WarningCode, ...]:
    """What every Rating of a board warns of that cannot be measured from its anchor."""
    if found is None or found.obstacle is None:
        return ()
    return (WarningCode.ANCHOR_NOT_USED,)


def contrasts_to(covariance: Covariance, place: int) -> Covariance:
    """Covariance of θ_i - θ_anchor: V_ij - V_ia - V_aj + V_aa.

    Parameters
    ----------
    covariance : Covariance
        Of m Strengths.
    place : int
        The anchor's. Its own row is 0: there is no such contrast.
    """
    v = covariance.matrix
    matrix = v - v[:, [place]] - v[[place], :] + v[place, place]
    # What rounding leaves there.
    matrix[place, :] = matrix[:, place] = 0.0
    alone = covariance.these_annotators
    return replace(
        covariance,
        matrix=matrix,
        these_annotators=None if alone is None else contrasts_to(alone, place),
    )
