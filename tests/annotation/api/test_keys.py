"""Keys of scripts: what they open, for how long, and that nobody reads them anywhere."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotation import people
from annotation.api.tokens import (
    MARK,
    MOST_LIVE,
    Scope,
    TokenRefusedError,
    issue_token,
    revoke_token,
)
from annotation.models import ApiToken, AuditEntry, Membership, Role
from tests import factories
from tests.annotation.api.calling import Caller, caller, member
from tests.pages import text_of

pytestmark = pytest.mark.django_db


def test_only_the_hash_of_a_key_is_stored():
    issued = issue_token(factories.make_user(), "nightly", [Scope.READ])
    assert issued.secret.startswith(MARK)
    assert issued.secret[10:] not in str(list(ApiToken.objects.values()))
    assert issued.secret[10:] not in str(list(AuditEntry.objects.values()))


def test_a_key_is_as_strong_as_its_owner_is_now():
    study = factories.make_open_study()
    user = factories.make_membership(study, Role.OWNER).user
    key = caller(user)
    assert key.get(f"studies/{study.slug}/members").status_code == 200
    Membership.objects.filter(user=user).delete()
    assert key.get(f"studies/{study.slug}/members").status_code == 404
    user.is_active = False
    user.save()
    assert key.get("studies").status_code == 401


def owner_of(study) -> int:
    return Membership.objects.get(study=study, role=Role.OWNER).user_id


@pytest.mark.parametrize("scope", list(Scope))
def test_a_key_does_what_its_scopes_say(scope):
    study = factories.make_open_study(rules={"answering": {"by_script": True}})
    key = member(study, Role.OWNER, scope)
    assert (key.get(f"studies/{study.slug}").status_code == 200) is (scope == Scope.READ)
    rater = member(study, Role.ANNOTATOR, scope)
    answer = key.send("PUT", f"studies/{study.slug}/members/{owner_of(study)}/team", {"team": "A"})
    assert (answer.status_code == 200) is (scope == Scope.WRITE)
    pairs = rater.post(f"studies/{study.slug}/annotate/next")
    assert (pairs.status_code == 200) is (scope == Scope.ANNOTATE)
    if scope != Scope.ANNOTATE:
        assert pairs.status_code == 403
        assert "annotate" in pairs.json()["detail"]


def test_a_key_of_one_study_knows_of_no_other():
    first, second = factories.make_open_study(), factories.make_open_study()
    user = factories.make_membership(first, Role.OWNER).user
    factories.make_membership(second, Role.OWNER, user)
    key = caller(user, study=first)
    assert [row["slug"] for row in key.get("studies").json()["results"]] == [first.slug]
    assert key.get(f"studies/{first.slug}").status_code == 200
    assert key.get(f"studies/{second.slug}").status_code == 404
    assert key.post("studies", {"slug": "third"}).status_code == 403


def test_keys_end():
    user = factories.make_user()
    issued = issue_token(user, "a", [Scope.READ], days=2)
    key = Caller(issued.secret)
    assert key.get("studies").status_code == 200
    with time_machine.travel(timezone.now() + timedelta(days=3), tick=False):
        assert key.get("studies").status_code == 401
    revoke_token(user, issued.token.pk)
    assert key.get("studies").status_code == 401
    with pytest.raises(TokenRefusedError):
        revoke_token(user, issued.token.pk)


def test_a_new_password_revokes_every_key_of_the_account_and_no_other():
    user, other = factories.make_user(), factories.make_user()
    kept = Caller(issue_token(other, "kept", [Scope.READ]).secret)
    browser = Client()
    browser.force_login(user)
    first, second = "an entirely new sentence", "another sentence altogether"

    def change():
        sent = {"present": factories.PASSWORD, "password": first, "repeated": first}
        return browser.post("/password/", sent)

    def reset():
        link = people.issue_set_password_link(user)
        return Client().post(f"/invitation/{link.token}/", {"password": second, "repeated": second})

    for act in (change, reset):
        bound = factories.make_membership(factories.make_open_study(), Role.OWNER, user).study
        keys = [caller(user, Scope.READ), caller(user, Scope.READ, study=bound)]
        assert [key.get("studies").status_code for key in keys] == [200, 200]
        assert act().status_code == 302
        assert [key.get("studies").status_code for key in keys] == [401, 401]
        assert AuditEntry.objects.filter(action="password.set").latest("pk").detail[
            "tokens_revoked"
        ] == len(keys)
    assert kept.get("studies").status_code == 200
    assert caller(user, Scope.READ).get("studies").status_code == 200


def test_nobody_ends_the_key_of_another():
    issued = issue_token(factories.make_user(), "a", [Scope.READ])
    with pytest.raises(TokenRefusedError):
        revoke_token(factories.make_user(), issued.token.pk)
    assert Caller(issued.secret).get("studies").status_code == 200


@pytest.mark.parametrize(
    "secret", ["", "evs_", "evs_" + "x" * 43, "evs_" + "\u00e9" * 43, "x" * 100_000]
)
def test_what_is_no_key_is_refused_alike(secret):
    answer = Caller(secret).get("studies")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json()["type"] == "urn:evalsite:problem:authentication_failed"


def test_the_use_of_a_key_is_noted_once_a_minute(django_assert_num_queries):
    key = caller(factories.make_user(), Scope.READ)
    key.get("studies")
    noted = ApiToken.objects.get().last_used_at
    assert noted is not None
    key.get("studies")
    assert ApiToken.objects.get().last_used_at == noted


def test_a_key_stands_in_no_log(caplog):
    key = caller(factories.make_user())
    with caplog.at_level(logging.DEBUG):
        key.get("studies")
        key.get("studies/none")
        key.post("studies", {"slug": "X X"})
        Caller(key.secret[:-1] + "_").get("studies")
    assert key.secret not in caplog.text
    assert key.secret[10:-1] not in caplog.text


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": ""}, "name"),
        ({"name": "n" * 81}, "name"),
        ({"scopes": []}, "what the key may do"),
        ({"days": 0}, "1 to 365"),
        ({"days": 366}, "1 to 365"),
    ],
)
def test_a_key_that_cannot_be(given, said):
    values = {"name": "a", "scopes": [Scope.READ], "days": 1, **given}
    with pytest.raises(TokenRefusedError, match=said):
        issue_token(factories.make_user(), values["name"], values["scopes"], days=values["days"])


def test_nobody_has_keys_without_end():
    user = factories.make_user()
    for _ in range(MOST_LIVE):
        issue_token(user, "a", [Scope.READ])
    with pytest.raises(TokenRefusedError, match="50 keys"):
        issue_token(user, "a", [Scope.READ])


def test_the_page_makes_a_key_shows_it_once_and_ends_it():
    user = factories.make_user()
    client = Client()
    client.force_login(user)
    url = reverse("keys:tokens")
    made = text_of(client.post(url, {"name": "nightly", "scopes": ["read"], "days": "30"}))
    token = ApiToken.objects.get()
    assert token.prefix in made
    secret = made.split('id="secret"')[1].split('value="')[1].split('"')[0]
    assert Caller(secret).get("studies").status_code == 200
    assert secret not in text_of(client.get(url))
    client.post(reverse("keys:revoke", kwargs={"token": token.pk}))
    assert Caller(secret).get("studies").status_code == 401
    bad = client.post(url, {"name": "", "days": "30"})
    assert bad.status_code == 422


def test_a_session_needs_the_csrf_token_and_a_key_none():
    study = factories.make_open_study()
    user = factories.make_membership(study, Role.OWNER).user
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    path = f"/api/v1/studies/{study.slug}"
    assert client.get(path).status_code == 200
    assert client.post(f"{path}/pause", "{}", content_type="application/json").status_code == 403
    key = caller(user)
    key.client = Client(enforce_csrf_checks=True)
    assert key.post(f"studies/{study.slug}/pause").status_code == 200
