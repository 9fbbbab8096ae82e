"""Rating in a real browser: every control from the key or the click to the row."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from annotation.models import Assignment, AssignmentState, Flag, Vote, VoteCriterion, VoteNote
from tests import factories
from tests.browser.rating_desk import Desk, make_small_study, make_study_of, set_scale
from tests.browser.watching import settled

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DeskFor = Callable[..., Desk]

# Done when every listener has heard of it, and what they did has been painted.
SCROLL_TO = """(element, top) => new Promise((done) => {
  const painted = () => requestAnimationFrame(() => requestAnimationFrame(done));
  element.addEventListener("scroll", painted, { once: true });
  element.scrollTop = top;
})"""


# -- voting ---------------------------------------------------------------------------------


def test_a_small_study_is_rated_by_keys_alone(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(5))
    for number, key in enumerate(["1", "ArrowRight", "0", "9", "ArrowLeft"], start=1):
        desk.vote_by_key(number, key)
    expect(desk.page.locator("#state-title")).to_have_text("Nothing is left for you to rate")
    expect(desk.page.locator("#count")).to_have_text("5 rated")
    desk.wait_until_saved()
    assert [choice for choice, _ in desk.choices()] == ["left", "right", "tie", "both_bad", "left"]
    desk.watch.assert_clean()


def test_a_small_study_is_rated_by_clicks_alone(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(4))
    names = ["Response 2 is better", "Tie: both are equally good", "Response 1 is better"]
    for number, name in enumerate([*names, "Both responses are bad"], start=1):
        desk.wait_until_armed(number)
        desk.page.get_by_role("button", name=name).click()
    expect(desk.page.locator("#state-title")).to_contain_text("Nothing is left")
    desk.wait_until_saved()
    assert [choice for choice, _ in desk.choices()] == ["right", "tie", "left", "both_bad"]
    desk.watch.assert_clean()


@pytest.mark.parametrize(
    ("scale", "key", "stored"),
    [
        ("binary", "2", ("right", None)),
        ("five", "1", ("left", 2)),
        ("five", "3", ("tie", None)),
        ("five", "4", ("right", 1)),
        ("seven", "1", ("left", 3)),
        ("seven", "5", ("right", 1)),
        ("seven", "9", ("both_bad", None)),
    ],
)
def test_each_scale_stores_what_its_key_says(
    desk_for: DeskFor, scale: str, key: str, stored: tuple[str, int | None]
) -> None:
    study = make_small_study(2)
    set_scale(study, scale)
    desk = desk_for(study)
    desk.vote_by_key(1, key)
    desk.wait_until_saved()
    assert desk.choices() == [stored]


def test_a_key_that_the_scale_does_not_have_does_nothing(desk_for: DeskFor) -> None:
    study = make_small_study(2)
    set_scale(study, "binary", both_bad=False)
    desk = desk_for(study)
    desk.wait_until_armed(1)
    for key in ("0", "9", "3", "x"):
        desk.press(key)
    desk.press("1")
    desk.wait_until_saved()
    assert desk.choices() == [("left", None)]


def test_a_vote_says_how_the_pair_was_read(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(2))
    desk.wait_until_armed(1)
    # The server is told in the background that a pair is shown.
    settled(lambda: Assignment.objects.filter(displayed_at__isnull=False).exists(), desk.page)
    desk.press("v")
    desk.press("1")
    desk.wait_until_saved()
    vote = Vote.objects.get()
    assert vote.reading["layout"] == "columns"
    assert vote.reading["source_used"] is True
    assert vote.reading["left_end"] is True
    assert vote.elapsed_ms is not None
    assert vote.active_ms is not None
    assert vote.first_choice_ms is not None
    assert vote.active_ms <= vote.elapsed_ms
    assert vote.assignment is not None
    assert vote.assignment.displayed_at is not None


# -- a key cannot answer what was not seen ----------------------------------------------------


def test_a_held_key_answers_one_pair_only(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(4))
    desk.wait_until_armed(1)
    desk.page.keyboard.down("1")
    expect(desk.page.locator("#prompt-heading")).to_contain_text("Pair 2")
    for _ in range(2):
        desk.wait_past_arming()
        desk.page.keyboard.down("1")  # the keyboard repeats
    expect(desk.page.locator("#decision")).to_have_attribute("aria-busy", "true")
    expect(desk.page.locator("#prompt-heading")).to_contain_text("Pair 2")
    desk.page.keyboard.up("1")
    desk.vote_by_key(2, "2")
    desk.wait_until_saved()
    assert [choice for choice, _ in desk.choices()] == ["left", "right"]


def test_a_key_that_comes_too_early_is_ignored_and_says_so(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(3))
    desk.wait_until_armed(1)
    with desk.before_it_is_painted():
        desk.press("1")
        expect(desk.page.locator("#prompt-heading")).to_contain_text("Pair 2")
        desk.press("1")
        expect(desk.page.locator("#notice-text")).to_contain_text("too early")
    desk.vote_by_key(2, "2")
    desk.wait_until_saved()
    assert [choice for choice, _ in desk.choices()] == ["left", "right"]


def test_no_key_answers_a_pair_behind_the_instructions_or_one_that_comes_after_them(
    desk_for: DeskFor,
) -> None:
    desk = desk_for(make_small_study(2), welcomed=False)
    expect(desk.page.locator("#prompt-heading")).to_contain_text("Pair 1")
    desk.wait_past_arming()
    expect(desk.page.locator("#decision")).to_have_attribute("aria-busy", "true")
    held: list[Route] = []
    desk.page.route("**/rate/next", lambda route: held.append(route), times=1)
    desk.page.reload()
    settled(lambda: bool(held), desk.page)
    desk.press("Enter")
    desk.page.wait_for_function("() => JSON.stringify({...localStorage}).includes('welcomed')")
    desk.wait_past_arming()
    with desk.before_it_is_painted():
        held[0].continue_()
        expect(desk.page.locator("#work")).to_be_visible()
        desk.press("1")
        expect(desk.page.locator("#notice-text")).to_contain_text("too early")
    desk.vote_by_key(1, "2")
    desk.wait_until_saved()
    assert [choice for choice, _ in desk.choices()] == ["right"]


def too_early_until_a_quarter_of_a_second_passed(desk: Desk, number: int) -> None:
    """Of the pair of that number, painted since the page's clock stands still, or seen since."""
    for put_on in (0, 249):
        desk.put_clock_on(put_on)
        desk.wait_past_arming()
        desk.press("1")
        expect(desk.page.locator("#notice-text")).to_contain_text("too early")
        expect(desk.page.locator("#decision")).to_have_attribute("aria-busy", "true")
    expect(desk.page.locator("#prompt-heading")).to_contain_text(f"Pair {number}")
    desk.put_clock_on(2)
    desk.wait_until_armed(number)
    desk.press("2")


