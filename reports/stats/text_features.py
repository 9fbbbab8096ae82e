"""How a response looks: its length and its Markdown, counted from the text."""

from __future__ import annotations

import re

__all__ = ["STYLE_FEATURES", "style_features"]

STYLE_FEATURES = ("length", "headers", "list_items", "bold")
"""Characters; headings; items of bulleted and numbered lists; bold spans."""

_FENCED = re.compile(r"^ {0,3}(```+|~~~+).*?(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)
_HEADER = re.compile(r"^ {0,3}#{1,6}(?:[ \t]|$)", re.MULTILINE)
_LIST_ITEM = re.compile(r"^[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+\S", re.MULTILINE)
_BOLD = re.compile(r"\*\*(?=\S)[^*\n]+?\*\*|(?<!\w)__(?=\S)[^_\n]+?__(?!\w)")


def style_features(text: str) -> tuple[int, int, int, int]:
    """Counts in the order of :data:`STYLE_FEATURES`.

    Code blocks count for the length but not for Markdown: a comment in a program is no heading.

    Parameters
    ----------
    text : str
        A response; an empty one has no style.
    """
    prose = text
    if "```" in text or "~~~" in text:
        prose = _FENCED.sub("", text)
    headers = len(_HEADER.findall(prose)) if "#" in prose else 0
    bold = len(_BOLD.findall(prose)) if "**" in prose or "__" in prose else 0
    return len(text), headers, len(_LIST_ITEM.findall(prose)), bold
