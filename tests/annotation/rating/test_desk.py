"""Answers begun and keys of one's own, found again on any device."""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path
from typing import Any

import pytest

from annotation.lifecycle.rubric import MOST_CRITERIA
from annotation.models import Draft, KeyMap, Vote
from annotation.rating.desk import GIVEN_KEYS, KeysRefused, check_keys
from annotation.voting.answers import MAX_ANSWERS
from tests import factories
from tests.annotation.rating.conftest import Door

NOON = 1_700_000_000_000  # milliseconds, long before these tests run
KEYS_SCRIPT = Path("annotation/static/annotation/rating/keymap.js")


def settings_of(door: Door) -> dict[str, Any]:
    page = door.client.get(door.url("page")).content.decode()
    found = re.search(r'<script id="rating-settings"[^>]*>(.*?)</script>', page, re.DOTALL)
    assert found is not None
    settings: dict[str, Any] = json.loads(found[1])
    return settings


def begun(pair: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "assignment": pair["id"],
        "answers": {"overall": {"choice": "left", "margin": None}},
        "rationale": "half a",
        "tags": ["tone"],
        "confidence": 0.5,
        "written_at": NOON,
        **more,
    }


# -- drafts ----------


def test_an_answer_begun_is_on_the_page_again(door: Door) -> None:
    [pair, _] = door.next()["pairs"]
    assert door.post("draft", begun(pair)).json() == {"kept": True}
    assert settings_of(door)["draft"] == begun(pair)


def test_the_newest_replaces_what_was_begun_before(door: Door) -> None:
    first, second = door.next()["pairs"]
    door.post("draft", begun(first))
    door.post("draft", begun(second, answers={}, rationale="other"))
    assert Draft.objects.count() == 1
    assert settings_of(door)["draft"]["rationale"] == "other"


NOTHING: dict[str, Any] = {"answers": {}, "rationale": "", "tags": [], "confidence": None}


def test_nothing_takes_back_what_was_begun_on_this_pair_alone(door: Door) -> None:
    first, second = door.next()["pairs"]
    door.post("draft", begun(first))
    door.post("draft", begun(second, **NOTHING))
    assert settings_of(door)["draft"] == begun(first)
    assert door.post("draft", begun(first, **NOTHING)).json() == {"kept": True}
    assert settings_of(door)["draft"] is None
    assert Draft.objects.get().rationale == ""


def test_something_older_does_not_replace_what_is_newer(door: Door) -> None:
    first, second = door.next()["pairs"]
    newer = begun(first, rationale="newer", written_at=NOON + 1)
    door.post("draft", newer)
    for older in (begun(first), begun(second), begun(first, **NOTHING)):
        assert door.post("draft", older).json() == {"kept": False, "draft": newer}
    assert settings_of(door)["draft"] == newer
    assert door.post("draft", newer).json() == {"kept": True}


def test_what_was_taken_back_does_not_come_back_late(door: Door) -> None:
    [pair, _] = door.next()["pairs"]
    door.post("draft", begun(pair, written_at=NOON + 1, **NOTHING))
    assert door.post("draft", begun(pair)).json() == {"kept": False, "draft": None}
    assert settings_of(door)["draft"] is None


def test_a_draft_of_a_pair_that_was_answered_is_in_nobodys_way(door: Door) -> None:
    first, second = door.next()["pairs"]
    door.post("draft", begun(first, written_at=NOON + 1))
    answers = {"overall": {"choice": "left", "margin": None}}
    door.post("vote", {"assignment": first["id"], "key": str(uuid.uuid4()), "answers": answers})
    assert door.post("draft", begun(second)).json() == {"kept": True}
    assert settings_of(door)["draft"] == begun(second)


def test_a_clock_that_is_ahead_keeps_nothing_out(door: Door) -> None:
    [pair, _] = door.next()["pairs"]
    door.post("draft", begun(pair, written_at=NOON * 2))
    later = begun(pair, rationale="later")
    del later["written_at"]  # now
    assert door.post("draft", later).json() == {"kept": True}
    assert settings_of(door)["draft"]["rationale"] == "later"


def test_a_pair_that_was_answered_has_no_draft(door: Door) -> None:
    [pair, _] = door.next()["pairs"]
    door.post("draft", begun(pair))
    answers = {"overall": {"choice": "left", "margin": None}}
    body = {"assignment": pair["id"], "key": str(uuid.uuid4()), "answers": answers}
    assert door.post("vote", body).status_code == 200
    assert settings_of(door)["draft"] is None
    assert door.post("draft", begun(pair)).json() == {"kept": False, "draft": None}


UNSTORABLE = ["\0", "a\0b", "\ud800", "x\udfff"]


