"""What a reader sees or hears of a page: its texts, without its markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser

# Nobody reads these; and the names of keys are the same in every language.
HIDDEN = {"script", "style", "kbd"}
SPOKEN = ("aria-label", "title", "placeholder", "alt")
SENTENCE_END = re.compile(r"(?<=[.:;?!])\s+")


class Reader(HTMLParser):
    """Collects texts, and the attributes that are shown or read out."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden += tag in HIDDEN
        self.pieces += [value for name, value in attrs if name in SPOKEN and value]

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in HIDDEN

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.pieces.append(data)


def sentences_of(page: str) -> set[str]:
    """Each sentence or label of the page that has a letter."""
    reader = Reader()
    reader.feed(page)
    return sentences_in(*reader.pieces)


def sentences_in(*texts: str) -> set[str]:
    return {
        sentence.strip()
        for text in texts
        for sentence in SENTENCE_END.split(" ".join(text.split()))
        if re.search(r"[^\W\d_]", sentence)
    }
