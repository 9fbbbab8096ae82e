"""Queries compiled once: they give what the query set gives, on either database."""

from __future__ import annotations

import gc
import weakref
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, connections, models, transaction
from django.db.models.functions import Now
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotation.compiled import (
    KEY,
    CompiledInsert,
    CompiledQuery,
    CompiledTogether,
    CompiledUpdate,
    Parameter,
    reading,
    running,
)
from annotation.models import Annotator, Assignment, AssignmentState, Exclusion, Vote
from tests import factories

pytestmark = pytest.mark.django_db

WITH_STUDY = CompiledQuery(
    lambda: (
        Annotator.objects.filter(pk=Parameter("pk", KEY))
        .select_related("study")
        .annotate(now=Now())
    )
)
COLUMNS = CompiledQuery(
    lambda: (
        Assignment.objects.filter(annotator=Parameter("annotator", KEY))
        .order_by("-pk")
        .values_list(
            "public_id", "swapped", "lease_expires_at", "displayed_at", "annotator__profile"
        )
    )
)
LOCKED = CompiledQuery(
    lambda: Annotator.objects.filter(pk=Parameter("pk", KEY)).select_for_update(no_key=True)
)
LENGTHENED = CompiledUpdate(
    lambda: Assignment.objects.filter(
        pk=Parameter("pk", KEY), state=Parameter("state", models.CharField())
    ),
    lease_expires_at=Now() + Parameter("longer", models.DurationField()),
    skip_note=Parameter("note", models.CharField()),
)
EXCLUDED = CompiledInsert(Exclusion, ["assignment_id", "reason", "created_at"])
TOGETHER = CompiledTogether(COLUMNS, lengthened=LENGTHENED, excluded=EXCLUDED)


def test_instances_come_with_their_related_ones_and_annotations() -> None:
    annotator = factories.make_annotator(factories.make_study(), profile={"languages": ["de"]})
    (found,) = WITH_STUDY.rows(pk=annotator.pk)
    with CaptureQueriesContext(connection) as queries:
        assert found == annotator
        assert found.profile == {"languages": ["de"]}
        assert found.study.slug == annotator.study.slug
        assert found.created_at == annotator.created_at
        assert abs(found.now - timezone.now()) < timedelta(minutes=1)  # type: ignore[attr-defined]
    assert not queries
    assert not found._state.adding


def test_tuples_hold_what_the_query_set_gives() -> None:
    study = factories.make_open_study()
    annotator = factories.make_annotator(study, profile={"a": 1})
    for swapped in (True, False):
        factories.make_assignment(factories.make_comparison(study), annotator, swapped=swapped)
    factories.make_assignment(factories.make_comparison(study), factories.make_annotator(study))
    assert COLUMNS.rows(annotator=annotator.pk) == list(
        Assignment.objects.filter(annotator=annotator)
        .order_by("-pk")
        .values_list(
            "public_id", "swapped", "lease_expires_at", "displayed_at", "annotator__profile"
        )
    )


def test_each_run_has_its_own_values() -> None:
    study = factories.make_study()
    annotators = [factories.make_annotator(study) for _ in range(8)]
    # More often than PostgreSQL waits before it prepares.
    assert [WITH_STUDY.first(pk=one.pk) for one in annotators] == annotators
    assert WITH_STUDY.first(pk=0) is None


def test_the_values_are_named_exactly() -> None:
    with pytest.raises(TypeError, match=r"takes \['pk'\], not \['annotator'\]"):
        WITH_STUDY.rows(annotator=1)
    with pytest.raises(TypeError, match="takes"):
        LENGTHENED.run(pk=1)


def test_rows_are_locked_in_a_transaction_only() -> None:
    annotator = factories.make_annotator(factories.make_study())
    with CaptureQueriesContext(connection) as queries:
        assert LOCKED.first(pk=annotator.pk) == annotator
    if connection.vendor == "postgresql":
        assert queries[0]["sql"].endswith("FOR NO KEY UPDATE")


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_a_lock_is_refused() -> None:
    annotator = factories.make_annotator(factories.make_study())
    with transaction.atomic():
        LOCKED.first(pk=annotator.pk)
    if connection.features.has_select_for_update:
        with pytest.raises(TransactionManagementError):
            LOCKED.first(pk=annotator.pk)


def test_an_update_changes_the_rows_it_is_for_and_counts_them() -> None:
    assignment = factories.make_assignment(factories.make_comparison(factories.make_open_study()))
    other = factories.make_assignment(factories.make_comparison(factories.make_open_study()))
    values = {"pk": assignment.pk, "longer": timedelta(hours=3), "note": "100 % 'sure'"}
    assert LENGTHENED.run(state=AssignmentState.SUBMITTED, **values) == 0
    assert LENGTHENED.run(state=AssignmentState.RESERVED, **values) == 1
    assignment.refresh_from_db()
    assert assignment.skip_note == "100 % 'sure'"
    left = assignment.lease_expires_at - timezone.now()
    assert abs(left - timedelta(hours=3)) < timedelta(minutes=1)
    other.refresh_from_db()
    assert other.skip_note == ""


