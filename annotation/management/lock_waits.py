"""A lock that another process does not let go: said in words, not as a traceback."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError
from django.db import OperationalError

# PostgreSQL: lock_timeout, statement_timeout, and the one of two who waited for each other.
GAVE_UP = ("55P03", "57014", "40P01")


@contextmanager
def lock_waits_in_words() -> Iterator[None]:
    """Turn the database's giving up into a refusal; anything else passes.

    Raises
    ------
    CommandError
        If a statement waited too long for somebody else's work to end.
    """
    try:
        yield
    except OperationalError as error:
        if not gave_up_waiting(error.__cause__):
            raise
        raise CommandError(
            "The database took too long: something else, such as an import into the same study, "
            "may hold what this command needs. What it was doing was rolled back; run it again "
            "later."
        ) from error


def gave_up_waiting(cause: BaseException | None) -> bool:
    if isinstance(cause, sqlite3.OperationalError):
        return cause.sqlite_errorcode == sqlite3.SQLITE_BUSY
    return getattr(cause, "sqlstate", None) in GAVE_UP
