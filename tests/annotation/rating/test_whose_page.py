"""A page that stayed open while somebody else signed in in the same browser."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from annotation.models import (
    Annotator,
    AnnotatorState,
    Assignment,
    AuditEntry,
    Flag,
    Study,
    User,
    Vote,
)
from annotation.rating.whose_page import HEADER, account_name
from tests import factories
from tests.annotation.rating.conftest import Door

EDGES = ["next", "vote", "skip", "flag", "renew", "undo"]


def sign_in_another(door: Door, study: Study, part: str) -> User:
    """Somebody else takes over the browser of the door's annotator."""
    other = factories.make_user()
    if part == "annotator":
        factories.make_annotator(study, other)
    elif part == "member":
        factories.make_membership(study, user=other)
    door.client.force_login(other)
    return other


def name_of(door: Door) -> str:
    assert door.annotator.user is not None
    return account_name(door.annotator.user)


def body_for(pair: dict[str, Any]) -> dict[str, Any]:
    """Good for every address: each reads what it needs."""
    return {
        "assignment": pair["id"],
        "key": str(uuid.uuid4()),
        "answers": {"overall": {"choice": "left", "margin": None}},
        "reason": "other",
    }


@pytest.mark.parametrize("part", ["annotator", "member", "none"])
@pytest.mark.parametrize("name", EDGES)
def test_nothing_is_done_for_a_page_of_another_account(
    door: Door, study: Study, name: str, part: str
) -> None:
    pair = door.next()["pairs"][0]
    events, held = AuditEntry.objects.count(), list(Assignment.objects.order_by("pk").values())
    sign_in_another(door, study, part)
    refused = door.post(name, body_for(pair), **{HEADER: name_of(door)})
    assert refused.status_code == 401
    assert set(refused.json()) == {"error", "message", "stored"}
    assert (refused.json()["error"], refused.json()["stored"]) == ("other_account", False)
    assert not Vote.objects.exists()
    assert not Flag.objects.exists()
    assert AuditEntry.objects.count() == events
    assert list(Assignment.objects.order_by("pk").values()) == held


@pytest.mark.parametrize("part", ["annotator", "member", "none"])
def test_a_page_of_another_account_gets_no_token(door: Door, study: Study, part: str) -> None:
    sign_in_another(door, study, part)
    refused = door.client.get(door.url("session"), headers={HEADER: name_of(door)})
    assert (refused.status_code, refused.json()["error"]) == (401, "other_account")
    assert "csrf" not in refused.json()


def test_the_refusal_does_not_tell_whether_a_study_exists(door: Door, study: Study) -> None:
    sign_in_another(door, study, "none")
    headers = {HEADER: name_of(door)}
    there = door.post("next", **headers)
    nowhere = door.client.post(
        "/study/nowhere/rate/next", "{}", content_type="application/json", headers=headers
    )
    assert (there.status_code, there.content) == (nowhere.status_code, nowhere.content)


@pytest.mark.parametrize("named", ["", "0" * 20, "\u00e9", "x" * 500])
def test_a_name_of_nobody_is_that_of_somebody_else(door: Door, named: str) -> None:
    refused = door.post("next", **{HEADER: named})
    assert (refused.status_code, refused.json()["error"]) == (401, "other_account")


def test_the_same_request_is_taken_when_its_author_is_back(door: Door, study: Study) -> None:
    pair = door.next()["pairs"][0]
    body, headers = body_for(pair), {HEADER: name_of(door)}
    sign_in_another(door, study, "annotator")
    assert door.post("vote", body, **headers).status_code == 401
    assert door.annotator.user is not None
    door.client.force_login(door.annotator.user)
    assert door.post("vote", body, **headers).json()["stored"] is True
    assert Vote.objects.get().annotator == door.annotator


@pytest.mark.parametrize("name", EDGES)
def test_a_page_of_nobody_who_is_signed_in_is_told_to_sign_in(door: Door, name: str) -> None:
    door.client.logout()
    refused = door.post(name, **{HEADER: name_of(door)})
    assert (refused.status_code, refused.json()["error"]) == (401, "sign_in_required")


def test_the_own_page_of_a_removed_annotator_learns_the_true_reason(door: Door) -> None:
    Annotator.objects.filter(pk=door.annotator.pk).update(state=AnnotatorState.REMOVED)
    refused = door.post("next", **{HEADER: name_of(door)})
    assert (refused.status_code, refused.json()["error"]) == (403, "forbidden")


def test_a_page_outlives_a_change_of_the_secret_key(door: Door, settings: LazySettings) -> None:
    named, former = name_of(door), settings.SECRET_KEY
    settings.SECRET_KEY = "another key, long enough to be one, for this test only, 0123456789"
    settings.SECRET_KEY_FALLBACKS = [former]
    assert name_of(door) != named
    assert door.post("next", **{HEADER: named}).status_code == 200


def test_the_name_of_an_account_holds_nothing_of_it(db: None, client: Client) -> None:
    first, second = factories.make_user("ines"), factories.make_user("jan")
    assert account_name(first) == account_name(User.objects.get(pk=first.pk))
    assert account_name(first) != account_name(second)
    assert str(first.pk) != account_name(first)
    client.force_login(first)
    home = client.get("/").content.decode()
    assert f'data-account="{account_name(first)}"' in home
