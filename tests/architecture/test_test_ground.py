"""The ground that tests stand on keeps its own promises."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import redis
from django.apps import apps
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.http import HttpResponse
from django.test import Client
from whitenoise.middleware import WhiteNoiseMiddleware

import tests.triggers
from annotation import sessions
from annotation.models import Choice, Session, StudyState, User, Vote
from judging.limits import Rates, make_limiter
from reports.models import AnalysisRun
from tests import factories
from tests.annotation.constraints.test_append_only import APPEND_ONLY
from tests.annotation.constraints.world import make_world
from tests.architecture.sources import PROJECT_ROOT
from tests.planner_knowledge import forget_looks
from tests.races import TIMEOUT_S
from tests.static_files import remember_what_is_found
from tests.triggers import empty_tables


def refuses_to_change_a_vote() -> None:
    study = factories.make_study(state=StudyState.OPEN)
    vote = factories.make_vote(factories.make_comparison(study), Choice.LEFT)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Vote.objects.filter(pk=vote.pk).update(late=True)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Vote.objects.filter(pk=vote.pk)._raw_delete(using="default")


def test_the_longest_tests_come_first(request: pytest.FixtureRequest) -> None:
    limits = [
        float(marker.args[0] if (marker := item.get_closest_marker("timeout")) else 0)
        for item in request.session.items
    ]
    assert limits == sorted(limits, reverse=True)
    # A limit of its own is for a test that needs longer than others have.
    least = float(request.config.getini("timeout"))
    assert [limit for limit in limits if 0 < limit < least] == []


@pytest.mark.django_db
def test_the_append_only_triggers_are_in_force_inside_a_rolled_back_test() -> None:
    refuses_to_change_a_vote()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", ["before the tables are emptied", "afterwards"])
def test_the_append_only_triggers_are_in_force_when_tables_are_emptied(turn: str) -> None:
    # Whichever comes second finds an empty table and its triggers back in place.
    assert Vote.objects.count() == 0
    refuses_to_change_a_vote()


def triggers() -> set[tuple[str, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
            if connection.vendor == "sqlite"
            else "SELECT tgname, tgrelid::regclass::text, tgenabled::text FROM pg_trigger"
        )
        return set(cursor.fetchall())


def rows_of_tables() -> dict[str, int]:
    return {
        model._meta.db_table: model._base_manager.count()
        for model in apps.get_models(include_auto_created=True)
    }


@pytest.mark.django_db(transaction=True)
def test_every_append_only_table_is_emptied_and_keeps_its_triggers() -> None:
    clean = rows_of_tables()
    for make in APPEND_ONLY.values():
        world = make_world()
        make(world)
    factories.make_judgment(world.comparison)
    AnalysisRun.objects.create(
        study=world.study, input_sha256="0" * 64, settings={}, seed=0, versions={}, result={}
    )
    filled = {table for table, rows in rows_of_tables().items() if rows}
    assert filled > {*APPEND_ONLY, "judging_judgment", "judging_judgeversion"}
    assert "reports_analysisrun" in filled
    before = triggers()
    empty_tables(connection)
    assert rows_of_tables() == clean
    assert triggers() == before
    # Nobody writes these again, so they must not go.
    assert clean["django_content_type"] == len(apps.get_models())
    assert clean["auth_permission"] > 0


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_table_that_was_large_is_small_again_once_it_is_emptied(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tests.triggers, "LARGE_BYTES", 0)
    factories.make_study()
    empty_tables(connection)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_size('annotation_study')")
        assert cursor.fetchone() == (0,)


def planner_knows() -> set[tuple[str, int, bool]]:
    """Tables and indexes that the planner has seen filled: name, rows, and whether of columns."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, reltuples, EXISTS (SELECT 1 FROM pg_statistic WHERE starelid = oid) "
            "FROM pg_class WHERE relkind IN ('r', 'i') AND reltuples > 0 "
            "AND relnamespace = 'public'::regnamespace"
        )
        return set(cursor.fetchall())


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_the_planner_forgets_what_it_looked_at() -> None:
    factories.make_study()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE annotation_study")
    table, index = ("annotation_study", 1, True), ("annotation_study_pkey", 1, False)
    assert planner_knows() >= {table, index}
    forget_looks(connection)
    assert planner_knows() == set()


@pytest.mark.postgres
@pytest.mark.django_db
@pytest.mark.parametrize("turn", [1, 2])
def test_no_test_finds_what_the_planner_looked_at_in_another(turn: int) -> None:
    assert planner_knows() == set()
    factories.make_study()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE annotation_study")
    assert planner_knows()


