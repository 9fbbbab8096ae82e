"""The tokens keep their promise of contrast, light and dark (looks.md, WCAG 1.4.3 and 1.4.11)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TOKENS = Path("evalsite/static/evalsite/tokens.css").read_text()
THEMES = ("light", "dark")

TEXT = [
    *((ink, surface) for ink in ("ink", "ink-soft") for surface in (
        "surface-page", "surface", "surface-sunken", "surface-hover",
        "ok-soft", "warning-soft", "error-soft", "info-soft",
    )),
    *(("ink-faint", surface) for surface in ("surface-page", "surface", "surface-sunken")),
    *((name, surface) for name in ("accent", "accent-hover", "ok", "warning", "error", "info")
      for surface in ("surface-page", "surface")),
    *((status, f"{status}-soft") for status in ("ok", "warning", "error", "info")),
    ("accent-ink", "accent"),
    ("accent-ink", "accent-hover"),
    ("accent", "accent-soft"),
    *((f"code-{kind}", surface) for kind in (
        "keyword", "name", "string", "number", "comment", "added", "removed",
    ) for surface in ("surface-sunken", "surface")),
]  # fmt: skip
CONTROLS = [
    (name, surface)
    for name in ("line-strong", "focus", "accent", "ok", "warning", "error", "info")
    for surface in ("surface-page", "surface", "surface-sunken")
]


def colour(name: str, theme: str) -> tuple[float, ...]:
    found = re.search(rf"--{name}: light-dark\((#\w{{6}}), (#\w{{6}})\);", TOKENS)
    assert found is not None, f"--{name} is no pair of colours"
    written = found[1 + THEMES.index(theme)]
    return tuple(int(written[place : place + 2], 16) / 255 for place in (1, 3, 5))


def luminance(channels: tuple[float, ...]) -> float:
    """Relative luminance of WCAG 2.2."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str, theme: str) -> float:
    high, low = sorted((luminance(colour(name, theme)) for name in (one, other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("text", "surface"), TEXT)
def test_text_can_be_read(text: str, surface: str, theme: str) -> None:
    assert contrast(text, surface, theme) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("control", "surface"), CONTROLS)
def test_controls_and_marks_can_be_seen(control: str, surface: str, theme: str) -> None:
    assert contrast(control, surface, theme) >= 3


def test_the_measure_of_contrast_is_that_of_the_standard() -> None:
    assert luminance((1, 1, 1)) == pytest.approx(1)
    assert luminance((0, 0, 0)) == 0
