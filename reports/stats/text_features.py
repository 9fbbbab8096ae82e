"""How a response looks: its length and its Markdown, counted from the text."""

from __future__ import annotations

import re

__all__ = ["STYLE_FEATURES", "style_features"]

STYLE_FEATURES = ("length", "headers", "list_items", "bold")
"""Characters; headings; items of bulleted and numbered lists; bold spans."""

# Each pattern starts with a literal, which is looked for ten times as fast as a line's start.
_FENCED = re.compile(r"\n {0,3}(```+|~~~+).*?(?:\n {0,3}\1[`~]*[ \t\r]*(?=\n|\Z)|\Z)", re.DOTALL)
_HEADER = re.compile(r"\n {0,3}#{1,6}(?:[ \t\r]|(?=\n|\Z))")
_LIST_ITEM = re.compile(r"\n[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+\S")
_STARS = re.compile(r"\*\*(?=\S)[^*\n]+?\*\*")
_UNDERSCORES = re.compile(r"__(?<!\w__)(?=\S)[^_\n]+?__(?!\w)")


def style_features(text: str) -> tuple[int, int, int, int]:
    """Counts in the order of :data:`STYLE_FEATURES`.

    Code blocks count for the length but not for Markdown: a comment in a program is no heading.

    Parameters
    ----------
    text : str
        A response; an empty one has no style.
    """
    prose = "\n" + text
    if "```" in text or "~~~" in text:
        prose = _FENCED.sub("\n", prose)
    headers = len(_HEADER.findall(prose)) if "#" in prose else 0
    stars = len(_STARS.findall(prose)) if "**" in prose else 0
    underscores = len(_UNDERSCORES.findall(prose)) if "__" in prose else 0
    return len(text), headers, len(_LIST_ITEM.findall(prose)), stars + underscores
