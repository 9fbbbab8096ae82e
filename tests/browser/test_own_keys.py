"""Keys that an annotator chose, in a real browser (annotating.md P24, WCAG 2.1.4)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from annotation.models import KeyMap
from tests.browser.rating_desk import Desk, make_small_study
from tests.browser.watching import accessibility_faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DeskFor = Callable[..., Desk]


def change(desk: Desk, what: str, key: str) -> None:
    desk.page.get_by_role("button", name=f"Change the key: {what}").click()
    desk.press(key)


def test_a_changed_key_does_what_the_given_one_did(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(4))
    desk.wait_until_armed(1)
    desk.press("?")
    change(desk, "Response 1 is better", "q")
    expect(desk.page.locator("#help-message")).to_contain_text("Saved")
    change(desk, "Skip this pair", "x")
    expect(desk.page.locator("#help-message")).to_contain_text("x: Skip this pair. Saved")
    assert accessibility_faults(desk.page) == []
    desk.press("Escape")
    assert KeyMap.objects.get().keys == {"answer_1": "q", "skip": "x"}
    desk.press("1")
    desk.press("s")
    expect(desk.page.locator("#prompt-heading")).to_contain_text("Pair 1")
    expect(desk.page.locator("#skip-dialog")).not_to_be_visible()
    desk.press("q")
    desk.vote_by_key(2, "ArrowLeft")
    desk.wait_until_armed(3)
    desk.press("x")
    expect(desk.page.locator("#skip-dialog")).to_be_visible()
    desk.press("Escape")
    expect(desk.page.locator('[data-action="skip"] kbd')).to_have_text("x")
    desk.wait_until_saved()
    assert desk.choices() == [("left", None), ("left", None)]
    desk.watch.assert_clean()


def test_own_keys_come_along_to_another_device(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(2))
    desk.wait_until_armed(1)
    desk.press("?")
    change(desk, "Tie: both are equally good", "t")
    expect(desk.page.locator("#help-message")).to_contain_text("Saved")
    other = desk_for(desk.study, user=desk.annotator.user)
    other.vote_by_key(1, "t")
    other.wait_until_saved()
    assert other.choices() == [("tie", None)]


def test_a_key_that_is_taken_is_refused_with_its_owner(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(2))
    desk.wait_until_armed(1)
    desk.press("?")
    change(desk, "Skip this pair", "F")
    expect(desk.page.locator("#help-message")).to_contain_text("f is taken: Flag this pair")
    # Still waiting: another key will do; keys that type nothing will not.
    desk.press("F5")
    expect(desk.page.locator("#help-message")).to_contain_text("types nothing")
    desk.press("Escape")
    expect(desk.page.locator("#help")).to_be_visible()
    assert not KeyMap.objects.exists()


def test_a_key_of_what_this_page_does_not_have_can_be_taken(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(2))  # without a reference, and with no answer 7
    desk.wait_until_armed(1)
    desk.press("?")
    change(desk, "Skip this pair", "a")
    expect(desk.page.locator("#help-message")).to_contain_text("a: Skip this pair. Saved")
    change(desk, "Flag this pair", "7")
    expect(desk.page.locator("#help-message")).to_contain_text("7: Flag this pair. Saved")
    assert KeyMap.objects.get().keys == {
        "skip": "a",
        "reference": "s",
        "flag": "7",
        "answer_7": "f",
    }
    desk.press("Escape")
    desk.press("s")
    desk.press("f")
    expect(desk.page.locator("#skip-dialog")).not_to_be_visible()
    desk.press("a")
    expect(desk.page.locator("#skip-dialog")).to_be_visible()


def test_the_given_keys_come_back(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(2))
    desk.wait_until_armed(1)
    desk.press("?")
    change(desk, "Skip this pair", "x")
    expect(desk.page.locator("#help-message")).to_contain_text("Saved")
    desk.page.get_by_role("button", name="Use the given keys again").click()
    expect(desk.page.locator("#help-message")).to_contain_text("given keys")
    desk.press("Escape")
    expect(desk.page.locator('[data-action="skip"] kbd')).to_have_text("s")
    assert not KeyMap.objects.exists()


def test_without_a_connection_the_keys_stay_as_they_were(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(2))
    desk.wait_until_armed(1)
    desk.page.route("**/rate/keys", lambda route: route.abort())
    desk.press("?")
    change(desk, "Skip this pair", "x")
    expect(desk.page.locator("#help-message")).to_contain_text("no connection")
    desk.press("Escape")
    desk.press("s")
    expect(desk.page.locator("#skip-dialog")).to_be_visible()
