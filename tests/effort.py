"""How much a piece of code makes the database read: no time, so the same on every machine.

PostgreSQL tells the rows that each part of a SELECT's plan gives or throws away, not counting those
of tests before, which lie about until a vacuum; SQLite the steps of its virtual machine, of which
each row that is read takes some.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

REMOVED_BY = ("Filter", "Join Filter", "Index Recheck")

# SQLite's steps between two calls of the handler.
STEPS = 10

# What the planner may do otherwise, or a statement that is seen for the first time costs.
SLACK_ROWS, SLACK_STEPS = 100, 1000


def slack() -> int:
    """By how much the efforts for little and for much may differ where neither reads more."""
    return SLACK_ROWS if connection.vendor == "postgresql" else SLACK_STEPS


def effort_of(run: Callable[[], object]) -> int:
    """The rows, or steps, of all that `run` selects."""
    counting = count_rows if connection.vendor == "postgresql" else count_steps
    with counting() as counts:
        run()
    return sum(counts)


@contextmanager
def count_rows() -> Iterator[list[int]]:
    counts: list[int] = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.lstrip("(").startswith(("SELECT", "WITH")):
            with connection.connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}", params)
                (found,) = cursor.fetchone()
            (plan,) = json.loads(found) if isinstance(found, str) else found
            counts.append(rows_of(plan["Plan"]))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        yield counts


def rows_of(plan: dict[str, Any]) -> int:
    """What a plan and all its parts give and throw away, as often as they run."""
    own = plan["Actual Rows"] + sum(plan.get(f"Rows Removed by {why}", 0) for why in REMOVED_BY)
    return int(own * plan["Actual Loops"]) + sum(rows_of(part) for part in plan.get("Plans", ()))


@contextmanager
def count_steps() -> Iterator[list[int]]:
    counts: list[int] = []
    connection.ensure_connection()
    connection.connection.set_progress_handler(lambda: counts.append(STEPS), STEPS)
    try:
        yield counts
    finally:
        connection.connection.set_progress_handler(None, 0)
