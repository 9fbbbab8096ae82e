"""Changes many rows in one prepared statement.

Django's `bulk_update` builds a CASE for every field and row, which costs more than the request
that the row is about.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection, models


def update_each(rows: Sequence[models.Model], fields: Sequence[str]) -> None:
    """Store these fields of rows that exist, all of one model; in the caller's transaction."""
    if not rows:
        return
    meta = type(rows[0])._meta
    columns = [column for column in meta.concrete_fields if column.name in fields]
    quote = connection.ops.quote_name
    assigned = ", ".join(f"{quote(str(column.column))} = %s" for column in columns)
    # Names of our own models alone; every value is a parameter.
    statement = (
        f"UPDATE {quote(meta.db_table)} SET {assigned} WHERE {quote(str(meta.pk.column))} = %s"  # noqa: S608
    )
    with connection.cursor() as cursor:
        cursor.executemany(
            statement,
            [
                [
                    *(
                        column.get_db_prep_save(getattr(row, column.attname), connection)
                        for column in columns
                    ),
                    row.pk,
                ]
                for row in rows
            ],
        )