@pytest.mark.parametrize("address", ["draft", "vote"])
@pytest.mark.parametrize("text", [*UNSTORABLE, "k" * 65])
def test_answers_that_no_database_keeps_are_refused(door: Door, address: str, text: str) -> None:
    [pair, _] = door.next()["pairs"]
    left = {"choice": "left", "margin": None}
    for answers, field in (
        ({text: left}, "answers"),
        ({"overall": left, text: "left"}, "answers"),
        ({"overall": text}, "overall"),
        ({"overall": {"choice": text, "margin": None}}, "overall"),
    ):
        body = begun(pair, answers=answers, tags=[], confidence=None, key=str(uuid.uuid4()))
        refused = door.post(address, body)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_answers")
        assert refused.json()["field"] == field
    assert not Draft.objects.exists()
    assert not Vote.objects.exists()


@pytest.mark.parametrize("address", ["draft", "vote"])
def test_more_answers_than_a_study_can_ask_are_refused(door: Door, address: str) -> None:
    [pair, _] = door.next()["pairs"]
    answers = {f"c{number}": "left" for number in range(MAX_ANSWERS + 1)}
    body = begun(pair, answers=answers, tags=[], confidence=None, key=str(uuid.uuid4()))
    refused = door.post(address, body)
    assert (refused.status_code, refused.json()["field"]) == (400, "answers")
    assert not Draft.objects.exists()
    assert MOST_CRITERIA < MAX_ANSWERS


def test_nobody_keeps_a_draft_of_somebody_elses_pair(door: Door) -> None:
    assignment = factories.make_assignment(factories.make_comparison(door.annotator.study))
    answer = door.post("draft", begun({"id": str(assignment.public_id)}))
    assert answer.json() == {"kept": False, "draft": None}
    assert not Draft.objects.exists()


@pytest.mark.parametrize(
    "more",
    [
        {"answers": {"overall": 5}},
        {"answers": []},
        {"answers": None},
        {"rationale": "x" * 10_001},
        {"rationale": "\0"},
        {"tags": ["x" * 65]},
        {"tags": "tone"},
        {"tags": [5]},
        {"confidence": 2},
        {"confidence": "sure"},
        {"confidence": True},
        {"assignment": "x"},
        {"written_at": -1},
        {"written_at": 10**15},
        {"written_at": True},
        {"written_at": "now"},
    ],
)
def test_a_draft_of_the_wrong_form_is_refused(door: Door, more: dict[str, Any]) -> None:
    [pair, _] = door.next()["pairs"]
    assert door.post("draft", begun(pair, **more)).status_code == 400
    assert not Draft.objects.exists()


# -- keys ----------


def test_own_keys_are_on_the_page_again_and_given_ones_are_not_kept(door: Door) -> None:
    answer = door.post("keys", {"keys": {"skip": "x", "flag": "f", "answer_1": "q"}})
    assert answer.json() == {"keys": {"skip": "x", "answer_1": "q"}}
    assert settings_of(door)["keys"] == {"skip": "x", "answer_1": "q"}
    assert door.post("keys", {"keys": {}}).json() == {"keys": {}}
    assert not KeyMap.objects.exists()


def test_two_commands_can_exchange_their_keys(door: Door) -> None:
    assert door.post("keys", {"keys": {"skip": "f", "flag": "s"}}).status_code == 200


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"skip": "f"}, "f would do two things: skip and flag"),
        ({"skip": "f", "flag": "f"}, "two things"),
        ({"answer_1": "2"}, "two things"),
        ({"jump": "j"}, "no command"),
        ({"skip": "Enter"}, "one character"),
        ({"skip": " "}, "one character"),
        ({"skip": ""}, "one character"),
        ({"skip": "X"}, "one character"),
        ({"skip": "\u200b"}, "one character"),
    ],
)
def test_keys_that_do_not_work_together_are_refused_with_words(
    door: Door, keys: dict[str, str], words: str
) -> None:
    answer = door.post("keys", {"keys": keys})
    assert answer.status_code == 409
    assert answer.json()["error"] == "keys_refused"
    with pytest.raises(KeysRefused, match=words):
        check_keys(keys)
    assert not KeyMap.objects.exists()


def test_the_given_keys_are_those_of_the_page() -> None:
    script = KEYS_SCRIPT.read_text(encoding="utf-8")
    block = re.search(r"export const GIVEN = \{(.*?)\};", script, re.DOTALL)
    assert block is not None
    letters = dict(re.findall(r'(\w+): "(.)"', block[1]))
    assert {**letters, **{f"answer_{n}": str(n) for n in range(10)}} == GIVEN_KEYS
