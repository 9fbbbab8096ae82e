"""How a statement is sent: what a connection keeps for the next time it is asked the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from django.db.backends.base.base import BaseDatabaseWrapper

from .statements import Statement

Answer = TypeVar("Answer")

# After so many statements on a new connection the plans are made again for the first time.
FIRST_PLANS = 100


def run(
    connection: BaseDatabaseWrapper,
    statement: Statement,
    values: Mapping[str, Any],
    take: Callable[[Any], Answer],
) -> Answer:
    """Run a statement with its values, and `take` what is wanted of the cursor.

    On PostgreSQL by a cursor that prepares, which the connection keeps. Django's own would be made
    anew for each statement, in three layers that only pass on; it is used where something listens
    to what they pass, such as a log of queries, which needs them with their values.
    """
    params = statement.values(connection, values)
    listened = connection.queries_logged or connection.execute_wrappers
    if connection.vendor != "postgresql" or listened:
        with connection.cursor() as listening:
            listening.execute(statement.sql, params)
            return take(listening)
    connection.validate_no_broken_transaction()
    cursor = preparing_cursor(connection)
    forget_outgrown_plans(connection, cursor)
    # As Django wraps its own: faults have Django's names.
    with connection.wrap_database_errors:
        cursor.execute(statement.sql, params)
        return take(cursor)


def forget_outgrown_plans(connection: Any, cursor: Any) -> None:
    """Let PostgreSQL plan anew each time that a connection has run twice as many statements.

    A plan is kept until the table's statistics change, which is minutes. One that was made when a
    table had a page of rows reads it whole, and goes on to when there are thousands. Planning looks
    at how large a table is at that moment; doubling makes that often at first and then hardly ever.
    """
    connection.compiled_runs += 1
    if connection.compiled_runs >= connection.plans_outgrown_at:
        connection.plans_outgrown_at *= 2
        with connection.wrap_database_errors:
            discard_plans(cursor)


def discard_plans(cursor: Any) -> None:
    cursor.execute("DISCARD PLANS", prepare=False)


def preparing_cursor(connection: Any) -> Any:
    """The connection's cursor that binds on the server; a new one after it reconnected."""
    asks = connection.health_check_enabled and not connection.health_check_done
    if connection.connection is None or asks:
        # As `connection.cursor()` does: after a restart of the database the first query reconnects.
        connection.close_if_health_check_failed()
        connection.ensure_connection()
    kept = vars(connection).get("compiled_cursor")
    if kept is None or kept.connection is not connection.connection or kept.closed:
        # Not at the top: SQLite needs no psycopg.
        from django.db.backends.postgresql.base import ServerBindingCursor

        with connection.wrap_database_errors:
            binding: Any = ServerBindingCursor
            kept = connection.compiled_cursor = binding(connection.connection)
        connection.compiled_runs, connection.plans_outgrown_at = 0, FIRST_PLANS
    return kept


def compiled_on(connection: BaseDatabaseWrapper) -> WeakKeyDictionary[Any, Any]:
    """What was compiled for a connection, by query.

    It is kept on the connection and ends with it. Kept with the query it would not: converters are
    methods of the connection, and would hold it for ever.
    """
    kept: WeakKeyDictionary[Any, Any] = vars(connection).setdefault(
        "compiled_queries", WeakKeyDictionary()
    )
    return kept
