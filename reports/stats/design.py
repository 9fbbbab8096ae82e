"""Votes as rows of a regression on Strengths and further parameters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from reports.stats.extra_columns import ExtraColumns
from reports.stats.votes import FloatArray, IntArray

__all__ = ["Design"]


@dataclass(frozen=True, slots=True)
class Design:
    """Votes as rows of a regression.

    Attributes
    ----------
    a, b : int array, shape (n,)
        Columns that carry +1 and -1.
    residual, information : float array, shape (n,)
        Derivative of the log-likelihood by the difference of Strengths, and its information:
        w(y - p) and w p(1-p) for Bradley-Terry.
    extra : ExtraColumns or None
        Further parameters, after the Strengths.
    total : float array, shape (k, k)
        Information of all votes; its null space holds one constant vector a component.
    gauge : float array, shape (k, k)
        Added to an information matrix to make it invertible without changing H⁺ S, as every
        score S sums to 0 within a component: c11ᵀ/m on each component's block.
    n_systems : int
        m: k without the extra columns.
    """

    a: IntArray
    b: IntArray
    residual: FloatArray
    information: FloatArray
    extra: ExtraColumns | None
    total: FloatArray
    gauge: FloatArray
    n_systems: int

    @property
    def n_columns(self) -> int:
        """k, the number of parameters."""
        return self.n_systems + (0 if self.extra is None else self.extra.n_columns)

    def further(self) -> Iterator[tuple[int, ExtraColumns]]:
        """Each extra column's number, with the columns."""
        if self.extra is not None:
            for k in range(self.extra.n_columns):
                yield k, self.extra

    def bread(self) -> FloatArray:
        """(H + gauge)⁻¹, which acts on scores as H⁺ does."""
        return np.asarray(np.linalg.inv(self.total + self.gauge))
