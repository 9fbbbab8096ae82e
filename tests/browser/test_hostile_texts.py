"""200 hostile texts in every place that shows a text, in a real browser: only this is proof.

Of the pages of annotators and reviewers. Each text is shown in each place: prompt, speaker,
responses, reference, typed reason and own answers; title, instructions, questions, levels, tags,
codes and the account's name; explanations of practice pairs; remarks on a reviewer's desk. None may
run a script, ask anybody for anything, break the policy, add an element or take one away. What
shows that the detector sees all that is in `test_rating_safety.py`. Pairs meet every text in every
run, the other places a tenth of them; `make test-slow` has all.
"""

from __future__ import annotations

from collections.abc import Callable, Generator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from annotation.models import (
    AnnotatorState,
    Assignment,
    AssignmentState,
    ComparisonKind,
    Criterion,
    Flag,
    Prompt,
    Study,
    User,
)
from tests import factories
from tests.annotation.adjudication.world import make_adjudicator, version_with_rubric, vote_on
from tests.annotation.rating.hostile_texts import EVERY_TEXT
from tests.browser.rating_desk import Desk, make_small_study, make_study_of, sign_in
from tests.browser.watching import Watch, settled

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    # Each shows twenty texts one after the other.
    pytest.mark.timeout(900),
]

DeskFor = Callable[..., Desk]

# As many questions as a study may ask (P22).
MOST_CRITERIA = 10
CHUNK = 2 * MOST_CRITERIA
CHUNKS = [EVERY_TEXT[start : start + CHUNK] for start in range(0, len(EVERY_TEXT), CHUNK)]
in_chunks = pytest.mark.parametrize("texts", CHUNKS, ids=range(len(CHUNKS)))


def sampled(chunk: int) -> pytest.MarkDecorator:
    """One chunk now, and the others with the slow tests: six minutes of every run otherwise."""
    marks = [() if number == chunk else pytest.mark.slow for number in range(len(CHUNKS))]
    parameters = [
        pytest.param(texts, marks=mark) for texts, mark in zip(CHUNKS, marks, strict=True)
    ]
    return pytest.mark.parametrize("texts", parameters, ids=range(len(CHUNKS)))


# The elements that no text may bring into the place where it stands. What a mathematical script
# makes of a formula and what the highlighter makes of code is neither.
STRANGERS = """place => [...document.querySelectorAll(`${place} *`)].filter(element =>
  element.matches(`a, area, audio, base, body, button, canvas, details, dialog, embed, fencedframe,
    foreignObject, form, frame, iframe, image, input, link, marquee, meta, noscript, object,
    picture, portal, script, select, source, style, template, textarea, title, track, video,
    [id]:not(.text-end), [name], [href], [srcset], [action], [formaction], [ping], [popover],
    [autofocus], [contenteditable], [tabindex], [data-action], img:not([src^="data:image/"])`)
  || element.getAttributeNames().some(name => name.startsWith("on"))
).map(element => element.outerHTML.slice(0, 200))"""
# Every element of the page and the names of its attributes: what a plain text may not change. Left
# out is what Markdown makes of a text, what tells the state of the page, and KaTeX's own files.
SKELETON = """() => [...document.querySelectorAll("*")]
  .filter(element => !element.closest(".prose, .text, .decision__foot, .save-chip, .toast")
    && !element.closest("#prompt-heading, [href*=katex], [src*=katex]"))
  .map(element => element.localName + element.getAttributeNames()
    .filter(name => name !== "hidden" && !name.startsWith("aria-")).sort().join())
  .join(" ")"""


def strangers(page: Page, *places: str) -> list[str]:
    return [found for place in places for found in page.evaluate(STRANGERS, place)]


def as_typed(text: str) -> str:
    """What a form can send and a database keep."""
    return text.replace("\x00", "")


def kept(text: str, most: int) -> str:
    return as_typed(text)[:most]


# -- pairs ------------------------------------------------------------------------------------


