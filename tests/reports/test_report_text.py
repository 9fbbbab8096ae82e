"""`analyze --format text`: a report for a terminal of 100 columns."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from itertools import combinations
from typing import Any

import pytest
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as st

from reports import analysis
from reports.exports import report_text
from reports.exports.text_layout import WIDTH, clean, fit, width_of
from reports.models import AnalysisRun
from reports.presentation.report import view
from tests.reports.results import (
    alignment,
    board_row,
    clear_report,
    figure,
    pair,
    report,
    undecided,
)
from tests.reports.voted import make_rich_study


def render(result: dict[str, Any]) -> str:
    return report_text.render(
        AnalysisRun(
            result=result,
            versions={"evalsite": "0.1.0"},
            created_at=datetime(2026, 11, 24, tzinfo=UTC),
        )
    )


def test_it_reads_from_the_headline_to_the_hash() -> None:
    text = render(clear_report("x", "y", "z", alignment=[alignment("judge-1")]))
    parts = [
        "x leads",
        "300 counted votes",
        "Leaderboard",
        "1,150 [1,130, 1,170]",
        "Pairs of systems",
        "a wins more",
        "Agreement of the annotators",
        "Krippendorff's alpha, nominal",
        "Left and right",
        "Judges beside people",
        "judge-1",
        "3 unparsed",
        "To recompute it",
        "0" * 64,
    ]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


def test_groups_that_never_met_stand_apart() -> None:
    board = [
        board_row("A", 1, (1, 1)),
        board_row("B", 2, (2, 2)),
        board_row("C", 1, (1, 2), component=2),
        board_row("D", 2, (1, 2), component=2),
        board_row("E", 1, (1, 1), component=None) | {"rank": None, "rank_low": None},
    ]
    pairs = [pair(a, b, None) for a, b in combinations("ABCDE", 2)]
    pairs = [pair("A", "B"), *pairs[1:7], undecided("C", "D", component=2), *pairs[8:]]
    text = render(report(board, pairs))
    assert "Group 1\n" in text
    assert "Group 2\n" in text
    assert "Without votes\n" in text
    assert "never compared" in text
    assert "about 140 more votes" in text


HOSTILE = "\x1b[31mred\x1b[0m\r\n\u202egnorw\u200b\x00\ud800"


def test_names_cannot_steer_the_terminal() -> None:
    text = render(clear_report("x", HOSTILE, title=HOSTILE, notice=HOSTILE))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u200b\u202e\ud800]", text)
    text.encode("utf-8")


@pytest.mark.parametrize(
    "name",
    ["y" * 200, "\u6771\u4eac" * 40, "e\u0301" * 90],
    ids=["letters", "wide", "combining"],
)
def test_long_names_give_way_and_lines_fit(name: str) -> None:
    text = render(clear_report("x", name, f"{name}2", alignment=[alignment(name)]))
    for line in text.splitlines():
        if "leads" not in line:
            assert width_of(line) <= WIDTH, line
    assert "…" in text


def test_prose_is_wrapped_to_the_width() -> None:
    text = render(clear_report("x", "y", notice="word " * 100))
    assert all(len(line) <= WIDTH for line in text.splitlines())


@given(st.text(), st.integers(1, 40), st.booleans())
def test_a_cell_has_exactly_its_width(text: str, width: int, on_left: bool) -> None:
    cell = fit(clean(text), width, on_left=on_left)
    assert width_of(cell) == width


@pytest.mark.django_db
def test_the_command_prints_it_by_default() -> None:
    make_rich_study()
    stdout = io.StringIO()
    call_command("analyze", "rich", stdout=stdout)
    assert stdout.getvalue().startswith("rich\nReport of ")
    assert "Criterion clarity" in stdout.getvalue()


@pytest.mark.django_db
def test_what_stands_beside_the_first_board_is_printed_too() -> None:
    study = make_rich_study()
    result = analysis.run(study, thorough=True).result
    text = render(result)
    parts = [
        "All systems against one that was named beforehand",
        "The same votes by other methods",
        "Rank and rating by each method.",
        "By category",
        "By tag",
        "Does one number a system describe the votes?",
        "Which judge is closer to people",
    ]
    parts = [part for part in parts if result["judge_pairs"] or "judge" not in part]
    places = [text.index(f"\n{part}\n") for part in parts]
    assert places == sorted(places)
    assert all(width_of(line) <= WIDTH for line in text.splitlines())
    shown = view(result, {}, datetime(2026, 11, 24, tzinfo=UTC))
    words = " ".join(text.split())
    said = [
        *shown.other_boards.sentences,
        *(f"{heading}: not made: {why}" for heading, why in shown.other_boards.missing),
        *(f"{heading}: {what}" for heading, what in shown.other_boards.terms),
        *shown.fit.sentences,
        *(part.reason for part in shown.slices),
    ]
    assert [sentence for sentence in said if " ".join(sentence.split()) not in words] == []


def test_each_system_against_all_it_met_is_one_sentence() -> None:
    rows = [
        {
            "system": "x",
            "prompts": 40,
            "method": "permutation",
            "opponents": [
                {"system": "y", "prompts": 40, "mean_score": 0.8, "p_adjusted": 0.0002},
                {"system": "z", "prompts": 40, "mean_score": 0.4, "p_adjusted": 0.4},
            ],
            "warnings": ["too_few_prompts"],
        }
    ]
    found = {"anchor": "x", "rows": rows, "reason": None}
    text = render(clear_report("x", "y", "z") | {"against_one": found})
    assert (
        "x (40 prompts): ahead of y (p < 0.001); not decided: z (p = 0.40) [too few prompts]."
        in text.replace("\u00a0", " ")
    )


def test_judges_are_compared_with_each_other() -> None:
    entries = [alignment("judge-1"), alignment("judge-2")]
    judges = [
        {
            "judge_1": "judge-1",
            "judge_version_1": 1,
            "judge_2": "judge-2",
            "judge_version_2": 1,
            "comparisons": 80,
            "difference": figure(0.1),
            "p_value": 0.001,
            "p_adjusted": 0.001,
            "warnings": [],
        }
    ]
    text = render(clear_report("x", "y", alignment=entries) | {"judge_pairs": judges})
    (line,) = [line for line in text.splitlines() if "judge-2" in line and "0.001" in line]
    assert line.split()[:3] == ["judge-1", "judge-2", "80"]