def test_an_insert_gives_the_new_key_and_takes_the_defaults_that_are_constant() -> None:
    assignment = factories.make_assignment(factories.make_comparison(factories.make_open_study()))
    now = timezone.now()
    keys = [EXCLUDED.run(assignment_id=assignment.pk, reason="slow", created_at=now) for _ in "ab"]
    rows = list(Exclusion.objects.order_by("pk"))
    assert [row.pk for row in rows] == keys
    assert {(row.assignment_id, row.reason, row.rule, row.post_hoc) for row in rows} == {
        (assignment.pk, "slow", "", False)
    }
    assert rows[0].created_at == now


def test_an_insert_is_held_to_the_constraints() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        EXCLUDED.run(assignment_id=None, reason="of nothing", created_at=timezone.now())


def test_an_insert_without_a_value_that_differs_each_time_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Vote\.created_at has to be given"):
        CompiledInsert(Vote, ["assignment_id"]).run(assignment_id=1)


def changes_to(assignment: Assignment, **other: Any) -> dict[str, Any]:
    return {
        "pk": assignment.pk,
        "state": AssignmentState.RESERVED,
        "longer": timedelta(hours=3),
        "note": "long",
        "assignment_id": assignment.pk,
        "reason": "slow",
        "created_at": timezone.now(),
        "annotator": assignment.annotator_id,
        **other,
    }


def test_changes_together_answer_each_as_alone_beside_the_rows_that_were_read() -> None:
    study = factories.make_open_study()
    annotator = factories.make_annotator(study, profile={"a": 1})
    assignments = [
        factories.make_assignment(factories.make_comparison(study), annotator) for _ in "ab"
    ]
    with CaptureQueriesContext(connection) as queries:
        answers, rows = TOGETHER.run(**changes_to(assignments[0]))
    assert len(queries) == (1 if connection.vendor == "postgresql" else 3)
    assert answers == {"lengthened": 1, "excluded": Exclusion.objects.get().pk}
    assert [(row[0], row[4]) for row in rows] == [
        (assignment.public_id, {"a": 1}) for assignment in reversed(assignments)
    ]
    assignments[0].refresh_from_db()
    assert assignments[0].skip_note == "long"
    # What changes nothing says so, and the rest is done all the same.
    answers, _ = TOGETHER.run(**changes_to(assignments[1], state=AssignmentState.EXPIRED))
    assert answers["lengthened"] == 0
    assert Exclusion.objects.filter(pk=answers["excluded"], assignment=assignments[1]).exists()


def test_changes_together_fail_together() -> None:
    assignment = factories.make_assignment(factories.make_comparison(factories.make_open_study()))
    with pytest.raises(IntegrityError), transaction.atomic():
        TOGETHER.run(**changes_to(assignment, assignment_id=None))
    with pytest.raises(LookupError), transaction.atomic():
        TOGETHER.run(**changes_to(assignment, annotator=0))
    assignment.refresh_from_db()
    assert assignment.skip_note == ""
    assert not Exclusion.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_changes_together_need_a_transaction() -> None:
    assignment = factories.make_assignment(factories.make_comparison(factories.make_open_study()))
    with pytest.raises(TransactionManagementError):
        TOGETHER.run(**changes_to(assignment))
    assert not Exclusion.objects.exists()


def break_connection() -> Any:
    """End the server's side of this process's connection, as a restart of the server does."""
    own: Any = connections["default"]
    with own.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])
    other.close()
    return own


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_after_a_restart_of_the_database_the_first_query_reconnects() -> None:
    annotator = factories.make_annotator(factories.make_study())
    assert WITH_STUDY.first(pk=annotator.pk) == annotator
    own = break_connection()
    assert WITH_STUDY.first(pk=annotator.pk) == annotator
    assert not own.errors_occurred


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_within_a_transaction_nothing_is_asked_twice() -> None:
    annotator = factories.make_annotator(factories.make_study())

    def lock_twice() -> None:
        with transaction.atomic():
            assert LOCKED.first(pk=annotator.pk) == annotator
            break_connection()
            LOCKED.first(pk=annotator.pk)

    with pytest.raises(OperationalError):
        lock_twice()
    connection.close()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_the_server_is_not_asked_whether_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    annotator = factories.make_annotator(factories.make_study())
    own: Any = connections["default"]

    def refuse() -> bool:
        raise AssertionError("asked")

    monkeypatch.setattr(own, "is_usable", refuse)
    # As at the start of a request.
    monkeypatch.setattr(own, "health_check_enabled", True)
    monkeypatch.setattr(own, "health_check_done", False)
    assert WITH_STUDY.first(pk=annotator.pk) == annotator


