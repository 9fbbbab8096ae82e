"""Watches a page for what must never happen: a foreign script, a request elsewhere, a violation
of the Content-Security-Policy, an error in the console."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

# Violations are also written to the console, but only this names what was blocked.
LISTEN = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`);
});
"""


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


def accessibility_faults(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 AA and its good practice, one line an element."""
    results = Axe().run(page).response
    return [
        f"{violation['id']}: {node['target']} {node.get('failureSummary', '')}"
        for violation in results["violations"]
        for node in violation["nodes"]
    ]
