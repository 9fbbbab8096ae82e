"""Choosing a language in a real browser, and scripts that speak it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from annotation import people
from tests import factories
from tests.browser.watching import accessibility_faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

UNSENT = """() => localStorage.setItem("evalsite.outbox.some", JSON.stringify({
  page: "/somewhere", entries: [1, 2],
  account: document.querySelector("[data-sign-out]").dataset.account,
}))"""


@pytest.fixture
def german_page(browser: Browser) -> Iterator[Page]:
    """A phone that asks for German."""
    context = browser.new_context(locale="de-DE", viewport={"width": 360, "height": 740})
    yield context.new_page()
    context.close()


def test_a_german_reader_is_met_in_german_and_may_choose_english(
    live_server: LiveServer, german_page: Page
) -> None:
    page = german_page
    factories.make_user("ines")
    said: list[str] = []
    page.on(
        "console",
        lambda message: said.append(message.text) if message.type == "error" else None,
    )
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{live_server.url}/sign-in/?next=/password/")
    page.fill("#id_username", "ines")
    page.fill("#id_password", factories.PASSWORD)
    page.get_by_role("button", name="Anmelden").click()
    expect(page.get_by_role("heading", name="Passwort ändern")).to_be_visible()
    assert accessibility_faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.evaluate(UNSENT)
    page.get_by_role("button", name="Abmelden").click()
    dialog = page.get_by_role("dialog", name="2 Bewertungen sind noch nicht gespeichert")
    expect(dialog.get_by_role("link", name="Bewertungsseite öffnen")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="English").click()
    expect(page).to_have_url(f"{live_server.url}/password/")
    expect(page.get_by_role("heading", name="Change your password")).to_be_visible()
    page.wait_for_load_state()  # the question at the end is a script's
    expect(page.get_by_role("button", name="English")).to_have_attribute("aria-current", "true")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("dialog", name="2 answers are not saved yet")).to_be_visible()
    assert said == []


def test_people_of_a_platform_choose_a_language_before_they_start(
    live_server: LiveServer, german_page: Page
) -> None:
    page = german_page
    study = factories.make_open_study(title="Support mail")
    token = people.issue_crowd_link(study, 5).token
    page.goto(f"{live_server.url}/start/{token}/?PROLIFIC_PID=some")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
    page.get_by_role("button", name="Deutsch").click()
    expect(page).to_have_url(f"{live_server.url}/start/{token}/?PROLIFIC_PID=some")
    page.get_by_role("button", name="Beginnen").click()
    expect(page).to_have_url(f"{live_server.url}/study/{study.slug}/rate/")
