"""A person of a recruitment platform, from its link to the code to go back with, in a browser."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from django.core.management import call_command
from playwright.sync_api import Browser, BrowserContext, expect
from pytest_django.live_server_helper import LiveServer

from annotation import people
from annotation.models import Annotator, CrowdArrival, Study
from tests.browser.rating_desk import Desk, make_small_study
from tests.browser.watching import Watch, accessibility_faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RULES = {
    "answering": {"confidence": "required", "tags": ["Clearer", "Shorter"]},
    "crowd": {"completed_code": "DONE-1", "no_work_code": "NONE-1"},
}


@pytest.fixture
def come(browser: Browser, live_server: LiveServer) -> Generator[Callable[..., Desk]]:
    """Opens the platform's link as a participant; the desk's annotator is nobody yet."""
    contexts: list[BrowserContext] = []

    def open_link(study: Study, link: str, **options: object) -> Desk:
        context = browser.new_context(**options)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        watch = Watch(page, live_server.url)
        page.goto(live_server.url + link)
        return Desk(page, watch, study, Annotator())

    yield open_link
    for context in contexts:
        context.close()


def link_of(study: Study, participant: str, most: int = 1) -> str:
    token = people.issue_crowd_link(study, most).token
    return f"/start/{token}/?PROLIFIC_PID={participant}&STUDY_ID=s&SESSION_ID=x"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_from_the_link_to_the_code_and_into_the_export(
    come: Callable[..., Desk], tmp_path: Path, scheme: str
) -> None:
    study = make_small_study(2, rules=RULES, results="open")
    link = link_of(study, "worker-7")
    desk = come(study, link, color_scheme=scheme)
    assert accessibility_faults(desk.page) == []
    desk.page.get_by_role("button", name="Start").click()
    desk.page.get_by_role("button", name="Start rating").click()
    for number, (answer, sure) in enumerate([("1", "3"), ("0", "1")], start=1):
        desk.wait_until_armed(number)
        desk.press(answer)
        desk.press(sure)
        if number == 1:
            desk.press("m")
            desk.page.get_by_role("button", name="Shorter").click()
        desk.press("Control+Enter")
    expect(desk.page.locator("#completion-code")).to_have_text("DONE-1")
    desk.wait_until_saved()
    desk.watch.assert_clean()

    call_command("export", study.slug, "votes", "--output", str(tmp_path / "votes.jsonl"))
    text = (tmp_path / "votes.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    assert [(row["verdict"], row["confidence"], row.get("tags")) for row in rows] == [
        ("a", 1.0, ["Shorter"]),
        ("tie", 0.0, None),
    ]
    assert "worker-7" not in text

    # The same link on another device: the same person, who has rated all.
    again = come(study, link)
    again.page.get_by_role("button", name="Start").click()
    again.page.get_by_role("button", name="Start rating").click()
    expect(again.page.locator("#completion-code")).to_have_text("DONE-1")
    assert CrowdArrival.objects.count() == 1


def test_who_comes_too_late_is_told_with_a_code(come: Callable[..., Desk]) -> None:
    study = make_small_study(1, rules=RULES)
    link = link_of(study, "first")
    early = come(study, link)
    early.page.get_by_role("button", name="Start").click()
    expect(early.page.get_by_role("button", name="Start rating")).to_be_visible()
    late = come(study, link.replace("first", "second"), viewport={"width": 360, "height": 740})
    late.page.get_by_role("button", name="Start").click()
    expect(late.page.get_by_role("heading")).to_have_text("This study has all the people it needs")
    expect(late.page.locator("code")).to_have_text("NONE-1")
    assert accessibility_faults(late.page) == []


def test_a_link_without_a_name_says_what_to_do(come: Callable[..., Desk]) -> None:
    study = make_small_study(1)
    desk = come(study, link_of(study, ""))
    expect(desk.page.get_by_role("heading")).to_have_text("This link is not complete")
    assert accessibility_faults(desk.page) == []
