"""How much a piece of code makes the database read: no time, so the same on every machine.

PostgreSQL tells the pages that a SELECT looks into, in memory or not; SQLite the steps of its
virtual machine, of which each row that is read takes some.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

# SQLite's steps between two calls of the handler.
STEPS = 10

# What an index that is a level deeper costs, or a statement that is seen for the first time.
SLACK_PAGES, SLACK_STEPS = 20, 1000


def slack() -> int:
    """By how much the efforts for little and for much may differ where neither reads more."""
    return SLACK_PAGES if connection.vendor == "postgresql" else SLACK_STEPS


def effort_of(run: Callable[[], object]) -> int:
    """The pages, or steps, of all that `run` selects."""
    counting = count_pages if connection.vendor == "postgresql" else count_steps
    with counting() as counts:
        run()
    return sum(counts)


@contextmanager
def count_pages() -> Iterator[list[int]]:
    counts: list[int] = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.lstrip("(").startswith(("SELECT", "WITH")):
            with connection.connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", params)
                (found,) = cursor.fetchone()
            (plan,) = json.loads(found) if isinstance(found, str) else found
            counts.append(plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        yield counts


@contextmanager
def count_steps() -> Iterator[list[int]]:
    counts: list[int] = []
    connection.ensure_connection()
    connection.connection.set_progress_handler(lambda: counts.append(STEPS), STEPS)
    try:
        yield counts
    finally:
        connection.connection.set_progress_handler(None, 0)
