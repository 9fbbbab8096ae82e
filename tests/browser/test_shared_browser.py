"""Two people on one browser, and answers that the server refuses: nothing is lost, and nothing is
sent as somebody else's (annotating.md P8 and P9, reliability.md P1 and §4 case 17)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from annotation.models import Study, User, Vote
from tests import factories
from tests.browser.rating_desk import Desk, make_small_study
from tests.browser.watching import accessibility_faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DeskFor = Callable[..., Desk]

KEPT = "Object.entries(localStorage).filter(([key]) => key.startsWith('evalsite.outbox.'))"


def kept_entries(page: Page) -> list[dict[str, Any]]:
    """What the browser keeps unsent, of everybody."""
    boxes: list[list[str]] = page.evaluate(KEPT)
    return [entry for _, box in boxes for entry in json.loads(box)["entries"]]


def sign_in_by_form(page: Page, user: User) -> None:
    page.fill("#id_username", user.username)
    page.fill("#id_password", factories.PASSWORD)
    page.click("main button[type=submit]")


def take_over(desk: Desk, user: User, study: Study) -> Page:
    """Another tab of the same browser, in which somebody else signs in and rates."""
    page = desk.page.context.new_page()
    page.goto(f"{desk.watch.origin}/sign-in/?another=1&next=/study/{study.slug}/rate/")
    sign_in_by_form(page, user)
    page.get_by_role("button", name="Start rating").click()
    expect(page.locator("#prompt-heading")).to_contain_text("Pair 1")
    expect(page.locator("#decision")).to_have_attribute("aria-busy", "false")
    return page


def vote_twice_offline(desk: Desk) -> None:
    desk.wait_until_armed(1)
    desk.page.wait_for_load_state("networkidle")
    desk.page.route("**/rate/vote", lambda route: route.abort())
    desk.press("1")
    desk.vote_by_key(2, "2")
    expect(desk.page.locator("#save-text")).to_have_text("2 answers not saved, retrying")


def look_at(page: Page) -> None:
    """Coming back to a tab makes it send."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


@pytest.mark.parametrize("part", ["annotator", "outsider"])
def test_answers_wait_for_their_author_while_another_is_signed_in(
    desk_for: DeskFor, part: str
) -> None:
    study = make_small_study(6)
    desk = desk_for(study)
    other = factories.make_user()
    theirs = study if part == "annotator" else make_small_study(2)
    annotator = factories.make_annotator(theirs, other)
    vote_twice_offline(desk)
    second = take_over(desk, other, theirs)
    desk.page.unroute("**/rate/vote")
    look_at(desk.page)
    said = desk.page.locator("#save-text")
    expect(said).to_have_text(
        "Signed in as someone else on this browser. Sign in again to send 2 answers."
    )
    expect(desk.page.locator("#count")).to_have_text("2 rated")
    assert accessibility_faults(desk.page) == []
    assert len(kept_entries(desk.page)) == 2
    # The other rates meanwhile: own answers are sent, and counted, by themselves.
    expect(second.locator("#count")).to_have_text("0 rated")
    second.keyboard.press("2")
    expect(second.locator("#save-text")).to_have_text("Saved")
    expect(second.locator("#count")).to_have_text("1 rated")
    assert [vote.annotator for vote in Vote.objects.all()] == [annotator]
    assert len(kept_entries(desk.page)) == 2

    with desk.page.context.expect_page() as opened:
        desk.page.get_by_role("button", name="Sign in").click()
    third = opened.value
    expect(third.locator("main")).to_contain_text(f"{other.username} is signed in")
    assert desk.annotator.user is not None
    sign_in_by_form(third, desk.annotator.user)
    expect(third.locator("#count")).to_have_text("2 rated")
    look_at(desk.page)
    # Whichever of the two pages sent them.
    expect(desk.page.get_by_text("Signed in as someone else")).to_be_hidden()
    desk.vote_by_key(3, "0")
    desk.wait_until_saved()
    expect(desk.page.locator("#count")).to_have_text("3 rated")
    assert desk.choices() == [("left", None), ("right", None), ("tie", None)]
    assert kept_entries(desk.page) == []
    assert Vote.objects.count() == 4
    # Now the other's page is the one that is not signed in.
    expect(second.locator("#decision")).to_have_attribute("aria-busy", "false")
    second.keyboard.press("1")
    expect(second.locator("#save-text")).to_have_text(
        "Signed in as someone else on this browser. Sign in again to send 1 answer."
    )