@in_chunks
def test_a_pair_with_its_reference_its_reason_and_the_own_answer(
    desk_for: DeskFor, texts: list[str]
) -> None:
    """Prompt, speaker, responses and reference; a typed reason; then the pages of own answers."""
    texts = [as_typed(text) for text in texts]
    turns = [[{"role": kept(t, 60), "content": t}, {"role": "user", "content": t}] for t in texts]
    study = make_study_of(
        [(turn, text, text) for turn, text in zip(turns, texts, strict=True)],
        rules={"answering": {"show_reference": True, "revise_earlier": True}},
    )
    for prompt, text in zip(Prompt.objects.order_by("pk"), texts, strict=True):
        Prompt.objects.filter(pk=prompt.pk).update(reference=text)
    desk = desk_for(study)
    for number in range(1, len(texts) + 1):
        desk.wait_until_armed(number)
        assert strangers(desk.page, ".turn", "#reference-body", "#left-text", "#right-text") == []
        desk.press("v")
        assert strangers(desk.page, ".turn", "#reference-body", "#left-text", "#right-text") == []
        desk.press("v")
        desk.press("r")
        desk.page.keyboard.insert_text(prompt_text(desk))
        desk.press("Escape")
        desk.press("1")
        desk.press("Control+Enter")
    expect(desk.page.locator("#state-title")).to_contain_text("Nothing is left")
    desk.wait_until_saved()
    desk.watch.assert_clean()
    desk.page.get_by_role("link", name="Look at your answers").first.click()
    links = desk.page.locator(".own-line__prompt a")
    # Waits for the page that was clicked for.
    expect(links).to_have_count(len(texts))
    addresses = links.evaluate_all("all => all.map(a => a.href)")
    outlines: dict[str, list[str]] = {}
    for address, text in zip(addresses, reversed(texts), strict=True):
        # The name of the account stands on top of this page, and the question above the answer.
        User.objects.filter(annotators=desk.annotator).update(username=kept(text, 150))
        study.criteria.update(question=kept(text, 400))
        desk.page.goto(address)
        assert strangers(desk.page, ".own-part .text", ".own-given") == []
        outlines.setdefault(desk.page.evaluate(SKELETON), []).append(text)
        desk.watch.assert_clean()
    assert len(outlines) == 1, outlines


def prompt_text(desk: Desk) -> str:
    """The text of the pair that is held, to be typed as a reason."""
    shown = Assignment.objects.filter(
        annotator=desk.annotator, state=AssignmentState.RESERVED, displayed_at__isnull=False
    )
    # That it is shown, and the answer to the one before, arrive in the background.
    settled(lambda: shown.count() == 1, desk.page)
    return shown.get().comparison.response_a.text


# -- what a study says ------------------------------------------------------------------------


def as_label(text: str) -> str:
    """As the rules take a reason to tick and a code: on one line and without |."""
    return " ".join(as_typed(text).replace("|", "/").split())[:60].strip() or "x"


@sampled(1)
def test_title_instructions_and_completion_code(desk_for: DeskFor, texts: list[str]) -> None:
    study = make_small_study(1)
    desk = desk_for(study)
    desk.vote_by_key(1, "1")
    expect(desk.page.locator("#state-title")).to_contain_text("Nothing is left")
    desk.wait_until_saved()

    def look(text: str) -> str:
        """The outline of the page at its end."""
        Study.objects.filter(pk=study.pk).update(
            title=kept(text, 200),
            instructions=as_typed(text),
            rules={"crowd": {"completed_code": as_label(text)}},
        )
        desk.page.reload()
        desk.page.wait_for_function(
            "code => document.querySelector('#completion-code').textContent === code",
            arg=as_label(text),
        )
        assert strangers(desk.page, ".guidelines .prose", "#welcome .prose") == []
        desk.watch.assert_clean()
        return str(desk.page.evaluate(SKELETON))

    harmless = look("Harmless.")
    for text in texts:
        assert look(text) == harmless, text


@sampled(3)
def test_questions_levels_and_reasons_to_tick(desk_for: DeskFor, texts: list[str]) -> None:
    """As many on one page as a study may have criteria."""
    study = make_small_study(1)
    for number in range(2, MOST_CRITERIA + 1):
        factories.make_criterion(study, f"criterion-{number}", required=False)
    desk = desk_for(study)

    def look(texts: list[str]) -> str:
        for criterion, text in zip(study.criteria.order_by("pk"), texts, strict=True):
            level = dict.fromkeys(("description", "example", "reason"), as_typed(text))
            study.criteria.filter(pk=criterion.pk).update(
                question=kept(text, 400), levels=[level, level]
            )
        tags = [f"{number} {as_label(text)}" for number, text in enumerate(texts)]
        Study.objects.filter(pk=study.pk).update(rules={"answering": {"tags": tags}})
        desk.page.reload()
        desk.wait_until_armed(1)
        desk.press("m")
        expect(desk.page.locator(".question__text")).to_have_count(MOST_CRITERIA + 1)
        assert strangers(desk.page, ".question__text", ".choice-button", ".levels") == []
        desk.watch.assert_clean()
        return str(desk.page.evaluate(SKELETON))

    harmless = look(["Harmless."] * MOST_CRITERIA)
    for start in range(0, len(texts), MOST_CRITERIA):
        assert look(texts[start : start + MOST_CRITERIA]) == harmless


