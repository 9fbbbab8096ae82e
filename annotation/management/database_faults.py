"""What the database refuses, said in words where a command can do nothing about it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError
from django.db import OperationalError, ProgrammingError

# PostgreSQL: lock_timeout, statement_timeout, and the one of two who waited for each other.
GAVE_UP = ("55P03", "57014", "40P01")
# PostgreSQL: no such table, no such column.
NOT_MIGRATED = ("42P01", "42703")
# SQLite has one code for all faults of a statement; these are its words.
NOT_MIGRATED_WORDS = ("no such table", "no such column", "has no column named")

TOOK_TOO_LONG = (
    "The database took too long: something else, such as an import into the same study, may hold "
    "what this command needs. What it was doing was rolled back; run it again later."
)
MIGRATE_FIRST = (
    "The database has no tables for this version of the program, or old ones. Run "
    "`manage.py migrate`, then this command again."
)


@contextmanager
def database_faults_in_words() -> Iterator[None]:
    """Turn the faults of a database that an operator can mend into a refusal; others pass.

    Raises
    ------
    CommandError
        If a statement waited too long for somebody else's work to end, or the database was not
        migrated.
    """
    try:
        yield
    except (OperationalError, ProgrammingError) as error:
        if gave_up_waiting(error.__cause__):
            raise CommandError(TOOK_TOO_LONG) from error
        if is_not_migrated(error.__cause__):
            raise CommandError(MIGRATE_FIRST) from error
        raise


def gave_up_waiting(cause: BaseException | None) -> bool:
    if isinstance(cause, sqlite3.OperationalError):
        return cause.sqlite_errorcode == sqlite3.SQLITE_BUSY
    return getattr(cause, "sqlstate", None) in GAVE_UP


def is_not_migrated(cause: BaseException | None) -> bool:
    if isinstance(cause, sqlite3.OperationalError):
        return any(words in str(cause) for words in NOT_MIGRATED_WORDS)
    return getattr(cause, "sqlstate", None) in NOT_MIGRATED
