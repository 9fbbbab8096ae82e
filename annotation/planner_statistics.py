"""What the database's planner believes about the tables.

PostgreSQL looks at a table anew only some time after many rows came in. Until then it takes a
filled table for an empty one, and a query that should take milliseconds may take minutes. Whoever
stores or opens a whole study therefore has it look at once.
"""

from __future__ import annotations

from django.apps import apps
from django.db import connection, transaction


def refresh_planner_statistics() -> None:
    """Let PostgreSQL look at this room's tables; SQLite needs none of it.

    It reads a sample of each table, some milliseconds of work. Votes and claims go on meanwhile.
    Within a transaction it waits for the commit: a table that is looked at stays locked against
    other looks until the transaction ends, and a wait that fails must not take the work with it.
    A look that fails is logged; PostgreSQL takes one of its own later.
    """
    if connection.vendor == "postgresql":
        transaction.on_commit(_look, robust=True)


def _look() -> None:
    quote = connection.ops.quote_name
    tables = [
        quote(model._meta.db_table) for model in apps.get_app_config("annotation").get_models()
    ]
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(tables)}")