def test_a_pair_can_be_answered_a_quarter_of_a_second_after_it_was_painted(
    desk_for: DeskFor,
) -> None:
    desk = desk_for(make_small_study(3))
    desk.wait_until_armed(1)
    desk.stop_clock()
    desk.press("1")
    expect(desk.page.locator("#prompt-heading")).to_contain_text("Pair 2")
    too_early_until_a_quarter_of_a_second_passed(desk, 2)
    desk.wait_until_saved()
    assert [choice for choice, _ in desk.choices()] == ["left", "right"]


@pytest.mark.parametrize("dialog", ["instructions", "keys"])
def test_a_pair_that_came_behind_a_dialog_is_seen_when_that_closes(
    desk_for: DeskFor, dialog: str
) -> None:
    desk = desk_for(make_small_study(2), welcomed=dialog != "instructions")
    if dialog == "keys":
        held: list[Route] = []
        desk.page.route("**/rate/next", lambda route: held.append(route), times=1)
        desk.page.reload()
        settled(lambda: bool(held), desk.page)
        desk.press("?")
        expect(desk.page.locator("#help")).to_be_visible()
        held[0].continue_()
    expect(desk.page.locator("#prompt-heading")).to_contain_text("Pair 1")
    desk.wait_past_arming()
    expect(desk.page.locator("#decision")).to_have_attribute("aria-busy", "true")
    desk.stop_clock()
    desk.press("Enter" if dialog == "instructions" else "Escape")
    expect(desk.page.locator("dialog[open]")).to_have_count(0)
    too_early_until_a_quarter_of_a_second_passed(desk, 1)
    desk.wait_until_saved()
    assert [choice for choice, _ in desk.choices()] == ["right"]


