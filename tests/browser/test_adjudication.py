"""Deciding disagreements in a real browser: keys, phones, both themes, and no script at all."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from annotation.adjudication import decide, find_case, next_case
from annotation.models import Adjudication, AdjudicationCase, CaseState, Study, User
from annotation.voting import Answer
from tests import factories
from tests.annotation.adjudication.world import make_adjudicator, version_with_rubric, vote_on
from tests.browser.rating_desk import sign_in
from tests.browser.watching import Watch, accessibility_faults, hold_timers

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Theme = Literal["light", "dark"]
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 360, "height": 780}

HOSTILE = "<img src=x onerror=window.ran=1><script>window.ran=1</script>"
PROMPT = "How does a **heat pump** move heat from a cold place to a warm one? Two short paragraphs."
FIRST = (
    "A heat pump evaporates a *refrigerant* outside, where even cold air is warmer than it.\n\n"
    "The compressor then raises its temperature, and it condenses indoors:\n\n"
    "- evaporate\n- compress\n- condense\n\nFor each unit of work, $W$, it moves about $3W$."
)
SECOND = (
    "Heat flows from hot to cold by itself; the pump does **work** to turn that around.\n\n"
    "```\noutside -> evaporator -> compressor -> condenser -> room\n```\n\n"
    f"That is all. {HOSTILE}"
)
REASONS = (
    "It names every step and says how much work that takes.",
    f"Shorter, and the sketch helps. {HOSTILE}",
    "Both are right.\nI could not choose.",
)


def make_disputed_study(pairs: int = 2, *, criteria: bool = False, **fields: Any) -> Study:
    """An open study in which three people gave three answers on each pair."""
    fields.setdefault("title", "Support answers")
    fields.setdefault("instructions", "Prefer the answer that a customer can **act on**.")
    study = factories.make_open_study(**fields)
    if criteria:
        factories.make_criterion(study, "clear", question="Which is clearer?", scale="five")
        factories.make_criterion(
            study, "complete", question="Which is more complete?", required=False
        )
    version_with_rubric(study)
    alpha, beta = factories.make_system(study, "alpha"), factories.make_system(study, "beta")
    for _ in range(pairs):
        prompt = factories.make_prompt(study, text=PROMPT)
        comparison = factories.make_comparison(
            study,
            prompt=prompt,
            response_a=factories.make_response(prompt, alpha, text=FIRST),
            response_b=factories.make_response(prompt, beta, text=SECOND),
            overlap=3,
            taken=3,
        )
        for verdict, reason in zip(("a", "b", "tie"), REASONS, strict=True):
            vote_on(comparison, verdict, reason=reason)
    return study


class Reviewer:
    """An adjudicator's browser."""

    def __init__(self, context: BrowserContext, origin: str, study: Study) -> None:
        self.study, self.origin = study, origin
        self.user: User = make_adjudicator(study)
        sign_in(context, self.user, origin)
        self.page: Page = context.new_page()
        self.watch = Watch(self.page, origin)
        # Formulas wait for KaTeX for some seconds only.
        hold_timers(self.page, 5000)

    def open_desk(self) -> None:
        self.page.goto(f"{self.origin}/study/{self.study.slug}/adjudicate/")

    def open_case(self) -> AdjudicationCase:
        self.open_desk()
        self.page.get_by_role("button", name="Show the next pair").click()
        expect(self.page.get_by_role("heading", name="Your decision")).to_be_visible()
        return AdjudicationCase.objects.get(adjudicator=self.user, state=CaseState.HELD)

    def wait_for_keys(self) -> None:
        expect(self.page.locator("#adjudication")).to_have_class("adjudication has-keys")


ReviewerFor = Callable[..., Reviewer]


@pytest.fixture
def reviewer_for(browser: Browser, live_server: LiveServer) -> Generator[ReviewerFor]:
    contexts: list[BrowserContext] = []

    def open_one(study: Study, **options: Any) -> Reviewer:
        context = browser.new_context(**({"viewport": DESK} | options))
        contexts.append(context)
        return Reviewer(context, live_server.url, study)

    yield open_one
    for context in contexts:
        context.close()


def colleague_decides(case: AdjudicationCase, study: Study) -> None:
    colleague = make_adjudicator(study)
    AdjudicationCase.objects.filter(pk=case.pk).update(state=CaseState.LAPSED)
    taken = next_case(colleague, study)
    while taken is not None and taken.comparison_id != case.comparison_id:
        decide(taken, {"overall": Answer("tie")})
        taken = next_case(colleague, study)
    assert taken is not None
    decide(find_case(colleague, study, taken.public_id), {"overall": Answer("tie")})


def test_two_cases_are_decided_by_keys_alone(reviewer_for: ReviewerFor) -> None:
    study = make_disputed_study()
    reviewer = reviewer_for(study)
    page = reviewer.page
    reviewer.open_case()
    reviewer.wait_for_keys()
    expect(page.locator(".why")).to_contain_text("Three people chose three different answers.")
    expect(page.locator(".math .katex").first).to_be_visible()
    page.keyboard.press("1")
    expect(page.get_by_role("radio", name="Response 1 is better")).to_be_checked()
    page.locator("#reason").fill("It says how much work it takes.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("link", name="Change my last decision")).to_be_visible()
    reviewer.wait_for_keys()
    expect(page.locator("#reason")).to_have_value("")
    page.keyboard.press("0")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="No disagreement waits")).to_be_visible()
    rows = Adjudication.objects.order_by("pk")
    assert [(row.choice, row.reason) for row in rows] == [
        ("left", "It says how much work it takes."),
        ("tie", ""),
    ]
    page.wait_for_load_state()  # what was typed is forgotten by a script
    assert page.evaluate("sessionStorage.length") == 0
    reviewer.watch.assert_clean()


