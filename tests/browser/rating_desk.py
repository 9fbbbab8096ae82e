"""An annotator in a real browser, and studies for them to rate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect

from annotation.models import Annotator, Criterion, Study, User, Vote
from tests import factories
from tests.browser.watching import Watch, hold_timers

# Without frames nothing is painted, and what waits for that waits.
HOLD_FRAMES = """() => {
  window.givenFrame = window.requestAnimationFrame;
  window.heldFrames = [];
  window.requestAnimationFrame = (act) => window.heldFrames.push(act);
}"""
RELEASE_FRAMES = """() => {
  window.requestAnimationFrame = window.givenFrame;
  window.heldFrames.forEach((act) => window.requestAnimationFrame(act));
}"""
# Timers of a page come in the order in which they are due.
PAST_ARMING = """new Promise((past) => requestAnimationFrame(() => requestAnimationFrame(
  () => setTimeout(past, 300))))"""
STOP_CLOCK = """() => {
  window.shownTime = performance.now();
  performance.now = () => window.shownTime;
}"""
PUT_ON = "(milliseconds) => { window.shownTime += milliseconds; }"

Texts = tuple[str | list[dict[str, str]], str, str]


def make_small_study(pairs: int = 3, **fields: Any) -> Study:
    return make_study_of(
        [(f"Question {n}?", f"First {n}.", f"Second {n}.") for n in range(1, pairs + 1)], **fields
    )


def make_study_of(texts: Iterable[Texts], **fields: Any) -> Study:
    """An open study of these prompts with their responses a and b, none of them swapped."""
    fields.setdefault("title", "A small study")
    fields.setdefault("instructions", "Be **fair**.")
    study = factories.make_open_study(**fields)
    alpha, beta = factories.make_system(study, "alpha"), factories.make_system(study, "beta")
    for number, (prompt_text, a, b) in enumerate(texts, start=1):
        given = {"text" if isinstance(prompt_text, str) else "messages": prompt_text}
        prompt = factories.make_prompt(study, **given)
        factories.make_comparison(
            study,
            prompt=prompt,
            response_a=factories.make_response(prompt, alpha, text=a),
            response_b=factories.make_response(prompt, beta, text=b),
            overlap=1,
            open=True,
            open_seq=number,
            first_swapped=False,
        )
    return study


def set_scale(study: Study, scale: str, key: str = Criterion.OVERALL, **fields: Any) -> None:
    study.criteria.filter(key=key).update(scale=scale, **fields)


@dataclass
class Desk:
    """One page of one annotator."""

    page: Page
    watch: Watch
    study: Study
    annotator: Annotator

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)

    def wait_until_armed(self, number: int) -> None:
        """Until the pair of that number is shown and may be answered (P5: 250 ms)."""
        expect(self.page.locator("#prompt-heading")).to_contain_text(f"Pair {number}")
        expect(self.page.locator("#decision")).to_have_attribute("aria-busy", "false")

    @contextmanager
    def before_it_is_painted(self) -> Iterator[None]:
        """What is done within comes before the browser has painted the pair that is shown next."""
        self.page.evaluate(HOLD_FRAMES)
        yield
        self.page.evaluate(RELEASE_FRAMES)

    def stop_clock(self) -> None:
        """The page's own time stands still from now on; timers go on."""
        self.page.evaluate(STOP_CLOCK)

    def put_clock_on(self, milliseconds: int) -> None:
        self.page.evaluate(PUT_ON, milliseconds)

    def wait_past_arming(self) -> None:
        """Until whatever is shown has been painted for longer than answers wait (P5: 250 ms)."""
        self.page.evaluate(PAST_ARMING)

    def wait_until_saved(self) -> None:
        expect(self.page.locator("#save-text")).to_have_text("Saved")

    @contextmanager
    def draft_stored(self, words: str) -> Iterator[None]:
        """What is done within makes a draft with these words, and has been answered in the end."""
        with self.page.expect_response(
            lambda response: (
                response.url.endswith("/rate/draft") and words in (response.request.post_data or "")
            )
        ):
            yield

    def vote_by_key(self, number: int, key: str) -> None:
        self.wait_until_armed(number)
        self.press(key)

    def choices(self) -> list[tuple[str, int | None]]:
        """The stored answers in the order of the votes."""
        votes = Vote.objects.filter(annotator=self.annotator).order_by("pk")
        return [(str(vote.choice), vote.margin) for vote in votes]


def sign_in(context: BrowserContext, user: User, origin: str) -> None:
    client = Client()
    client.force_login(user)
    context.add_cookies(
        [{"name": "session", "value": client.cookies["session"].value, "url": origin}]
    )


def open_desk(
    browser: Browser,
    origin: str,
    study: Study,
    *,
    user: User | None = None,
    welcomed: bool = True,
    held_timers_ms: tuple[int, ...] = (),
    on_close: Callable[[BrowserContext], None],
    **options: Any,
) -> Desk:
    """The rating page of a new annotator; `welcomed` closes the instructions of a first visit.

    Timers of the lengths `held_timers_ms` never run out.
    """
    user = user or factories.make_user()
    annotator = study.annotators.filter(user=user).first() or factories.make_annotator(study, user)
    context = browser.new_context(**({"viewport": {"width": 1280, "height": 800}} | options))
    on_close(context)
    sign_in(context, user, origin)
    page = context.new_page()
    watch = Watch(page, origin)
    hold_timers(page, *held_timers_ms)
    page.goto(f"{origin}/study/{study.slug}/rate/")
    if welcomed:
        page.get_by_role("button", name="Start rating").click()
    return Desk(page, watch, study, annotator)