def test_the_second_half_of_a_double_click_answers_nothing(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(3))
    desk.wait_until_armed(1)
    with desk.before_it_is_painted():
        desk.page.get_by_role("button", name="Response 1 is better").dblclick()
        expect(desk.page.locator("#prompt-heading")).to_contain_text("Pair 2")
        expect(desk.page.locator("#notice-text")).to_contain_text("too early")
    desk.vote_by_key(2, "2")
    desk.wait_until_saved()
    assert [choice for choice, _ in desk.choices()] == ["left", "right"]


def test_keys_in_a_text_field_only_type(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(2))
    desk.wait_until_armed(1)
    desk.press("r")
    desk.page.keyboard.type("1 s f u 9")
    expect(desk.page.locator("#reason-text")).to_have_value("1 s f u 9")
    expect(desk.page.locator("#prompt-heading")).to_contain_text("Pair 1")


def test_single_keys_can_be_switched_off(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(2))
    desk.wait_until_armed(1)
    desk.press("?")
    desk.page.get_by_label("Use single-key shortcuts").uncheck()
    desk.press("Escape")
    desk.press("1")
    desk.press("s")
    expect(desk.page.locator("#prompt-heading")).to_contain_text("Pair 1")
    expect(desk.page.locator("#skip-dialog")).not_to_be_visible()
    desk.page.get_by_role("button", name="Response 1 is better").click()
    desk.wait_until_saved()
    assert len(desk.choices()) == 1


# -- undo, skip, flag, reason -----------------------------------------------------------------


def test_undo_shows_the_last_pair_again_and_revises_it(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(3))
    desk.vote_by_key(1, "1")
    desk.wait_until_armed(2)
    desk.press("u")
    expect(desk.page.locator("#left-text")).to_contain_text("First 1.")
    expect(desk.page.locator("#revising-text")).to_contain_text("It was: Response 1 is better")
    desk.vote_by_key(1, "2")
    desk.wait_until_armed(2)
    expect(desk.page.locator("#left-text")).to_contain_text("First 2.")
    expect(desk.page.locator("#count")).to_have_text("1 rated")
    desk.wait_until_saved()
    votes = Vote.objects.order_by("revision")
    assert [(vote.revision, vote.choice) for vote in votes] == [(0, "left"), (1, "right")]
    desk.watch.assert_clean()


def test_undo_after_a_reload_asks_the_server(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(3))
    desk.vote_by_key(1, "0")
    desk.wait_until_saved()
    desk.page.reload()
    desk.wait_until_armed(2)
    desk.page.keyboard.press("Control+z")
    expect(desk.page.locator("#left-text")).to_contain_text("First 1.")
    tie = desk.page.get_by_role("button", name="Tie: both are equally good (your last answer)")
    expect(tie).to_be_visible()
    desk.wait_until_armed(1)
    desk.press("Escape")
    desk.wait_until_armed(2)
    assert Vote.objects.count() == 1


def test_undo_is_possible_from_the_last_screen(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(1))
    desk.vote_by_key(1, "1")
    expect(desk.page.locator("#state-title")).to_contain_text("Nothing is left")
    desk.page.get_by_role("button", name="Change my last answer").click()
    desk.vote_by_key(1, "9")
    expect(desk.page.locator("#state-title")).to_contain_text("Nothing is left")
    desk.wait_until_saved()
    assert desk.choices() == [("left", None), ("both_bad", None)]


def test_a_pair_is_skipped_with_a_reason_by_keys(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(2))
    desk.wait_until_armed(1)
    desk.press("s")
    desk.press("4")
    desk.press("Enter")
    expect(desk.page.locator("#left-text")).to_contain_text("First 2.")
    desk.wait_until_saved()
    row = Assignment.objects.get(state=AssignmentState.RELEASED)
    assert row.skip_reason == "language"
    assert Vote.objects.count() == 0


def test_whoever_skips_much_reads_so(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(2, rules={"quality": {"skips": {"min_n": 2}}}))
    desk.wait_until_armed(1)
    for key in ("s", "4", "Enter"):
        desk.press(key)
    notice = desk.page.locator("#notice-text")
    expect(notice).to_have_text(
        "You have skipped your last pair. Please skip only what you cannot judge."
    )


