"""Parameters beyond the Strengths, as the covariance sees them.

A side term, style coefficients, ln ν or thresholds each add one column to the design. A vote
gives such a column a score, an information of its own and one shared with the difference of
Strengths. The columns are worked out one at a time, so that their number does not multiply
the memory of a study.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from reports.stats.group_sums import on_exact_grid
from reports.stats.votes import FloatArray

__all__ = ["ExtraColumns", "LinearColumns", "TableColumns"]


class ExtraColumns(Protocol):
    """K further parameters of a design of n votes."""

    @property
    def n_columns(self) -> int:
        """K."""

    def score(self, k: int) -> FloatArray:
        """Derivative of each vote's log-likelihood by parameter k, shape (n,)."""

    def cross(self, k: int) -> FloatArray:
        """Information shared by parameter k and the difference of Strengths, shape (n,)."""

    def information(self, k: int, other: int) -> FloatArray:
        """Information shared by two further parameters, shape (n,)."""

    def take(self, rows: NDArray[Any]) -> ExtraColumns:
        """The columns of some votes."""


@dataclass(frozen=True, slots=True)
class LinearColumns:
    """Terms that add βᵀz to the difference of Strengths.

    Attributes
    ----------
    values : float array, shape (n, K)
        z.
    residual, weight : float array, shape (n,)
        w(y - p) and w p(1-p).
    """

    values: FloatArray
    residual: FloatArray
    weight: FloatArray

    @property
    def n_columns(self) -> int:
        return int(self.values.shape[1])

    def score(self, k: int) -> FloatArray:
        return on_exact_grid(self.residual * self.values[:, k])

    def cross(self, k: int) -> FloatArray:
        return on_exact_grid(self.weight * self.values[:, k])

    def information(self, k: int, other: int) -> FloatArray:
        return on_exact_grid(self.weight * self.values[:, k] * self.values[:, other])

    def take(self, rows: NDArray[Any]) -> LinearColumns:
        return LinearColumns(self.values[rows], self.residual[rows], self.weight[rows])


@dataclass(frozen=True, slots=True)
class TableColumns:
    """Parameters that shape the chances of the outcomes, looked up by pair and outcome.

    Attributes
    ----------
    pair, outcome : int array, shape (n,)
        Places in the tables.
    scores : float array, shape (K, outcomes, pairs)
    crosses : float array, shape (K, pairs)
    informations : float array, shape (K, K, pairs)
    weight : float array, shape (n,), or None
    """

    pair: NDArray[Any]
    outcome: NDArray[Any]
    scores: FloatArray
    crosses: FloatArray
    informations: FloatArray
    weight: FloatArray | None

    @property
    def n_columns(self) -> int:
        return int(self.crosses.shape[0])

    def score(self, k: int) -> FloatArray:
        return self._weighted(self.scores[k][self.outcome, self.pair])

    def cross(self, k: int) -> FloatArray:
        return self._weighted(self.crosses[k][self.pair])

    def information(self, k: int, other: int) -> FloatArray:
        return self._weighted(self.informations[k, other][self.pair])

    def take(self, rows: NDArray[Any]) -> TableColumns:
        return TableColumns(
            self.pair[rows],
            self.outcome[rows],
            self.scores,
            self.crosses,
            self.informations,
            None if self.weight is None else self.weight[rows],
        )

    def _weighted(self, values: FloatArray) -> FloatArray:
        return on_exact_grid(values if self.weight is None else values * self.weight)
