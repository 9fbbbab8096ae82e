"""JSON that is kept as it was written."""

from __future__ import annotations

import math
from typing import Any

import orjson
from django.db import connection, models
from django.db.backends.base.base import BaseDatabaseWrapper


class WrittenJSONField(models.JSONField):
    """A JSON value in a column of text, which the database compresses and does not take apart.

    Of PostgreSQL's jsonb every number, key and brace is parsed when it is stored and written out
    again when it is read: of a report of 27 MB, a second each time, twice as long as writing the
    text. In return nothing inside the value can be looked up or indexed by the database. As no
    number passes through the database's own kind, each comes back as it was, to the last digit.

    It is written and read by orjson: the standard library took half a second to write that report,
    most of it for the digits of floats, and orjson takes a tenth of that.
    """

    description = "JSON, kept as text"

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        return models.TextField().db_type(connection)

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> str:
        refuse_what_is_no_number(value)
        return orjson.dumps(value).decode()

    def from_db_value(
        self, value: str | None, expression: Any, connection: BaseDatabaseWrapper
    ) -> Any:
        return None if value is None else orjson.loads(value)


def refuse_what_is_no_number(value: Any) -> None:
    """Refuse floats that JSON cannot hold; orjson would write null for them, as if none was known.

    Raises
    ------
    ValueError
        There is one among the entries of an object, a list or a tuple, however deep.
    """
    for entry in value.values() if type(value) is dict else value:
        kind = type(entry)
        if kind is float:
            if not math.isfinite(entry):
                raise ValueError(f"{entry} is no JSON number")
        elif kind is dict or kind is list or kind is tuple:
            refuse_what_is_no_number(entry)


def compress_quickly() -> None:
    """Have PostgreSQL compress by lz4 what the caller's transaction stores, if it knows how.

    Its own method, which it uses otherwise, takes a third of a second longer for a large report.
    Each value says by which of them it was compressed, and a dump holds it plain.
    """
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config(name, 'lz4', true) FROM pg_settings "
            "WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)"
        )
