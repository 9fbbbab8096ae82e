"""What an entry on a judge is given beside votes and judgments: texts, and a random sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reports.stats.alignment.bait import Bait
from reports.stats.alignment.drift import Since
from reports.stats.ratings import Integers

__all__ = ["Drawn", "Texts"]


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """What was read off the responses of each comparison.

    Attributes
    ----------
    features_a, features_b : int arrays of shape (comparisons, features)
        How they look; characters in the first column.
    bait : pair of bool arrays of shape (comparisons,)
        Which responses a and b tell a judge what to say.
    names : bool array of shape (comparisons,)
        Whether a response names a maker or a system.
    """

    features_a: Integers
    features_b: Integers
    bait: Bait
    names: NDArray[np.bool_]

    @property
    def longer_by(self) -> Integers:
        """Characters of a less those of b."""
        return np.asarray(self.features_a[:, 0].astype(np.int64) - self.features_b[:, 0])


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A seeded random sample of comparisons that was sent to people and came back.

    Attributes
    ----------
    frame : bool array of shape (comparisons,)
        Those that it was drawn from; the corrected win rates speak of them.
    sample : bool array of shape (comparisons,)
        Those that were drawn.
    when : Since, optional
        Which votes came since; None where the judge had not been validated before the draw.
    """

    frame: NDArray[np.bool_]
    sample: NDArray[np.bool_]
    when: Since | None = None