def test_a_skip_can_be_called_off(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(2))
    desk.wait_until_armed(1)
    desk.press("s")
    desk.press("Escape")
    expect(desk.page.locator("#skip-dialog")).not_to_be_visible()
    expect(desk.page.locator("#left-text")).to_contain_text("First 1.")
    desk.press("1")
    # A skip that was not called off would have been sent before.
    desk.wait_until_saved()
    assert desk.choices() == [("left", None)]
    assert not Assignment.objects.filter(state=AssignmentState.RELEASED).exists()


def test_a_flag_goes_with_a_note_and_the_pair_stays(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(2))
    desk.wait_until_armed(1)
    desk.press("f")
    desk.page.locator("#flag-dialog").get_by_label("It is not displayed properly").check()
    desk.page.locator("#flag-note").fill("the table")
    desk.page.get_by_role("button", name="Send the flag").click()
    desk.wait_until_saved()
    flag = Flag.objects.get()
    assert (flag.reason, flag.note) == ("broken_display", "the table")
    expect(desk.page.locator("#left-text")).to_contain_text("First 1.")


def test_a_reason_goes_with_the_vote_and_ctrl_enter_sends_both(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(2))
    desk.wait_until_armed(1)
    desk.press("r")
    desk.page.keyboard.type("clearer")
    desk.press("Escape")
    desk.press("1")
    desk.page.locator("#reason-text").focus()
    desk.press("Control+Enter")
    expect(desk.page.locator("#left-text")).to_contain_text("First 2.")
    desk.wait_until_saved()
    assert VoteNote.objects.get().rationale == "clearer"


# -- several criteria -------------------------------------------------------------------------


def test_optional_questions_stay_folded_until_wanted(desk_for: DeskFor) -> None:
    study = make_small_study(3)
    factories.make_criterion(study, "clarity", required=False, question="Which is clearer?")
    desk = desk_for(study)
    desk.vote_by_key(1, "1")
    desk.wait_until_armed(2)
    desk.press("m")
    desk.press("2")
    desk.press("0")
    desk.press("Enter")
    desk.wait_until_armed(3)
    desk.wait_until_saved()
    assert desk.choices() == [("left", None), ("right", None)]
    [row] = VoteCriterion.objects.all()
    assert (row.criterion.key, row.choice) == ("clarity", "tie")


def test_every_required_question_is_asked_for(desk_for: DeskFor) -> None:
    study = make_small_study(2)
    factories.make_criterion(
        study, "clarity", scale="five", question="Which is clearer?", required=True
    )
    desk = desk_for(study)
    desk.wait_until_armed(1)
    desk.press("1")
    desk.press("Control+Enter")
    expect(desk.page.locator("#notice-text")).to_contain_text("Which is clearer?")
    assert Vote.objects.count() == 0
    desk.press("ArrowUp")
    desk.press("2")  # another answer to the first question
    desk.press("5")
    desk.press("Control+Enter")
    desk.wait_until_armed(2)
    desk.wait_until_saved()
    assert desk.choices() == [("right", None)]
    assert VoteCriterion.objects.get().margin == 2


def test_only_the_focused_question_shows_its_keys(desk_for: DeskFor) -> None:
    study = make_small_study(1)
    factories.make_criterion(study, "clarity", required=True)
    desk = desk_for(study)
    desk.wait_until_armed(1)
    first = desk.page.locator('[data-criterion="overall"] kbd').first
    second = desk.page.locator('[data-criterion="clarity"] kbd').first
    expect(first).to_be_visible()
    expect(second).not_to_be_visible()
    desk.press("ArrowDown")
    expect(first).not_to_be_visible()
    expect(second).to_be_visible()


def test_partly_given_answers_survive_a_reload(desk_for: DeskFor) -> None:
    study = make_small_study(2)
    factories.make_criterion(study, "clarity", required=True)
    desk = desk_for(study)
    desk.wait_until_armed(1)
    desk.press("1")
    desk.press("r")
    desk.page.keyboard.type("half a")
    desk.page.reload()
    desk.wait_until_armed(1)
    expect(desk.page.locator('[data-criterion="overall"] [data-choice="left"]')).to_have_attribute(
        "aria-pressed", "true"
    )
    expect(desk.page.locator("#reason-text")).to_have_value("half a")
    assert Vote.objects.count() == 0


