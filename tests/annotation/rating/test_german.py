"""The rating page in German: the words are others, codes and stored answers are the same."""

from __future__ import annotations

import gzip
import uuid
from typing import Any

import pytest
from django.utils import translation

from annotation.lifecycle.drafts import get_or_create_draft
from annotation.models import SkipReason, Study
from annotation.queue import EmptyReason
from annotation.rating import skipping, wording
from annotation.rating.markdown import render_markdown
from annotation.rating.views import SKIP_REASONS
from annotation.rating.wire import criteria_for_page
from evalsite.words import script_of
from tests.annotation.rating.conftest import Door
from tests.annotation.rating.test_weight import MOST_BYTES, content_of, files_of
from tests.visible_words import sentences_in

pytestmark = pytest.mark.django_db

GERMAN = {"accept-language": "de"}


def in_both(make: Any) -> tuple[Any, Any]:
    """What `make` says in English and in German."""
    with translation.override("de"):
        german = make()
    return make(), german


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("next", {"want": 99}),
        ("next", "no JSON"),
        ("next", "[]"),
        ("vote", {}),
        ("vote", {"answers": {"overall": "left"}, "assignment": "none"}),
        ("vote", {"answers": {"overall": {"choice": "left", "more": 1}}, "assignment": "none"}),
        ("vote", {"answers": {"overall": "left"}, "assignment": str(uuid.uuid4()), "key": ""}),
        ("skip", {"assignment": str(uuid.uuid4()), "reason": "none"}),
        ("skip", {"assignment": str(uuid.uuid4()), "reason": "other"}),
        ("flag", {"assignment": str(uuid.uuid4()), "reason": "other", "note": "x" * 1001}),
        ("renew", {"held": "none"}),
        ("keys", {"keys": {"skip": "f"}}),
        ("keys", {"keys": {"none": "x"}}),
        ("undo", {"assignment": str(uuid.uuid4())}),
    ],
)
def test_a_refusal_has_the_same_code_and_other_words(door: Door, name: str, body: object) -> None:
    english, german = door.post(name, body), door.post(name, body, **GERMAN)
    assert english.status_code == german.status_code >= 400
    assert english.json()["error"] == german.json()["error"]
    assert english.json().get("field") == german.json().get("field")
    assert english.json()["message"] != german.json()["message"]


def test_refusals_of_a_vote_are_told_in_german(door: Door) -> None:
    (pair, *_) = door.next(want=1)["pairs"]
    vote = {"assignment": pair["id"], "key": str(uuid.uuid4())}
    refused = door.post("vote", {**vote, "answers": {"overall": "both"}}, **GERMAN).json()
    assert refused["message"].startswith("Die Wahl muss eine von diesen sein: left, right")
    assert door.post("vote", {**vote, "answers": {"overall": "left"}}, **GERMAN).status_code == 200
    again = {**vote, "key": str(uuid.uuid4()), "answers": {"overall": "right"}}
    assert door.post("vote", again, **GERMAN).json()["message"] == "Dieses Paar ist schon bewertet."


@pytest.mark.parametrize("reason", list(EmptyReason))
def test_every_reason_for_an_empty_page_is_told_in_german(reason: EmptyReason) -> None:
    english, german = in_both(lambda: [str(text) for text in wording.EMPTY_TEXTS[reason]])
    assert sentences_in(*english) & sentences_in(*german) == set()


def test_an_empty_page_says_so_in_german(door: Door) -> None:
    Study.objects.update(state="paused")
    assert door.post("next", {}, **GERMAN).json()["empty"]["title"] == "Diese Studie pausiert"


def test_answers_reasons_and_durations_are_named_in_german() -> None:
    def said() -> list[str]:
        words = [
            wording.answer_in_words(choice, margin, scale)
            for scale, margins in (("ternary", (None,)), ("five", (1, 2)), ("seven", (1, 2, 3)))
            for margin in margins
            for choice in ("left", "right", "tie", "both_bad")
        ]
        words += [str(SKIP_REASONS[reason]) for reason in SkipReason]
        words += [str(word) for word in wording.CONFIDENCE.values()]
        words += [skipping.no_more_skips(20, 90), skipping.many_skips(8, 12)]
        return [*words, skipping.many_skips(1, 1), wording.time_in_words(0.2)]

    english, german = in_both(said)
    for one, other in zip(english, german, strict=True):
        assert sentences_in(one) & sentences_in(other) == set()


def test_what_stands_for_an_image_is_told_in_the_language_of_the_reader() -> None:
    text = "![a](https://images.example/a.png) ![b](data:x) ![c](x.png)\n\n- [x] one\n- [ ] two"
    english, german = in_both(lambda: str(render_markdown(text)))
    assert "[Image not shown, from images.example: a]" in english
    assert "[Bild nicht gezeigt, von images.example: a]" in german
    assert "from " not in german
    assert 'aria-label="nicht erledigt"' in german
    # The German text was rendered first and kept; it is kept for German alone.
    assert in_both(lambda: str(render_markdown(text))) == (english, german)


def test_the_given_question_is_translated_and_an_own_one_is_not() -> None:
    study = get_or_create_draft("some")

    def asked() -> str:
        return str(criteria_for_page(list(study.criteria.all()))[0]["question"])

    assert in_both(asked) == ("Which response is better?", "Welche Antwort ist besser?")
    study.criteria.update(question="Which is more polite?")
    assert in_both(asked) == ("Which is more polite?", "Which is more polite?")


def test_the_german_page_is_as_light_as_the_english_one(door: Door) -> None:
    page = door.client.get(door.url("page"), headers=GERMAN).content
    pairs = door.post("next", {"want": 2}, **GERMAN).content
    assert b'<script src="/words/de.' in page
    bodies = [page, pairs, script_of("de"), *map(content_of, files_of(page))]
    assert sum(len(gzip.compress(body)) for body in bodies) < MOST_BYTES


def test_the_words_come_before_the_scripts_that_say_them(door: Door) -> None:
    page = door.client.get(door.url("page"), headers=GERMAN).content.decode()
    assert page.index('src="/words/de.') < page.index('src="/static/annotation/rating/page.js')
    assert "/words/" not in door.client.get(door.url("page")).content.decode()
