"""The report as one HTML file: complete, silent and the same each time."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from reports import analysis
from reports.exports import report_html
from reports.models import AnalysisRun
from tests.reports.voted import make_rich_study

pytestmark = pytest.mark.django_db


@pytest.fixture
def kept() -> AnalysisRun:
    return analysis.run(make_rich_study(title="A rich study"))


def test_it_needs_nothing_from_anywhere(kept: AnalysisRun) -> None:
    text = report_html.render(kept)
    assert "<script" not in text
    assert "<link" not in text
    assert "@import" not in text
    assert not re.search(r"\b(?:src|srcset|data|poster|action)=", text)
    assert not re.search(r"url\((?!#)", text)
    # Its links lead to its own parts.
    assert all(link.startswith("#") for link in re.findall(r'href="([^"]*)"', text))


def test_its_policy_allows_its_own_style_and_nothing_else(kept: AnalysisRun) -> None:
    text = report_html.render(kept)
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert style
    assert policy
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy[1].replace("&#x27;", "'").split("; ")[:2] == [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
    ]
    assert " style=" not in text.replace(style[1], "")


def test_it_holds_charts_tables_and_both_themes(kept: AnalysisRun) -> None:
    text = report_html.render(kept)
    assert text.count("<svg") == 2 * 6
    assert "A rich study" in text
    assert "light-dark(" in text
    assert 'name="color-scheme" content="light dark"' in text
    assert "Files</h2>" not in text


def test_the_same_run_gives_the_same_bytes(kept: AnalysisRun) -> None:
    assert report_html.render(kept) == report_html.render(kept)