def test_a_page_without_pairs_leads_back_to_its_own_account(desk_for: DeskFor) -> None:
    study = make_small_study(2)
    desk = desk_for(study)
    other = factories.make_user()
    elsewhere = make_small_study(2)
    factories.make_annotator(elsewhere, other)
    vote_twice_offline(desk)
    take_over(desk, other, elsewhere)
    desk.page.unroute("**/rate/vote")
    look_at(desk.page)
    expect(desk.page.locator("#state-title")).to_have_text(
        "Someone else is signed in on this browser"
    )
    desk.page.locator("#state-action").click()
    assert desk.annotator.user is not None
    sign_in_by_form(desk.page, desk.annotator.user)
    expect(desk.page.locator("#state-title")).to_contain_text("Nothing is left")
    expect(desk.page.locator("#count")).to_have_text("2 rated")
    assert desk.choices() == [("left", None), ("right", None)]


def test_signing_out_leaves_the_answers_of_others_alone(desk_for: DeskFor) -> None:
    study = make_small_study(6)
    desk = desk_for(study)
    other = factories.make_user()
    factories.make_annotator(study, other)
    vote_twice_offline(desk)
    second = take_over(desk, other, study)
    second.goto(f"{desk.watch.origin}/")
    second.get_by_role("button", name="Sign out").click()
    expect(second.get_by_role("heading", name="Sign in")).to_be_visible()
    assert len(kept_entries(second)) == 2


# -- refused for good -------------------------------------------------------------------------


def refuse(status: int, code: str) -> Callable[[Route], None]:
    body = {"error": code, "message": "The server says no.", "stored": False}
    return lambda route: route.fulfill(status=status, json=body)


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (400, "invalid_request", "The server says no."),
        (403, "forbidden", "The server says no."),
        (404, "unknown_assignment", "The pair is not among yours any more."),
        (409, "already_voted", "The server says no."),
    ],
)
def test_an_answer_that_is_not_stored_is_kept_with_its_reason(
    desk_for: DeskFor, status: int, code: str, words: str
) -> None:
    # A notice that was shown would go by itself after 12 s.
    desk = desk_for(make_small_study(3), held_timers_ms=(12_000,))
    page = desk.page
    desk.wait_until_armed(1)
    page.route("**/rate/vote", refuse(status, code))
    desk.press("1")
    expect(page.locator("#save-text")).to_have_text(f"1 answer not stored, but kept here: {words}")
    # Nothing may cover what can be done about it.
    expect(page.locator("#notice")).to_be_hidden()
    expect(page.locator("#count")).to_have_text("0 rated")
    page.reload()
    expect(page.locator("#save-text")).to_have_text(f"1 answer not stored, but kept here: {words}")
    page.unroute("**/rate/vote")
    page.get_by_role("button", name="Try again").click()
    desk.wait_until_saved()
    assert desk.choices() == [("left", None)]
    assert kept_entries(page) == []


def test_a_refused_answer_is_downloaded_and_discarded_by_its_author(
    desk_for: DeskFor, tmp_path: Path
) -> None:
    desk = desk_for(make_small_study(3))
    page = desk.page
    desk.wait_until_armed(1)
    page.route("**/rate/vote", refuse(400, "invalid_request"))
    desk.press("1")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    download.value.save_as(tmp_path / "kept.json")
    [entry] = json.loads((tmp_path / "kept.json").read_text())
    assert entry["kind"] == "vote"
    assert entry["body"]["answers"]["overall"]["choice"] == "left"
    assert entry["refusal"] == "The server says no."
    page.unroute("**/rate/vote")
    page.get_by_role("button", name="Discard").click()
    assert kept_entries(page) == []
    expect(page.get_by_role("button", name="Discard")).to_be_hidden()
    # The pair is still theirs, and comes again.
    page.reload()
    desk.wait_until_armed(1)
    expect(page.locator("#left-text")).to_contain_text("First 1.")
    desk.press("2")
    desk.wait_until_saved()
    assert desk.choices() == [("right", None)]
    assert desk.watch.violations == []


def test_a_study_whose_last_answer_is_refused_says_so_and_goes_on(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(1), viewport={"width": 360, "height": 740})
    page = desk.page
    desk.wait_until_armed(1)
    page.route("**/rate/vote", refuse(400, "invalid_request"))
    desk.press("1")
    expect(page.locator("#state-title")).to_have_text("Some of your answers could not be stored")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert accessibility_faults(page) == []
    page.unroute("**/rate/vote")
    page.get_by_role("button", name="Discard").click()
    # The same pair at once, without a reload.
    desk.vote_by_key(1, "0")
    desk.wait_until_saved()
    expect(page.locator("#count")).to_have_text("1 rated")
    assert desk.choices() == [("tie", None)]