def test_nothing_is_chosen_beforehand(desk_for: DeskFor) -> None:
    study = make_small_study(1)
    factories.make_criterion(study, "clarity", required=True)
    desk = desk_for(study)
    desk.wait_until_armed(1)
    assert desk.page.locator('[aria-pressed="true"].choice-button').count() == 0
    expect(desk.page.locator("#submit")).to_have_attribute("aria-disabled", "true")


# -- saving -----------------------------------------------------------------------------------


def test_a_reload_keeps_the_pair(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(3))
    desk.vote_by_key(1, "1")
    desk.wait_until_armed(2)
    desk.wait_until_saved()
    desk.page.reload()
    desk.wait_until_armed(2)
    expect(desk.page.locator("#left-text")).to_contain_text("First 2.")
    expect(desk.page.locator("#count")).to_have_text("1 rated")


def test_answers_given_offline_are_kept_and_sent_later(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(4))
    desk.wait_until_armed(1)
    desk.page.wait_for_load_state("networkidle")
    desk.page.context.set_offline(True)
    desk.press("1")
    desk.vote_by_key(2, "2")
    expect(desk.page.locator("#save-text")).to_have_text("2 answers not saved, retrying")
    kept = desk.page.evaluate("JSON.stringify({...localStorage})")
    assert "First" not in kept
    assert "Question" not in kept
    assert Vote.objects.count() == 0
    desk.page.context.set_offline(False)
    desk.wait_until_saved()
    desk.vote_by_key(3, "0")
    desk.wait_until_saved()
    assert [choice for choice, _ in desk.choices()] == ["left", "right", "tie"]


def test_a_vote_brings_the_pair_after_the_next_in_one_request(desk_for: DeskFor) -> None:
    # A vote that is slow to leave is not waited for, and pairs are asked for without it.
    desk = desk_for(make_small_study(6), held_timers_ms=(1000,))
    desk.wait_until_armed(1)
    asked: list[str] = []
    desk.page.on("request", lambda sent: asked.append(sent.url.rsplit("/", 1)[-1]))
    for number in (1, 2, 3):
        desk.vote_by_key(number, "1")
        desk.wait_until_saved()
    desk.wait_until_armed(4)
    assert asked.count("vote") == 3
    assert "next" not in asked
    # What cannot be lent with a vote is asked for by itself, before it is needed.
    desk.page.route("**/rate/vote", without_pairs)
    desk.vote_by_key(4, "1")
    desk.vote_by_key(5, "1")
    desk.wait_until_armed(6)
    assert "next" in asked
    desk.wait_until_saved()


def without_pairs(route: Route) -> None:
    response = route.fetch()
    route.fulfill(response=response, json={**response.json(), "next": None})


def test_an_answer_outlives_the_page_it_was_given_on(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(3))
    desk.wait_until_armed(1)
    desk.page.route("**/rate/vote", lambda route: route.abort())
    desk.press("1")
    expect(desk.page.locator("#save-text")).to_have_text("1 answer not saved, retrying")
    # A new document: only what the browser keeps is left of the answer.
    desk.page.goto("about:blank")
    assert desk.watch.warnings == 1
    desk.page.unroute("**/rate/vote")
    desk.page.goto(f"{desk.watch.origin}/study/{desk.study.slug}/rate/")
    desk.wait_until_saved()
    desk.wait_until_armed(2)
    assert [choice for choice, _ in desk.choices()] == ["left"]


def test_a_failing_server_gets_the_identical_request_again(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(2))
    desk.wait_until_armed(1)
    bodies: list[str] = []

    def fail_twice(route: Route) -> None:
        bodies.append(route.request.post_data or "")
        if len(bodies) < 3:
            route.fulfill(status=500 + len(bodies), body="down")
        else:
            route.continue_()

    desk.page.route("**/rate/vote", fail_twice)
    # What is not tried again by itself is tried by the button, and then by itself.
    desk.page.evaluate(
        "window.given = setTimeout; window.setTimeout = (act, ms) => ms < 500 ? given(act, ms) : 0"
    )
    desk.press("1")
    expect(desk.page.locator("#save-text")).to_have_text("1 answer not saved, retrying")
    desk.page.evaluate("window.setTimeout = given")
    assert len(bodies) == 1
    desk.page.get_by_role("button", name="Try now").click()
    desk.wait_until_saved()
    assert len(bodies) == 3
    assert len(set(bodies)) == 1
    assert json.loads(bodies[0])["key"]
    assert Vote.objects.count() == 1


