"""A study that just came in is no empty table to the database's planner."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotation.planner_statistics import refresh_planner_statistics
from tests.factories import make_comparison, make_study


@pytest.mark.django_db
def test_sqlite_is_asked_nothing_and_postgresql_once() -> None:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        refresh_planner_statistics()
    assert len(asked) == (1 if connection.vendor == "postgresql" else 0)


@pytest.mark.postgres
@pytest.mark.django_db
def test_postgresql_knows_the_rows_of_the_same_transaction() -> None:
    study = make_study()
    for _ in range(7):
        make_comparison(study)
    refresh_planner_statistics()
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = 'annotation_comparison'")
        assert cursor.fetchone() == (7,)
