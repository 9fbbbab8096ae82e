"""Writes many rows: in one prepared statement, and in slices between which others write.

Django's `bulk_update` builds a CASE for every field and row, which costs more than the request
that the row is about.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connection, models, transaction

# SQLite has one writer and no queue for it: whoever waits looks now and then, at last every 100 ms,
# whether it is free. So long it is left free between two slices, as a share of the slice before
# and at least.
FREE_SHARE, FREE_SECONDS = 0.5, 0.02


@contextmanager
def slice_of_rows() -> Iterator[None]:
    """A transaction that is one of many, with time for other writers after it."""
    begun = time.monotonic()
    with transaction.atomic():
        yield
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        time.sleep(max(FREE_SECONDS, FREE_SHARE * (time.monotonic() - begun)))


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
