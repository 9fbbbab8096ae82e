"""Cells: the distinct kinds of vote with their counts, and the pair counts the fits need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

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
        packed = _pack(votes.system_a, votes.system_b, votes.side, votes.verdict, m)
        if votes.weight is None:
            return cls._tallied(packed, None, None, None, m)
        return cls._tallied(
            packed, None, on_exact_grid(votes.weight), on_exact_grid(votes.weight**2), m
        )

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
        if counts.size and not np.issubdtype(counts.dtype, np.integer):
            raise ShapeMismatch(f"count holds {counts.dtype}; expected whole numbers of votes")
        if counts.size and int(counts.min()) < 0:
            row = int(np.argmin(counts))
            raise NegativeCount(f"count {row} is {int(counts[row])}; expected 0 or more")
        packed = _pack(rows.system_a, rows.system_b, rows.side, rows.verdict, n_systems)
        return cls._tallied(packed, counts.astype(np.float64), None, None, n_systems)

    @classmethod
    def _tallied(
        cls,
        packed: IntArray,
        count: FloatArray | None,
        weight: FloatArray | None,
        square: FloatArray | None,
        m: int,
    ) -> Cells:
        """Sum counts (1 each if not given) and weights by code, mirrored pairs together.

        Counts stay far below 2**53, so that their sums in floating point are exact.
        """
        size = m * m * SIDES * VERDICTS
        if size <= DENSE_CELL_LIMIT:
            grid = _folded(np.bincount(packed, count, size), m)
            code: IntArray = np.flatnonzero(grid)
            counts = grid[code]
            weights, squares = (
                counts.astype(np.float64)
                if values is None
                else _folded(group_sum(packed, values, size), m)[code]
                for values in (weight, square)
            )
        else:
            code, place = np.unique(_canonical(packed, m), return_inverse=True)
            counts = np.bincount(place, count, code.size)
            weights, squares = (
                counts.astype(np.float64) if values is None else group_sum(place, values, code.size)
                for values in (weight, square)
            )
            held = counts > 0
            code, counts, weights, squares = code[held], counts[held], weights[held], squares[held]
        return cls(*_unpack(code, m), counts.astype(np.int64), weights, squares, m)

    @property
    def n(self) -> int:
        """Number of votes."""
        return int(self.count.sum())

    def votes_by_verdict(self) -> IntArray:
        """Number of votes by verdict code, shape (verdicts,)."""
        # Counts stay far below 2**53.
        return np.bincount(self.verdict, self.count, VERDICTS).astype(np.int64)

    def wins_and_ties(self, both_bad: BothBadPolicy = "tie") -> tuple[FloatArray, FloatArray]:
        """Weighted wins of row over column, and ties of each pair, counted in one pass.

        Returns
        -------
        wins, ties : float array, shape (n_systems, n_systems)
            Ties are symmetric.
        """
        check_policies("half", both_bad)
        m = self.n_systems
        code = (self.verdict * m + self.system_a) * m + self.system_b
        # Of a against b, for each verdict.
        weight = group_sum(code, self.weight, VERDICTS * m * m).reshape(VERDICTS, m, m)
        upper = weight[VerdictCode.TIE]
        if both_bad == "tie":
            upper = upper + weight[VerdictCode.BOTH_BAD]
        return weight[VerdictCode.A] + weight[VerdictCode.B].T, upper + upper.T

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
        wins, tied = self.wins_and_ties(both_bad)
        if ties == "drop":
            return wins, wins + wins.T
        score = wins + tied / 2
        return score, score + score.T


def _pack(first: IntArray, second: IntArray, side: IntArray, verdict: IntArray, m: int) -> IntArray:
    """One code for (system, system, side, verdict), in this order."""
    packed = first.astype(np.int64)
    packed *= m
    packed += second
    packed *= SIDES
    packed += side
    packed *= VERDICTS
    packed += verdict
    packed += VERDICTS  # side -1 becomes 0
    return packed


def _unpack(code: IntArray, m: int) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    rest, verdict = np.divmod(code, VERDICTS)
    rest, side = np.divmod(rest, SIDES)
    first, second = np.divmod(rest, max(m, 1))
    return first, second, side - 1, verdict


def _canonical(packed: IntArray, m: int) -> IntArray:
    """The same cells with the smaller system first."""
    first, second, side, verdict = _unpack(packed, m)
    mirrored = first > second
    return _pack(
        np.minimum(first, second),
        np.maximum(first, second),
        np.where(mirrored, -side, side),
        np.where(mirrored, MIRRORED_VERDICT[verdict], verdict),
        m,
    )


def _folded(table: NDArray[Any], m: int) -> NDArray[Any]:
    """The table of all codes with every mirrored cell added to its canonical one, flat."""
    grid = table.reshape(m, m, SIDES, VERDICTS)
    mirror = grid.transpose(1, 0, 2, 3)[:, :, ::-1][..., MIRRORED_VERDICT]
    folded = grid + mirror
    folded[np.tri(m, dtype=bool)] = 0
    return np.asarray(folded.ravel())
