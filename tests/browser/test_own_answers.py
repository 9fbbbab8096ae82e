"""Own answers, times, breaks and the end, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from annotation.models import Prompt, Study, Vote
from tests.browser.rating_desk import Desk, make_small_study
from tests.browser.watching import accessibility_faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DeskFor = Callable[..., Desk]
SIDES = ("left", "right")


def rate_all(desk: Desk, *keys: str) -> None:
    for number, key in enumerate(keys, start=1):
        desk.vote_by_key(number, key)
    desk.wait_until_saved()


# -- earlier answers --------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_own_answers_are_listed_and_shown(desk_for: DeskFor, scheme: str) -> None:
    desk = desk_for(make_small_study(3), color_scheme=scheme)
    rate_all(desk, "1", "0")
    desk.page.get_by_role("link", name="2 rated").click()
    expect(desk.page.locator(".own-line__answer")).to_have_text(
        ["Tie: both are equally good", "Response 1 is better"]
    )
    assert accessibility_faults(desk.page) == []
    desk.page.get_by_role("link", name="Question 1?").click()
    expect(desk.page.get_by_role("heading", name="Your answer")).to_be_visible()
    expect(desk.page.locator(".own-pair")).to_contain_text("First 1.")
    expect(desk.page.get_by_role("link", name="Change this answer")).to_have_count(0)
    assert accessibility_faults(desk.page) == []
    desk.watch.assert_clean()


def test_an_earlier_answer_is_changed_and_the_pair_before_comes_back(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(4, rules={"answering": {"revise_earlier": True}}))
    rate_all(desk, "1", "2")
    desk.page.get_by_role("link", name="2 rated").click()
    desk.page.get_by_role("link", name="Question 1?").click()
    desk.page.get_by_role("link", name="Change this answer").click()
    expect(desk.page.locator("#revising-what")).to_have_text("You are changing an earlier answer.")
    expect(desk.page.locator("#prompt-heading")).to_contain_text("An earlier pair")
    expect(desk.page.locator("#left-text")).to_contain_text("First 1.")
    expect(desk.page.locator("#decision")).to_have_attribute("aria-busy", "false")
    desk.press("0")
    desk.wait_until_armed(3)
    desk.wait_until_saved()
    votes = Vote.objects.order_by("pk").values_list("choice", "revision")
    assert list(votes) == [("left", 0), ("right", 0), ("tie", 1)]
    expect(desk.page.locator("#count")).to_have_text("2 rated")
    assert "#change" not in desk.page.url
    desk.watch.assert_clean()


def test_a_change_that_the_study_does_not_take_is_said(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(3))
    rate_all(desk, "1")
    vote = Vote.objects.get()
    assert vote.assignment is not None
    desk.page.goto(f"{desk.page.url}#change={vote.assignment.public_id}")
    desk.page.reload()
    expect(desk.page.locator("#notice-text")).to_contain_text("Only your last answer")
    desk.wait_until_armed(2)


# -- the reference answer -----------------------------------------------------------------------


def test_the_reference_is_shown_where_the_study_shows_it(desk_for: DeskFor) -> None:
    study = make_small_study(2, rules={"answering": {"show_reference": True}})
    Prompt.objects.order_by("pk").filter(pk=Prompt.objects.earliest("pk").pk).update(
        reference="The **right** answer."
    )
    desk = desk_for(study)
    desk.wait_until_armed(1)
    body = desk.page.locator("#reference-body")
    expect(body.locator(".rendered")).to_have_text("The right answer.")
    expect(body.locator("strong")).to_have_text("right")
    assert accessibility_faults(desk.page) == []
    desk.press("v")
    expect(body.locator(".source")).to_have_text("The **right** answer.")
    desk.press("a")
    expect(body).not_to_be_visible()
    desk.press("a")
    desk.press("1")
    desk.wait_until_armed(2)  # a prompt without one
    expect(body).not_to_be_visible()
    desk.wait_until_saved()
    assert Vote.objects.get().reading["reference_open"] is True


# -- time, breaks and the end -------------------------------------------------------------------


def test_the_end_thanks_with_figures_and_a_code(desk_for: DeskFor) -> None:
    crowd = {"completed_code": "DONE-77", "return_url": "https://crowd.example/end?cc={code}"}
    desk = desk_for(make_small_study(2, rules={"crowd": crowd}))
    desk.wait_until_armed(1)
    expect(desk.page.locator("#completion")).not_to_be_visible()
    rate_all(desk, "1", "2")
    expect(desk.page.locator("#completion-code")).to_have_text("DONE-77")
    link = desk.page.get_by_role("link", name="Go back to the platform")
    expect(link).to_have_attribute("href", "https://crowd.example/end?cc=DONE-77")
    figures = desk.page.locator("#state-figures")
    expect(figures).to_contain_text("You rated 2 pairs. Active time:")
    assert accessibility_faults(desk.page) == []
    desk.page.get_by_role("button", name="Change my last answer").click()
    expect(desk.page.locator("#completion")).not_to_be_visible()
    desk.watch.assert_clean()


def test_a_study_without_codes_ends_without_one(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(1))
    rate_all(desk, "1")
    expect(desk.page.locator("#state-figures")).to_contain_text("You rated 1 pair.")
    expect(desk.page.locator("#completion")).not_to_be_visible()


def worked(minutes: float, ago_minutes: float = 0) -> str:
    """A script that lets the browser remember so much work without a break."""
    return f"""(() => {{
        const name = Object.keys(localStorage).find((key) => key.startsWith("evalsite.rating."));
        const values = JSON.parse(localStorage.getItem(name));
        values.sitting = {{ ms: {minutes} * 60000, at: Date.now() - {ago_minutes} * 60000 }};
        localStorage.setItem(name, JSON.stringify(values));
    }})()"""


@pytest.mark.parametrize(
    ("minutes", "ago", "said"), [(29.999, 0, True), (20, 0, False), (29.999, 6, False)]
)
def test_a_break_is_proposed_between_two_pairs(
    desk_for: DeskFor, minutes: float, ago: float, *, said: bool
) -> None:
    study = make_small_study(3, rules={"answering": {"break_after_minutes": 30}})
    desk = desk_for(study)
    rate_all(desk, "1")
    desk.wait_until_armed(2)  # from here on the page writes nothing over it
    desk.page.evaluate(worked(minutes, ago))
    desk.page.reload()
    desk.wait_until_armed(2)
    desk.press("1")
    desk.wait_until_armed(3)
    words: Any = expect(desk.page.locator("#notice-text"))
    if said:
        words.to_contain_text("You have rated for 30 minutes without a break.")
        assert accessibility_faults(desk.page) == []
    else:
        words.to_have_text("")


def test_a_study_can_leave_breaks_to_its_annotators(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(3, rules={"answering": {"break_after_minutes": None}}))
    rate_all(desk, "1")
    desk.wait_until_armed(2)
    desk.page.evaluate(worked(500))
    desk.page.reload()
    desk.vote_by_key(2, "1")
    desk.wait_until_armed(3)
    expect(desk.page.locator("#notice-text")).to_have_text("")


# -- small screens, large letters, no motion ------------------------------------------------------


def test_the_responses_can_be_swiped_through(desk_for: DeskFor) -> None:
    desk = desk_for(
        make_small_study(2), viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True
    )
    desk.wait_until_armed(1)
    desk.page.get_by_role("button", name="Swipe").click()
    left, right = (
        desk.page.locator(f"#{side}-section").bounding_box() for side in ("left", "right")
    )
    assert left is not None
    assert right is not None
    assert left["y"] == right["y"]
    assert right["x"] < 360
    assert accessibility_faults(desk.page) == []
    desk.page.locator("#pair").evaluate("(pair) => pair.scrollTo(pair.scrollWidth, 0)")
    expect(desk.page.locator("#right-text")).to_be_in_viewport(ratio=1)
    desk.page.get_by_role("button", name="Response 2 is better").click()
    desk.wait_until_armed(2)
    assert desk.page.locator("#pair").evaluate("(pair) => pair.scrollLeft") == 0
    assert desk.page.evaluate("document.documentElement.scrollWidth") <= 360
    desk.wait_until_saved()
    assert Vote.objects.get().reading["layout"] == "swiped"


def make_asking_study() -> Study:
    return make_small_study(
        2,
        rules={
            "answering": {
                "confidence": "required",
                "rationale": "required",
                "rationale_min": 20,
                "tags": ["More correct", "Clearer", "Better tone"],
                "show_reference": True,
            }
        },
    )


@pytest.mark.parametrize("size", [(640, 400), (320, 512)])
def test_nothing_is_lost_at_double_size(desk_for: DeskFor, size: tuple[int, int]) -> None:
    """A window of 1280 × 800 at 200 %, and one of 1280 × 1024 at 400 %."""
    width, height = size
    study = make_asking_study()
    Prompt.objects.update(reference="A reference answer.")
    desk = desk_for(study, viewport={"width": width, "height": height})
    desk.wait_until_armed(1)
    assert desk.page.evaluate("document.documentElement.scrollWidth") <= width
    for name in ("Very sure", "Response 1 is better", "Save and next"):
        control = desk.page.get_by_role("button", name=name)
        control.scroll_into_view_if_needed()
        expect(control).to_be_in_viewport()
    desk.page.locator("#left-text").scroll_into_view_if_needed()
    # The bar leaves room to read in.
    bar = desk.page.locator("#decision").bounding_box()
    assert bar is not None
    assert bar["height"] <= height * 0.6
    assert accessibility_faults(desk.page) == []


def test_nothing_moves_for_who_wants_no_motion(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(2), reduced_motion="reduce")
    desk.wait_until_armed(1)
    moving = desk.page.evaluate(
        """[...document.querySelectorAll("*")].filter((element) => {
            const style = getComputedStyle(element);
            const lasts = (value) => value.split(",").some((part) => parseFloat(part) > 0.001);
            return lasts(style.transitionDuration) || lasts(style.animationDuration)
                || style.scrollBehavior === "smooth";
        }).map((element) => element.className)"""
    )
    assert moving == []


def test_an_answer_that_is_changed_cannot_be_skipped(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(2))
    rate_all(desk, "1")
    desk.wait_until_armed(2)
    desk.press("u")
    desk.wait_until_armed(1)
    expect(desk.page.get_by_role("button", name="Skip")).to_have_count(0)
    desk.press("Escape")
    desk.wait_until_armed(2)
    expect(desk.page.get_by_role("button", name="Skip")).to_be_visible()