def test_titles_on_the_home_page(desk_for: DeskFor) -> None:
    study = make_study_of([("Q?", "A.", "B.")], title="Harmless.")
    user = factories.make_user()
    others = [factories.make_open_study(title="Harmless.") for _ in EVERY_TEXT]
    for other in others:
        factories.make_annotator(other, user)
    desk = desk_for(study, user=user)
    desk.page.goto(desk.watch.origin)
    harmless = desk.page.evaluate(SKELETON)
    for other, text in zip(others, EVERY_TEXT, strict=True):
        Study.objects.filter(pk=other.pk).update(title=kept(text, 200))
    desk.page.goto(desk.watch.origin)
    assert desk.page.evaluate(SKELETON) == harmless
    expect(desk.page.locator(".study h2")).to_have_count(len(EVERY_TEXT) + 1)
    desk.watch.assert_clean()


# -- practice ---------------------------------------------------------------------------------


@sampled(5)
def test_the_explanation_of_a_practice_pair(desk_for: DeskFor, texts: list[str]) -> None:
    study = make_small_study(1, rules={"qualification": {"pass_mark": 0.1}})
    alpha, beta = study.systems.order_by("name")
    for text in texts:
        prompt = factories.make_prompt(study, text="Q?")
        factories.make_comparison(
            study,
            prompt=prompt,
            response_a=factories.make_response(prompt, alpha, text="Right."),
            response_b=factories.make_response(prompt, beta, text="Wrong."),
            kind=ComparisonKind.TRAINING,
            gold={"overall": ["a"]},
            explanation=as_typed(text),
        )
    user = factories.make_user()
    factories.make_annotator(study, user, state=AnnotatorState.QUALIFYING)
    desk = desk_for(study, user=user)
    for number in range(1, len(texts) + 1):
        heading = desk.page.locator("#prompt-heading")
        expect(heading).to_contain_text(f"Practice pair {number} of {len(texts)}")
        expect(desk.page.locator("#decision")).to_have_attribute("aria-busy", "false")
        desk.press("1")
        expect(desk.page.locator("#feedback-title")).to_be_visible()
        expect(desk.page.locator("#feedback-text > *").first).to_be_attached()
        assert strangers(desk.page, "#feedback-text", "#feedback-answer") == []
        desk.watch.assert_clean()
        desk.press("Enter")


# -- a reviewer's desk ------------------------------------------------------------------------


@pytest.fixture
def context(browser: Browser) -> Generator[BrowserContext]:
    context = browser.new_context()
    yield context
    context.close()


@sampled(7)
def test_what_people_wrote_on_a_reviewers_desk(
    context: BrowserContext, live_server: LiveServer, texts: list[str]
) -> None:
    """Reasons, notes of flags and of skips, all on one pair; the pair itself has one of them."""
    first = as_typed(texts[0])
    study = factories.make_open_study(title=kept(texts[1], 200), instructions=as_typed(texts[2]))
    study.criteria.update(question=kept(texts[3], 400))
    version_with_rubric(study)
    prompt = factories.make_prompt(study, text=first, reference=first)
    systems = [factories.make_system(study, name) for name in ("alpha", "beta")]
    comparison = factories.make_comparison(
        study,
        prompt=prompt,
        response_a=factories.make_response(prompt, systems[0], text=first),
        response_b=factories.make_response(prompt, systems[1], text=first),
        overlap=len(texts),
        taken=len(texts),
    )
    for number, text in enumerate(texts):
        vote = vote_on(comparison, "ab"[number % 2], reason=as_typed(text))
        assert vote.assignment is not None
        Flag.objects.create(assignment=vote.assignment, reason="other", note=as_typed(text))
    sign_in(context, make_adjudicator(study), live_server.url)
    page = context.new_page()
    watch = Watch(page, live_server.url)
    page.goto(f"{live_server.url}/study/{study.slug}/adjudicate/")
    page.get_by_role("button", name="Show the next pair").click()
    expect(page.get_by_role("heading", name="Your decision")).to_be_visible()
    page.wait_for_load_state()
    expect(page.locator(".remark__text")).to_have_count(2 * len(texts))
    assert strangers(page, ".remarks__list", ".prompt__body .text", ".pair .text") == []
    assert strangers(page, ".reference .text", ".guidelines-note .prose") == []
    question = Criterion.objects.get(study=study).question
    assert question in str(page.locator("#decision").text_content())
    watch.assert_clean()
