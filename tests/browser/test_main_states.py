"""The main states of the rating page as they were looked at last: what is read out, and where.

`snapshots/` keeps the tree that screen readers are given, and the boxes of the main parts, wide and
on a phone. A change there is meant or a mistake; who means it looks at the page, renews the files
with

    RENEW_SNAPSHOTS=1 .venv/bin/python -m pytest tests/browser/test_main_states.py

and reads their difference before committing it. Boxes are rounded to 8 px, and the texts are set in
fonts that come with the project, so that those of a machine move nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from annotation.models import AnnotatorState, Assignment, AssignmentState, ComparisonKind, Prompt
from tests import factories
from tests.browser.rating_desk import Desk, make_study_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DeskFor = Callable[..., Desk]

SNAPSHOTS = Path(__file__).parent / "snapshots"
RENEW = "RENEW_SNAPSHOTS"
GRID = 8

TURNS = [
    {"role": "user", "content": "How do I send it back?"},
    {"role": "assistant", "content": "Which order is it?"},
    {"role": "user", "content": "The **last** one."},
]
LONG = "\n\n".join(f"Paragraph {number} of an answer." for number in range(1, 13))
RICH = "## Steps\n\n1. Print the `label`.\n2. Pack it.\n\n| a | b |\n|---|--:|\n| 1 | 2 |"

FONTS = """
@font-face { font-family: Fixed; font-weight: 400;
  src: url(/static/evalsite/vendor/katex/fonts/KaTeX_SansSerif-Regular.woff2); }
@font-face { font-family: Fixed; font-weight: 500 900;
  src: url(/static/evalsite/vendor/katex/fonts/KaTeX_SansSerif-Bold.woff2); }
@font-face { font-family: FixedCode;
  src: url(/static/evalsite/vendor/katex/fonts/KaTeX_Typewriter-Regular.woff2); }
