"""A line of a list, and a page of lines: newest first, by a cursor, narrowed by allow-lists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from annotation.rating.own_answers import excerpt
from annotation.rating.visible_text import visible_text

PAGE_SIZE = 50
# Digits of a key.
LONGEST_KEY = 18


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list.

    Attributes
    ----------
    key : int
        Of the row, for the cursor.
    comparison : int
    prompt : str
        The beginning of its last message.
    systems : tuple of int
        Keys of the two systems.
    category : str
    annotator : tuple of (int, str) or None
        Key and external id.
    at : datetime or None
    what : str
        What was done, in a word or two.
    seconds : float or None
        Active time.
    remark : str
        What else there is to know.
    """

    key: int
    comparison: int
    prompt: str
    systems: tuple[int, int]
    category: str
    annotator: tuple[int, str] | None
    at: datetime | None
    what: str
    seconds: float | None = None
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Narrowing:
    """By what a list is narrowed; None or empty for not at all."""

    pair: tuple[int, int] | None = None
    category: str | None = None
    annotator: int | None = None

    def of_comparisons(self, prefix: str = "") -> Q:
        found = Q()
        if self.pair is not None:
            a, b = self.pair
            found &= Q(**{f"{prefix}system_a": a, f"{prefix}system_b": b}) | Q(
                **{f"{prefix}system_a": b, f"{prefix}system_b": a}
            )
        if self.category is not None:
            found &= Q(**{f"{prefix}prompt__category": self.category})
        return found

    def of_people(self, name: str = "annotator") -> Q:
        return Q() if self.annotator is None else Q(**{name: self.annotator})


@dataclass(frozen=True, slots=True)
class Page:
    """Some lines, and the cursor with which the next page begins; None at the end."""

    entries: list[Entry]
    before: int | None


def cursor_of(raw: str) -> int | None:
    """The cursor in an address; whatever is none begins at the newest."""
    fits = raw.isascii() and raw.isdigit() and len(raw) <= LONGEST_KEY
    return int(raw) if fits else None


def cut(rows: list[Entry]) -> Page:
    """A page of the rows, of which one more than it holds was read."""
    shown = rows[:PAGE_SIZE]
    return Page(shown, shown[-1].key if len(rows) > PAGE_SIZE else None)


def below(rows: QuerySet[Any], cursor: int | None) -> QuerySet[Any]:
    """The newest rows below the cursor, one more than a page holds."""
    found = rows if cursor is None else rows.filter(pk__lt=cursor)
    return found.order_by("-pk")


def prompt_of(text: str, messages: list[dict[str, str]] | None) -> str:
    found = visible_text(excerpt(messages[-1]["content"] if messages else text))
    return found or "An empty prompt"
