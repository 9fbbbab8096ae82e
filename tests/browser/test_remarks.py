"""What goes with an answer, in a real browser: how sure, reasons to tick, a required reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from annotation.models import Draft, Study, Vote, VoteNote
from tests import factories
from tests.browser.rating_desk import Desk, make_small_study
from tests.browser.watching import accessibility_faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DeskFor = Callable[..., Desk]
TAGS = ["More correct", "Clearer", "Better tone"]


def study_that_asks(pairs: int = 3, **answering: Any) -> Study:
    return make_small_study(pairs, rules={"answering": answering})


def test_one_key_still_answers_where_everything_is_optional(desk_for: DeskFor) -> None:
    desk = desk_for(study_that_asks(confidence="optional", tags=TAGS))
    desk.vote_by_key(1, "1")
    desk.wait_until_armed(2)
    desk.wait_until_saved()
    vote = Vote.objects.get()
    assert (vote.choice, vote.confidence) == ("left", None)
    assert not VoteNote.objects.exists()


def test_a_required_confidence_is_answered_by_keys(desk_for: DeskFor) -> None:
    desk = desk_for(study_that_asks(confidence="required"))
    desk.wait_until_armed(1)
    desk.press("1")
    desk.press("Enter")
    expect(desk.page.locator("#notice-text")).to_have_text("Not answered yet: How sure are you?")
    desk.press("2")
    desk.press("Enter")
    desk.wait_until_armed(2)
    desk.wait_until_saved()
    assert Vote.objects.get().confidence == 0.5
    desk.watch.assert_clean()


def test_reasons_are_ticked_by_keys_and_by_clicks(desk_for: DeskFor) -> None:
    desk = desk_for(study_that_asks(tags=TAGS))
    desk.wait_until_armed(1)
    desk.press("m")
    desk.press("2")
    desk.press("ArrowDown")
    desk.press("1")
    desk.press("2")
    desk.press("1")  # taken back
    desk.page.get_by_role("button", name="Better tone").click()
    assert accessibility_faults(desk.page) == []
    desk.press("Control+Enter")
    desk.wait_until_armed(2)
    desk.wait_until_saved()
    assert Vote.objects.get().choice == "right"
    assert VoteNote.objects.get().tags == ["Clearer", "Better tone"]
    expect(desk.page.locator('[data-further="tags"] [aria-pressed="true"]')).to_have_count(0)


def test_a_required_reason_is_asked_for_with_its_length(desk_for: DeskFor) -> None:
    desk = desk_for(study_that_asks(rationale="required", rationale_min=12))
    desk.wait_until_armed(1)
    expect(desk.page.locator("#reason")).to_be_visible()
    assert accessibility_faults(desk.page) == []
    desk.press("1")
    desk.press("Control+Enter")
    expect(desk.page.locator("#notice-text")).to_contain_text("at least 12 characters")
    expect(desk.page.locator("#reason-text")).to_be_focused()
    desk.page.keyboard.type("Too short")
    expect(desk.page.locator("#reason-count")).to_have_text("9 of 12 characters")
    desk.press("Control+Enter")
    assert Vote.objects.count() == 0
    desk.page.keyboard.type(" before.")
    desk.press("Control+Enter")
    desk.wait_until_armed(2)
    desk.wait_until_saved()
    assert VoteNote.objects.get().rationale == "Too short before."
    expect(desk.page.locator("#reason-text")).to_have_value("")


def test_a_study_that_wants_no_reason_offers_none(desk_for: DeskFor) -> None:
    desk = desk_for(study_that_asks(rationale="off"))
    desk.wait_until_armed(1)
    desk.press("r")
    expect(desk.page.locator("#reason")).not_to_be_visible()
    expect(desk.page.get_by_role("button", name="Add a reason")).to_have_count(0)


def test_undo_brings_back_what_went_with_the_answer(desk_for: DeskFor) -> None:
    desk = desk_for(study_that_asks(confidence="optional", tags=TAGS))
    desk.wait_until_armed(1)
    desk.press("m")
    desk.press("1")
    desk.press("3")
    desk.page.get_by_role("button", name="Clearer").click()
    desk.press("Control+Enter")
    desk.wait_until_armed(2)
    desk.wait_until_saved()
    desk.page.reload()
    desk.wait_until_armed(2)
    desk.press("u")
    desk.wait_until_armed(1)
    ticked = desk.page.locator('[data-further="tags"] [aria-pressed="true"]')
    expect(ticked).to_have_text(["2Clearer"])
    sure = desk.page.get_by_role("button", name="Very sure (your last answer)")
    expect(sure).to_be_visible()
    expect(sure).to_have_attribute("aria-pressed", "true")


def test_a_criterion_may_be_called_as_a_further_question_is(desk_for: DeskFor) -> None:
    study = study_that_asks(confidence="required", tags=TAGS)
    for key in ("confidence", "tags"):
        factories.make_criterion(study, key, question=f"Whose {key}?", required=True)
    desk = desk_for(study)
    desk.wait_until_armed(1)
    desk.press("m")
    for question in ("Whose confidence?", "Whose tags?", "How sure are you?"):
        expect(desk.page.get_by_role("group", name=question)).to_have_count(1)
    assert accessibility_faults(desk.page) == []


# -- drafts -----------------------------------------------------------------------------------


def test_an_answer_begun_is_there_on_another_device(desk_for: DeskFor) -> None:
    desk = desk_for(study_that_asks(confidence="required", tags=TAGS))
    desk.wait_until_armed(1)
    desk.press("1")
    desk.press("r")
    desk.page.keyboard.type("half a thought")
    # A draft that was on its way may have been an earlier one; the newest follows it.
    with desk.draft_stored("Clearer"):
        desk.page.get_by_role("button", name="Clearer").click()
    desk.page.wait_for_function(
        "() => !JSON.stringify({...localStorage}).includes('half a thought')"
    )
    other = desk_for(desk.study, user=desk.annotator.user)
    other.wait_until_armed(1)
    expect(other.page.locator("#reason-text")).to_have_value("half a thought")
    pressed = other.page.locator('.choice-button[aria-pressed="true"]')
    expect(pressed).to_have_text(["←Response 1", "2Clearer"])
    assert Vote.objects.count() == 0


def test_what_was_begun_offline_survives_a_reload(desk_for: DeskFor) -> None:
    desk = desk_for(study_that_asks())
    desk.wait_until_armed(1)
    desk.page.route("**/rate/draft", lambda route: route.abort())
    desk.press("r")
    desk.page.keyboard.type("kept here")
    desk.page.wait_for_function("() => JSON.stringify({...localStorage}).includes('kept here')")
    desk.page.reload()
    desk.wait_until_armed(1)
    expect(desk.page.locator("#reason-text")).to_have_value("kept here")
    desk.page.unroute("**/rate/draft")
    with desk.draft_stored("kept here and there"):
        desk.page.locator("#reason-text").press("End")
        desk.page.keyboard.type(" and there")
    assert Draft.objects.get().rationale == "kept here and there"
