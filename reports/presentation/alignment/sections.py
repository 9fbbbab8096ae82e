"""What a section of these pages is: a title, a sentence, a table of cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.presentation.figures import Figure, figure
from reports.wording.numbers import points_with_interval


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure with its interval, or plain text; a link where there is a page behind it."""

    figure: Figure | None = None
    text: str = ""
    link: tuple[str, str] | None = None
    number: bool = True


def said(text: str) -> Cell:
    return Cell(text=text, number=False)


def number(text: str) -> Cell:
    return Cell(text=text)


@dataclass(frozen=True, slots=True)
class Section:
    """
    Attributes
    ----------
    anchor, title : str
    lead : str
        What the table says, in a sentence.
    head : sequence of str
        Of the columns; the first names the row.
    rows : sequence of sequence of Cell
    note : str
    guide : str
        Anchor of the statistics guide.
    empty : str
        What is said in place of the table where it has no rows.
    """

    anchor: str
    title: str
    lead: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
    guide: str = ""
    empty: str = "Nothing is known yet."
    # How many rows stand open; the others unfold.
    shown: int = 0

    @property
    def columns(self) -> list[tuple[str, bool]]:
        """Titles of the columns, and whether each holds numbers."""
        first = self.rows[0] if self.rows else ()
        return [(title, cell.number) for title, cell in zip(self.head, first, strict=True)]

    @property
    def open_rows(self) -> Sequence[Sequence[Cell]]:
        return self.rows[: self.shown] if self.shown else self.rows

    @property
    def folded_rows(self) -> Sequence[Sequence[Cell]]:
        return self.rows[self.shown :] if self.shown else ()


def points(estimate: Mapping[str, Any]) -> Figure:
    return figure(estimate, points_with_interval)
