"""Watching a study in a real browser: live figures, from a finding to a rejection, messages."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from annotation import quality
from annotation.models import AnnotatorState, Message, Role
from reports.watching.figures import PEOPLE
from reports.watching.people import read_people
from reports.wording.quality import TITLES
from tests.annotation.quality.world import state_of
from tests.browser.test_report import DESK, PHONE, Reader
from tests.browser.watching import (
    PATIENCE_MS,
    accessibility_faults,
    keep_picture,
    pixels_beyond_the_window,
)
from tests.factories import make_membership, make_study, make_user
from tests.reports.watching.world import (
    Watched,
    add_everything_else,
    make_watched,
    vote_on,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LAPTOP = {"width": 1280, "height": 800}
Theme = Literal["light", "dark"]
# What the planner says is computed by a worker, and no test has one.
NO_PLAN_YET = "This is being computed in the background."
HOSTILE = "<img src=x onerror=window.ran=1><script>window.ran=1</script>"


@pytest.fixture
def readers(browser: Browser, live_server: LiveServer) -> Generator[Any]:
    opened: list[Reader] = []

    def open_one(world: Watched, role: Role = Role.RESEARCHER, **options: Any) -> Reader:
        reader = Reader(browser, live_server.url, **options)
        opened.append(reader)
        user = make_user()
        make_membership(world.study, role, user)
        reader.sign_in(user.username)
        return reader

    yield open_one
    for reader in opened:
        reader.context.close()


def go(reader: Reader, path: str) -> Page:
    reader.page.goto(f"{reader.origin}{path}")
    return reader.page


def test_figures_change_without_a_reload_and_nothing_moves(readers: Any) -> None:
    world = make_watched()
    reader = readers(world, viewport=DESK)
    page = go(reader, world.url("progress:page"))
    expect(page.locator("#progress-head .figures")).to_contain_text("24 of 36")
    expect(page.locator(".pace svg").first).to_be_visible()
    expect(page.locator(".evidence")).to_contain_text(NO_PLAN_YET)
    page.evaluate("window.stays = true")
    table = page.locator("#pairs-heading")
    place = table.bounding_box()
    vote_on(world.work[0], world.people[2], 0)
    expect(page.locator("#progress-head .figures")).to_contain_text("25 of 36", timeout=PATIENCE_MS)
    # The tables go with it.
    cells = page.locator("#progress-cells")
    expect(cells.get_by_role("link", name="9", exact=True).first).to_be_visible()
    assert page.evaluate("window.stays") is True
    assert table.bounding_box() == place
    reader.watch.assert_clean()


def test_from_a_finding_to_a_rejection_and_the_places_that_open(readers: Any) -> None:
    world = make_watched()
    rater = world.people[1]
    reader = readers(world, viewport=DESK)
    page = go(reader, world.url("progress:page"))
    page.get_by_role("link", name="Annotators", exact=True).click()
    page.get_by_role("link", name="rater-1").click()
    expect(page.get_by_text("No rule has found anything.")).to_be_visible()

    page.get_by_role("link", name="Pause", exact=True).click()
    page.get_by_label("Reason").fill("Answers while the page is hardly open.")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("rater-1: They are paused.")).to_be_visible()
    expect(page.get_by_text("Answers while the page is hardly open.")).to_be_visible()
    assert state_of(rater) == AnnotatorState.PAUSED

    page.get_by_role("link", name="the rows behind it").click()
    expect(page.get_by_role("heading", name="Answers")).to_be_visible()
    page.locator(".rows__prompt a").first.click()
    expect(page.get_by_text("What was answered is sealed.")).to_be_visible()
    page.get_by_role("button", name="Show what was answered").click()
    expect(page.get_by_text("this look stands in the log")).to_be_visible()
    page.get_by_role("link", name="As it was shown to them").first.click()
    expect(page.get_by_role("heading", name="As it was shown to rater-0")).to_be_visible()

    page.get_by_role("link", name="rater-1").first.click()
    page.get_by_role("link", name="Reject").click()
    expect(page.get_by_text("12 counted votes leave the count.")).to_be_visible()
    expect(page.get_by_text("12 places open again for others.")).to_be_visible()
    page.get_by_label("Reason").fill("It was not tried.")
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_text("rater-1: They are rejected.")).to_be_visible()

    page.get_by_role("link", name="Progress", exact=True).click()
    figures = page.locator("#progress-head")
    expect(figures).to_contain_text("12 of 36")
    expect(page.locator(".apart div", has_text="Open").first).to_contain_text("24")
    page.get_by_role("link", name="Looks at results").click()
    expect(page.get_by_role("cell", name="Looked at results")).to_be_visible()
    reader.watch.assert_clean()


def test_a_message_reaches_the_annotator_and_goes_once_it_was_read(
    readers: Any, browser: Browser, live_server: LiveServer
) -> None:
    world = make_watched()
    rater = world.people[0]
    reader = readers(world, viewport=DESK)
    page = go(reader, world.url("annotators:act", annotator=rater.pk, act="message"))
    page.get_by_label("Message").fill(f"Please read both. {HOSTILE}")
    page.get_by_role("button", name="Write a message").click()
    expect(page.get_by_text("The message waits on their page.")).to_be_visible()

    assert rater.user is not None
    theirs = Reader(browser, live_server.url, viewport=PHONE)
    theirs.sign_in(rater.user.username)
    go(theirs, world.url("rating:page"))
    # The welcome of a first visit.
    theirs.page.locator("#welcome").get_by_role("button").first.click()
    letter = theirs.page.get_by_text("Please read both.")
    expect(letter).to_be_visible()
    assert accessibility_faults(theirs.page) == []
    assert pixels_beyond_the_window(theirs.page) <= 0
    theirs.page.get_by_role("button", name="I have read it").click()
    expect(letter).to_have_count(0)
    assert Message.objects.get().read_at is not None
    theirs.watch.assert_clean()
    theirs.context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
def test_every_page_is_clean_in_every_window_and_theme(
    readers: Any, window: dict[str, int], theme: Theme
) -> None:
    world = make_watched(title=f"Title {HOSTILE}")
    add_everything_else(world)
    quality.pause(world.people[0], HOSTILE)
    reader = readers(world, viewport=window, color_scheme=theme)
    key = {"annotator": world.people[0].pk}
    pages = (
        world.url("progress:page"),
        world.url("progress:votes"),
        world.url("progress:votes") + "?show=training",
        world.url("progress:comparisons") + "?show=room",
        world.url("progress:pair", comparison=world.work[1].pk),
        world.url("progress:log"),
        world.url("annotators:page"),
        world.url("annotators:one", **key),
        world.url("annotators:act", **key, act="reject"),
    )
    for path in pages:
        page = go(reader, path)
        expect(page.locator("h1")).to_be_visible()
        if path.endswith("/progress/"):
            expect(page.locator(".pace .chart")).to_be_visible()
            expect(page.locator(".evidence")).to_contain_text(NO_PLAN_YET)
        assert pixels_beyond_the_window(page) <= 0, path
        assert accessibility_faults(page) == [], path
    reader.watch.assert_clean()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_table_of_annotators_is_seen_whole_on_a_laptop(
    readers: Any, theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_watched()
    people = read_people(world.study)["people"]
    wide = {"value": 0.5473, "low": 0.5021, "high": 0.5918, "n": 1000}
    found = [{"rule": rule, "action": "pause"} for rule in TITLES]
    for number, row in enumerate(people):
        row |= dict.fromkeys(("left", "gold", "repeats", "agreement"), wide)
        row |= {"seconds": {"value": 112.4, "low": 101.5, "high": 131.9, "n": 1000}}
        row |= {"counted": 12_345, "skipped": 1_234, "flagged": 1_234}
        row |= {"state": "failed", "findings": found if number else found[:1]}
        row |= {"external_id": f"prolific-5f3a{number}9c07be21"}
    monkeypatch.setattr(
        "reports.watching.annotator_pages.PEOPLE",
        replace(PEOPLE, name=f"wide-{theme}", count=lambda study: {"people": people}),
    )
    reader = readers(world, viewport=LAPTOP, color_scheme=theme)
    page = go(reader, world.url("annotators:page"))
    table = page.locator(".table-wrap")
    expect(table.locator("tbody tr")).to_have_count(len(people))
    keep_picture(page, f"wide-annotators-{theme}")
    assert table.evaluate("wrap => wrap.scrollWidth - wrap.clientWidth") <= 0
    assert accessibility_faults(page) == []


def test_the_first_states_say_what_to_do(readers: Any) -> None:
    empty = Watched(make_study(), [], [])
    reader = readers(empty, viewport=PHONE)
    for name, words in (
        ("progress:page", "There is nothing to watch yet"),
        ("annotators:page", "Nobody rates yet"),
        ("progress:votes", "There are none"),
    ):
        page = go(reader, empty.url(name))
        expect(page.get_by_role("heading", name=words)).to_be_visible()
        assert accessibility_faults(page) == [], name
    reader.watch.assert_clean()
