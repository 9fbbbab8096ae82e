"""Columns, lines and characters of a terminal."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

WIDTH = 100
# Names give way first; below this a name says nothing.
SHORTEST_NAME = 12
GAP = "  "


def section(title: str, body: Iterable[str]) -> Iterator[str]:
    lines = list(body)
    if lines:
        yield ""
        yield clean(title)
        yield "-" * min(WIDTH, width_of(clean(title)))
        yield from lines


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    left: set[int],
    last_left: bool = False,
) -> Iterator[str]:
    """Columns as wide as they need; the names, in the columns `left`, share what is left of 100,
    and where that is not enough the other columns give way, too.

    With `last_left` the last column is set to the left, too, but keeps its width.
    """
    cells = [[clean(cell) for cell in row] for row in (head, *rows)]
    widths = [max(width_of(row[column]) for row in cells) for column in range(len(head))]
    over = sum(widths) + len(GAP) * (len(widths) - 1) - WIDTH
    widest_first = sorted(range(len(widths)), key=lambda column: -widths[column])
    for column in sorted(widest_first, key=lambda column: column not in left):
        spare = min(max(0, over), max(0, widths[column] - SHORTEST_NAME))
        widths[column] -= spare
        over -= spare
    for row in cells:
        fitted = [
            fit(cell, width, on_left=column in left or (last_left and column == len(row) - 1))
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield GAP.join(fitted).rstrip()


def fit(text: str, width: int, *, on_left: bool) -> str:
    """The text in exactly `width` columns; a longer one is cut, with a sign that it was."""
    if width_of(text) > width:
        kept = ""
        for character in text:
            if width_of(kept + character) > width - 1:
                break
            kept += character
        text = f"{kept}…"
    padding = " " * (width - width_of(text))
    return text + padding if on_left else padding + text


def clean(text: str) -> str:
    """One line that cannot steer a terminal: no control, format or surrogate characters."""
    spaced = "".join(" " if character in "\n\r\t\u00a0" else character for character in text)
    return "".join(
        "\ufffd" if unicodedata.category(character) in ("Cc", "Cf", "Cs") else character
        for character in spaced
    )


def width_of(text: str) -> int:
    """Columns that a terminal gives the text: wide characters take two, combining ones none."""
    return sum(
        0
        if unicodedata.combining(character)
        else 2
        if unicodedata.east_asian_width(character) in "WF"
        else 1
        for character in text
    )


def wrapped(text: str, *, hanging: bool = False) -> list[str]:
    return textwrap.wrap(
        clean(text), WIDTH, subsequent_indent="  " if hanging else "", break_on_hyphens=False
    )