def test_a_decision_is_changed_by_its_link(reviewer_for: ReviewerFor) -> None:
    study = make_disputed_study(1)
    reviewer = reviewer_for(study)
    page = reviewer.page
    reviewer.open_case()
    reviewer.wait_for_keys()
    page.keyboard.press("2")
    page.locator("#reason").fill("First thought.")
    page.keyboard.press("Control+Enter")
    page.get_by_role("link", name="Change my last decision").click()
    expect(page.get_by_text("You decided this pair.")).to_be_visible()
    expect(page.get_by_role("radio", name="Response 2 is better")).to_be_checked()
    expect(page.locator("#reason")).to_have_value("First thought.")
    page.get_by_text("Both bad").click()
    page.get_by_role("button", name="Save the change").click()
    expect(page.get_by_role("heading", name="No disagreement waits")).to_be_visible()
    assert [row.choice for row in Adjudication.objects.order_by("revision")] == [
        "right",
        "both_bad",
    ]


def test_what_was_typed_survives_a_session_that_ended(reviewer_for: ReviewerFor) -> None:
    study = make_disputed_study(1)
    reviewer = reviewer_for(study)
    page = reviewer.page
    reviewer.open_case()
    reviewer.wait_for_keys()
    page.keyboard.press("1")
    page.locator("#reason").fill("Long thought about.")
    address = page.url
    page.context.clear_cookies(name="session")
    page.get_by_role("button", name="Save and next").click()
    page.wait_for_url("**/sign-in/**")
    assert not Adjudication.objects.exists()
    sign_in(page.context, reviewer.user, reviewer.origin)
    page.goto(address)
    reviewer.wait_for_keys()
    expect(page.get_by_role("radio", name="Response 1 is better")).to_be_checked()
    expect(page.locator("#reason")).to_have_value("Long thought about.")
    page.get_by_role("button", name="Save and next").click()
    expect(page.get_by_role("heading", name="No disagreement waits")).to_be_visible()
    assert Adjudication.objects.get().reason == "Long thought about."


def test_a_colleague_who_was_first_costs_nothing_that_was_typed(reviewer_for: ReviewerFor) -> None:
    study = make_disputed_study(1)
    reviewer = reviewer_for(study)
    page = reviewer.page
    case = reviewer.open_case()
    reviewer.wait_for_keys()
    page.keyboard.press("1")
    page.locator("#reason").fill("My reason.")
    colleague_decides(case, study)
    page.get_by_role("button", name="Save and next").click()
    expect(page.get_by_role("alert")).to_contain_text("Another reviewer decided this pair")
    expect(page.locator("#reason")).to_have_value("My reason.")
    expect(page.get_by_role("radio", name="Response 1 is better")).to_be_checked()
    assert accessibility_faults(page) == []
    page.get_by_role("button", name="Go on to the next pair").click()
    expect(page.get_by_role("heading", name="No disagreement waits")).to_be_visible()


def test_several_questions_are_answered_one_after_the_other(reviewer_for: ReviewerFor) -> None:
    study = make_disputed_study(1, criteria=True)
    reviewer = reviewer_for(study)
    page = reviewer.page
    reviewer.open_case()
    reviewer.wait_for_keys()
    page.keyboard.press("1")
    page.get_by_role("button", name="Save and next").click()
    expect(page.get_by_role("alert")).to_contain_text("One question still needs an answer")
    expect(page.locator("#question-clear")).to_contain_text("Choose an answer to this question.")
    reviewer.wait_for_keys()
    expect(page.locator("#question-clear")).to_have_class("question question--five is-focused")
    page.keyboard.press("5")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="No disagreement waits")).to_be_visible()
    stored = Adjudication.objects.order_by("pk").values_list("criterion__key", "choice", "margin")
    assert list(stored) == [("overall", "left", None), ("clear", "right", 2)]


def test_it_works_without_scripts(reviewer_for: ReviewerFor) -> None:
    study = make_disputed_study(2)
    reviewer = reviewer_for(study, java_script_enabled=False)
    page = reviewer.page
    case = reviewer.open_case()
    page.get_by_role("button", name="Save and next").click()
    expect(page.get_by_text("Choose an answer to this question.")).to_be_visible()
    page.locator(".choice-button").first.click()
    page.locator("#reason").fill("Plain.")
    page.get_by_role("button", name="Save and next").click()
    expect(page.get_by_role("link", name="Change my last decision")).to_be_visible()
    assert Adjudication.objects.get().comparison_id == case.comparison_id
    page.get_by_role("button", name="Leave it to another reviewer").click()
    expect(page.get_by_role("heading", name="Nothing is left for you to decide")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_axe_finds_nothing_and_nothing_overflows(
    reviewer_for: ReviewerFor, theme: Theme, size: dict[str, int]
) -> None:
    study = make_disputed_study(1, criteria=True)
    reviewer = reviewer_for(study, color_scheme=theme, viewport=size)
    page = reviewer.page

    def look() -> None:
        assert accessibility_faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]

    reviewer.open_desk()
    look()
    case = reviewer.open_case()
    reviewer.wait_for_keys()
    expect(page.locator(".math .katex").first).to_be_visible()
    look()
    page.get_by_role("button", name="Save and next").click()
    expect(page.get_by_role("alert")).to_be_visible()
    reviewer.wait_for_keys()
    look()
    AdjudicationCase.objects.filter(pk=case.pk).update(state=CaseState.SKIPPED)
    reviewer.open_desk()
    expect(page.get_by_role("heading", name="Nothing is left for you")).to_be_visible()
    look()
    assert not reviewer.watch.ran
    assert reviewer.watch.violations == reviewer.watch.foreign == []
