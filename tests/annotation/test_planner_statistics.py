"""A study that just came in is no empty table to the database's planner."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from annotation.models import Study
from annotation.planner_statistics import refresh_planner_statistics
from tests.factories import make_comparison, make_study


@pytest.mark.django_db(transaction=True)
def test_sqlite_is_asked_nothing_and_postgresql_once() -> None:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        refresh_planner_statistics()
    assert len(asked) == (1 if connection.vendor == "postgresql" else 0)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_postgresql_looks_after_the_commit_and_knows_the_rows() -> None:
    with transaction.atomic():
        study = make_study()
        for _ in range(7):
            make_comparison(study)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            refresh_planner_statistics()
        # The tables would stay locked for other imports until this one ends.
        assert not len(asked)
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = 'annotation_comparison'")
        assert cursor.fetchone() == (7,)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_look_that_waits_in_vain_takes_no_work_with_it(caplog) -> None:
    begun, over = threading.Event(), threading.Event()

    def other_look() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE annotation_study IN SHARE UPDATE EXCLUSIVE MODE")
            begun.set()
            over.wait(30)
        connection.close()

    thread = threading.Thread(target=other_look)
    thread.start()
    try:
        assert begun.wait(30)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '50ms'")
        with transaction.atomic():
            make_study()
            refresh_planner_statistics()
    finally:
        over.set()
        thread.join()
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")
    assert Study.objects.exists()
    assert "lock timeout" in caplog.text
