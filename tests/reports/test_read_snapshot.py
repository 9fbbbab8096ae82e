"""An analysis reads one moment, whoever votes meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from annotation.models import Annotator
from reports import records
from reports.read_snapshot import read_snapshot, reading_beside
from tests.factories import make_annotator, make_comparison, make_open_study, make_vote
from tests.races import at_once


@pytest.mark.django_db(transaction=True)
def test_what_comes_in_meanwhile_is_not_seen_and_does_not_wait() -> None:
    study = make_open_study()
    make_annotator(study)
    with read_snapshot():
        assert Annotator.objects.count() == 1
        at_once([lambda: make_annotator(study)])
        assert Annotator.objects.count() == 1
    assert Annotator.objects.count() == 2
    assert not connection.in_atomic_block


@pytest.mark.django_db(transaction=True)
def test_a_newcomers_vote_in_the_middle_of_the_reading_is_left_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study = make_open_study()
    make_vote(make_comparison(study))
    asked = records._criterion_records

    def with_a_vote_before(*args: object) -> records.CriterionRecords:
        at_once([lambda: make_vote(make_comparison(study))])
        return asked(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(records, "_criterion_records", with_a_vote_before)
    assert records.load(study).overall.votes.n == 1
    monkeypatch.undo()
    assert records.load(study).overall.votes.n == 2


@pytest.mark.django_db
def test_within_a_transaction_the_caller_decides() -> None:
    with read_snapshot():
        make_annotator(make_open_study())
        assert Annotator.objects.count() == 1


def counted_beside(read: Callable[[], int]) -> int:
    with reading_beside(read, together=True) as result:
        return result()


@pytest.mark.django_db(transaction=True)
def test_a_second_connection_sees_the_same_moment() -> None:
    study = make_open_study()
    make_annotator(study)
    with read_snapshot():
        assert Annotator.objects.count() == 1
        at_once([lambda: make_annotator(study)])
        assert counted_beside(Annotator.objects.count) == 1
    assert Annotator.objects.count() == 2


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_what_is_read_beside_is_read_by_another_connection_that_is_closed() -> None:
    used: list[Any] = []

    def note() -> int:
        used.append(connection.connection)
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('transaction_read_only')")
            assert cursor.fetchone() == ("on",)
        return Annotator.objects.count()

    with read_snapshot():
        counted_beside(note)
        assert used[0] is not connection.connection
    assert used[0].closed


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_what_is_read_beside_may_take_as_long_as_here() -> None:
    """A task has longer limits than the pages of its process."""
    seen: list[tuple[str, str]] = []

    def note() -> int:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('statement_timeout'), current_setting('lock_timeout')"
            )
            seen.append(cursor.fetchone())
        return 0

    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = '61s'; SET lock_timeout = '62s'")
    try:
        with read_snapshot():
            counted_beside(note)
    finally:
        connection.close()
    assert seen == [("61s", "62s")]


@pytest.mark.django_db
def test_what_the_caller_wrote_is_seen_beside_too() -> None:
    make_annotator(make_open_study())
    with read_snapshot():
        assert counted_beside(Annotator.objects.count) == 1


@pytest.mark.django_db(transaction=True)
def test_a_fault_beside_is_raised_where_the_result_is_asked_for() -> None:
    def fault() -> int:
        raise ValueError("broken")

    with read_snapshot(), reading_beside(fault, together=True) as result:
        assert Annotator.objects.count() == 0
        with pytest.raises(ValueError, match="broken"):
            result()


@pytest.mark.django_db(transaction=True)
def test_records_are_the_same_however_many_connections_read_them() -> None:
    study = make_open_study()
    for _ in range(3):
        make_vote(make_comparison(study))
    assert (
        records.load(study, many=True).input_sha256 == records.load(study, many=False).input_sha256
    )
