"""The short way to the annotator who asks opens exactly where the long way does."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NoReturn

import pytest
import time_machine
from django.conf import LazySettings
from django.contrib.auth.backends import ModelBackend
from django.contrib.sessions.backends.base import UpdateError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotation.access.recognising import OF_SESSION_IN_BRIEF
from annotation.models import Annotator, AnnotatorState, Membership, Role, Session, Study, User
from annotation.sessions import SEEN_PRECISION_SECONDS, SessionStore
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def annotator(client: Client) -> Annotator:
    user = factories.make_user()
    client.force_login(user)
    return factories.make_annotator(factories.make_open_study("small"), user)


def ask(client: Client, slug: str = "small") -> Any:
    return client.post(f"/study/{slug}/rate/renew", "{}", content_type="application/json")


def tables(client: Client) -> list[str]:
    """Which tables the queries of one request begin with."""
    with CaptureQueriesContext(connection) as queries:
        ask(client)
    read = [query["sql"] for query in queries if query["sql"].startswith("SELECT")]
    return [sql.split(" FROM ")[1].split(" ")[0].strip('"') for sql in read]


def test_session_account_annotator_and_membership_are_one_query(
    client: Client, annotator: Annotator
) -> None:
    assert ask(client).status_code == 200
    assert tables(client)[0] == "annotation_annotator"
    assert not {"annotation_user", "annotation_session"} & set(tables(client))


def test_whose_session_it_is_is_said_by_its_signed_text(
    client: Client, annotator: Annotator
) -> None:
    other = Client()
    other.force_login(factories.make_user("other"))
    Session.objects.filter(account__username="other").update(account=annotator.user)
    assert ask(client).status_code == 200
    assert ask(other).status_code == 404


def remove(annotator: Annotator) -> None:
    Annotator.objects.filter(pk=annotator.pk).update(state=AnnotatorState.REMOVED)


def end_membership(annotator: Annotator) -> None:
    Membership.objects.filter(study=annotator.study).delete()


def give_another_role(annotator: Annotator) -> None:
    Membership.objects.filter(study=annotator.study).update(role=Role.MONITOR)


def deactivate(annotator: Annotator) -> None:
    User.objects.filter(annotators=annotator).update(is_active=False)


def change_password(annotator: Annotator) -> None:
    user = User.objects.get(annotators=annotator)
    user.set_password("five new words nobody knows")
    user.save()


@pytest.mark.parametrize(
    ("happens", "status"),
    [
        (remove, 403),
        (end_membership, 403),
        (give_another_role, 403),
        (deactivate, 401),
        (change_password, 401),
    ],
)
def test_whatever_ends_the_right_ends_it_at_the_next_request(
    client: Client, annotator: Annotator, happens: Callable[[Annotator], None], status: int
) -> None:
    assert ask(client).status_code == 200
    happens(annotator)
    assert ask(client).status_code == status


def test_a_session_is_good_for_no_other_study(client: Client, annotator: Annotator) -> None:
    other: Study = factories.make_open_study("other")
    factories.make_annotator(other, factories.make_user())
    assert ask(client, "other").status_code == 404
    assert ask(client).status_code == 200


def test_a_backend_that_is_no_longer_used_signs_nobody_in(
    client: Client, annotator: Annotator, settings: LazySettings
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["tests.annotation.test_recognising.AnotherBackend"]
    assert ask(client).status_code == 401


class AnotherBackend(ModelBackend):
    """One that no session was begun with."""


def test_a_session_signed_with_the_former_key_is_renewed(
    client: Client, annotator: Annotator, settings: LazySettings
) -> None:
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "b" * 50
    before = client.session["_auth_user_hash"]
    assert ask(client).status_code == 200
    assert client.session["_auth_user_hash"] != before
    assert "annotation_session" not in tables(client)


@pytest.mark.parametrize(
    ("idle", "steps"), [(timedelta(hours=2), 1), (timedelta(hours=1), 12)], ids=["idle", "old"]
)
def test_an_outlived_session_ends_on_the_short_way_too(
    client: Client, annotator: Annotator, idle: timedelta, steps: int
) -> None:
    client.logout()
    with time_machine.travel(timezone.now(), tick=False) as traveller:
        assert annotator.user is not None
        client.force_login(annotator.user)
        for _ in range(steps):
            assert ask(client).status_code == 200
            traveller.shift(idle)
        assert ask(client).status_code == 401
        assert not Session.objects.exists()


def test_the_short_way_notes_that_the_session_is_used(
    client: Client, annotator: Annotator, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.logout()
    with time_machine.travel(timezone.now(), tick=False) as traveller:
        assert annotator.user is not None
        client.force_login(annotator.user)
        before = Session.objects.get().session_data
        traveller.shift(SEEN_PRECISION_SECONDS)

        def fail(store: SessionStore, must_create: bool = False) -> NoReturn:
            raise UpdateError

        with monkeypatch.context() as patched:
            patched.setattr(SessionStore, "save", fail)
            # What was asked is done, and answered.
            assert ask(client).status_code == 200
        assert Session.objects.get().session_data == before
        assert ask(client).status_code == 200
        assert Session.objects.get().session_data != before


def test_a_page_that_asks_for_no_session_costs_no_query(
    client: Client, annotator: Annotator
) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/healthz").status_code == 200
    assert not [query for query in queries if "session" in query["sql"]]


def test_a_session_whose_text_was_changed_is_none(client: Client, annotator: Annotator) -> None:
    assert ask(client).status_code == 200
    session = Session.objects.get()
    # Its first answer is remembered; another text is another answer.
    session.session_data = session.session_data[:-1] + (
        "A" if session.session_data[-1] != "A" else "B"
    )
    session.save()
    assert ask(client).status_code == 401


def test_a_session_signed_with_a_key_that_was_given_up_is_none(
    client: Client, annotator: Annotator, settings: LazySettings
) -> None:
    assert ask(client).status_code == 200
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "n" * 60, [settings.SECRET_KEY]
    assert SessionStore(client.cookies["session"].value).load()
    settings.SECRET_KEY_FALLBACKS = []
    assert not SessionStore(client.cookies["session"].value).load()


def test_what_a_page_changes_in_a_session_is_not_in_the_next_one(
    client: Client, annotator: Annotator
) -> None:
    key = client.cookies["session"].value
    first = SessionStore(key)
    first["list"] = [1]
    first.save()
    again = SessionStore(key)
    again["list"].append(2)
    assert SessionStore(key)["list"] == [1]


@pytest.mark.postgres
def test_the_prepared_plan_does_not_go_through_everybody() -> None:
    study = factories.make_open_study("small")
    for _ in range(60):
        user = factories.make_user()
        factories.make_annotator(study, user)
        Client().force_login(user)
    statement = OF_SESSION_IN_BRIEF.compiled(connection).statement
    sql = statement.sql
    for number in range(1, len(statement.params) + 1):
        sql = sql.replace("%s", f"${number}", 1)
    key = Session.objects.order_by("session_key").values_list("pk", flat=True)[0]
    given = statement.values(connection, {"key": key, "now": timezone.now(), "slug": "small"})
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        # As it is after some runs on a connection.
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        cursor.execute(f"PREPARE asks AS {sql}")
        places = ", ".join("%s" for _ in given)
        cursor.execute(
            f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE asks ({places})",
            [str(int(value)) if isinstance(value, int) else value for value in given],
        )
        (found,) = cursor.fetchone()
    (plan,) = json.loads(found) if isinstance(found, str) else found
    # Index by index some; a small table may be read whole. With everybody's rows it is hundreds.
    assert plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"] <= 30, plan
