"""Rows of a query as columns, and database keys as codes.

A part of :mod:`reports.records` and what it calls. Millions of rows pass here: none of them is
kept as an object of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, cast

import numpy as np
from django.db import connection
from django.db.models import QuerySet
from numpy.typing import NDArray

from reports.stats.clusters import order_of_both
from reports.stats.votes import IntArray

# Rows fetched at a time: the ORM's tuples of one chunk stay around 10 MB.
CHUNK = 20_000

# PostgreSQL sends many rows of numbers as one, in 2 to the power of this many pieces, of which
# each may hold a gigabyte: 700 million rows of three numbers. The connection keeps a buffer of the
# size of the largest piece: 4 MB for two million rows. More pieces cost PostgreSQL more time.
PIECE_BITS = 4
# Pieces go by higher bits of the first number: rows that were stored one after the other most often
# come so, and names that are nearly in order are soon sorted.
LOWEST_PIECE_BIT = 15

# Keys are looked up in a table where it has at most this many places a key, and else by bisection.
PLACES_A_KEY = 8

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
    return order_of_both(item, annotator)


def read_numbers(rows: QuerySet[Any, Any], columns: int) -> Keys:
    """All rows of whole numbers, none of them NULL, in no order.

    Parameters
    ----------
    rows : QuerySet
        Of `values_list` with so many columns.
    columns : int

    Returns
    -------
    int64 array, shape (columns, rows)

    Raises
    ------
    TypeError
        One of the numbers is NULL.
    """
    blocks = [np.zeros((0, columns), dtype=np.int64)]
    if connection.vendor == "postgresql":
        blocks += (block for _, block in _packed(rows, columns))
    else:
        blocks += [_numbers(block, columns) for block in _fetched(rows)]
    return np.ascontiguousarray(np.concatenate(blocks).T)


def _packed(
    rows: QuerySet[Any, Any], columns: int, *, named: bool = False
) -> Iterator[tuple[list[str], Keys]]:
    """The rows in a few large pieces of eight bytes a number, put together by PostgreSQL.

    A million rows of three numbers are so read in a third of the time that they take here one
    by one: nothing is written as text, and no object stands for a row. Where rows are `named`,
    their first column is a text; names come with the byte between them that no text can hold.
    """
    statement, values = rows.query.sql_with_params()
    names = [f"c{place}" for place in range(columns)]
    numbers = " || ".join(f"int8send({name}::bigint)" for name in names)
    # Of a truth value the planner knows that it has two outcomes, so that it expects few groups
    # and does not sort the rows.
    bits = (1 << (LOWEST_PIECE_BIT + bit) for bit in range(PIECE_BITS))
    pieces = ", ".join(f"(c0::bigint & {bit}) = 0" for bit in bits)
    texts = "string_agg(convert_to(name, 'UTF8'), '\\x00'::bytea)" if named else "NULL::bytea"
    given = ", ".join(["name", *names] if named else names)
    copied = (
        # Names of our own, and the statement that the ORM made.
        f"COPY (SELECT count(*), string_agg({numbers}, ''::bytea), {texts} "  # noqa: S608
        f"FROM ({statement}) rows ({given}) GROUP BY {pieces}) TO STDOUT (FORMAT BINARY)"
    )
    # Here and not by `copy`: with DEBUG the cursor that records statements takes no values.
    composed = cast(Any, connection.ops).compose_sql(copied, values)
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(composed) as copy,
    ):
        copy.set_types(["int8", "bytea", "bytea"])
        for count, piece, joined in copy.rows():
            block = np.frombuffer(piece or b"", dtype=">i8")
            if block.size != count * columns:
                raise TypeError("a row of whole numbers holds a NULL")
            found = joined.decode().split("\0") if named and joined is not None else []
            if named and len(found) != count:
                raise TypeError("a row has no name")
            yield found, block.reshape(-1, columns).astype(np.int64)


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
    """All rows of a name and so many whole numbers, none of these NULL, in no order.

    Returns
    -------
    names : list of str
    numbers : int64 array, shape (columns, rows)

    Raises
    ------
    TypeError
        One of the numbers is NULL.
    """
    names: list[str] = []
    blocks = [np.zeros((0, columns), dtype=np.int64)]
    if connection.vendor == "postgresql":
        for found, block in _packed(rows, columns, named=True):
            names += found
            blocks.append(block)
    else:
        for part in _fetched(rows):
            names.extend(row[0] for row in part)
            blocks.append(_numbers([row[1:] for row in part], columns))
    return names, np.ascontiguousarray(np.concatenate(blocks).T)


def distinct(codes: Keys) -> Keys:
    """The different ones, in ascending order: by sorting, a fifth of the time of np.unique, which
    hashes, where most are different."""
    ordered = np.sort(codes)
    first = np.ones(ordered.size, dtype=np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return ordered[first]


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

    __slots__ = ("_code", "_key", "_table")

    def __init__(self, keys: Iterable[int] | Keys) -> None:
        ordered = keys if isinstance(keys, np.ndarray) else np.fromiter(keys, dtype=np.int64)
        self._code = np.argsort(ordered, kind="stable").astype(np.int32)
        self._key = ordered[self._code]
        self._table: IntArray | None = None
        if ordered.size and self._span() <= PLACES_A_KEY * ordered.size:
            self._table = np.full(self._span(), -1, dtype=np.int32)
            self._table[self._key - self._key[0]] = self._code

    def _span(self) -> int:
        return int(self._key[-1] - self._key[0]) + 1

    def of(self, keys: Keys) -> IntArray:
        """The codes of many keys, int32.

        Raises
        ------
        KeyError
            One of them has no code.
        """
        if self._table is None:
            place = np.searchsorted(self._key, keys)
            known = place < self._key.size
            known[known] = self._key[place[known]] == keys[known]
            self._check(keys, known)
            found: IntArray = self._code[place]
            return found
        place = keys - self._key[0]
        known = (place >= 0) & (place < self._table.size)
        self._check(keys, known)
        codes: IntArray = self._table[place]
        self._check(keys, codes >= 0)
        return codes

    @staticmethod
    def _check(keys: Keys, known: NDArray[np.bool_]) -> None:
        if not bool(known.all()):
            raise KeyError(int(keys[np.argmin(known)]))

    def __getitem__(self, key: int) -> int:
        """The code of one key; :meth:`of` is the way for many."""
        return int(self.of(np.array([key], dtype=np.int64))[0])
