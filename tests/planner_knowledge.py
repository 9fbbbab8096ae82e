"""What PostgreSQL's planner believes between tests: nothing, as after the migrations."""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper


def forget_looks(connection: BaseDatabaseWrapper) -> None:
    """Let the planner know nothing of any table and index.

    Imports and some tests have it look at the tables, and what it notes of their size outlasts the
    transaction of a test. When the rows are gone, it would take a table or an index for empty, and
    read it from end to end for each row of another, however many rows the next test stores there:
    a report of these takes longer than a statement may. Where nobody has looked it believes what
    the size of the file says.

    Parameters
    ----------
    connection : database wrapper
        Outside a transaction, as its user a superuser; of SQLite nothing is asked.
    """
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH looked_at AS (UPDATE pg_class SET reltuples = -1, relpages = 0 "
            "WHERE relkind IN ('r', 'i') AND reltuples >= 0 "
            "AND relnamespace = 'public'::regnamespace RETURNING oid) "
            "DELETE FROM pg_statistic WHERE starelid IN (SELECT oid FROM looked_at)"
        )
