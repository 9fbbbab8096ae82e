"""Writing many rows of one table at once, with a fraction of the work of the models' own ways.

Of a hundred thousand comparisons `bulk_create` spends nine tenths of its time on making objects and
spelling statements, and `bulk_update` even more. Here SQLite gets one prepared statement and
PostgreSQL one statement with an array for each column. What the database checks it checks as ever;
what the models check (`full_clean`, `save`) nobody checks here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, models
from django.db.models import QuerySet

Row = Sequence[Any]
VALUE = "{}"


def insert_rows(
    model: type[models.Model],
    columns: Sequence[str],
    rows: Sequence[Row],
    *,
    same: Mapping[str, Any],
) -> None:
    """Insert rows of a model.

    Parameters
    ----------
    columns : sequence of str
        Names of fields that differ between the rows: numbers, texts and keys of other rows.
    rows : sequence of sequence
        Their values, in that order.
    same : mapping
        All other fields but the key, with the value that every row has.
    """
    if not rows:
        return
    quote = connection.ops.quote_name
    fields = [field_of(model, name) for name in (*same, *columns)]
    table, names = quote(model._meta.db_table), ", ".join(quote(of.column) for of in fields)
    fixed = [
        field.get_db_prep_save(value, connection)
        for field, value in zip(fields, same.values(), strict=False)
    ]
    into = f"INSERT INTO {table} ({names})"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            arrays = ", ".join(array_of(field) for field in fields[len(same) :])
            constants = "".join(
                f"%s::{field.db_type(connection)}, " for field in fields[: len(same)]
            )
            cursor.execute(
                f"{into} SELECT {constants}given.* FROM unnest({arrays}) AS given",  # noqa: S608 - ours
                [*fixed, *transposed(rows)],
            )
        else:
            values = ", ".join(["%s"] * len(fields))
            cursor.executemany(f"{into} VALUES ({values})", [(*fixed, *row) for row in rows])


def copy_rows(model: type[models.Model], columns: Mapping[str, Any], rows: QuerySet[Any]) -> int:
    """Insert a row of a model for each of `rows`; nothing of them passes through this process.

    Parameters
    ----------
    columns : mapping of str to expression
        For each field but the key, what it is made of: an expression over `rows`. Expressions that
        name no column of a table need a type of their own, by `Cast`.
    rows : QuerySet
        In the order in which the new rows get their keys.

    Returns
    -------
    int
        How many rows were inserted.
    """
    quote = connection.ops.quote_name
    names = ", ".join(quote(field_of(model, name).column) for name in columns)
    # Names of our own: the order of what is selected is that of the columns then.
    given = {f"made_{place}": made for place, made in enumerate(columns.values())}
    statement, values = rows.annotate(**given).values_list(*given).query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quote(model._meta.db_table)} ({names}) {statement}",
            values,
        )
        return int(cursor.rowcount)


def update_rows(model: type[models.Model], changes: Mapping[str, str], rows: Sequence[Row]) -> None:
    """Set columns of rows that are there.

    Parameters
    ----------
    changes : mapping of str to str
        For each field, in order, the SQL of its new value, in which `{}` stands for the row's own;
        a plain `"{}"` sets that.
    rows : sequence of sequence
        The values in that order, and the row's key after them.
    """
    if not rows:
        return
    quote = connection.ops.quote_name
    fields = [field_of(model, name) for name in changes]
    table = quote(model._meta.db_table)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            given = [f"v{place}" for place in range(len(fields))]
            assigned = ", ".join(
                f"{quote(field.column)} = {sql.replace(VALUE, f'given.{name}')}"
                for field, sql, name in zip(fields, changes.values(), given, strict=True)
            )
            arrays = ", ".join([*(array_of(field) for field in fields), "%s::bigint[]"])
            cursor.execute(
                f"UPDATE {table} SET {assigned} FROM unnest({arrays}) "  # noqa: S608 - ours
                f"AS given({', '.join(given)}, key) WHERE {table}.id = given.key",
                transposed(rows),
            )
        else:
            assigned = ", ".join(
                f"{quote(field.column)} = {sql.replace(VALUE, '%s')}"
                for field, sql in zip(fields, changes.values(), strict=True)
            )
            cursor.executemany(
                f"UPDATE {table} SET {assigned} WHERE id = %s",  # noqa: S608 - ours
                rows,
            )


def field_of(model: type[models.Model], name: str) -> Any:
    return model._meta.get_field(name)


def array_of(field: Any) -> str:
    return f"%s::{field.db_type(connection)}[]"


def transposed(rows: Sequence[Row]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
