"""Words that only one response has: marked on demand, and the use goes with the vote."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from annotation.models import Vote
from tests.browser.rating_desk import Desk, make_study_of
from tests.browser.watching import settled

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DeskFor = Callable[..., Desk]

LEFT = "The quick <b>brown</b> fox jumps over the dog."
RIGHT = "The quick <b>red</b> fox leaps over the lazy dog."


def desk_with_two_texts(desk_for: DeskFor, left: str = LEFT, right: str = RIGHT) -> Desk:
    desk = desk_for(make_study_of([("Which?", left, right), ("And?", "One.", "Two.")]))
    desk.wait_until_armed(1)
    return desk


def marked(desk: Desk, side: str) -> list[str]:
    texts = desk.page.locator(f"#{side}-text mark").all_text_contents()
    return [text.strip() for text in texts]


def test_the_words_of_one_side_are_marked_on_that_side(desk_for: DeskFor) -> None:
    desk = desk_with_two_texts(desk_for)
    button = desk.page.locator("[data-action=differences]")
    expect(button).to_have_attribute("aria-pressed", "false")
    desk.press("d")
    expect(button).to_have_attribute("aria-pressed", "true")
    # Which response is left was drawn.
    shown = {side: marked(desk, side) for side in ("left", "right")}
    assert sorted(shown.values()) == [["brown", "jumps"], ["red", "leaps", "lazy"]]
    assert desk.page.locator("#left-text b").count() == 0
    desk.press("d")
    expect(desk.page.locator("mark")).to_have_count(0)
    expect(desk.page.locator("#left-text .rendered")).to_be_visible()
    desk.watch.assert_clean()


def test_a_mark_is_told_by_more_than_its_colour(desk_for: DeskFor) -> None:
    desk = desk_with_two_texts(desk_for)
    desk.press("d")
    mark = desk.page.locator("#left-text mark").first
    expect(mark).to_be_visible()
    width = mark.evaluate("mark => getComputedStyle(mark).borderBottomWidth")
    assert float(width.removesuffix("px")) >= 2


def test_the_use_goes_with_the_vote_and_the_next_pair_starts_without(desk_for: DeskFor) -> None:
    desk = desk_with_two_texts(desk_for)
    button = desk.page.locator("[data-action=differences]")
    for pressed in ("true", "false", "true"):
        desk.press("d")
        expect(button).to_have_attribute("aria-pressed", pressed)
        desk.page.evaluate("new Promise((later) => setTimeout(later, 30))")
    desk.press("1")
    desk.wait_until_armed(2)
    expect(desk.page.locator("mark")).to_have_count(0)
    expect(desk.page.locator("[data-action=differences]")).to_have_attribute(
        "aria-pressed", "false"
    )
    desk.press("2")
    desk.wait_until_saved()
    first, second = Vote.objects.order_by("pk")
    assert first.reading["diff_uses"] == 2
    assert 0 < first.reading["diff_ms"] <= first.elapsed_ms
    assert "diff_uses" not in second.reading


def test_texts_with_nothing_in_common_are_not_compared_for_ever(desk_for: DeskFor) -> None:
    left = " ".join(f"a{number}" for number in range(20_000))
    right = " ".join(f"b{number}" for number in range(20_000))
    desk = desk_with_two_texts(desk_for, left, right)
    desk.press("d")
    expect(desk.page.locator("#notice-text")).to_contain_text("too little in common")
    expect(desk.page.locator("mark")).to_have_count(0)


def test_what_looks_like_markup_is_only_text_in_the_comparison(desk_for: DeskFor) -> None:
    hostile = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    desk = desk_with_two_texts(desk_for, f"{hostile} one", f"{hostile} two")
    desk.press("d")
    expect(desk.page.locator("#left-text .diffed")).to_contain_text("<script>alert(2)</script>")
    assert desk.page.locator("#left-text img, #left-text script").count() == 0
    desk.watch.assert_clean()


def test_a_second_press_while_the_library_is_on_its_way_takes_the_first_back(
    desk_for: DeskFor,
) -> None:
    desk = desk_with_two_texts(desk_for)
    held: list[Route] = []
    library = desk.page.locator("#rating").get_attribute("data-diff-script")
    assert library is not None
    desk.page.route(f"**{library}", lambda route: held.append(route))
    desk.press("d")
    settled(lambda: bool(held), desk.page)
    desk.press("d")
    held[0].continue_()
    # Whoever asked for it sooner has it sooner.
    desk.page.evaluate("library => import(library).then(() => 0)", library)
    expect(desk.page.locator("mark")).to_have_count(0)
    desk.press("d")
    expect(desk.page.locator("mark").first).to_be_visible()