:root { --font-text: Fixed !important; --font-code: FixedCode !important; }
kbd { font-family: FixedCode !important; min-width: 1.5rem; }
"""
PARTS = (
    ".rating-top", ".jump", "#prompt-section", "#reference-section", "#left-section",
    "#right-section", "#decision", "#questions", "#reason", "#submit", "#feedback", "#state",
    "#completion", "#guidelines", "dialog[open]", ".own-list", ".own-given", ".own-pair",
)  # fmt: skip
BOXES = """([parts, grid]) => parts.flatMap(part => {
  const element = document.querySelector(part);
  if (element === null || !element.checkVisibility()) return [];
  const { x, y, width, height } = element.getBoundingClientRect();
  const [left, top, wide, high] = [x, y, width, height].map(side => Math.round(side / grid) * grid);
  return [`${part}: ${wide} x ${high} at ${left}, ${top}`];
})"""

# What differs from run to run.
UNSTEADY = (
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "(id)"),
    (re.compile(r"\b\d{1,2} [A-Z][a-z]+ \d{4},? \d\d:\d\d UTC"), "(moment)"),
    (re.compile(r"less than 1 s|\b\d+ s\b|\b\d+ min\b( \d+ s\b)?"), "(time)"),
    (re.compile(r"rgb\(\d+, \d+, \d+\)"), "(colour)"),
)


def steady(text: str) -> str:
    for pattern, word in UNSTEADY:
        text = pattern.sub(word, text)
    return text


def walk(desk: Desk) -> Iterator[str]:
    """Go through the main states; the name of each, when the page is in it."""
    page = desk.page
    # The first pair is drawn behind the instructions.
    expect(page.locator("#prompt-heading")).to_contain_text("Practice pair 1 of 1")
    yield "first visit"
    page.locator("#welcome button").click()
    wait_for(desk, "Practice pair 1 of 1")
    yield "practice pair"
    held = Assignment.objects.get(annotator=desk.annotator, state=AssignmentState.RESERVED)
    page.locator(
        f"[data-criterion=overall] [data-choice={'right' if held.swapped else 'left'}]"
    ).click()
    page.locator("[data-criterion=tone] [data-choice=left]").click()
    desk.press("Control+Enter")
    expect(page.locator("#feedback-next")).to_be_visible()
    yield "practice pair explained"
    desk.press("Enter")
    wait_for(desk, "Pair 1")
    page.locator("#notice-close").click()
    yield "pair"
    desk.press("m")
    desk.press("1")
    desk.press("r")
    yield "all questions and a reason"
    desk.press("Escape")
    for key, state in (("g", "guidelines"), ("?", "keys"), ("s", "skipping"), ("f", "flagging")):
        desk.press(key)
        yield state
        desk.press("Escape")
    page.locator("[data-criterion=tone] [data-choice=tie]").click()
    desk.press("Control+Enter")
    wait_for(desk, "Pair 2")
    desk.wait_until_saved()
    yield "next pair"
    desk.press("u")
    expect(page.locator("#revising")).to_be_visible()
    yield "changing the last answer"
    desk.press("Escape")
    wait_for(desk, "Pair 2")
    page.locator("[data-criterion=overall] [data-choice=tie]").click()
    page.locator("[data-criterion=tone] [data-choice=tie]").click()
    desk.press("Control+Enter")
    expect(page.locator("#completion-code")).to_be_visible()
    expect(page.locator("#state-figures")).to_be_visible()
    desk.wait_until_saved()
    yield "end"
    page.get_by_role("link", name="Look at your answers").first.click()
    expect(page.locator(".own-list")).to_be_visible()
    # The switch of the theme is shown by a script.
    page.wait_for_load_state()
    yield "own answers"
    page.locator(".own-line__prompt a").last.click()
    expect(page.locator(".own-given")).to_be_visible()
    page.wait_for_load_state()
    yield "own answer"


def wait_for(desk: Desk, heading: str) -> None:
    """Until that pair is shown and may be answered; an answer before that is not taken (P5)."""
    expect(desk.page.locator("#prompt-heading")).to_contain_text(heading)
    expect(desk.page.locator("#decision")).to_have_attribute("aria-busy", "false")


@pytest.fixture
def open_page(desk_for: DeskFor) -> Callable[[int, int], Desk]:
    def open_one(width: int, height: int) -> Desk:
        study = make_study_of(
            [(TURNS, LONG, RICH), ("And by post?", "Yes.", "")],
            slug="support",
            title="Support mails",
            instructions="Prefer what a customer can **act on**.",
            rules={
                "answering": {
                    "show_reference": True,
                    "confidence": "optional",
                    "tags": ["More correct", "Clearer"],
                    "revise_earlier": True,
                },
                "crowd": {"completed_code": "C1A2B3"},
            },
        )
        factories.make_criterion(
            study, "clarity", question="Which is clearer?", scale="five", required=False
        )
        factories.make_criterion(study, "tone", question="Which has the better tone?")
        study.criteria.update(levels=[{"description": "Rude."}, {"description": "Kind."}])
        Prompt.objects.update(reference="By the form.")
        prompt = factories.make_prompt(study, text="Where are you?")
        alpha, beta = study.systems.order_by("name")
        factories.make_comparison(
            study,
            prompt=prompt,
            response_a=factories.make_response(prompt, alpha, text="In Graz."),
            response_b=factories.make_response(prompt, beta, text="Nowhere."),
            item_id="practice",
            kind=ComparisonKind.TRAINING,
            gold={"overall": ["a"]},
            explanation="It **answers**.",
            first_swapped=False,
        )
        user = factories.make_user("annotator@example.org")
        # By it sides and the first pair are drawn.
        factories.make_annotator(
            study, user, state=AnnotatorState.QUALIFYING, external_id="annotator"
        )
        return desk_for(
            study,
            user=user,
            welcomed=False,
            viewport={"width": width, "height": height},
            bypass_csp=True,
            # What is said in passing goes away after twelve seconds.
            held_timers_ms=(12_000,),
            reduced_motion="reduce",
        )

    return open_one


def settle(page: Page) -> None:
    """The fixed fonts, on this page too, and everything in its place."""
    if not page.evaluate("Boolean(window.fixedFonts)"):
        page.add_style_tag(content=FONTS)
        page.evaluate("window.fixedFonts = true")
    page.evaluate(
        "async () => { await document.fonts.ready;"
        "for (let frames = 0; frames < 3; frames += 1) await new Promise(requestAnimationFrame); }"
    )


def compare(name: str, found: dict[str, str]) -> None:
    file = SNAPSHOTS / name
    text = "\n".join(f"# {state}\n\n{what}\n" for state, what in found.items())
    if os.environ.get(RENEW):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return
    kept = file.read_text(encoding="utf-8") if file.exists() else ""
    assert text == kept, (
        f"{file.name} is not what the page is now. If that is meant, look at the page, set "
        f"{RENEW}=1 and run this test once more, and read the difference before you commit it."
    )


def test_the_tree_of_every_state_is_as_it_was_heard(
    open_page: Callable[[int, int], Desk],
) -> None:
    desk = open_page(1280, 800)
    compare(
        "rating_tree.yaml",
        {state: steady(desk.page.locator("body").aria_snapshot()) for state in walk(desk)},
    )


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (360, 740)])
def test_the_boxes_of_every_state_are_as_they_were_seen(
    open_page: Callable[[int, int], Desk], width: int, height: int
) -> None:
    desk = open_page(width, height)
    found = {}
    for state in walk(desk):
        settle(desk.page)
        found[state] = "\n".join(desk.page.evaluate(BOXES, [PARTS, GRID]))
    compare(f"rating_boxes_{width}.txt", found)
