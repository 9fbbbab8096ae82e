"""Own answers taken up again while another pair is open, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Request, Route, expect

from annotation.models import Draft, Study, StudyState, Vote
from tests import factories
from tests.browser.rating_desk import Desk, make_small_study
from tests.browser.watching import settled

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DeskFor = Callable[..., Desk]
TAGS = ["More correct", "Clearer"]
# When a draft of what was typed before would have been sent, and an answer to a later request came.
PAST_A_DRAFT = """async () => {
  await new Promise((due) => setTimeout(due, 1100));
  await fetch(location.href);
}"""


def study_that_asks(**answering: Any) -> Study:
    return make_small_study(4, rules={"answering": answering})


# -- what was begun on the open pair ------------------------------------------------------------


def test_undo_leaves_what_was_begun_on_the_open_pair(desk_for: DeskFor) -> None:
    desk = desk_for(study_that_asks())
    desk.vote_by_key(1, "1")
    desk.wait_until_armed(2)
    desk.press("r")
    with desk.draft_stored("half a thought"):
        desk.page.keyboard.type("half a thought")
    desk.press("Escape")
    desk.press("u")
    desk.vote_by_key(1, "2")
    desk.wait_until_armed(2)
    expect(desk.page.locator("#reason-text")).to_have_value("half a thought")
    desk.wait_until_saved()
    desk.page.reload()
    desk.wait_until_armed(2)
    expect(desk.page.locator("#reason-text")).to_have_value("half a thought")
    assert Draft.objects.get().rationale == "half a thought"


def test_undo_leaves_what_is_only_in_this_browser_yet(desk_for: DeskFor) -> None:
    desk = desk_for(study_that_asks())
    desk.vote_by_key(1, "1")
    desk.wait_until_armed(2)
    desk.page.route("**/rate/draft", lambda route: route.abort())
    desk.press("r")
    desk.page.keyboard.type("kept here")
    desk.press("Escape")
    desk.press("u")
    desk.vote_by_key(1, "2")
    desk.wait_until_armed(2)
    desk.wait_until_saved()
    desk.page.reload()
    desk.wait_until_armed(2)
    expect(desk.page.locator("#reason-text")).to_have_value("kept here")


# -- what goes with an answer -------------------------------------------------------------------


def test_what_nobody_changes_stays_in_the_changed_answer(desk_for: DeskFor) -> None:
    study = study_that_asks(confidence="optional", tags=TAGS)
    factories.make_criterion(study, key="tone", question="Whose tone is better?", required=False)
    desk = desk_for(study)
    desk.wait_until_armed(1)
    for key in ("m", "1", "2", "3"):  # the answer, the tone, very sure
        desk.press(key)
    desk.page.get_by_role("button", name="Clearer").click()
    desk.press("Control+Enter")
    desk.wait_until_armed(2)
    desk.press("m")
    desk.press("u")
    desk.wait_until_armed(1)
    pressed = desk.page.locator('.choice-button[aria-pressed="true"]')
    expect(pressed).to_have_text(["←Response 1", "→Response 2", "3Very sure", "2Clearer"])
    expect(desk.page.locator("#last")).not_to_be_visible()  # it is said above the questions
    desk.press("0")  # a tie after all
    desk.press("Control+Enter")
    desk.wait_until_armed(2)
    desk.wait_until_saved()
    first, second = Vote.objects.order_by("revision")
    assert (first.choice, second.choice) == ("left", "tie")
    for vote in (first, second):
        assert vote.confidence == 1
        assert list(vote.criteria.values_list("criterion__key", "choice")) == [("tone", "right")]
        assert vote.notes.get().tags == ["Clearer"]
    expect(pressed).to_have_count(0)  # nothing beforehand on a new pair


# -- what cannot be changed ---------------------------------------------------------------------


def test_a_change_after_the_end_of_the_study_is_told_as_that(desk_for: DeskFor) -> None:
    desk = desk_for(study_that_asks())
    desk.vote_by_key(1, "1")
    desk.wait_until_saved()
    desk.wait_until_armed(2)
    desk.press("u")
    desk.wait_until_armed(1)
    long_ago = timezone.now() - timedelta(hours=1)
    Study.objects.update(state=StudyState.CLOSED, state_changed_at=long_ago)
    desk.press("2")
    expect(desk.page.locator("#notice-text")).to_have_text("The study is over; your vote stands.")
    expect(desk.page.locator("#last-text")).to_have_text("")
    assert desk.choices() == [("left", None)]


@pytest.mark.parametrize(
    ("earlier", "words"),
    [
        (False, "Only your last answer can be changed."),
        (
            True,
            "You are changing an answer already. "
            "Others can be changed from the list of your answers.",
        ),
    ],
)
def test_a_second_undo_says_what_can_be_changed(
    desk_for: DeskFor, words: str, *, earlier: bool
) -> None:
    desk = desk_for(study_that_asks(revise_earlier=earlier))
    desk.vote_by_key(1, "1")
    desk.wait_until_armed(2)
    desk.press("u")
    desk.wait_until_armed(1)
    desk.press("u")
    expect(desk.page.locator("#notice-text")).to_have_text(words)


# -- keys and the question that they answer -----------------------------------------------------


def test_keys_answer_after_the_question_in_focus_was_folded_away(desk_for: DeskFor) -> None:
    desk = desk_for(study_that_asks(tags=TAGS))
    desk.wait_until_armed(1)
    desk.press("r")
    desk.press("Escape")
    desk.press("ArrowDown")  # to the reasons to tick, which go with a written one
    desk.page.get_by_role("button", name="Add a reason").click()
    desk.press("1")
    desk.wait_until_armed(2)
    desk.wait_until_saved()
    assert desk.choices() == [("left", None)]
    desk.watch.assert_clean()


def test_keys_answer_after_an_optional_answer_was_taken_back(desk_for: DeskFor) -> None:
    study = make_small_study(3)
    factories.make_criterion(study, key="tone", question="Whose tone is better?", required=False)
    desk = desk_for(study)
    desk.wait_until_armed(1)
    desk.press("m")
    desk.press("ArrowDown")
    desk.press("1")
    desk.page.locator("#more").click()  # folded: what is answered stays in sight
    desk.press("ArrowDown")
    desk.press("1")  # taken back, and away with its question
    desk.press("2")
    desk.wait_until_armed(2)
    desk.wait_until_saved()
    assert desk.choices() == [("right", None)]
    desk.watch.assert_clean()


# -- answers that come late ---------------------------------------------------------------------


def test_an_undo_that_comes_late_does_not_replace_a_newer_answer(desk_for: DeskFor) -> None:
    desk = desk_for(study_that_asks())
    desk.vote_by_key(1, "1")
    desk.wait_until_saved()
    desk.page.reload()
    desk.wait_until_armed(2)
    held: list[Route] = []
    desk.page.route("**/rate/undo", lambda route: held.append(route))
    with desk.page.expect_request("**/rate/undo"):
        desk.press("u")
    settled(lambda: bool(held), desk.page)
    [route] = held
    response = route.fetch()
    with desk.page.expect_response("**/rate/vote"):
        desk.press("0")
    desk.wait_until_armed(3)
    with desk.page.expect_response("**/rate/undo"):
        route.fulfill(response=response)
    desk.page.unroute("**/rate/undo")
    desk.press("u")
    expect(desk.page.locator("#revising-text")).to_contain_text("It was: Tie")
    expect(desk.page.locator("#left-text")).to_contain_text("First 2.")


def test_of_two_drafts_the_newest_is_sent_last(desk_for: DeskFor) -> None:
    desk = desk_for(study_that_asks())
    desk.wait_until_armed(1)
    held: list[Route] = []
    sent: list[Request] = []

    def hold_the_first(route: Route) -> None:
        sent.append(route.request)
        if held:
            route.continue_()
        else:
            held.append(route)

    desk.page.route("**/rate/draft", hold_the_first)
    desk.press("r")
    with desk.page.expect_request("**/rate/draft"):
        desk.page.keyboard.type("one")
    desk.page.keyboard.type(" two")
    desk.page.evaluate(PAST_A_DRAFT)
    assert len(sent) == 1  # the newer one waits
    with desk.page.expect_response(
        lambda response: "one two" in (response.request.post_data or "")
    ):
        held[0].continue_()
    assert Draft.objects.get().rationale == "one two"


def test_what_another_device_wrote_later_stands(desk_for: DeskFor) -> None:
    desk = desk_for(study_that_asks())
    desk.wait_until_armed(1)
    desk.page.route("**/rate/draft", lambda route: route.abort())
    desk.press("r")
    desk.page.keyboard.type("older")
    desk.page.wait_for_function("() => JSON.stringify({...localStorage}).includes('older')")
    other = desk_for(desk.study, user=desk.annotator.user)
    other.wait_until_armed(1)
    other.press("r")
    with other.draft_stored("newer"):
        other.page.keyboard.type("newer")
    with desk.draft_stored("older"):  # as it does when it is left
        desk.page.unroute("**/rate/draft")
        desk.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert Draft.objects.get().rationale == "newer"
    desk.page.reload()
    desk.wait_until_armed(1)
    expect(desk.page.locator("#reason-text")).to_have_value("newer")
