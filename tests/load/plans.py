"""How PostgreSQL goes about a claim, of the very statements that a claim sends."""

from __future__ import annotations

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from annotation import queue
from annotation.models import Annotator

EXPLAIN = "EXPLAIN (ANALYZE, BUFFERS) "


def plans_of_claim(annotator: Annotator) -> list[tuple[str, str]]:
    """Each SELECT of a claim of one pair, and its plan; nothing is kept of the claim."""
    with transaction.atomic():
        with CaptureQueriesContext(connection) as queries:
            queue.claim(annotator, want=1)
        transaction.set_rollback(True)
    sent = [query["sql"] for query in queries]
    plans = []
    for sql in sent:
        if not sql.lstrip("(").startswith("SELECT"):
            continue
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(EXPLAIN + sql)
            plans.append((sql, "\n".join(row[0] for row in cursor.fetchall())))
            transaction.set_rollback(True)
    return plans
