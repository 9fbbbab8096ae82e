"""Watches a page for what must never happen: a foreign script, a request elsewhere, a violation
of the Content-Security-Policy, an error in the console."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

PICTURES = os.environ.get("EVALSITE_PICTURES", "")

# How long what is done in the background may take, and how often the tables are looked at.
PATIENCE_MS, LOOK_MS = 60_000, 50

# Violations are also written to the console, but only this names what was blocked.
LISTEN = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`);
});
"""
HOLD_TIMERS = """(() => {
  const given = window.setTimeout;
  window.setTimeout = (act, delay, ...rest) =>
    DELAYS.includes(delay) ? 0 : given(act, delay, ...rest);
})()"""


@dataclass
class Watch:
    """What a page did so far."""

    page: Page
    origin: str
    foreign: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    # How often the page asked before it was left with unsaved work.
    warnings: int = 0

    def __post_init__(self) -> None:
        self.page.add_init_script(LISTEN)
        self.page.on("request", self.note_request)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self.note_console)
        self.page.on("dialog", self.note_dialog)

    def note_request(self, request: Any) -> None:
        if not request.url.startswith((self.origin + "/", "data:", "about:", "blob:")):
            self.foreign.append(request.url)

    def note_console(self, message: Any) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def note_dialog(self, dialog: Any) -> None:
        if dialog.type == "beforeunload":
            self.warnings += 1
            dialog.accept()
            return
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    @property
    def ran(self) -> bool:
        return bool(self.page.evaluate("Boolean(window.ran)"))

    @property
    def violations(self) -> list[str]:
        found: list[str] = self.page.evaluate("window.violations ?? []")
        return found

    def assert_clean(self) -> None:
        assert not self.ran, "a foreign script ran"
        assert self.violations == []
        assert self.foreign == []
        assert self.errors == []
        assert self.dialogs == []


def keep_picture(page: Page, name: str) -> None:
    """Keep the whole page for somebody to look at, where the environment names a folder.

    Painting a page as a whole takes as long as all that is tested of it.
    """
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


def hold_timers(page: Page, *delays_ms: int) -> None:
    """Let timers of these lengths never run out, on this document and those after it.

    By them a page gives up waiting, or takes away what it said: on a busy machine that comes sooner
    than what is waited for.
    """
    script = HOLD_TIMERS.replace("DELAYS", str(list(delays_ms)))
    page.add_init_script(script)
    page.evaluate(script)


@contextmanager
def next_document(page: Page) -> Iterator[None]:
    """What is done within leads to another document, which has loaded in the end.

    A click waits for a navigation that it saw begin. A form is sent a moment later, and that a
    document is there says nothing of what stands in it, or whether its scripts answer.
    """
    page.evaluate("window.isLeft = true")
    yield
    # A function: the policy of the page lets an expression be looked at once only.
    page.wait_for_function("() => !window.isLeft && document.readyState === 'complete'")


def resize(page: Page, size: Mapping[str, int]) -> None:
    """Give the window another size, and wait until the page has it."""
    page.set_viewport_size({"width": size["width"], "height": size["height"]})
    page.wait_for_function("width => innerWidth === width", arg=size["width"])


def pixels_beyond_the_window(page: Page) -> int:
    """How much wider than its window a page is, with all its styles."""
    page.wait_for_load_state()
    beyond: int = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return beyond


def settled(check: Callable[[], bool], page: Page) -> None:
    """Wait for the tables, or for what a route holds, with the browser's events going on."""
    for _ in range(PATIENCE_MS // LOOK_MS):
        if check():
            return
        page.wait_for_timeout(LOOK_MS)
    raise AssertionError("It did not come to that in time.")


def accessibility_faults(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 AA and its good practice, one line an element."""
    # A click waits until the next document is there, not until anything stands in it.
    page.wait_for_load_state()
    # Half a megabyte of script, which a document that was looked at before has already.
    axe = Axe("true") if page.evaluate("'axe' in window") else Axe()
    results = axe.run(page).response
    return [
        f"{violation['id']}: {node['target']} {node.get('failureSummary', '')}"
        for violation in results["violations"]
        for node in violation["nodes"]
    ]