def test_an_answer_whose_reply_was_lost_is_stored_once(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(2))
    desk.wait_until_armed(1)
    lost = {"done": False}

    def lose_the_first_reply(route: Route) -> None:
        if lost["done"]:
            route.continue_()
            return
        lost["done"] = True
        route.fetch()
        route.abort()

    desk.page.route("**/rate/vote", lose_the_first_reply)
    desk.press("1")
    desk.wait_until_saved()
    assert Vote.objects.count() == 1


def test_two_tabs_give_one_vote_and_a_calm_word(desk_for: DeskFor) -> None:
    study = make_small_study(3)
    first = desk_for(study)
    second = desk_for(study, user=first.annotator.user)
    first.wait_until_armed(1)
    second.wait_until_armed(1)
    first.press("1")
    first.wait_until_saved()
    second.press("2")
    expect(second.page.locator("#notice-text")).to_contain_text("had an answer already")
    expect(second.page.locator("#left-text")).to_contain_text("First 2.")
    assert first.choices() == [("left", None)]


def test_signed_out_answers_wait_for_the_next_sign_in(desk_for: DeskFor) -> None:
    from annotation.models import Session
    from tests.browser.rating_desk import sign_in

    desk = desk_for(make_small_study(3))
    desk.wait_until_armed(1)
    Session.objects.all().delete()
    desk.press("1")
    expect(desk.page.locator("#save-text")).to_contain_text("Signed out, 1 answer not saved")
    assert desk.annotator.user is not None
    sign_in(desk.page.context, desk.annotator.user, desk.watch.origin)
    # Another tab signed in; this one learns it by itself, and its old token is replaced.
    desk.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    desk.wait_until_saved()
    assert desk.choices() == [("left", None)]


def test_a_vote_after_the_study_closed_is_explained(desk_for: DeskFor) -> None:
    study = make_small_study(2)
    desk = desk_for(study)
    desk.wait_until_armed(1)
    desk.page.wait_for_load_state("networkidle")
    long_ago = study.state_changed_at.replace(year=2000)
    type(study).objects.filter(pk=study.pk).update(
        state="closed", closed_at=long_ago, state_changed_at=long_ago
    )
    desk.press("1")
    expect(desk.page.locator("#notice-text")).to_contain_text("The study closed before")


# -- reading ----------------------------------------------------------------------------------


def test_the_first_visit_opens_with_the_instructions_and_the_next_does_not(
    desk_for: DeskFor,
) -> None:
    desk = desk_for(make_small_study(1), welcomed=False)
    expect(desk.page.locator("#welcome")).to_be_visible()
    expect(desk.page.locator("#welcome")).to_contain_text("Be fair.")
    desk.press("1")  # the dialog is in the way of every answer
    desk.press("Enter")
    desk.wait_until_armed(1)
    desk.page.reload()
    desk.wait_until_armed(1)
    expect(desk.page.locator("#welcome")).not_to_be_visible()
    assert Vote.objects.count() == 0


def test_guidelines_open_beside_the_pair(desk_for: DeskFor) -> None:
    study = make_small_study(2)
    study.criteria.update(levels=[{"description": "Wrong.", "example": "It is Sydney."}])
    desk = desk_for(study)
    desk.wait_until_armed(1)
    desk.press("g")
    expect(desk.page.locator("#guidelines")).to_contain_text("It is Sydney.")
    expect(desk.page.locator("#guidelines-title")).to_be_focused()
    desk.press("Escape")
    expect(desk.page.locator("#guidelines")).not_to_be_visible()
    expect(desk.page.locator("#prompt-heading")).to_be_focused()


def test_the_source_of_both_sides_is_one_key_away(desk_for: DeskFor) -> None:
    desk = desk_for(make_study_of([("*p*", "**a**", "`b`")]))
    desk.wait_until_armed(1)
    expect(desk.page.locator("#left-text strong")).to_have_text("a")
    desk.press("v")
    expect(desk.page.locator("#left-text .source")).to_have_text("**a**")
    expect(desk.page.locator("#right-text .source")).to_have_text("`b`")
    expect(desk.page.locator("#left-text strong")).not_to_be_visible()
    desk.press("v")
    expect(desk.page.locator("#left-text strong")).to_be_visible()


