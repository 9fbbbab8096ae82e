"""The practice round in a real browser: what was expected, and why, before the first real pair."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from annotation.models import (
    Annotator,
    AnnotatorState,
    Assignment,
    AssignmentState,
    ComparisonKind,
    Study,
)
from tests import factories
from tests.browser.rating_desk import Desk, make_small_study

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DeskFor = Callable[..., Desk]

HOSTILE = "<img src=x onerror=alert(1)> Response with **numbers** wins."


def make_study_with_practice(pairs: int = 2, *, gold: int = 0, **qualification: object) -> Study:
    """Two pairs of work; in each practice pair `a` is right."""
    rules: dict[str, object] = {"qualification": {"pass_mark": 0.6, **qualification}}
    if gold:
        rules["checks"] = {"gold_share": 0.5}
    study = make_small_study(2, rules=rules)
    kinds = [ComparisonKind.TRAINING] * pairs + [ComparisonKind.GOLD] * gold
    for number, kind in enumerate(kinds, start=1):
        prompt = factories.make_prompt(study, text=f"Practice question {number}?")
        systems = study.systems.order_by("name")
        factories.make_comparison(
            study,
            prompt=prompt,
            response_a=factories.make_response(prompt, systems[0], text="Right."),
            response_b=factories.make_response(prompt, systems[1], text="Wrong."),
            kind=kind,
            gold={"overall": ["a"]},
            explanation=HOSTILE,
        )
    return study


def newcomer_at(desk_for: DeskFor, study: Study) -> Desk:
    user = factories.make_user()
    factories.make_annotator(study, user, state=AnnotatorState.QUALIFYING)
    return desk_for(study, user=user)


def wait_for_practice(desk: Desk, number: int, of: int = 2) -> None:
    heading = desk.page.locator("#prompt-heading")
    expect(heading).to_contain_text(f"Practice pair {number} of {of}")
    expect(desk.page.locator("#decision")).to_have_attribute("aria-busy", "false")


def key_for(desk: Desk, verdict: str) -> str:
    """The key that means a verdict on the pair that the annotator holds."""
    held = Assignment.objects.get(annotator=desk.annotator, state=AssignmentState.RESERVED)
    return "1" if (verdict == "a") != held.swapped else "2"


def answer_practice(desk: Desk, number: int, verdict: str) -> None:
    wait_for_practice(desk, number)
    desk.press(key_for(desk, verdict))
    expect(desk.page.locator("#feedback-next")).to_be_visible()


def test_a_practice_answer_is_explained_before_the_next_pair_comes(desk_for: DeskFor) -> None:
    desk = newcomer_at(desk_for, make_study_with_practice())
    expect(desk.page.locator("#notice-text")).to_contain_text("You start with 2 practice pairs")
    answer_practice(desk, 1, "b")
    expect(desk.page.locator("#feedback-title")).to_have_text("Another answer was expected")
    expect(desk.page.locator("#feedback-answer")).to_contain_text("Expected: Response")
    explanation = desk.page.locator("#feedback-text")
    expect(explanation).to_contain_text("<img src=x onerror=alert(1)> Response with numbers wins.")
    expect(explanation.locator("strong")).to_have_text("numbers")
    # The pair stays in sight while the explanation is read, and no key answers it again.
    expect(desk.page.locator("#left-text")).to_be_visible()
    desk.press("1")
    desk.press("u")
    expect(desk.page.locator("#feedback")).to_be_visible()
    desk.press("Enter")
    wait_for_practice(desk, 2)
    expect(desk.page.locator("#feedback")).to_be_hidden()
    desk.watch.assert_clean()


def test_who_passes_goes_on_to_work_and_is_told(desk_for: DeskFor) -> None:
    desk = newcomer_at(desk_for, make_study_with_practice())
    for number in (1, 2):
        answer_practice(desk, number, "a")
        expect(desk.page.locator("#feedback-title")).to_have_text("That is the expected answer")
        desk.press("Enter")
    expect(desk.page.locator("#notice-text")).to_contain_text("You passed the practice round")
    desk.vote_by_key(1, "1")
    desk.vote_by_key(2, "2")
    expect(desk.page.locator("#state-title")).to_contain_text("Nothing is left")
    expect(desk.page.locator("#count")).to_have_text("2 rated")
    assert Annotator.objects.get(pk=desk.annotator.pk).state == AnnotatorState.ACTIVE
    desk.watch.assert_clean()


def test_who_does_not_pass_has_a_second_attempt_and_then_no_more(desk_for: DeskFor) -> None:
    desk = newcomer_at(desk_for, make_study_with_practice())
    for attempt in (1, 2):
        for number in (1, 2):
            answer_practice(desk, number, "b")
            desk.press("Enter")
        if attempt == 1:
            expect(desk.page.locator("#notice-text")).to_contain_text("Here is attempt 2 of 2")
    expect(desk.page.locator("#state-title")).to_have_text("The practice round was not passed")
    assert Annotator.objects.get(pk=desk.annotator.pk).state == AnnotatorState.FAILED
    desk.watch.assert_clean()


def test_practice_offers_neither_skip_nor_undo(desk_for: DeskFor) -> None:
    desk = newcomer_at(desk_for, make_study_with_practice())
    answer_practice(desk, 1, "a")
    desk.press("Enter")
    wait_for_practice(desk, 2)
    expect(desk.page.locator("[data-action=skip]")).to_be_hidden()
    desk.press("u")
    expect(desk.page.locator("#notice-text")).to_contain_text("cannot be changed")
    wait_for_practice(desk, 2)


def test_a_check_among_the_work_looks_like_work(desk_for: DeskFor) -> None:
    study = make_study_with_practice(0, gold=2)
    desk = desk_for(study)
    seen = []
    for number in range(1, 4):
        desk.wait_until_armed(number)
        seen.append(Assignment.objects.filter(annotator=desk.annotator).count())
        desk.press("1")
    desk.wait_until_saved()
    expect(desk.page.locator("#feedback")).to_be_hidden()
    kinds = Assignment.objects.filter(annotator=desk.annotator).values_list("kind", flat=True)
    assert ComparisonKind.GOLD in set(kinds)
    expect(desk.page.locator("#count")).to_contain_text("rated")
    desk.watch.assert_clean()


def test_a_change_of_the_study_is_read_before_going_on(desk_for: DeskFor) -> None:
    study = make_small_study(4)
    desk = desk_for(study)
    desk.wait_until_armed(1)
    factories.make_study_version(study)
    for number in (1, 2, 3):
        next_pair = desk.page.locator("#prompt-heading", has_text=f"Pair {number}")
        either = next_pair.or_(desk.page.locator("#state-title")).filter(visible=True)
        expect(either).to_be_visible()
        if desk.page.locator("#state").is_visible():
            break
        desk.vote_by_key(number, "1")
        desk.wait_until_saved()
    expect(desk.page.locator("#state-title")).to_have_text(
        "The guidelines of this study were changed"
    )
    desk.page.get_by_role("button", name="Load again").click()
    # The instructions open once more, since they may be others.
    desk.page.get_by_role("button", name="Start rating").click()
    expect(desk.page.locator("#work")).to_be_visible()
