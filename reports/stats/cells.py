"""Cells: the distinct kinds of vote with their counts, and the pair counts the fits need."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from reports.stats.group_sums import group_sum, on_exact_grid
from reports.stats.results import NegativeCount, ShapeMismatch, VerdictCode
from reports.stats.votes import (
    MIRRORED_VERDICT,
    BothBadPolicy,
    FloatArray,
    IntArray,
    TiePolicy,
    Votes,
    check_policies,
)

__all__ = ["Cells"]

DENSE_CELL_LIMIT = 1 << 24
"""Up to this many possible cells one bincount finds them (128 MB at most, reached only near
1,180 systems); beyond it the codes are sorted instead, which needs memory for the votes only."""

SIDES = 3
VERDICTS = len(VerdictCode)


@dataclass(frozen=True, slots=True)
class Cells:
    """Distinct (system_a, system_b, side, verdict) with counts, always system_a < system_b.

    A vote on (b, a) is mirrored into (a, b), verdict and side with it, so that the order in
    which a pair was stored never matters.

    Attributes
    ----------
    system_a, system_b, side, verdict : int array, shape (cells,)
        Sorted by these four in this order.
    count : int64 array, shape (cells,)
        Number of votes.
    weight, weight_square : float array, shape (cells,)
        Sums of the weights and of their squares; equal to `count` without weights.
    n_systems : int
    """

    system_a: IntArray
    system_b: IntArray
    side: IntArray
    verdict: IntArray
    count: IntArray
    weight: FloatArray
    weight_square: FloatArray
    n_systems: int

    @classmethod
    def from_votes(cls, votes: Votes) -> Cells:
        """Count the votes: one bincount of packed codes."""
        m = votes.n_systems
        size = m * m * SIDES * VERDICTS
        packed = votes.system_a.astype(np.int64)
        packed *= m
        packed += votes.system_b
        packed *= SIDES
        packed += votes.side
        packed *= VERDICTS
        packed += votes.verdict
        packed += VERDICTS  # side -1 becomes 0
        if size <= DENSE_CELL_LIMIT:
            counts = np.bincount(packed, minlength=size)
            code = np.flatnonzero(counts)
            count = counts[code]
            if votes.weight is None:
                weight = square = count.astype(np.float64)
            else:
                weight = group_sum(packed, on_exact_grid(votes.weight), size)[code]
                square = group_sum(packed, on_exact_grid(votes.weight**2), size)[code]
        else:
            code, inverse, count = np.unique(packed, return_inverse=True, return_counts=True)
            if votes.weight is None:
                weight = square = count.astype(np.float64)
            else:
                weight = group_sum(inverse, on_exact_grid(votes.weight), code.size)
                square = group_sum(inverse, on_exact_grid(votes.weight**2), code.size)
        rest, verdict = np.divmod(code, VERDICTS)
        rest, side = np.divmod(rest, SIDES)
        first, second = np.divmod(rest, max(m, 1))
        return cls._merged(first, second, side - 1, verdict, count, weight, square, m)

    @classmethod
    def from_counts(
        cls,
        system_a: ArrayLike,
        system_b: ArrayLike,
        verdict: ArrayLike,
        count: ArrayLike,
        *,
        n_systems: int,
        side: ArrayLike | None = None,
    ) -> Cells:
        """Check and merge counts that were aggregated elsewhere (by the database, in a table).

        Raises
        ------
        ShapeMismatch, UnknownVerdict, SelfComparison, NegativeCount
        """
        counts = np.asarray(count)
        blank = np.zeros(counts.shape, np.int64)
        rows = Votes.from_arrays(
            system_a,
            system_b,
            verdict,
            prompt=blank,
            annotator=blank,
            item=blank,
            side=side,
            n_systems=n_systems,
        )
        if not np.issubdtype(counts.dtype, np.integer):
            raise ShapeMismatch(f"count holds {counts.dtype}; expected whole numbers of votes")
        if counts.size and int(counts.min()) < 0:
            row = int(np.argmin(counts))
            raise NegativeCount(f"count {row} is {int(counts[row])}; expected 0 or more")
        keep = counts > 0
        weight = counts[keep].astype(np.float64)
        return cls._merged(
            rows.system_a[keep].astype(np.int64),
            rows.system_b[keep].astype(np.int64),
            rows.side[keep].astype(np.int64),
            rows.verdict[keep].astype(np.int64),
            counts[keep].astype(np.int64),
            weight,
            weight,
            n_systems,
        )

    @classmethod
    def _merged(
        cls,
        first: IntArray,
        second: IntArray,
        side: IntArray,
        verdict: IntArray,
        count: IntArray,
        weight: FloatArray,
        square: FloatArray,
        m: int,
    ) -> Cells:
        mirrored = first > second
        low, high = np.minimum(first, second), np.maximum(first, second)
        side = np.where(mirrored, -side, side)
        verdict = np.where(mirrored, MIRRORED_VERDICT[verdict], verdict)
        packed = ((low * m + high) * SIDES + side + 1) * VERDICTS + verdict
        _, representative, inverse = np.unique(packed, return_index=True, return_inverse=True)
        size = representative.size
        # Counts are far below 2**53, so that their sums in floating point are exact.
        return cls(
            low[representative],
            high[representative],
            side[representative],
            verdict[representative],
            group_sum(inverse, count.astype(np.float64), size).astype(np.int64),
            group_sum(inverse, weight, size),
            group_sum(inverse, square, size),
            m,
        )

    @property
    def n(self) -> int:
        """Number of votes."""
        return int(self.count.sum())

    def wins(self) -> FloatArray:
        """Weighted wins of row over column, shape (n_systems, n_systems)."""
        m = self.n_systems
        a_wins, b_wins = self.verdict == VerdictCode.A, self.verdict == VerdictCode.B
        code = np.where(
            a_wins, self.system_a * m + self.system_b, self.system_b * m + self.system_a
        )
        return group_sum(code, self.weight * (a_wins | b_wins), m * m).reshape(m, m)

    def ties(self, both_bad: BothBadPolicy = "tie") -> FloatArray:
        """Weighted ties of each pair, symmetric, shape (n_systems, n_systems)."""
        check_policies("half", both_bad)
        m = self.n_systems
        tied = self.verdict == VerdictCode.TIE
        if both_bad == "tie":
            tied |= self.verdict == VerdictCode.BOTH_BAD
        upper = group_sum(self.system_a * m + self.system_b, self.weight * tied, m * m).reshape(
            m, m
        )
        return upper + upper.T

    def both_bad(self) -> IntArray:
        """Number of both-bad votes of each pair, symmetric, shape (n_systems, n_systems)."""
        m = self.n_systems
        bad = self.verdict == VerdictCode.BOTH_BAD
        upper = np.bincount(self.system_a * m + self.system_b, self.count * bad, m * m)
        square = upper.reshape(m, m).astype(np.int64)
        return square + square.T

    def scores(
        self, ties: TiePolicy = "half", both_bad: BothBadPolicy = "tie"
    ) -> tuple[FloatArray, FloatArray]:
        """What the fits need: points of row against column, and votes of each pair.

        Returns
        -------
        score, total : float array, shape (n_systems, n_systems)
            ``score + score.T == total``.
        """
        check_policies(ties, both_bad)
        wins = self.wins()
        if ties == "drop":
            return wins, wins + wins.T
        tied = self.ties(both_bad)
        return wins + tied / 2, wins + wins.T + tied