def test_an_empty_response_has_a_marked_placeholder(desk_for: DeskFor) -> None:
    desk = desk_for(make_study_of([("Say nothing.", "", "Nothing.")]))
    desk.wait_until_armed(1)
    expect(desk.page.locator("#left-text")).to_have_text("This text is empty.")


def test_a_conversation_is_shown_turn_by_turn(desk_for: DeskFor) -> None:
    turns = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "Bye"},
    ]
    desk = desk_for(make_study_of([(turns, "A.", "B.")]))
    desk.wait_until_armed(1)
    speakers = desk.page.locator("#prompt-body h3")
    expect(speakers).to_have_text(["User", "Assistant", "User"])


def test_both_columns_scroll_together_until_they_are_parted(desk_for: DeskFor) -> None:
    long = "\n\n".join(f"Paragraph {n}." for n in range(80))
    desk = desk_for(make_study_of([("Go on.", long, long)]))
    desk.wait_until_armed(1)
    left, right = (desk.page.locator(f"#{side}-text") for side in ("left", "right"))
    left.evaluate("element => element.scrollTop = 400")
    desk.page.wait_for_function("() => document.getElementById('right-text').scrollTop === 400")
    desk.press("l")
    left.evaluate(SCROLL_TO, 900)
    assert right.evaluate("element => element.scrollTop") == 400


def test_arrows_scroll_the_columns_where_they_answer_nothing(desk_for: DeskFor) -> None:
    long = "\n\n".join(f"Paragraph {n}." for n in range(80))
    desk = desk_for(make_study_of([("Go on.", long, "Short.")]))
    desk.wait_until_armed(1)
    desk.press("ArrowDown")
    desk.page.wait_for_function("() => document.getElementById('left-text').scrollTop > 0")
    desk.press("2")
    desk.wait_until_saved()
    assert [choice for choice, _ in desk.choices()] == ["right"]


def test_mathematics_is_typeset_and_what_fails_shows_its_source(desk_for: DeskFor) -> None:
    study = make_study_of(
        [
            ("Plain.", "No formula.", "It costs $5 or $10."),
            ("M?", r"$x^2$ \(\boxed{42}\)", r"$\frac{a$"),
        ]
    )
    # A pair waits for KaTeX for some seconds only, which may be too short on a busy machine.
    desk = desk_for(study, held_timers_ms=(5000,))
    desk.wait_until_armed(1)
    loaded = "[...document.scripts].some((script) => script.src.includes('katex'))"
    desk.vote_by_key(1, "1")
    desk.wait_until_armed(2)
    expect(desk.page.locator("#left-text .katex")).to_have_count(2)
    expect(desk.page.locator("#right-text .math.failed")).to_have_text(r"\frac{a")
    assert desk.page.evaluate(loaded)
    desk.watch.assert_clean()


def test_katex_is_not_fetched_for_pairs_without_mathematics(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(2))
    asked: list[str] = []
    desk.page.on("request", lambda request: asked.append(request.url))
    desk.page.reload()
    desk.wait_until_armed(1)
    assert asked
    assert not [url for url in asked if "katex" in url]


# -- signing out ------------------------------------------------------------------------------


def test_signing_out_warns_of_answers_that_are_not_saved(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(3))
    page = desk.page
    desk.wait_until_armed(1)
    page.route("**/rate/vote", lambda route: route.abort())
    desk.press("1")
    expect(page.locator("#save-text")).to_have_text("1 answer not saved, retrying")
    page.goto(f"{desk.watch.origin}/")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="1 answer is not saved yet")).to_be_visible()
    page.unroute("**/rate/vote")
    page.get_by_role("link", name="Open the rating page").click()
    desk.wait_until_saved()
    page.goto(f"{desk.watch.origin}/")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert desk.choices() == [("left", None)]


def test_unsaved_answers_can_be_discarded_on_purpose(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(3))
    page = desk.page
    desk.wait_until_armed(1)
    page.route("**/rate/vote", lambda route: route.abort())
    desk.press("1")
    expect(page.locator("#save-text")).to_have_text("1 answer not saved, retrying")
    page.goto(f"{desk.watch.origin}/")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Discard them and sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.includes('outbox'))") == []
    assert desk.choices() == []
