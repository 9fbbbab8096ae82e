"""Who put which item into which category: the input of every agreement figure.

Only rows and counts are ever held, never an array of raters by items, so five hundred raters
on a hundred thousand items cost no more than their votes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reports.stats.results import ShapeMismatch, StatsError

__all__ = ["Floats", "Integers", "ItemCounts", "Ratings", "ratings"]

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

# Equal count vectors are found by one bincount of packed codes while the codes stay this small
# (32 MB of int64); beyond it, items have so many votes that few of them share a vector.
_PACKED_CODES = 1 << 22


@dataclass(frozen=True, slots=True, eq=False)
class Ratings:
    """Integer-coded ratings, at most one for an item and a rater, sorted by (item, rater).

    Attributes
    ----------
    item, rater, category : int64 arrays of shape (rows,)
        Codes from 0; `category` is in the order of the scale.
    n_items, n_raters, n_categories : int
        Sizes of the code ranges, used or not.
    prompt : int64 array of shape (n_items,), or None
        Prompt of each item; None where every item stands for itself.
    repeats : int
        Rows left out because the rater had already rated the item.
    """

    item: Integers
    rater: Integers
    category: Integers
    n_items: int
    n_raters: int
    n_categories: int
    prompt: Integers | None
    repeats: int

    def counts(self) -> Integers:
        """n_ik, the number of raters who put item i into category k; (n_items, n_categories)."""
        packed = self.item * self.n_categories + self.category
        size = self.n_items * self.n_categories
        return np.bincount(packed, minlength=size).reshape(self.n_items, self.n_categories)

    def raters_used(self) -> int:
        """Number of raters with at least one rating."""
        return int(np.count_nonzero(np.bincount(self.rater, minlength=self.n_raters)))

    def item_counts(self) -> ItemCounts:
        """The count vectors of all rated items, equal vectors collapsed into one."""
        votes = np.bincount(self.item, minlength=self.n_items)
        rated = np.flatnonzero(votes)
        base = int(votes.max(initial=0)) + 1
        q = self.n_categories
        if base**q <= _PACKED_CODES:
            # The sum of base**category over an item's votes packs its whole count vector.
            powers = float(base) ** np.arange(q)
            packed = np.bincount(self.item, powers[self.category], minlength=self.n_items)
            codes = packed[rated].astype(np.int64)
            items = np.bincount(codes, minlength=1)
            used = np.flatnonzero(items)
            position = np.zeros(items.size, dtype=np.int64)
            position[used] = np.arange(used.size)
            pattern = position[codes]
            vectors = used[:, None] // base ** np.arange(q, dtype=np.int64) % base
            items = items[used]
        else:
            vectors, pattern, items = np.unique(
                self.counts()[rated], axis=0, return_inverse=True, return_counts=True
            )
            pattern = pattern.reshape(-1)
        return ItemCounts(
            vectors=vectors.astype(np.float64),
            items=items.astype(np.float64),
            pattern=pattern,
            item=rated,
            prompt=None if self.prompt is None else self.prompt[rated],
            raters=self.raters_used(),
        )


@dataclass(frozen=True, slots=True, eq=False)
class ItemCounts:
    """Count vectors n_i. of the rated items. All count-based coefficients need only the few
    distinct vectors and how many items have each; `pattern` leads back to the items.

    Attributes
    ----------
    vectors : float array of shape (patterns, categories)
    items : float array of shape (patterns,)
        How many items have each vector.
    pattern, item : int64 arrays of shape (rated items,)
        Vector of each rated item, and its code in :class:`Ratings`.
    prompt : int64 array of shape (rated items,), or None
    raters : int
        Raters with at least one rating.
    """

    vectors: Floats
    items: Floats
    pattern: Integers
    item: Integers
    prompt: Integers | None
    raters: int

    @property
    def votes(self) -> Floats:
        """r, the number of votes of each vector."""
        return cast(Floats, self.vectors.sum(axis=1))

    @property
    def n_items(self) -> int:
        return int(self.pattern.size)

    @property
    def n_votes(self) -> int:
        return int(self.items @ self.votes)

    @property
    def n_paired(self) -> int:
        """Items with at least two votes."""
        return int(self.items[self.votes >= 2].sum())

    def with_votes(self, fewest: int, most: int | None = None) -> ItemCounts:
        """The items with at least `fewest` and at most `most` votes."""
        votes = self.votes
        keep = votes >= fewest
        if most is not None:
            keep &= votes <= most
        position = np.cumsum(keep) - 1
        chosen = keep[self.pattern]
        return ItemCounts(
            vectors=self.vectors[keep],
            items=self.items[keep],
            pattern=position[self.pattern[chosen]],
            item=self.item[chosen],
            prompt=None if self.prompt is None else self.prompt[chosen],
            raters=self.raters,
        )


def _codes(name: str, values: ArrayLike, size: int | None = None) -> Integers:
    array = np.asarray(values)
    if array.ndim != 1:
        raise ShapeMismatch(f"{name} has {array.ndim} dimensions, expected one")
    if array.size and not np.issubdtype(array.dtype, np.integer):
        raise StatsError(f"{name} holds {array.dtype}, expected integer codes from 0")
    array = array.astype(np.int64, copy=False)
    if array.size and (array.min() < 0 or (size is not None and array.max() >= size)):
        limit = "" if size is None else f" to {size - 1}"
        raise StatsError(
            f"{name} holds codes {array.min()} to {array.max()}, expected codes from 0{limit}"
        )
    return array


def ratings(
    item: ArrayLike,
    rater: ArrayLike,
    category: ArrayLike,
    *,
    n_categories: int,
    n_items: int | None = None,
    n_raters: int | None = None,
    prompt: ArrayLike | None = None,
) -> Ratings:
    """Check and sort ratings.

    Parameters
    ----------
    item, rater, category : integer arrays of one length
        Codes from 0. Where a rater rated an item more than once the first row counts, so that
        every pair of votes on an item is one of two distinct raters; the others are counted in
        `Ratings.repeats`.
    n_categories : int
        Categories of the scale, used or not: several coefficients depend on it.
    n_items, n_raters : int, optional
        Sizes of the code ranges; by default one more than the largest code.
    prompt : integer array of shape (n_items,), optional
        Prompt of each item, the unit of independence where prompts hold several items.

    Raises
    ------
    ShapeMismatch
        If arrays that belong together differ in length.
    StatsError
        If codes are not integers or lie outside their range.
    """
    if n_categories < 2:
        raise StatsError(f"n_categories is {n_categories}, a scale has at least two categories")
    items = _codes("item", item, n_items)
    raters = _codes("rater", rater, n_raters)
    categories = _codes("category", category, n_categories)
    if not items.size == raters.size == categories.size:
        raise ShapeMismatch(
            f"item, rater and category have {items.size}, {raters.size} and {categories.size} rows"
        )
    size_items = int(items.max(initial=-1)) + 1 if n_items is None else n_items
    size_raters = int(raters.max(initial=-1)) + 1 if n_raters is None else n_raters
    prompts = None
    if prompt is not None:
        prompts = _codes("prompt", prompt)
        if prompts.size != size_items:
            raise ShapeMismatch(f"prompt has {prompts.size} entries for {size_items} items")
    key = items * max(size_raters, 1) + raters
    if key.size and np.any(key[1:] <= key[:-1]):
        order = np.argsort(key, kind="stable")
        key = key[order]
        order = order[np.concatenate(([True], key[1:] != key[:-1]))]
        items, raters, categories, rows = items[order], raters[order], categories[order], key.size
    else:
        rows = items.size
    return Ratings(
        item=items,
        rater=raters,
        category=categories,
        n_items=size_items,
        n_raters=size_raters,
        n_categories=n_categories,
        prompt=prompts,
        repeats=rows - items.size,
    )
