"""Cohen's kappa, weighted or not: from one joint table, or for every pair of raters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reports.stats.agreement import checked_weights
from reports.stats.intervals import NO_ERROR, critical_value, wilson
from reports.stats.ratings import Floats, Integers, Ratings
from reports.stats.results import (
    Estimate,
    NegativeCount,
    NonFiniteInput,
    ShapeMismatch,
    WarningCode,
    undefined,
)

__all__ = ["SHARED_ITEMS", "PairKappas", "cohen_kappa", "kappas_of_tables", "pairwise_kappa"]

# A kappa on fewer shared items says too little to be printed for a pair of raters.
SHARED_ITEMS = 20

# Joint codes of pairs are counted in one dense table up to this size (128 MB of int64).
_DENSE_CODES = 1 << 24

# Joint codes gathered before they are counted (8 MB of int64).
_GATHERED_CODES = 1 << 20

# A dense table pays while it has at most this many places a pair of votes; sorting is faster
# where the pairs are thinly spread.
_PLACES_A_PAIR = 8


def kappas_of_tables(tables: Floats, weights: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Weighted kappa of many joint tables at once.

    Parameters
    ----------
    tables : float array of shape (..., q, q)
        Counts, one rater by row and the other by column.
    weights : float array of shape (q, q)

    Returns
    -------
    kappa, se, observed, expected : float arrays of shape (...)
        NaN where the table is empty or chance agreement is complete. Standard error of Fleiss,
        Cohen & Everitt 1969.
    """
    q = weights.shape[0]
    # Cell by cell over contiguous columns: many small tables are slow to reduce by axes.
    cells = np.ascontiguousarray(tables.reshape(-1, q * q).T).reshape(q, q, -1)
    n = cells.sum(axis=(0, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        p = cells / n
        row, column = p.sum(axis=1), p.sum(axis=0)
        observed = np.tensordot(weights, p, axes=2)
        row_mean, column_mean = weights @ column, weights @ row
        expected = (row * row_mean).sum(axis=0)
        expected = np.where(expected >= 1 - 1e-12, np.nan, expected)
        kappa = (observed - expected) / (1 - expected)
        variance = -((kappa - expected * (1 - kappa)) ** 2)
        for k, m in np.ndindex(q, q):
            spread = weights[k, m] - (row_mean[k] + column_mean[m]) * (1 - kappa)
            variance += p[k, m] * spread**2
        variance /= n * (1 - expected) ** 2
        se = np.sqrt(np.maximum(variance, 0))
    shape = tables.shape[:-2]
    return kappa.reshape(shape), se.reshape(shape), observed.reshape(shape), expected.reshape(shape)


def cohen_kappa(
    table: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    level: float = 0.95,
) -> Estimate:
    """Cohen's kappa of one joint table (1960; weighted 1968), with a normal interval.

    Parameters
    ----------
    table : array of shape (q, q)
        Counts: first rater by row, second by column. Proportions times n serve as well.
    weights : (q, q) array, optional
        Agreement weights, identity by default.

    Returns
    -------
    Estimate
        `n` counts shared items. None with `degenerate_scale` where one category holds all.

    Raises
    ------
    ShapeMismatch, NegativeCount, NonFiniteInput
    """
    counts = np.asarray(table, dtype=np.float64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1]:
        raise ShapeMismatch(f"table has shape {counts.shape}, expected as many rows as columns")
    if not np.all(np.isfinite(counts)):
        raise NonFiniteInput("table holds counts that are not finite")
    if np.any(counts < 0):
        raise NegativeCount("table holds a negative count")
    method = "cohen_kappa" if weights is None else "cohen_kappa_weighted"
    w = checked_weights(weights, counts.shape[0])
    n = round(float(counts.sum()))
    if n == 0:
        return undefined(method, 0, WarningCode.NO_VOTES, reason="no shared items")
    kappa, se, observed, expected = kappas_of_tables(counts, w)
    return _estimate(float(kappa), float(se), float(observed), float(expected), n, method, level)


def _estimate(
    kappa: float, se: float, observed: float, expected: float, n: int, method: str, level: float
) -> Estimate:
    details: dict[str, float] = {"observed": observed}
    if np.isnan(kappa):
        reason = "agreement by chance alone would be complete"
        return undefined(method, n, WarningCode.DEGENERATE_SCALE, reason=reason, **details)
    details["expected"] = expected
    critical = critical_value(level, None)
    low, high = max(kappa - critical * se, min(kappa, -1.0)), min(kappa + critical * se, 1.0)
    if kappa > 1 - 1e-12:
        # No disagreement was seen: bound it instead of claiming certainty.
        kappa = high = 1.0
        low = (float(wilson(1.0, n, critical)[0]) - expected) / (1 - expected)
        method += "_wilson_bound"
    elif se <= NO_ERROR:
        # A rater who never varies, or two who never agree: no error can be read off the table.
        return Estimate(
            kappa, None, None, method, n, n_clusters={"items": n}, level=None, details=details,
            warnings=(WarningCode.DEGENERATE_SCALE,),
        )  # fmt: skip
    return Estimate(
        kappa, low, high, method, n, n_clusters={"items": n}, se=se, level=level, details=details
    )


@dataclass(frozen=True, slots=True, eq=False)
class PairKappas:
    """Kappa of every pair of raters with enough shared items, ordered by rater codes.

    Attributes
    ----------
    rater_1, rater_2 : int64 arrays of shape (pairs,)
        `rater_1` is the smaller code.
    n : int64 array
        Shared items.
    kappa, se, observed, expected : float arrays
        NaN where kappa is undefined.
    """

    rater_1: Integers
    rater_2: Integers
    n: Integers
    kappa: Floats
    se: Floats
    observed: Floats
    expected: Floats

    def estimates(self, level: float = 0.95) -> tuple[tuple[int, int, Estimate], ...]:
        """(rater_1, rater_2, kappa) of each pair."""
        columns = (self.rater_1, self.rater_2, self.kappa, self.se, self.observed, self.expected)
        return tuple(
            (g, h, _estimate(kappa, se, observed, expected, n, "cohen_kappa", level))
            for g, h, kappa, se, observed, expected, n in zip(
                *(column.tolist() for column in columns), self.n.tolist(), strict=True
            )
        )

    def matrix(self, raters: int) -> NDArray[np.float64]:
        """Symmetric (raters, raters) array, NaN where a pair has no kappa, 1 on the diagonal."""
        out = np.full((raters, raters), np.nan)
        np.fill_diagonal(out, 1.0)
        out[self.rater_1, self.rater_2] = out[self.rater_2, self.rater_1] = self.kappa
        return out


def _joint_codes(ratings: Ratings) -> Iterator[Integers]:
    """Codes ((g, h), k, l) of all pairs of votes on an item, g < h, in pieces."""
    q, item = ratings.n_categories, ratings.item
    # A code is a sum of one part from each vote: ((g * raters + h) * q + k) * q + l.
    first = ratings.rater * (ratings.n_raters * q * q) + ratings.category * q
    second = ratings.rater * (q * q) + ratings.category
    pieces: list[Integers] = []
    gathered = 0
    most = int(np.bincount(item, minlength=1).max())
    for step in range(1, most):
        # Rows are sorted by item and rater, so the partner at this distance has a larger code.
        row = np.flatnonzero(item[step:] == item[:-step])
        pieces.append(first[row] + second[row + step])
        gathered += row.size
        if gathered > _GATHERED_CODES:
            yield np.concatenate(pieces)
            pieces, gathered = [], 0
    if gathered:
        yield np.concatenate(pieces)


def _tables(ratings: Ratings) -> tuple[Integers, Floats]:
    """Codes of the pairs of raters that share an item, and their joint tables."""
    cells = ratings.n_categories**2
    size = ratings.n_raters**2 * cells
    votes = np.bincount(ratings.item)
    pairs = int((votes * (votes - 1) // 2).sum())
    if size <= min(_DENSE_CODES, _PLACES_A_PAIR * pairs):
        tables = np.zeros((size // cells, cells), dtype=np.int64)
        for codes in _joint_codes(ratings):
            tables += np.bincount(codes, minlength=size).reshape(tables.shape)
        pair = np.flatnonzero(tables @ np.ones(cells, dtype=np.int64))
        return pair, tables[pair].astype(np.float64)
    code: Integers = np.zeros(0, dtype=np.int64)
    count: Integers = np.zeros(0, dtype=np.int64)
    for codes in _joint_codes(ratings):
        fresh, number = np.unique(codes, return_counts=True)
        code, inverse = np.unique(np.concatenate((code, fresh)), return_inverse=True)
        merged = np.zeros(code.size, dtype=np.int64)
        np.add.at(merged, inverse.reshape(-1), np.concatenate((count, number)))
        count = merged
    pair, position = np.unique(code // cells, return_inverse=True)
    sparse = np.zeros((pair.size, cells))
    sparse[position.reshape(-1), code % cells] = count
    return pair, sparse


def pairwise_kappa(
    ratings: Ratings,
    weights: ArrayLike | None = None,
    *,
    fewest: int = SHARED_ITEMS,
) -> PairKappas:
    """Kappa of each pair of raters sharing at least `fewest` items.

    Memory grows with the pairs of raters that share an item, never with raters times items.
    """
    q = ratings.n_categories
    w = checked_weights(weights, q)
    pair, tables = _tables(ratings)
    n = tables.sum(axis=1).astype(np.int64)
    enough = n >= max(fewest, 1)
    pair, tables, n = pair[enough], tables[enough], n[enough]
    kappa, se, observed, expected = kappas_of_tables(tables.reshape(-1, q, q), w)
    raters = max(ratings.n_raters, 1)
    return PairKappas(pair // raters, pair % raters, n, kappa, se, observed, expected)
