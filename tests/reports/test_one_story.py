"""Headline, findings, charts, matrix and text say the same of a pair."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from annotation.models import Comparison, Study
from reports import analysis
from reports.charts.pairs import charts
from reports.exports.report_text import render
from reports.models import AnalysisRun
from reports.presentation.notes import warnings_in_words
from reports.presentation.pairs import matrix, pair_rows
from reports.wording.headline import finding, headline
from tests.reports.results import board_row, clear_report, pair, report, undecided
from tests.reports.voted import make_rich_study


def text_of(result: dict[str, Any]) -> str:
    made_at = datetime(2026, 1, 2, tzinfo=UTC)
    return render(AnalysisRun(result=result, versions={}, created_at=made_at))


@pytest.mark.parametrize(
    ("rate", "short"),
    [
        (0.7, "a wins more among these annotators"),
        (0.3, "b wins more among these annotators"),
    ],
)
def test_the_short_finding_keeps_whom_it_holds_for(rate: float, short: str) -> None:
    row = pair("x", "y", rate, warnings=["p_values_differ"])
    (shown,) = pair_rows(report([], [row]))
    assert shown.short_finding == short


def test_an_unqualified_short_finding_names_the_column_alone() -> None:
    (shown,) = pair_rows(report([], [pair("x", "y", 0.3)]))
    assert shown.short_finding == "b wins more"


def test_enough_votes_without_a_difference_read_the_same_everywhere() -> None:
    row = undecided("A", "B", enough=True, votes_needed=0)
    board = [board_row("A", 1, (1, 2)), board_row("B", 2, (1, 2))]
    result = report(board, [row])
    assert headline(result)[0].startswith("No clear difference")
    assert finding(row, result) == "no clear difference"
    chart = charts(result)[0]
    assert chart.title == "There is no clear difference"
    assert [drawn["state"] for drawn in chart.wide["data"]["values"]] == ["no clear difference"]


def test_the_matrix_tells_no_clear_difference_from_not_decided() -> None:
    result = clear_report("A", "B", "C")
    result["head_to_head"][0] = undecided("A", "B", enough=True)
    result["head_to_head"][1] = undecided("A", "C")
    shown = matrix(result)
    assert shown is not None
    words = [cell.words for cell in shown.rows[0][1]]
    assert words[1].endswith("no clear difference)")
    assert words[2].endswith("not decided)")


@pytest.mark.parametrize("early", [["sequential_look"], []])
def test_the_matrix_and_the_finding_agree_on_a_planned_pair_without_votes(early: list[str]) -> None:
    result = clear_report("A", "B", "C", warnings=early)
    empty = pair("A", "C", None, comparisons=50)
    result["head_to_head"][1] = empty
    shown = matrix(result)
    assert shown is not None
    assert shown.rows[0][1][2].words == f"A v C: {finding(empty, result)}"


def test_a_pair_without_votes_is_no_warning_of_the_report() -> None:
    result = clear_report("A", "B", "C")
    result["head_to_head"][1] = pair("A", "C", None)
    assert "no_votes" in result["head_to_head"][1]["sequential"]["warnings"]
    assert warnings_in_words(result) == []


@pytest.mark.parametrize(("people", "said"), [(1, "1 annotator\n"), (2, "2 annotators\n")])
def test_one_annotator_is_counted_in_the_singular(people: int, said: str) -> None:
    result = clear_report("x", "y")
    result["counts"]["annotators"] = people
    assert said in text_of(result)


@pytest.mark.django_db
def test_each_pair_carries_the_number_of_its_comparisons() -> None:
    study = make_rich_study()
    rows = analysis.run(study).result["head_to_head"]
    work = Comparison.objects.filter(study=study, kind="work")
    expected: dict[frozenset[str], int] = {}
    for names in work.values_list("system_a__name", "system_b__name"):
        expected[frozenset(names)] = expected.get(frozenset(names), 0) + 1
    counted = {frozenset((row["system_a"], row["system_b"])): row["comparisons"] for row in rows}
    assert expected
    assert {names: count for names, count in counted.items() if count} == expected


@pytest.mark.django_db
def test_a_finding_of_real_votes_claims_no_more_than_the_adjusted_two_way_test(
    shared_data: Path,
) -> None:
    folder = shared_data / "pandalm"
    call_command("import_comparisons", "pandalm", str(folder / "items.jsonl"))
    call_command("import_votes", "pandalm", str(folder / "human.jsonl"))
    result = analysis.run(Study.objects.get(slug="pandalm")).result
    rows = [row for row in result["head_to_head"] if row["p_value_two_way"] is not None]
    unqualified = [row for row in rows if finding(row, result).endswith("wins more")]
    # Holm never takes more than the smallest p times the number of pairs.
    smallest = min((row["p_value_two_way"] for row in unqualified), default=0.0)
    assert smallest * len(rows) <= 0.05
    assert any(finding(row, result).endswith("among these annotators") for row in rows)
