"""The statistics guide explains every warning and every method that a report can print."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reports.presentation.people import COEFFICIENTS
from reports.stats.results import WarningCode
from reports.wording import methods

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "statistics.md").read_text()

SECTION = re.compile(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| `([a-z0-9_]+)` \| (.+) \|$", re.MULTILINE)
ANCHOR = re.compile(r'<a id="([a-z0-9_-]+)"></a>')
JUMP = re.compile(r"\]\(#([^)]+)\)")

SECTIONS = dict(SECTION.findall(GUIDE))
WARNINGS = dict(ROW.findall(SECTIONS["Warnings, and what to do"]))
METHODS = dict(ROW.findall(SECTIONS["Names of methods"]))


@pytest.mark.parametrize("code", list(WarningCode))
def test_every_warning_says_what_is_so_and_what_to_do(code: WarningCode) -> None:
    assert code.value in WARNINGS
    meaning, advice = WARNINGS[code.value].split(" | ")
    assert meaning
    assert advice


def test_no_warning_is_explained_that_does_not_exist() -> None:
    assert set(WARNINGS) == {code.value for code in WarningCode}


@pytest.mark.parametrize("name", [name for name, _ in methods.KNOWN])
def test_every_method_that_a_report_can_name_is_explained(name: str) -> None:
    assert name in METHODS


def test_no_method_is_explained_that_does_not_exist() -> None:
    assert set(METHODS) == {name for name, _ in methods.KNOWN}


@pytest.mark.parametrize("key", list(COEFFICIENTS))
def test_every_coefficient_of_the_page_has_its_anchor(key: str) -> None:
    assert key in ANCHOR.findall(GUIDE)


def test_every_jump_inside_the_guide_lands_and_no_anchor_stands_twice() -> None:
    anchors = ANCHOR.findall(GUIDE)
    assert len(anchors) == len(set(anchors))
    assert set(JUMP.findall(GUIDE)) <= set(anchors)
