"""More time for what a researcher asks for and waits for, such as opening a large study."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

# Below gunicorn's time for a request (60 s), so that the database ends a statement first. Pages
# otherwise have five seconds; see evalsite/gunicorn_conf.py.
STATEMENT_TIMEOUT_MS = 50_000
LIMITS = ("statement_timeout", "lock_timeout")


@contextmanager
def patient_database() -> Iterator[None]:
    """Let statements of this connection take longer, until the end of the block."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('statement_timeout'), current_setting('lock_timeout')"
        )
        before = cursor.fetchone()
        set_limits(cursor, [f"{STATEMENT_TIMEOUT_MS}ms"] * len(LIMITS))
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            set_limits(cursor, list(before))


def set_limits(cursor: object, values: list[str]) -> None:
    for name, value in zip(LIMITS, values, strict=True):
        cursor.execute("SELECT set_config(%s, %s, false)", [name, value])  # type: ignore[attr-defined]
