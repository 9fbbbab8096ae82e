"""The frame of the rating page."""

from __future__ import annotations

import json
import re

import pytest
from django.test import Client

from annotation import quality
from annotation.models import Assignment, ReviewOutcome, Role, Study, Vote
from tests import factories
from tests.annotation.rating.conftest import Door


def test_it_shows_the_instructions_and_the_rubric(door: Door, study: Study) -> None:
    study.criteria.update(
        question="Which is better?",
        levels=[{"id": "good", "description": "Helps.", "example": "It says <why>."}],
    )
    page = door.client.get(door.url("page")).content.decode()
    assert "<h1" in page
    assert "A small study" in page
    assert "<strong>fair</strong>" in page
    assert "It says &lt;why&gt;." in page


def test_reading_it_claims_nothing_and_stores_nothing(door: Door) -> None:
    assert door.client.get(door.url("page")).status_code == 200
    assert Assignment.objects.count() == 0
    assert Vote.objects.count() == 0


def test_no_two_of_its_elements_have_one_id(door: Door) -> None:
    # A script that looks for the one finds the other.
    page = door.client.get(door.url("page")).content.decode()
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) > 20
    assert sorted(ids) == sorted(set(ids))


def test_it_holds_no_inline_script_or_style(door: Door) -> None:
    page = door.client.get(door.url("page")).content.decode()
    assert not re.search(r"<style|\sstyle=|\son\w+=", page)
    for opening in re.findall(r"<script[^>]*>", page):
        assert "src=" in opening or 'type="application/json"' in opening
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', page)


def test_its_settings_name_only_the_addresses_and_the_questions(door: Door) -> None:
    page = door.client.get(door.url("page")).content.decode()
    found = re.search(r'<script id="rating-settings"[^>]*>(.*?)</script>', page, re.DOTALL)
    assert found is not None
    settings = json.loads(found[1])
    names = {"urls", "page", "sign_in", "storage", "account", "criteria", "version"}
    assert set(settings) == names | {"answering", "has_reference", "draft", "now", "keys"}
    assert settings["answering"] == {
        "lang": "",
        "rationale": "optional",
        "rationale_min": 0,
        "confidence": "off",
        "tags": [],
        "revise_earlier": False,
        "break_after_minutes": 45,
    }
    assert (settings["draft"], settings["keys"]) == (None, {})
    # A page tells by it whether the questions are still its own.
    assert settings["version"] == door.next()["version"]
    assert re.fullmatch("[0-9a-f]{20}", settings["account"])
    assert settings["criteria"] == [
        {
            "key": "overall",
            "question": "Which response is better?",
            "lang": None,
            "scale": "ternary",
            "both_bad": True,
            "required": True,
        }
    ]


def test_the_name_of_the_browsers_storage_differs_between_people(
    study: Study, door: Door, client: Client
) -> None:
    def storage() -> str:
        page = client.get(door.url("page")).content.decode()
        found = re.search(r'"storage": "(\w+)"', page)
        assert found is not None
        return found[1]

    first = storage()
    other = factories.make_user()
    factories.make_annotator(study, other)
    client.force_login(other)
    assert storage() != first


def test_a_visitor_is_sent_to_sign_in_and_back(study: Study) -> None:
    response = Client().get(f"/study/{study.slug}/rate/")
    assert response.status_code == 302
    assert response.headers["Location"].endswith(f"?next=/study/{study.slug}/rate/")


def test_a_researcher_is_told_that_the_page_is_not_theirs(study: Study, client: Client) -> None:
    user = factories.make_user()
    factories.make_membership(study, user=user)
    client.force_login(user)
    response = client.get(f"/study/{study.slug}/rate/")
    assert response.status_code == 403
    assert "You may not open this page" in response.content.decode()


def test_an_outsider_gets_the_same_page_as_for_a_study_that_does_not_exist(
    study: Study, client: Client
) -> None:
    user = factories.make_user()
    client.force_login(user)
    there = client.get(f"/study/{study.slug}/rate/")
    nowhere = client.get("/study/nowhere/rate/")
    assert there.status_code == nowhere.status_code == 404
    token = r'value="\w{64}"'
    assert re.sub(token, "", there.content.decode()) == re.sub(token, "", nowhere.content.decode())


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_it_is_only_read(door: Door, method: str) -> None:
    assert getattr(door.client, method)(door.url("page")).status_code == 405


def test_no_cache_keeps_it(door: Door) -> None:
    headers = door.client.get(door.url("page")).headers
    assert headers["Cache-Control"] == "no-store, private"
    assert "ETag" not in headers
    assert "Last-Modified" not in headers


TOLD = "They are left out of the results"


def test_whoever_owns_the_study_is_told_that_their_votes_do_not_count(
    door: Door, study: Study
) -> None:
    assert TOLD not in door.client.get(door.url("page")).content.decode()
    factories.make_membership(study, Role.RESEARCHER, door.annotator.user)
    assert TOLD not in door.client.get(door.url("page")).content.decode()
    factories.make_membership(study, Role.OWNER, door.annotator.user)
    page = door.client.get(door.url("page")).content.decode()
    assert TOLD in page
    assert "own_votes.js" in page
    german = door.client.get(door.url("page"), headers={"accept-language": "de"})
    assert "In die Ergebnisse gehen sie nicht ein" in german.content.decode()


def test_an_owner_whose_votes_count_is_told_nothing(door: Door, study: Study) -> None:
    factories.make_membership(study, Role.OWNER, door.annotator.user)
    quality.review(door.annotator, ReviewOutcome.COUNT_OWN, "We know.")
    assert TOLD not in door.client.get(door.url("page")).content.decode()
