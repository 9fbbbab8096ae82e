"""The pages about people in a real browser: copying a link, live letters, small screens, axe."""

from __future__ import annotations

from collections.abc import Callable, Generator

import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from annotation import people
from annotation.models import Annotator, Role, Study, User
from annotation.tasks import send_letters
from tests import factories
from tests.browser.watching import (
    PATIENCE_MS,
    Watch,
    accessibility_faults,
    hold_timers,
    keep_picture,
    next_document,
    pixels_beyond_the_window,
)
from tests.reports.watching.world import make_watched

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SIZES = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 360, "height": 740}}
FIELD = {"key": "field", "text": "What is your field?", "options": ["Law", "Medicine", "Other"]}
LISTED = "name,email,role,team\nAda Lovelace,ada@example.org,,Berlin\nGrace,grace@example.org,,\n"

Sign = Callable[..., Page]


@pytest.fixture
def study() -> Study:
    return factories.make_open_study(
        title="Capitals of Europe", rules={"profile": {"questions": [FIELD]}}
    )


@pytest.fixture
def page_for(browser: Browser, live_server: LiveServer) -> Generator[Sign]:
    """A page of somebody who is signed in, without the cost of typing it."""
    from django.test import Client

    contexts: list[BrowserContext] = []

    def open_page(user: User, **options: object) -> Page:
        client = Client()
        client.force_login(user)
        context = browser.new_context(base_url=live_server.url, **options)  # type: ignore[arg-type]
        context.add_cookies(
            [
                {
                    "name": settings.SESSION_COOKIE_NAME,
                    "value": client.cookies[settings.SESSION_COOKIE_NAME].value,
                    "url": live_server.url,
                }
            ]
        )
        contexts.append(context)
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()


def owner_of(study: Study) -> User:
    return factories.make_membership(study, Role.OWNER).user


def url(name: str, study: Study, **kwargs: object) -> str:
    return reverse(name, kwargs={"slug": study.slug, **kwargs})


def test_links_are_copied_and_letters_are_seen_to_leave(
    study: Study, page_for: Sign, live_server: LiveServer
) -> None:
    page = page_for(owner_of(study), permissions=["clipboard-read", "clipboard-write"])
    watch = Watch(page, live_server.url)
    page.goto(url("people:invitations", study))
    page.get_by_label("How many links").fill("2")
    page.get_by_role("button", name="Make links").click()
    link = page.get_by_label("Link 1")
    hold_timers(page, 2000)  # after which the button says again what it does
    page.get_by_role("button", name="Copy link 1").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == link.input_value()
    page.get_by_role("link", name="Back to invitations").click()
    page.get_by_label("Who").fill(LISTED)
    # Without a mail server the links are shown unless e-mail is chosen.
    expect(page.get_by_label("Show me the links")).to_be_checked()
    page.get_by_label("Send each of them an e-mail").check()
    page.get_by_role("button", name="Invite them").click()
    expect(page.get_by_text("about to be sent")).to_have_count(2)
    assert send_letters() == 2
    # Without a reload.
    expect(page.get_by_text("about to be sent")).to_have_count(0, timeout=PATIENCE_MS)
    expect(page.get_by_text("sent ", exact=False).first).to_be_visible()
    watch.assert_clean()


def test_everything_works_without_a_script(study: Study, page_for: Sign) -> None:
    page = page_for(owner_of(study), java_script_enabled=False)
    page.goto(url("people:invitations", study))
    page.get_by_label("Who").fill("Ada,ada\n")
    page.get_by_role("button", name="Invite them").click()
    expect(page.get_by_role("alert")).to_contain_text("Line 1: 'ada' is no e-mail address.")
    page.get_by_label("Who").fill("Ada,ada@example.org\n")
    page.get_by_label("Show me the links").check()
    page.get_by_role("button", name="Invite them").click()
    assert page.get_by_label("Link 1 for Ada").input_value().startswith("http://")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", sorted(SIZES))
