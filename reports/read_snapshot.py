"""One moment of the database for all that an analysis reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from django.db import connection, transaction

LIMITS = ["statement_timeout", "lock_timeout"]

Result = TypeVar("Result")


@contextmanager
def read_snapshot() -> Iterator[None]:
    """Let every query of the block see the same votes, while people go on voting.

    Within a transaction of the caller, or another snapshot, nothing is changed: it decides what is
    seen.
    """
    if connection.in_atomic_block or _is_reading():
        yield
        return
    if connection.vendor == "postgresql":
        with transaction.atomic():
            _read_all_of_one_moment()
            yield
        return
    # `atomic` would begin IMMEDIATE and keep every vote waiting; a deferred transaction that only
    # reads sees one state of the write-ahead log and blocks nobody.
    with connection.cursor() as cursor:
        cursor.execute("BEGIN DEFERRED")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("COMMIT")


def _is_reading() -> bool:
    """Whether a transaction is open that Django does not know of, as SQLite's snapshots are."""
    if connection.vendor != "sqlite" or connection.connection is None:
        return False
    return bool(connection.connection.in_transaction)


@contextmanager
def reading_beside(read: Callable[[], Result], *, together: bool) -> Iterator[Callable[[], Result]]:
    """Read something by a second connection while the block reads other things by this one.

    Both see the moment of this connection's :func:`read_snapshot`. What the block is given waits
    for the result, or raises what `read` raised. SQLite has nothing to gain from it, and what a
    transaction that may write has done is seen by nobody else: there, as without `together`, `read`
    runs when its result is asked for.

    Parameters
    ----------
    read : callable
        Runs in a thread of its own.
    together : bool
    """
    moment = _shared_moment() if together and connection.vendor == "postgresql" else None
    if moment is None:
        yield read
        return
    shared = moment

    def read_there() -> Result:
        try:
            with transaction.atomic():
                _read_all_of_one_moment(shared.name)
                _limit(shared.limits)
                return read()
        finally:
            connection.close()  # that of this thread

    with ThreadPoolExecutor(max_workers=1) as beside:
        yield beside.submit(read_there).result


def _read_all_of_one_moment(name: str | None = None) -> None:
    """Begin the transaction as one that only reads, of the moment of that name or of now."""
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        if name is not None:
            cursor.execute("SET TRANSACTION SNAPSHOT %s", [name])
        # All rows of each query are read. Left to itself the planner takes a cursor for somebody
        # who wants the first rows soon, and makes the whole slower for it.
        cursor.execute("SET LOCAL cursor_tuple_fraction = 1")
        # A row that passes from a worker of PostgreSQL to the process that packs it costs a fifth
        # of what the planner takes it for. Two million votes are then looked through by several
        # processes: the one that packs them works 1.4 seconds instead of 2.5.
        cursor.execute("SET LOCAL parallel_tuple_cost = 0.02")


@dataclass(frozen=True, slots=True)
class _Moment:
    """A name by which another connection sees what this one sees, and how long it may take.

    A task's limits are its own connection's; a new one would have those of a page.
    """

    name: str
    limits: dict[str, str]


def _shared_moment() -> _Moment | None:
    """A moment that can be shared; None where this transaction may write."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('transaction_read_only')")
        if not connection.in_atomic_block or cursor.fetchone() != ("on",):
            return None
        cursor.execute(
            "SELECT name, current_setting(name) FROM unnest(%s::text[]) AS name", [LIMITS]
        )
        limits = dict(cursor.fetchall())
        # While it waits for the other one, whose statements have a limit.
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        cursor.execute("SELECT pg_export_snapshot()")
        (name,) = cursor.fetchone()
    return _Moment(str(name), limits)


def _limit(limits: Mapping[str, str]) -> None:
    """Give the statements of this transaction the limits of another connection."""
    with connection.cursor() as cursor:
        for limit, value in limits.items():
            cursor.execute("SELECT set_config(%s, %s, true)", [limit, value])
