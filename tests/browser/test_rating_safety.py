"""Hostile texts in a real browser: only this is proof (reliability.md 7.4)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Route, expect
from pytest_django.live_server_helper import LiveServer

from annotation.models import Prompt
from tests.annotation.rating.hostile_texts import EVERY_TEXT, REMOTE, RUN
from tests.browser.rating_desk import Desk, make_study_of
from tests.browser.watching import Watch

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DeskFor = Callable[..., Desk]

# Each text is shown once as a prompt, once left and once right, several in a study.
TRIPLES = [EVERY_TEXT[start : start + 3] for start in range(0, len(EVERY_TEXT), 3)]
PAIRS_A_STUDY = 10
CHUNKS = [TRIPLES[start : start + PAIRS_A_STUDY] for start in range(0, len(TRIPLES), PAIRS_A_STUDY)]


@pytest.mark.parametrize("triples", CHUNKS)
def test_no_hostile_text_runs_loads_or_leaves_its_place(
    desk_for: DeskFor, triples: list[list[str]]
) -> None:
    texts = [(t[0], t[1 % len(t)], t[2 % len(t)]) for t in triples]
    desk = desk_for(make_study_of(texts))
    for number in range(1, len(texts) + 1):
        desk.wait_until_armed(number)
        desk.press("v")
        desk.press("v")
        for side in ("prompt-body", "left-text", "right-text"):
            place = desk.page.locator(f"#{side}")
            assert (
                place.locator("script, iframe, object, embed, link, style, form, input").count()
                == 0
            )
            assert (
                place.locator("a, button, svg[onload], [onerror], [id]:not(.text-end)").count() == 0
            )
        desk.press("1")
    expect(desk.page.locator("#state-title")).to_contain_text("Nothing is left")
    desk.watch.assert_clean()


def test_hostile_instructions_and_questions_do_not_run(desk_for: DeskFor) -> None:
    everything = "\n\n".join(EVERY_TEXT)
    study = make_study_of(
        [("Q?", "A.", "B.")], title=f"<img src=x onerror={RUN}>", instructions=everything
    )
    study.criteria.update(
        question=f'"><img src=x onerror={RUN}>',
        levels=[{"description": f"<svg onload={RUN}>", "example": f"<img src={REMOTE}/l.png>"}],
    )
    desk = desk_for(study)
    desk.wait_until_armed(1)
    desk.press("g")
    expect(desk.page.locator("#guidelines")).to_contain_text("<svg onload")
    desk.watch.assert_clean()


def test_hostile_references_reasons_and_codes_do_not_run(desk_for: DeskFor) -> None:
    hostile = f"<img src=x onerror={RUN}>"
    study = make_study_of(
        [("Q?", "A.", "B."), ("Q2?", "A.", "B.")],
        rules={
            "answering": {"show_reference": True, "tags": [hostile], "revise_earlier": True},
            "crowd": {"completed_code": hostile},
        },
    )
    Prompt.objects.update(reference="\n\n".join(EVERY_TEXT))
    desk = desk_for(study)
    desk.wait_until_armed(1)
    reference = desk.page.locator("#reference-body")
    assert reference.locator("script, iframe, object, embed, link, style, a, button").count() == 0
    desk.press("v")
    desk.press("v")
    desk.press("r")
    desk.page.keyboard.type(hostile)
    desk.page.get_by_role("button", name=hostile).click()
    desk.press("Escape")
    desk.press("1")
    desk.press("Control+Enter")
    desk.vote_by_key(2, "2")
    expect(desk.page.locator("#completion-code")).to_have_text(hostile)
    desk.wait_until_saved()
    desk.watch.assert_clean()
    desk.page.get_by_role("link", name="Look at your answers").click()
    desk.page.get_by_role("link", name="Q?", exact=True).click()
    expect(desk.page.locator(".own-given")).to_contain_text("onerror")
    expect(desk.page.locator(".own-reason")).to_have_text(hostile)
    part = desk.page.locator(".own-part")
    assert part.locator("script, iframe, object, embed, link, style, a, button").count() == 0
    desk.watch.assert_clean()


def test_a_foreign_role_of_a_message_does_not_run(desk_for: DeskFor) -> None:
    turns = [
        {"role": f"<img src=x onerror={RUN}>", "content": "Hi"},
        {"role": "user", "content": "Hi"},
    ]
    desk = desk_for(make_study_of([(turns, "A.", "B.")]))
    desk.wait_until_armed(1)
    expect(desk.page.locator("#prompt-body h3").first).to_contain_text("onerror")
    desk.watch.assert_clean()


def test_the_browser_drops_what_the_server_would_let_through(desk_for: DeskFor) -> None:
    """The page's own allow-list is a second belt, and the policy a third that reports."""
    desk = desk_for(make_study_of([("Q?", "A.", "B."), ("Q?", "A.", "B.")]))
    desk.wait_until_armed(1)

    def poison(route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        for pair in body["pairs"]:
            for side in ("left", "right"):
                if side in pair:
                    pair[side]["html"] = (
                        f"<i>kept</i><img src=x onerror={RUN}><script>{RUN}</script>"
                    )
        route.fulfill(response=answer, json=body)

    desk.page.route("**/rate/next", poison)
    desk.page.reload()
    desk.wait_until_armed(1)
    expect(desk.page.locator("#left-text")).to_contain_text("kept")
    assert desk.page.locator("#left-text :not(div, pre)").count() == 0
    assert not desk.watch.ran
    assert desk.watch.foreign == []


# -- the detector itself ----------------------------------------------------------------------


def test_the_detector_sees_a_script_that_runs(browser: Browser, live_server: LiveServer) -> None:
    page = browser.new_page()
    watch = Watch(page, live_server.url)
    page.set_content(f'<img src="data:," onerror="{RUN}">')
    page.wait_for_function("window.ran")
    with pytest.raises(AssertionError, match="a foreign script ran"):
        watch.assert_clean()
    page.close()


def test_the_detector_sees_a_request_elsewhere(browser: Browser, live_server: LiveServer) -> None:
    page = browser.new_page()
    watch = Watch(page, live_server.url)
    with page.expect_request(f"{REMOTE}/**"):
        page.set_content(f'<img src="{REMOTE}/a.png">')
    assert watch.foreign == [f"{REMOTE}/a.png"]
    page.close()


def test_the_detector_sees_a_violation_of_the_policy(desk_for: DeskFor) -> None:
    desk = desk_for(make_study_of([("Q?", "A.", "B.")]))
    desk.wait_until_armed(1)
    desk.page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">x</p>')"
    )
    desk.page.wait_for_function("window.violations.length === 1")
    assert "style-src" in desk.watch.violations[0]
    desk.page.evaluate(
        "document.body.append("
        "Object.assign(document.createElement('script'), {text: 'window.ran=1'}))"
    )
    desk.page.wait_for_function("window.violations.length === 2")
    assert not desk.watch.ran
