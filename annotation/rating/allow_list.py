"""The last word on HTML made from a stranger's text: what is not listed here is dropped.

The page's script keeps the same list (`static/annotation/rating/fragment.js`); a test compares
the two.
"""

from __future__ import annotations

import re

import nh3
from pygments.token import STANDARD_TYPES

# Larger images are named, not shown. Import takes no longer field.
MAX_IMAGE_CHARS = 256 * 1024

DATA_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}\Z")

# Those that find their own text direction when they stand at the top of a text. What is within
# them does it by the style sheet: an element with `dir` does not count for the one around it.
DIRECTED_TAGS = ("p", "h3", "h4", "h5", "h6", "ul", "ol", "blockquote", "table")

TAGS = {
    *DIRECTED_TAGS,
    "br", "code", "div", "em", "hr", "img", "li", "pre", "s", "span", "strong", "tbody", "td", "th",
    "thead", "tr",
}  # fmt: skip

ATTRIBUTES: dict[str, set[str]] = {
    **{tag: {"dir"} for tag in (*DIRECTED_TAGS, "div", "pre")},
    "ol": {"dir", "start"},
    "img": {"src", "alt"},
    "span": {"role", "aria-label"},
}

ALIGNMENTS = {"align-left", "align-center", "align-right"}

CLASSES: dict[str, set[str]] = {
    "div": {"code-block", "code-language", "table-scroll", "math", "display", "plain"},
    # The short names are those of Pygments, such as "kn" for a keyword of an import.
    "span": {"link", "link-host", "image-note", "task", "math", "display"}
    | {name for name in STANDARD_TYPES.values() if name},
    "ul": {"tasks"},
    "th": ALIGNMENTS,
    "td": ALIGNMENTS,
    **{f"h{rank}": {f"level-{level}" for level in range(1, 7)} for rank in range(3, 7)},
}


class Html(str):
    """HTML that passed the allow-list. Templates print it as it is."""

    __slots__ = ()

    def __html__(self) -> str:
        return str(self)


def sanitise(markup: str) -> Html:
    """Keep the elements, attributes and classes of the list; the text of others stays."""
    return Html(
        nh3.clean(
            markup,
            tags=TAGS,
            clean_content_tags=set(),
            attributes=ATTRIBUTES,
            attribute_filter=keep_attribute,
            allowed_classes=CLASSES,
            url_schemes={"data"},
            link_rel=None,
        )
    )


def keep_attribute(tag: str, name: str, value: str) -> str | None:
    if name == "src":
        return value if is_shown_image(value) else None
    if name == "dir":
        return value if value in ("auto", "ltr") else None
    if name == "role":
        return value if value == "img" else None
    return value


def is_shown_image(source: str) -> bool:
    """Whether an image address holds the image itself, in a format that cannot run anything."""
    return len(source) <= MAX_IMAGE_CHARS and DATA_IMAGE.match(source) is not None
