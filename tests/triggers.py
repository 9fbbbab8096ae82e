"""How the tables are emptied after a transactional test, past the append-only triggers.

Django's flush would empty every table, by TRUNCATE on PostgreSQL, and write content types and
permissions anew. Most tests leave rows in a dozen tables and never touch those two, so only tables
with rows are emptied, by DELETE. The triggers of the first migrations refuse that. They are lifted
within the transaction that does it and are back when it commits, so that every test runs under
them. Sequences go on, as after the flush.
"""

from __future__ import annotations

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import TransactionTestCase

# Written once after the migrations; the same before each test.
KEPT = frozenset({"auth_permission", "django_content_type"})
# Beyond this, each later look at the table would read long through what DELETE leaves behind.
LARGE_BYTES = 1_000_000


def filled_tables(connection: BaseDatabaseWrapper) -> list[str]:
    """The models' tables that have rows, but for those of the migrations."""
    tables = sorted(set(connection.introspection.django_table_names()) - KEPT)
    looks = " UNION ALL ".join(
        # The names of all statements here are the models' own.
        f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {connection.ops.quote_name(table)})"  # noqa: S608
        for table in tables
    )
    with connection.cursor() as cursor:
        cursor.execute(looks)
        return [table for (table,) in cursor.fetchall()]


def lift_and_restore(
    connection: BaseDatabaseWrapper, tables: list[str]
) -> tuple[list[str], list[str]]:
    """The statements that lift the triggers on `tables`, and those that restore them."""
    if connection.vendor == "postgresql":
        # Neither triggers nor foreign keys until the transaction ends; for a superuser only, as
        # the one of tests.services is.
        return ["SET LOCAL session_replication_role = replica"], []
    names = ", ".join(["%s"] * len(tables))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' "  # noqa: S608
            f"AND name LIKE '%%\\_no\\_delete' ESCAPE '\\' AND tbl_name IN ({names})",
            tables,
        )
        found = cursor.fetchall()
    return [f'DROP TRIGGER "{name}"' for name, _ in found], [sql for _, sql in found]


def vacuum_large(connection: BaseDatabaseWrapper, tables: list[str]) -> None:
    """Give back on PostgreSQL what DELETE only marks as gone, where it is much."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relname = ANY(%s) AND pg_relation_size(oid) > %s",
            [tables, LARGE_BYTES],
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f"VACUUM {connection.ops.quote_name(table)}")


def empty_tables(connection: BaseDatabaseWrapper) -> None:
    """Empty every table but those of the migrations."""
    with transaction.atomic(using=connection.alias):
        tables = filled_tables(connection)
        if not tables:
            return
        lift, restore = lift_and_restore(connection, tables)
        empty = [f"DELETE FROM {connection.ops.quote_name(table)}" for table in tables]  # noqa: S608
        with connection.cursor() as cursor:
            for statement in (*lift, *empty, *restore):
                cursor.execute(statement)
        if left := filled_tables(connection):
            raise RuntimeError(f"Something of this test is still writing, into {', '.join(left)}.")
    if connection.vendor == "postgresql":
        vacuum_large(connection, tables)


def empty_after_test(test: TransactionTestCase) -> None:
    """Stand in for `TransactionTestCase._fixture_teardown`."""
    for connection in connections.all():
        empty_tables(connection)
