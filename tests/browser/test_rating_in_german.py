"""Rating in German: no word of English on the page or read out, and no box too small."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from annotation.models import Vote
from tests import factories
from tests.browser.rating_desk import Desk, make_small_study, set_scale
from tests.browser.watching import accessibility_faults
from tests.catalogues import catalogue_paths, read_catalogue
from tests.visible_words import sentences_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DeskFor = Callable[..., Desk]

GERMAN = {"locale": "de-DE", "welcomed": False}
PHONE = {"viewport": {"width": 360, "height": 740}}

# All that is written or read out, but for the names of keys and the texts of the study.
WORDS = """() => {
  const copy = document.body.cloneNode(true);
  copy
    .querySelectorAll("script, style, kbd, .prompt__body, .response__text")
    .forEach((e) => e.remove());
  const said = [...copy.querySelectorAll("[aria-label], [title]")]
    .flatMap((e) => [e.getAttribute("aria-label"), e.getAttribute("title")]);
  const walker = document.createTreeWalker(copy, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) said.push(walker.currentNode.data);
  return said.filter(Boolean);
}"""

# Texts that are wider than the box that they stand in; a long title is cut on purpose.
CRAMPED = """() => [...document.querySelectorAll("button, a, h2, label, p")]
  .filter((e) => e.getClientRects().length > 0 && e.scrollWidth > e.clientWidth + 1)
  .map((e) => e.textContent)"""


def english() -> set[str]:
    """Every sentence of the catalogues whose German is another one."""
    entries = [
        entry
        for path in catalogue_paths()
        if Path(path).parts[-3] == "de"
        for entry in read_catalogue(path).entries
    ]
    german = {said for entry in entries for text in entry.translations for said in [text]}
    said = {text for entry in entries for text in (entry.text.one, entry.text.many) if text}
    return sentences_in(*said) - sentences_in(*german)


def assert_german(page: Page) -> None:
    assert page.evaluate("document.documentElement.lang") == "de"
    assert sentences_in(*page.evaluate(WORDS)) & english() == set()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.evaluate(CRAMPED) == []


def wait_until_armed(desk: Desk, number: int) -> None:
    expect(desk.page.locator("#prompt-heading")).to_contain_text(f"Paar {number}")
    expect(desk.page.locator("#decision")).to_have_attribute("aria-busy", "false")


@pytest.mark.parametrize("size", [{}, PHONE], ids=["desk", "phone"])
def test_a_session_in_german(desk_for: DeskFor, size: dict[str, object]) -> None:
    study = make_small_study(3, title="Kundenservice")
    study.criteria.update(both_bad=True)
    desk = desk_for(study, **GERMAN, **size)
    page = desk.page
    expect(page.get_by_role("heading", name="Bevor es losgeht")).to_be_visible()
    assert_german(page)
    page.get_by_role("button", name="Mit dem Bewerten beginnen").click()
    wait_until_armed(desk, 1)
    assert_german(page)
    assert accessibility_faults(page) == []
    desk.press("?")
    expect(page.get_by_role("heading", name="Tasten")).to_be_visible()
    assert_german(page)
    desk.press("Escape")
    desk.press("s")
    expect(page.get_by_role("heading", name="Warum überspringen Sie dieses Paar?")).to_be_visible()
    assert_german(page)
    desk.press("Escape")
    desk.press("1")
    wait_until_armed(desk, 2)
    expect(page.locator("#last-text")).to_have_text("Ihre letzte Bewertung: Antwort 1 ist besser.")
    desk.press("u")
    expect(page.locator("#revising-what")).to_have_text("Sie ändern Ihre letzte Bewertung.")
    assert_german(page)
    desk.press("Escape")
    for number in (2, 3):
        wait_until_armed(desk, number)
        desk.press("0")
    expect(page.get_by_role("heading", name="Für Sie ist nichts mehr zu bewerten")).to_be_visible()
    expect(page.locator("#state-figures")).to_contain_text("Sie haben 3 Paare bewertet.")
    assert_german(page)
    assert list(Vote.objects.order_by("pk").values_list("choice", flat=True)) == [
        "left",
        "tie",
        "tie",
    ]
    desk.watch.assert_clean()


def test_graded_answers_and_further_questions_fit_on_a_phone(desk_for: DeskFor) -> None:
    rules = {"answering": {"confidence": "optional", "rationale": "required", "rationale_min": 9}}
    study = make_small_study(2, rules=rules)
    set_scale(study, "seven", both_bad=True)
    desk = desk_for(study, **GERMAN, **PHONE)
    desk.page.get_by_role("button", name="Mit dem Bewerten beginnen").click()
    wait_until_armed(desk, 1)
    assert_german(desk.page)
    expect(desk.page.get_by_role("button", name="Antwort 2 ist etwas besser")).to_be_visible()


def test_optional_questions_are_said_to_be_so_in_german(desk_for: DeskFor) -> None:
    rules = {"answering": {"confidence": "optional", "tags": ["Klarer"], "revise_earlier": True}}
    study = make_small_study(2, rules=rules)
    factories.make_criterion(study, "tone", question="Wessen Ton ist besser?", required=False)
    desk = desk_for(study, **GERMAN)
    desk.page.get_by_role("button", name="Mit dem Bewerten beginnen").click()
    wait_until_armed(desk, 1)
    desk.press("m")
    texts = desk.page.locator(".question__text")
    expect(texts.nth(1)).to_have_text("Wessen Ton ist besser? (freiwillig)")
    expect(texts.nth(2)).to_have_text("Wie sicher sind Sie? (freiwillig)")
    assert "(optional)" not in desk.page.locator("#questions").inner_text()
    assert_german(desk.page)
    desk.press("1")
    desk.press("Control+Enter")
    wait_until_armed(desk, 2)
    desk.press("u")
    wait_until_armed(desk, 1)
    desk.press("u")
    expect(desk.page.locator("#notice-text")).to_contain_text("Sie ändern gerade schon")


def test_the_language_can_be_changed_among_the_keys(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(2), **GERMAN)
    page = desk.page
    page.get_by_role("button", name="Mit dem Bewerten beginnen").click()
    wait_until_armed(desk, 1)
    desk.press("?")
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    desk.vote_by_key(1, "1")
    desk.wait_until_saved()
    desk.watch.assert_clean()