@pytest.mark.django_db(transaction=True)
def test_another_thread_sees_what_a_transactional_test_committed() -> None:
    study = factories.make_study()
    seen: list[bool] = []

    def look() -> None:
        try:
            seen.append(type(study).objects.filter(slug=study.slug).exists())
        finally:
            connection.close()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [True]


def test_the_shared_data_hold_the_studies_that_tests_read(shared_data: Path) -> None:
    for name in ("pandalm", "mtbench_turn1", "rankgen", "llmbar"):
        assert (shared_data / name / "items.jsonl").is_file()


@pytest.mark.parametrize("turn", ["first", "afterwards"])
def test_nothing_is_remembered_of_another_tests_endpoint(turn: str) -> None:
    # One request a minute: whichever comes second would wait for that long.
    took = make_limiter("").take("endpoint-1", Rates(requests=1), 1)
    assert asyncio.run(took) == 0


@pytest.mark.django_db
def test_a_thread_waits_for_a_lock_as_long_as_a_busy_machine_needs() -> None:
    if connection.vendor == "sqlite":
        asked, wanted = "PRAGMA busy_timeout", 120_000
    else:
        asked, wanted = "SELECT setting::int FROM pg_settings WHERE name = 'lock_timeout'", 30_000
    with connection.cursor() as cursor:
        cursor.execute(asked)
        assert cursor.fetchone() == (wanted,)
    assert wanted < 1000 * TIMEOUT_S


def test_slow_examples_fail_no_test() -> None:
    """Neither where the machine is slow to run them nor where it is slow to draw them."""
    for name in ("local", "ci"):
        profile = hypothesis.settings.get_profile(name)
        assert profile.deadline is None
        assert hypothesis.HealthCheck.too_slow in profile.suppress_health_check


def test_ci_draws_the_same_examples_each_time() -> None:
    profile = hypothesis.settings.get_profile("ci")
    assert profile.derandomize
    assert profile.database is None


def test_static_files_are_looked_for_once_for_the_same_settings(settings) -> None:
    looked: list[Any] = []
    # Beneath the one that stands for the whole run, whose memory is not touched.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", looked.append)
        remember_what_is_found(patch)
        for prefix in ("/static/", "/static/", "/elsewhere/", "/static/"):
            settings.WHITENOISE_STATIC_PREFIX = prefix
            WhiteNoiseMiddleware(lambda request: HttpResponse())
    assert [found.static_prefix for found in looked] == ["/static/", "/elsewhere/"]


def test_a_client_of_a_test_gets_the_files_of_the_rooms() -> None:
    for _ in range(2):
        answer = Client().get("/static/evalsite/tokens.css")
        assert answer.status_code == 200
        assert (
            b"".join(answer) == (PROJECT_ROOT / "evalsite/static/evalsite/tokens.css").read_bytes()
        )


@pytest.mark.django_db
def test_a_client_is_signed_in_as_django_does_it() -> None:
    user, other = factories.make_user(), factories.make_user()
    short, long = Client(), Client()
    short.force_login(user)
    assert User.objects.get(pk=user.pk).last_login is None
    # Who has a session already goes Django's way.
    long.force_login(other)
    long.force_login(user)
    assert User.objects.get(pk=user.pk).last_login is not None
    times = (sessions.STARTED, sessions.SEEN)
    said, expected = dict(short.session), dict(long.session)
    for key in times:
        assert abs(said.pop(key) - expected.pop(key)) <= 60
    assert said == expected
    name = settings.SESSION_COOKIE_NAME
    cookies = [client.cookies[name] for client in (short, long)]
    assert dict(cookies[0]) == dict(cookies[1])
    assert cookies[0].value != cookies[1].value
    accounts = Session.objects.values_list("account_id", flat=True)
    assert list(accounts) == [user.pk] * 2
    assert short.get("/").wsgi_request.user == user


@pytest.mark.redis
def test_each_worker_has_a_redis_database_of_its_own(redis_url: str, worker_id: str) -> None:
    client = redis.Redis.from_url(redis_url)
    try:
        client.set("worker", worker_id)
        assert client.get("worker") == worker_id.encode()
    finally:
        client.close()


@pytest.mark.postgres
def test_a_test_that_needs_postgresql_runs_on_it() -> None:
    assert connection.vendor == "postgresql"
