"""Text as people may safely see it: no character that hides, reorders or marks.

Invisible characters can carry a watermark that tells a system, and direction controls can make a
text read differently from what it says. Both are taken out for display only; storage keeps every
character as it came.
"""

from __future__ import annotations

import re
import unicodedata

# Line and paragraph separators are line breaks to a reader.
LINE_BREAKS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")

# Joiners shape letters in Arabic and Indic scripts and join emoji. Between other characters they
# do nothing that can be seen. U+0600 is where the first script that needs them begins.
JOINERS = "\u200c\u200d"
FIRST_JOINED = 0x0600

# Chooses the colourful or the plain form of a symbol.
EMOJI_SELECTORS = "\ufe0e\ufe0f"
KEYCAP_BASES = "0123456789#*"

# Choose the form of an ideograph.
IDEOGRAPH_SELECTORS = (0xE0100, 0xE01EF)

# Default-ignorable code points that no Unicode category marks as format or control.
BLANK_LETTERS = (
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0\u2065"
    + "".join(map(chr, range(0xFE00, 0xFE0E)))
    + "".join(map(chr, range(0xFFF0, 0xFFF9)))
)

REPLACEMENT = "\ufffd"

# A quick way out for the many texts that hold nothing of this.
SUSPICIOUS = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891"
    "\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)

# Format characters that are drawn: Arabic number signs and the like.
DRAWN_FORMATS = frozenset(
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)


def visible_text(text: str) -> str:
    """The text without invisible and direction-changing characters.

    Line breaks become line feeds; tabs stay; lone surrogates, which no page can hold, become the
    replacement character. Joiners and variation selectors stay where they shape a letter or an
    emoji.

    >>> visible_text("pay\\u202e fdp.exe\\u200b")
    'pay fdp.exe'
    """
    text = LINE_BREAKS.sub("\n", text)
    if SUSPICIOUS.search(text) is None:
        return text
    kept: list[str] = []
    for position, character in enumerate(text):
        if SUSPICIOUS.match(character) is None:
            kept.append(character)
            continue
        before = kept[-1] if kept else ""
        after = text[position + 1] if position + 1 < len(text) else ""
        kept.append(shown_form(character, before, after))
    return "".join(kept)


def shown_form(character: str, before: str, after: str) -> str:
    """What stands for a suspicious character between its neighbours; often nothing."""
    code = ord(character)
    if 0xD800 <= code <= 0xDFFF:
        return REPLACEMENT
    if character in DRAWN_FORMATS:
        return character
    if character in JOINERS:
        shapes = before != "" and after != "" and min(ord(before), ord(after)) >= FIRST_JOINED
        return character if shapes and not is_invisible(after) else ""
    if character in EMOJI_SELECTORS:
        return character if before != "" and is_symbol(before) else ""
    if IDEOGRAPH_SELECTORS[0] <= code <= IDEOGRAPH_SELECTORS[1]:
        return character if before != "" and is_ideograph(before) else ""
    return "" if is_invisible(character) else character


def is_invisible(character: str) -> bool:
    category = unicodedata.category(character)
    return category in ("Cc", "Cf", "Cs") or character in BLANK_LETTERS or is_tag(character)


def is_tag(character: str) -> bool:
    return 0xE0000 <= ord(character) <= 0xE0FFF


def is_symbol(character: str) -> bool:
    return character in KEYCAP_BASES or unicodedata.category(character) in ("So", "Sm", "Sk", "Po")


def is_ideograph(character: str) -> bool:
    return unicodedata.name(character, "").startswith("CJK ")
