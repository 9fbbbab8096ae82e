"""CSV as RFC 4180 has it, in which no cell of text is a formula.

A spreadsheet runs what looks like a formula, and the texts here come from models and strangers.
Such a cell gets a leading apostrophe, which spreadsheets show as text. Every text is quoted, so
that a program that expects another separator does not find a new cell in the middle of one.
Numbers stay numbers. JSONL is the lossless form.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable
from decimal import Decimal

Cell = str | int | float | Decimal | bool | None

# What spreadsheets take for the start of a formula, of a DDE call or of an import function.
FORMULA_STARTS = frozenset("=+-@|%")
# These begin a formula in some programs, or hide what follows them from a filter.
HIDING_STARTS = frozenset("\t\r\n\0")


def safe_text(text: str) -> str:
    """The text, with an apostrophe before it where a spreadsheet might run it.

    Full-width forms, and signs behind spaces or invisible characters, count as what they look
    like: some programs normalise and trim before they decide.
    """
    if text[:1] in HIDING_STARTS and text:
        return "'" + text
    for character in text:
        if unicodedata.category(character)[0] in "ZC":
            continue
        folded = unicodedata.normalize("NFKC", character)
        # U+2212 and U+FE63 are minus signs that no normalisation folds to a hyphen.
        if folded[:1] in FORMULA_STARTS or character in "\u2212\ufe63":
            return "'" + text
        break
    return text


def csv_cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, int | Decimal):
        return str(value)
    return '"' + safe_text(value).replace('"', '""') + '"'


def csv_line(values: Iterable[Cell]) -> str:
    """One record with its line end."""
    return ",".join(csv_cell(value) for value in values) + "\r\n"


def as_cell(value: object) -> Cell:
    """A value of a row as one cell: lists and objects become JSON."""
    if value is None or isinstance(value, str | int | float | Decimal):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
