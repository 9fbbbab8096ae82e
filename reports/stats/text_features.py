"""How a response looks, counted from the text: its length, its Markdown, words to a judge."""

from __future__ import annotations

import re

__all__ = ["STYLE_FEATURES", "speaks_to_judge", "style_features"]

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


# What a text says to a judge and to nobody else: a verdict in a judge's form, or an order. Every
# alternative begins with a literal and none repeats within a repetition, so that a hostile text
# costs no more than its length.
_VERDICT = re.compile(
    r"(?<![\w)\]])\[\[ ?(?:[ab]|c|tie|[12](?: ?(?:>{1,2}|<{1,2}|=) ?[12])?) ?\]\]"
    r"|final verdict ?:"
    r"|\"(?:verdict|grade|winner|preference)\" ?: ?\"",
    re.IGNORECASE,
)
_ORDER = re.compile(
    r"(?:ignore|disregard|forget) (?:all |any )?(?:of )?(?:the |your |my )?"
    r"(?:previous|prior|above|earlier|preceding|other) "
    r"(?:instruction|prompt|direction|criteria|rule)"
    r"|(?:choose|pick|prefer|select|rate|rank|vote for|favou?r) (?:this|my|the (?:first|second)) "
    r"(?:response|answer|assistant|reply)"
    r"|(?:this|my|the (?:first|second)) (?:response|answer|reply) (?:is|must be|should be) "
    r"(?:the (?:best|better|winner|winning)|better|declared|rated|preferred)"
    r"|(?:note|instruction|message|attention)s? (?:to|for) (?:the |an? )?"
    r"(?:judge|grader|evaluator|llm|reviewer)"
    r"|you are (?:the|an?) (?:impartial |fair |strict )?(?:judge|grader|evaluator)",
    re.IGNORECASE,
)


def speaks_to_judge(text: str) -> bool:
    """Whether a response holds a verdict in a judge's form, or tells a judge what to say.

    A sign and no proof: a response about judging says such things in good faith.

    Parameters
    ----------
    text : str
    """
    return bool(_VERDICT.search(text) or _ORDER.search(text))
