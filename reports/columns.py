"""Rows of a query as columns, and database keys as codes.

A part of :mod:`reports.records` and what it calls. Millions of rows pass here: none of them is
kept as an object of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import QuerySet
from numpy.typing import NDArray

from reports.stats.covariance import order_of
from reports.stats.votes import IntArray

# Rows fetched at a time: the ORM's tuples of one chunk stay around 10 MB.
CHUNK = 20_000

Keys = NDArray[np.int64]


def by_item_and_annotator(item: IntArray, annotator: IntArray) -> IntArray:
    """The order in which votes stand in the records; total, as each annotator counts once.

    Parameters
    ----------
    item, annotator : int array, shape (n,)
        Codes.

    Returns
    -------
    int array, shape (n,)
    """
    order = order_of(annotator)
    return order[order_of(item[order])]


def read_numbers(rows: QuerySet[Any, Any], columns: int) -> Keys:
    """All rows of whole numbers, none of them NULL.

    Parameters
    ----------
    rows : QuerySet
        Of `values_list` with so many columns.
    columns : int

    Returns
    -------
    int64 array, shape (columns, rows)
    """
    blocks = [np.zeros((0, columns), dtype=np.int64)]
    blocks += [_numbers(block, columns) for block in _fetched(rows)]
    return np.ascontiguousarray(np.concatenate(blocks).T)


def _fetched(rows: QuerySet[Any, Any]) -> Iterator[list[tuple[Any, ...]]]:
    """The rows in chunks, past the ORM, which would call a converter for each number."""
    statement, values = rows.query.sql_with_params()
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement, values)
        while block := cursor.fetchmany(CHUNK):
            yield block


def _numbers(rows: Sequence[tuple[int, ...]], columns: int) -> Keys:
    flat = np.fromiter(chain.from_iterable(rows), dtype=np.int64, count=len(rows) * columns)
    return flat.reshape(-1, columns)


def read_named(rows: QuerySet[Any, Any], columns: int) -> tuple[list[str], Keys]:
    """All rows of a name and so many whole numbers.

    Returns
    -------
    names : list of str
    numbers : int64 array, shape (columns, rows)
    """
    names: list[str] = []
    blocks = [np.zeros((0, columns), dtype=np.int64)]
    for block in _fetched(rows):
        names.extend(row[0] for row in block)
        blocks.append(_numbers([row[1:] for row in block], columns))
    return names, np.ascontiguousarray(np.concatenate(blocks).T)


def order_of_names(names: Sequence[str]) -> Keys:
    """Places of the names in code-point order; the database's collation is not asked."""
    return np.array(sorted(range(len(names)), key=names.__getitem__), dtype=np.int64)


class KeyCodes:
    """Codes from 0 of database keys.

    Parameters
    ----------
    keys : iterable of int
        In the order of their codes.
    """

    __slots__ = ("_code", "_key")

    def __init__(self, keys: Iterable[int] | Keys) -> None:
        ordered = np.fromiter(keys, dtype=np.int64)
        self._code = np.argsort(ordered, kind="stable")
        self._key = ordered[self._code]

    def of(self, keys: Keys) -> IntArray:
        """The codes of many keys, int32.

        Raises
        ------
        KeyError
            One of them has no code.
        """
        place = np.searchsorted(self._key, keys)
        if keys.size:
            known = place < self._key.size
            known[known] = self._key[place[known]] == keys[known]
            if not bool(known.all()):
                raise KeyError(int(keys[np.argmin(known)]))
        return self._code[place].astype(np.int32)

    def __getitem__(self, key: int) -> int:
        """The code of one key; :meth:`of` is the way for many."""
        return int(self.of(np.array([key], dtype=np.int64))[0])
