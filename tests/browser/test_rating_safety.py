"""What holds hostile texts, in a real browser, and that the tests would see it fail.

That every text is harmless in every place is shown in `test_hostile_texts.py`.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Route, expect
from pytest_django.live_server_helper import LiveServer

from tests.annotation.rating.hostile_texts import EVERY_TEXT, REMOTE, RUN
from tests.browser.rating_desk import Desk, make_study_of
from tests.browser.watching import PATIENCE_MS, Watch, settled

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DeskFor = Callable[..., Desk]

# Each text as a page of its own in a frame that trusts it.
TRUST = """texts => {
  window.trusting = texts.map(text =>
    document.body.appendChild(Object.assign(document.createElement("iframe"), { srcdoc: text })));
}"""
# A frame that was led elsewhere may not be asked any more.
RAN = """() => window.trusting.filter(frame => {
  try { return frame.contentWindow?.ran; } catch { return false; }
}).length"""


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


def test_the_texts_are_not_harmless_by_themselves(browser: Browser) -> None:
    """A page that trusts them: many run, many ask elsewhere; others need a click, or a gap."""
    page = browser.new_page()
    watch = Watch(page, "https://nobody.invalid")
    page.goto("about:blank")
    page.evaluate(TRUST, EVERY_TEXT)
    page.wait_for_function(f"() => ({RAN})() >= 60", timeout=PATIENCE_MS)
    settled(lambda: len(set(watch.foreign)) >= 20, page)
    page.close()


def test_the_detector_sees_a_script_that_runs(browser: Browser, live_server: LiveServer) -> None:
    page = browser.new_page()
    watch = Watch(page, live_server.url)
    page.set_content(f'<img src="data:," onerror="{RUN}">')
    page.wait_for_function("() => window.ran")
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
    desk.page.wait_for_function("() => window.violations.length === 1")
    assert "style-src" in desk.watch.violations[0]
    desk.page.evaluate(
        "document.body.append("
        "Object.assign(document.createElement('script'), {text: 'window.ran=1'}))"
    )
    desk.page.wait_for_function("() => window.violations.length === 2")
    assert not desk.watch.ran