@pytest.mark.django_db(transaction=True)
def test_what_was_compiled_ends_with_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    other = connections.create_connection("default")
    with monkeypatch.context() as patched:
        patched.setattr(reading, "connections", {"default": other})
        # Rows of a connection have converters where it is SQLite's.
        assert COLUMNS.rows(annotator=0) == []
    other.close()
    gone = weakref.ref(other)
    del other
    gc.collect()
    assert gone() is None


def test_an_instance_is_what_the_query_set_makes() -> None:
    annotator = factories.make_annotator(factories.make_study(), profile={"a": 1})
    (found,) = WITH_STUDY.rows(pk=annotator.pk)
    usual = Annotator.objects.select_related("study").annotate(now=Now()).get(pk=annotator.pk)
    for one, other in ((found, usual), (found.study, usual.study)):
        assert vars(one).keys() == vars(other).keys()
        assert vars(one._state).keys() == vars(other._state).keys()
    found.skipped = 3
    found.save(update_fields=["skipped"])
    annotator.refresh_from_db()
    assert annotator.skipped == 3


def test_columns_that_were_not_read_are_read_when_asked() -> None:
    annotator = factories.make_annotator(factories.make_study(title="Kept back"))
    some = CompiledQuery(
        lambda: (
            Annotator.objects.filter(pk=Parameter("pk", KEY))
            .select_related("study")
            .only("state", "study__slug")
        )
    )
    (found,) = some.rows(pk=annotator.pk)
    with CaptureQueriesContext(connection) as queries:
        assert found.study.slug == annotator.study.slug
    assert not queries
    assert found.study.title == "Kept back"
    assert found.external_id == annotator.external_id


def test_who_listens_to_instances_hears_of_them() -> None:
    annotator = factories.make_annotator(factories.make_study())
    heard: list[Any] = []

    def listen(instance: Annotator, **_: Any) -> None:
        heard.append(instance.pk)

    query = CompiledQuery(lambda: Annotator.objects.filter(pk=Parameter("pk", KEY)))
    models.signals.post_init.connect(listen, sender=Annotator)
    try:
        query.rows(pk=annotator.pk)
    finally:
        models.signals.post_init.disconnect(listen, sender=Annotator)
    assert heard == [annotator.pk]


@pytest.mark.postgres
def test_a_connection_keeps_one_cursor_unless_somebody_listens() -> None:
    own: Any = connections["default"]
    WITH_STUDY.rows(pk=0)
    kept = own.compiled_cursor
    WITH_STUDY.rows(pk=0)
    assert own.compiled_cursor is kept
    heard: list[str] = []

    def listen(execute: Any, sql: str, *rest: Any) -> Any:
        heard.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(listen):
        WITH_STUDY.rows(pk=0)
    assert len(heard) == 1


def test_changes_without_anything_to_read_answer_each_as_alone() -> None:
    together = CompiledTogether(None, lengthened=LENGTHENED, excluded=EXCLUDED)
    assignment = factories.make_assignment(factories.make_comparison(factories.make_open_study()))
    values = changes_to(assignment)
    values.pop("annotator")
    with transaction.atomic():
        answers, rows = together.run(**values)
    assert rows == []
    assert answers == {"lengthened": 1, "excluded": Exclusion.objects.get().pk}


SURE = CompiledQuery(
    lambda: Assignment.objects.filter(
        annotator=Parameter("annotator", KEY),
        skip_note="50 %s of 100 %% 'sure'",
        state=AssignmentState.RESERVED,
        swapped=True,
        slot_no__lt=3,
    ).values_list("pk")
)


def test_what_the_code_says_is_written_into_the_statement() -> None:
    annotator = factories.make_annotator(factories.make_open_study())
    found = [
        factories.make_assignment(
            factories.make_comparison(annotator.study), annotator, swapped=True, skip_note=note
        ).pk
        for note in ("50 %s of 100 %% 'sure'", "50 % of 100 % 'sure'")
    ]
    assert SURE.rows(annotator=annotator.pk) == [(found[0],)]
    with CaptureQueriesContext(connection):
        assert SURE.rows(annotator=annotator.pk) == [(found[0],)]
    statement = SURE.compiled(connection).statement
    if connection.vendor == "postgresql":
        assert len(statement.params) == 1
        assert "'reserved'" in statement.sql


@pytest.mark.postgres
def test_a_connection_plans_anew_each_time_that_it_has_run_twice_as_many_statements(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(running, "FIRST_PLANS", 10)
    own: Any = connections["default"]
    # As after a reconnect.
    own.compiled_cursor = None
    sent: list[int] = []
    asked = running.discard_plans

    def discard(cursor: Any) -> None:
        sent.append(own.compiled_runs)
        asked(cursor)

    monkeypatch.setattr(running, "discard_plans", discard)
    for _ in range(100):
        WITH_STUDY.rows(pk=0)
    assert sent == [10, 20, 40, 80]


@pytest.mark.postgres
def test_prepared_statements_are_planned_without_their_values() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW plan_cache_mode")
        assert cursor.fetchone() == ("force_generic_plan",)
