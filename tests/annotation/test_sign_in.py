"""Signing in and out: limits, equal answers, and how long a session lasts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine
from django.conf import settings
from django.http import HttpRequest
from django.test import Client, RequestFactory, override_settings
from django.utils import timezone

from annotation.accounts.networks import client_network
from annotation.models import Session, User
from annotation.sessions import SEEN_PRECISION_SECONDS
from annotation.tasks import forget_ended_sessions
from tests import factories
from tests.pages import text_of

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as ClientResponse

pytestmark = pytest.mark.django_db

WRONG = "not the password"


def attempt(
    client: Client, username: str, password: str = WRONG, address: str = "192.0.2.7"
) -> ClientResponse:
    return client.post(
        "/sign-in/", {"username": username, "password": password}, REMOTE_ADDR=address
    )


def test_the_right_password_leads_home(client: Client) -> None:
    user = factories.make_user("alice")
    response = attempt(client, "alice", factories.PASSWORD)
    assert (response.status_code, response["Location"]) == (302, "/")
    assert client.session["_auth_user_id"] == str(user.pk)


def test_signing_in_leads_to_the_page_that_was_asked_for(client: Client) -> None:
    factories.make_user("alice")
    page = client.get("/sign-in/?next=/admin/")
    assert 'name="next" value="/admin/"' in text_of(page)
    data = {"username": "alice", "password": factories.PASSWORD, "next": "/admin/"}
    assert client.post("/sign-in/", data)["Location"] == "/admin/"


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example"]
)
def test_signing_in_never_leads_to_another_site(client: Client, target: str) -> None:
    factories.make_user("alice")
    data = {"username": "alice", "password": factories.PASSWORD, "next": target}
    assert client.post("/sign-in/", data)["Location"] == "/"


def test_someone_signed_in_is_led_on(client: Client) -> None:
    client.force_login(factories.make_user())
    assert client.get("/sign-in/")["Location"] == "/"


def test_another_may_sign_in_in_place_of_who_is_signed_in(client: Client) -> None:
    client.force_login(factories.make_user("alice"))
    bob = factories.make_user("bob")
    page = client.get("/sign-in/?another=1&next=/password/")
    assert page.status_code == 200
    assert "alice is signed in on this browser now" in text_of(page)
    assert client.session["_auth_user_id"] != str(bob.pk)
    sent = {"username": "bob", "password": factories.PASSWORD, "next": "/password/"}
    response = client.post("/sign-in/?another=1&next=/password/", sent)
    assert (response.status_code, response["Location"]) == (302, "/password/")
    assert client.session["_auth_user_id"] == str(bob.pk)


def test_labels_have_no_colon(client: Client) -> None:
    page = text_of(client.get("/sign-in/"))
    assert ">Name</label>" in page
    assert ">Password</label>" in page


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(client: Client) -> None:
    factories.make_user("alice")
    factories.make_user("blocked", is_active=False)
    known = attempt(client, "alice")
    unknown = attempt(client, "nobody")
    blocked = attempt(client, "blocked", factories.PASSWORD)
    assert known.status_code == unknown.status_code == blocked.status_code == 422
    assert "name or the password is wrong" in text_of(known)
    assert (
        text_of(known).replace("alice", "?")
        == text_of(unknown).replace("nobody", "?")
        == text_of(blocked).replace("blocked", "?")
    )


@pytest.mark.parametrize("username", ["alice", "nobody"])
def test_five_wrong_passwords_block_the_name_there_for_15_minutes(
    client: Client, username: str
) -> None:
    factories.make_user("alice")
    statuses = [attempt(client, username).status_code for _ in range(5)]
    assert statuses == [422, 422, 422, 422, 429]
    blocked = attempt(client, username, factories.PASSWORD)
    assert blocked.status_code == 429
    assert blocked["Retry-After"] == "900"
    assert "blocked from here for 15 minutes" in text_of(blocked)
    assert "_auth_user_id" not in client.session


def test_after_15_minutes_the_right_password_works_again(client: Client) -> None:
    factories.make_user("alice")
    for _ in range(6):
        attempt(client, "alice")
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        assert attempt(client, "alice", factories.PASSWORD).status_code == 302


def test_a_block_does_not_reach_other_names_or_networks(client: Client) -> None:
    for name in ("alice", "bob"):
        factories.make_user(name)
    for _ in range(6):
        attempt(client, "alice")
    assert attempt(client, "bob", factories.PASSWORD).status_code == 302
    client.logout()
    assert attempt(client, "alice", factories.PASSWORD, "198.51.100.1").status_code == 302


def test_moving_within_a_network_or_spelling_the_name_otherwise_lifts_no_block(
    client: Client,
) -> None:
    factories.make_user("alice")
    for number in range(5):
        attempt(client, "ALICE" if number % 2 else " alice", address=f"192.0.2.{number}")
    assert attempt(client, "alice", factories.PASSWORD, "192.0.2.99").status_code == 429


def test_signing_in_forgets_the_wrong_attempts_before(client: Client) -> None:
    factories.make_user("alice")
    for _ in range(3):
        for _ in range(4):
            assert attempt(client, "alice").status_code == 422
        assert attempt(client, "alice", factories.PASSWORD).status_code == 302
        client.logout()


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.200", "192.0.2.0"),
        ("::ffff:192.0.2.200", "192.0.2.0"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("", None),
        ("unix:", None),
    ],
)
def test_limits_count_networks_not_addresses(address: str, network: str | None) -> None:
    request = RequestFactory().get("/", REMOTE_ADDR=address)
    assert client_network(request) == network


def test_behind_a_proxy_its_own_entry_counts_and_not_what_the_client_claims() -> None:
    request: HttpRequest = RequestFactory().get(
        "/", headers={"x-forwarded-for": "10.0.0.1, 203.0.113.9"}, REMOTE_ADDR="127.0.0.1"
    )
    assert client_network(request) == "127.0.0.0"
    with override_settings(BEHIND_TLS_PROXY=True):
        assert client_network(request) == "203.0.113.0"


def test_signing_out_needs_a_post_and_ends_the_session(client: Client) -> None:
    client.force_login(factories.make_user())
    assert client.get("/sign-out/").status_code == 405
    assert "_auth_user_id" in client.session
    assert client.post("/sign-out/")["Location"] == "/sign-in/"
    assert "_auth_user_id" not in client.session
    assert "You are signed out" in text_of(client.get("/sign-in/"))


def test_forms_need_a_token() -> None:
    strict = Client(enforce_csrf_checks=True)
    for url in ("/sign-in/", "/sign-out/"):
        assert strict.post(url).status_code == 403


def test_signing_in_changes_the_session_key(client: Client) -> None:
    factories.make_user("alice")
    client.get("/sign-in/")
    attempt(client, "alice", factories.PASSWORD)
    first = client.session.session_key
    client.post("/sign-out/")
    attempt(client, "alice", factories.PASSWORD)
    assert client.session.session_key != first
    assert not Session.objects.filter(session_key=first).exists()


def test_a_session_ends_after_two_hours_without_a_request(client: Client) -> None:
    start = timezone.now()
    with time_machine.travel(start, tick=False) as traveller:
        client.force_login(factories.make_user())
        traveller.shift(timedelta(hours=2) - timedelta(seconds=1))
        assert client.get("/").status_code == 200
        traveller.shift(timedelta(hours=2))
        assert client.get("/").status_code == 302
        assert "_auth_user_id" not in client.session


def test_a_session_ends_after_twelve_hours_whatever_happens(client: Client) -> None:
    start = timezone.now()
    with time_machine.travel(start, tick=False) as traveller:
        client.force_login(factories.make_user())
        for _ in range(11):
            traveller.shift(timedelta(hours=1))
            assert client.get("/").status_code == 200
        traveller.shift(timedelta(hours=1))
        assert client.get("/").status_code == 302


def test_an_outlived_session_is_gone_for_good(client: Client) -> None:
    start = timezone.now()
    with time_machine.travel(start, tick=False) as traveller:
        client.force_login(factories.make_user())
        traveller.shift(timedelta(hours=3))
        client.get("/")
        traveller.shift(-timedelta(hours=2))
        assert client.get("/").status_code == 302
        assert not Session.objects.exists()


def test_a_session_names_its_account(client: Client) -> None:
    user = factories.make_user()
    client.force_login(user)
    assert Session.objects.get().account == user


def test_sessions_that_are_over_are_forgotten(client: Client) -> None:
    with time_machine.travel(timezone.now(), tick=False) as traveller:
        client.force_login(factories.make_user())
        traveller.shift(timedelta(hours=13))
        other = Client()
        other.force_login(factories.make_user("other"))
        forget_ended_sessions()
        assert [session.account.username for session in Session.objects.all()] == ["other"]


def test_requests_in_quick_succession_do_not_write_the_session(client: Client) -> None:
    with time_machine.travel(timezone.now(), tick=False) as traveller:
        client.force_login(factories.make_user())
        before = Session.objects.get().session_data
        traveller.shift(timedelta(seconds=SEEN_PRECISION_SECONDS - 1))
        client.get("/")
        assert Session.objects.get().session_data == before
        traveller.shift(timedelta(seconds=1))
        client.get("/")
        assert Session.objects.get().session_data != before


def test_a_session_without_its_times_is_not_trusted(client: Client) -> None:
    client.force_login(factories.make_user())
    session = client.session
    del session["started_at"]
    session.save()
    assert client.get("/").status_code == 302


def test_a_blocked_account_is_out_at_the_next_request(client: Client) -> None:
    user = factories.make_user()
    client.force_login(user)
    assert client.get("/").status_code == 200
    user.is_active = False
    user.save()
    assert client.get("/").status_code == 302


def test_there_is_no_sign_up_and_no_account_to_begin_with(client: Client) -> None:
    assert not User.objects.exists()
    for url in ("/sign-up/", "/register/", "/accounts/signup/"):
        assert client.get(url).status_code == 404


def test_the_session_cookie_is_for_this_host_only_and_hidden_from_scripts(client: Client) -> None:
    factories.make_user("alice")
    attempt(client, "alice", factories.PASSWORD)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    assert cookie["httponly"] is True
    assert cookie["samesite"] == "Lax"
    assert cookie["domain"] == ""
    assert int(cookie["max-age"]) == 12 * 60 * 60


def test_changing_the_password_ends_all_other_sessions(client: Client) -> None:
    user = factories.make_user("alice")
    other = Client()
    for browser in (client, other):
        browser.force_login(user)
    new = "an entirely new sentence"
    data = {"present": factories.PASSWORD, "password": new, "repeated": new}
    assert client.post("/password/", data)["Location"] == "/"
    assert "Your password is changed" in text_of(client.get("/"))
    assert other.get("/").status_code == 302
    assert attempt(Client(), "alice", new).status_code == 302


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"present": WRONG}, "not your present password"),
        ({"password": "short", "repeated": "short"}, "too short"),
        ({"repeated": "another sentence altogether"}, "differ"),
    ],
)
def test_a_password_is_not_changed_without_the_present_one_or_to_a_weak_one(
    client: Client, changes: dict[str, str], message: str
) -> None:
    user = factories.make_user()
    client.force_login(user)
    new = "an entirely new sentence"
    data = {"present": factories.PASSWORD, "password": new, "repeated": new, **changes}
    response = client.post("/password/", data)
    assert response.status_code == 422
    assert message in text_of(response)
    user.refresh_from_db()
    assert user.check_password(factories.PASSWORD)


def test_an_account_without_a_password_is_told_how_to_get_one(client: Client) -> None:
    user = factories.make_user()
    user.set_unusable_password()
    user.save()
    client.force_login(user)
    assert "has no password" in text_of(client.get("/password/"))
