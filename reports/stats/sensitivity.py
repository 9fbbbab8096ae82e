"""Does a conclusion of the first board survive another treatment of the votes?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Change", "Sensitivity", "compare_conclusions"]

Change = Literal["lost", "gained", "reversed"]
"""`lost`: decided on the first board only. `gained`: on the other only. `reversed`: both decide,
the other way round."""


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """What differs on another board.

    Attributes
    ----------
    moved : tuple of (system, rank, rank there)
        A rank is None where the board does not hold the system.
    changes : tuple of (better, worse, change)
        As the first board has it; as the other does for `gained`.
    """

    moved: tuple[tuple[int, int | None, int | None], ...]
    changes: tuple[tuple[int, int, Change], ...]

    @property
    def order_changed(self) -> bool:
        """Whether any rank differs."""
        return bool(self.moved)

    @property
    def conclusions_changed(self) -> bool:
        """Whether any statement "better than" is lost or reversed."""
        return any(change != "gained" for _, _, change in self.changes)


def compare_conclusions(
    rank: dict[int, int | None],
    better: ArrayLike,
    rank_there: dict[int, int | None],
    better_there: ArrayLike,
) -> Sensitivity:
    """Compare ranks and joint statements of two boards of the same systems.

    Parameters
    ----------
    rank, rank_there : dict of int to int or None
        By system.
    better, better_there : array_like of bool, shape (systems, systems)
        Row significantly stronger than column.
    """
    here: NDArray[np.bool_] = np.asarray(better, dtype=bool)
    there: NDArray[np.bool_] = np.asarray(better_there, dtype=bool)
    changes: list[tuple[int, int, Change]] = []
    for first, second in np.argwhere(here & ~there).tolist():
        changes.append((first, second, "reversed" if there[second, first] else "lost"))
    for first, second in np.argwhere(there & ~here & ~here.T).tolist():
        changes.append((first, second, "gained"))
    moved = tuple(
        (system, place, rank_there.get(system))
        for system, place in sorted(rank.items())
        if place != rank_there.get(system)
    )
    return Sensitivity(moved, tuple(changes))
