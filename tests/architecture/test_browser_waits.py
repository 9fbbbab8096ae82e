"""Tests in a browser wait for the very thing, in a way that the policy of the pages allows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

BROWSER = Path(__file__).parents[1] / "browser"
FUNCTION = re.compile(r"\s*(async )?(\([^)]*\)|\w+) =>")


def beginning_of(text: ast.expr) -> str | None:
    """The words that a string begins with, if it is one."""
    if isinstance(text, ast.JoinedStr) and text.values:
        text = text.values[0]
    return text.value if isinstance(text, ast.Constant) and isinstance(text.value, str) else None


def faults(source: str) -> Iterator[str]:
    for call in ast.walk(ast.parse(source)):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
            continue
        named = (word.value for word in call.keywords if word.arg in ("timeout", "expression"))
        asked, first = call.func.attr, next(iter([*call.args, *named]), None)
        if first is None:
            continue
        if asked == "wait_for_timeout" and isinstance(first, ast.Constant):
            yield f"line {call.lineno}: so long is too short on a busy machine; wait for the thing"
        words = beginning_of(first)
        if asked == "wait_for_function" and words is not None and not FUNCTION.match(words):
            yield f"line {call.lineno}: pages forbid an expression the second time; pass () => ..."


@pytest.mark.parametrize("path", sorted(BROWSER.glob("*.py")), ids=lambda path: path.name)
def test_browser_tests_wait_for_what_they_look_at(path: Path) -> None:
    assert list(faults(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("source", "number"),
    [
        ("page.wait_for_timeout(500)", 1),
        ("page.wait_for_timeout(timeout=500)", 1),
        ("page.wait_for_function(expression='window.ran')", 1),
        ("page.wait_for_timeout(LOOK_MS)", 0),
        ("page.wait_for_function('window.ran')", 1),
        ("page.wait_for_function(f'({RAN})() > 1')", 1),
        ("page.wait_for_function('() => window.ran')", 0),
        ("page.wait_for_function('code => found === code', arg=1)", 0),
        ("page.wait_for_function(RAN)", 0),
    ],
)
def test_a_fault_is_seen(source: str, number: int) -> None:
    assert len(list(faults(source))) == number
