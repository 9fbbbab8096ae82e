"""How the flush after a transactional test passes the append-only triggers.

Tests that commit are followed by Django's flush, which empties every table: by DELETE on SQLite,
by TRUNCATE on PostgreSQL. The triggers of the first migrations refuse both. They are lifted within
the flush's own transaction and are back before it commits, so that every test runs under them.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.operations import BaseDatabaseOperations


def lift_and_restore(connection: BaseDatabaseWrapper) -> tuple[list[str], list[str]]:
    """The statements that lift the triggers a flush would meet, and those that restore them."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "SELECT name, sql FROM sqlite_master "
                "WHERE type = 'trigger' AND name LIKE '%\\_no\\_delete' ESCAPE '\\'"
            )
            found = cursor.fetchall()
            return [f'DROP TRIGGER "{name}"' for name, _ in found], [sql for _, sql in found]
        cursor.execute(
            "SELECT tgrelid::regclass::text, tgname FROM pg_trigger "
            "WHERE NOT tgisinternal AND tgname LIKE '%\\_no\\_truncate'"
        )
        found = cursor.fetchall()
    return (
        [f"ALTER TABLE {table} DISABLE TRIGGER {name}" for table, name in found],
        [f"ALTER TABLE {table} ENABLE TRIGGER {name}" for table, name in found],
    )


def flush_without_triggers(operations: BaseDatabaseOperations, sql_list: Sequence[str]) -> None:
    """Stand in for `BaseDatabaseOperations.execute_sql_flush`."""
    connection = operations.connection
    with transaction.atomic(using=connection.alias):
        lift, restore = lift_and_restore(connection)
        with connection.cursor() as cursor:
            for statement in (*lift, *sql_list, *restore):
                cursor.execute(statement)