def test_axe_finds_nothing_and_nothing_overflows(
    study: Study, page_for: Sign, live_server: LiveServer, theme: str, size: str
) -> None:
    someone = fill(study)
    page = page_for(owner_of(study), color_scheme=theme, viewport=SIZES[size])
    watch = Watch(page, live_server.url)

    def look(name: str) -> None:
        keep_picture(page, f"{name}-{size}-{theme}")
        assert accessibility_faults(page) == []
        assert pixels_beyond_the_window(page) <= 0

    for name in ("members", "invitations", "platform", "questions"):
        page.goto(url(f"people:{name}", study))
        look(name)
    page.goto(url("people:member", study, account=someone.user_id))
    look("member")
    page.goto(url("people_work:payments", study))
    look("payments")
    page.goto(url("people:invitations", study))
    page.get_by_label("Who").fill("Ada,ada\nGrace,grace\n")
    page.get_by_role("button", name="Invite them").click()
    expect(page.get_by_role("alert")).to_be_visible()
    look("bad-list")
    page.wait_for_load_state()
    page.get_by_label("Who").fill("Alan Turing,alan@example.org\nEmmy Noether\n")
    page.get_by_label("Show me the links").check()
    page.get_by_role("button", name="Invite them").click()
    expect(page.get_by_role("button", name="Copy all")).to_be_visible()
    look("links")
    page.goto(url("people:platform", study))
    with next_document(page):
        page.get_by_role("button", name="Make a link").click()
    look("platform-link")
    # A refused form is answered with 422, which the browser notes.
    assert watch.violations == watch.foreign == []
    rater = page_for(someone.user, color_scheme=theme, viewport=SIZES[size])
    page = rater
    page.goto(url("rating:page", study))
    expect(page.get_by_role("heading", name="Before you start")).to_be_visible()
    look("about-you")
    page.get_by_label("Law").check()
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url("**/rate/")


def fill(study: Study) -> Annotator:
    """Members in every state, letters of every fate, arrivals; one of the annotators."""
    for role in (Role.RESEARCHER, Role.MONITOR):
        factories.make_membership(study, role)
    annotators = [
        factories.make_annotator(study, factories.make_user(f"{name}@example.org"), **fields)
        for name, fields in (
            ("ines.fernandes", {}),
            ("jonas", {"state": "paused", "state_reason": "side_share"}),
            ("kim", {"state": "qualifying"}),
        )
    ]
    for annotator in annotators[:2]:
        people.set_team(study, annotator.user, "Berlin office", None)
    factories.make_vote(factories.make_comparison(study), annotator=annotators[0])
    people.end_part(study, annotators[2].user, None, withdraw_votes=False)
    invitees = people.read_list(LISTED)
    people.invite_people(study, invitees, None, by_email=True)
    send_letters()
    issued = people.invite_people(
        study, [people.Invitee("Lost", "lost@example.org")], None, by_email=True
    )
    type(issued[0].invitation).objects.filter(pk=issued[0].invitation.pk).update(
        mail_state="failed", mail_fault="the server refused the address: 550 no such user"
    )
    link = people.issue_crowd_link(study, 20)
    people.arrive(link.token, people.Arrival("5f8a1c2d9e0b3a4455667788", "study1", "submission-1"))
    return annotators[0]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_two_people_changed_otherwise_is_in_sight_when_the_page_comes_back(
    page_for: Sign, size: str, scheme: str
) -> None:
    study = make_watched(rules={"profile": {"questions": [FIELD]}}).study
    mine, theirs = (
        page_for(owner_of(study), viewport=SIZES[size], color_scheme=scheme) for _ in range(2)
    )
    for page in (mine, theirs):
        page.goto(url("people:questions", study))
    for page, answer in ((theirs, "Nursing"), (mine, "Teaching")):
        page.get_by_label("Options, one in each line").first.fill(f"Law\n{answer}")
        page.get_by_label("Why it is changed").fill("Asked.")
        with next_document(page):
            page.get_by_role("button", name="Save").click()
    told = mine.get_by_role("alert")
    expect(told).to_contain_text("somebody else changed something that you changed, too")
    expect(told).to_be_in_viewport(ratio=1)
    expect(told).to_be_focused()
    entry = mine.get_by_label("Changed by somebody else meanwhile")
    expect(entry).to_contain_text("Nursing")
    expect(entry).to_contain_text("Teaching")
    # The part of the page where one is can be read, however narrow it is.
    here = mine.get_by_role("link", name="Questions about them")
    box = here.bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= SIZES[size]["width"]
    assert accessibility_faults(mine) == []
    keep_picture(mine, f"people_moved_{size}_{scheme}")
    mine.get_by_role("button", name="Save").click()
    expect(mine.get_by_text("Saved.")).to_be_in_viewport()
