"""JSON that is kept as it was written."""

from __future__ import annotations

import json
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class WrittenJSONField(models.JSONField):
    """A JSON value in a column of text, which the database compresses and does not take apart.

    Of PostgreSQL's jsonb every number, key and brace is parsed when it is stored and written out
    again when it is read: of a report of 27 MB, a second each time, twice as long as writing the
    text. In return nothing inside the value can be looked up or indexed by the database. As no
    number passes through the database's own kind, each comes back as it was, to the last digit.
    """

    description = "JSON, kept as text"

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        return models.TextField().db_type(connection)

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> str:
        return json.dumps(value, allow_nan=False, separators=(",", ":"))
