"""Cohen's kappa, weighted or not: from one joint table, or for every pair of raters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
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

# Pairs of raters are counted in one dense table of raters by raters up to this size (8 MB of int64:
# 1,024 raters), and beyond it while it has at most eight places a pair of votes: else sorting them
# is faster and takes less memory.
_DENSE_PLACES = 1 << 20
_PLACES_A_PAIR = 8

# Tables whose kappas are worked out at once: their columns (64 kB) stay in the processor's cache,
# and the system is not asked for memory time and again.
_BLOCK_TABLES = 1 << 13

# Pairs of votes gathered before they are counted (8 MB of int64).
_GATHERED_PAIRS = 1 << 20


def kappas_of_tables(
    tables: Floats | Integers, weights: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Weighted kappa of many joint tables at once.

    Parameters
    ----------
    tables : float or int array of shape (..., q, q)
        Counts, one rater by row and the other by column.
    weights : float array of shape (q, q)

    Returns
    -------
    kappa, se, observed, expected : float arrays of shape (...)
        NaN where the table is empty or chance agreement is complete. Standard error of Fleiss,
        Cohen & Everitt 1969.
    """
    q = weights.shape[0]
    flat = tables.reshape(-1, q, q)
    out = np.empty((4, len(flat)))
    for start in range(0, len(flat), _BLOCK_TABLES):
        block = slice(start, start + _BLOCK_TABLES)
        out[:, block] = _kappas_of_block(flat[block], weights)
    kappa, se, observed, expected = out.reshape(4, *tables.shape[:-2])
    return kappa, se, observed, expected


def _kappas_of_block(tables: Floats | Integers, weights: Floats) -> tuple[Floats, ...]:
    """:func:`kappas_of_tables` of a table a row, shape (n, q, q)."""
    # Cell by cell over contiguous columns: many small tables are slow to reduce by axes.
    cells = np.moveaxis(tables, 0, -1)
    n = cells.sum(axis=(0, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.divide(cells, n, order="C")
        row, column = p.sum(axis=1), p.sum(axis=0)
        observed = np.tensordot(weights, p, axes=2)
        row_mean, column_mean = weights @ column, weights @ row
        expected = (row * row_mean).sum(axis=0)
        expected = np.where(expected >= 1 - 1e-12, np.nan, expected)
        kappa = (observed - expected) / (1 - expected)
        unlike = 1 - kappa
        variance = -((kappa - expected * unlike) ** 2)
        row_mean *= unlike
        column_mean *= unlike
        for k, m in np.ndindex(weights.shape):
            spread = weights[k, m] - row_mean[k]
            spread -= column_mean[m]
            spread *= spread
            variance += p[k, m] * spread
        variance /= n * (1 - expected) ** 2
        se = np.sqrt(np.maximum(variance, 0))
    return kappa, se, observed, expected


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


def _places_of_raters(raters: int) -> Integers:
    """Where the pairs (g, h), g < h, would begin in their list were h counted from 0, shape
    (raters,): the pair stands at the place of g plus h."""
    g = np.arange(raters)
    return g * (2 * raters - g - 3) // 2 - 1


def _raters_of(pair: Integers, raters: int) -> tuple[Integers, Integers]:
    """g and h of ascending places in the list of pairs."""
    start = _places_of_raters(raters)
    ends = np.searchsorted(pair, (start + np.arange(raters) + 1)[1:])
    g = np.repeat(np.arange(raters), np.diff(ends, prepend=0, append=pair.size))
    return g, pair - start[g]


def _pairs_of_votes(ratings: Ratings) -> Iterator[tuple[Integers, Integers]]:
    """All pairs of votes on an item, in pieces: the place of the two raters in the list of pairs,
    and the cell k * q + l of their joint table."""
    q, item = ratings.n_categories, ratings.item
    # A code is a sum of one part from each vote: (place of the pair) * q * q + k * q + l.
    first = (_places_of_raters(ratings.n_raters) * (q * q))[ratings.rater] + ratings.category * q
    second = ratings.rater * (q * q) + ratings.category
    pieces: list[Integers] = []
    gathered = 0
    most = int(np.bincount(item, minlength=1).max())
    for step in range(1, most):
        # Rows are sorted by item and rater, so the partner at this distance has a larger code.
        row = np.flatnonzero(item[step:] == item[:-step])
        pieces.append(first[row] + second[row + step])
        gathered += row.size
        if gathered > _GATHERED_PAIRS or step == most - 1:
            code = np.concatenate(pieces)
            pair = code // (q * q)
            yield pair, code - pair * (q * q)
            pieces, gathered = [], 0


def _counted(codes: Iterable[Integers], size: int) -> Integers:
    """How often each code below `size` occurs."""
    total: Integers | None = None
    for code in codes:
        count = np.bincount(code, minlength=size)
        total = count if total is None else np.add(total, count, out=total)
    return np.zeros(size, dtype=np.int64) if total is None else total


def _sorted_pairs(pairs: Iterable[Integers]) -> tuple[Integers, Integers]:
    """The places that occur, ascending, and how often each does."""
    pair, number = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    for piece in pairs:
        fresh, times = np.unique(piece, return_counts=True)
        pair, place = np.unique(np.concatenate((pair, fresh)), return_inverse=True)
        both = np.concatenate((number, times))
        number = np.bincount(place.reshape(-1), both, pair.size).astype(np.int64)
    return pair, number


def _tables(ratings: Ratings, fewest: int) -> tuple[Integers, Integers, Integers]:
    """Pairs of raters with at least `fewest` shared items.

    Returns
    -------
    pair, shared : int arrays of shape (pairs,)
        Places in the list of pairs, ascending, and numbers of shared items.
    tables : int array of shape (pairs, q, q)
        Joint tables. The pairs are contiguous in memory, as :func:`kappas_of_tables` works.
    """
    votes = np.bincount(ratings.item)
    pairs = int((votes * (votes - 1) // 2).sum())
    held = list(_pairs_of_votes(ratings)) if pairs <= _GATHERED_PAIRS else None

    def pieces() -> Iterable[tuple[Integers, Integers]]:
        return _pairs_of_votes(ratings) if held is None else held

    # Which pairs share enough is known only after all were seen: no other has a table.
    size, q = ratings.n_raters * (ratings.n_raters - 1) // 2, ratings.n_categories
    find: Callable[[Integers], Integers]
    if size <= max(_DENSE_PLACES, _PLACES_A_PAIR * pairs):
        place = _counted((pair for pair, _ in pieces()), size)
        found = np.flatnonzero(place >= fewest)
        shared = place[found]
        place.fill(found.size)
        place[found] = np.arange(found.size)
        find = place.take
    else:
        found, shared = _sorted_pairs(pair for pair, _ in pieces())
        enough = shared >= fewest
        found, shared = found[enough], shared[enough]

        def find(pair: Integers) -> Integers:
            place = np.searchsorted(found, pair)
            return np.where(np.append(found, -1)[place] == pair, place, found.size)

    # A last table takes what is of no pair with enough items.
    width = found.size + 1
    tables = _counted((cell * width + find(pair) for pair, cell in pieces()), q * q * width)
    return found, shared, tables.reshape(q, q, width)[:, :, :-1].transpose(2, 0, 1)


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
    pair, shared, tables = _tables(ratings, max(fewest, 1))
    first, second = _raters_of(pair, ratings.n_raters)
    return PairKappas(first, second, shared, *kappas_of_tables(tables, w))
