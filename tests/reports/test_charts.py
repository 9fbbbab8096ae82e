"""Charts say what they show, and their pictures follow the theme without inline style."""

from __future__ import annotations

import subprocess
import sys
from itertools import combinations, pairwise
from typing import Any
from xml.etree import ElementTree

import pytest

from reports.chart_rendering import RenderedReports, render
from reports.charts import Chart, all_charts
from reports.charts.drawing import MOST_ROWS
from reports.models import AnalysisRun
from tests.reports.results import (
    alignment,
    board_row,
    clear_report,
    figure,
    pair,
    report,
    undecided,
)

HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(2)>\x00\ud800 &amp; \u202e'


def read(picture: str) -> ElementTree.Element:
    return ElementTree.fromstring(picture)  # our own renderer's output


def full_report(*names: str) -> dict[str, Any]:
    return clear_report(*(names or ("x", "y", "z")), alignment=[alignment("judge-1")])


def test_every_question_has_its_chart() -> None:
    assert list(all_charts(full_report())) == [
        "ratings-1",
        "win-rates",
        "targets",
        "agreement",
        "sides",
        "judges",
    ]


def test_titles_are_sentences_that_say_what_is_seen() -> None:
    charts = all_charts(full_report())
    assert charts["ratings-1"].title == "x leads, and the order of all 3 systems is settled"
    assert charts["win-rates"].title == "A difference is found for all 3 pairs that were compared"
    assert charts["targets"].title == "None of the 3 pairs has its 200 votes yet"
    assert charts["agreement"].title.startswith("Two annotators give the same answer 70")
    assert charts["sides"].title.startswith("The left response wins 52")
    assert charts["judges"].title.startswith("judge-1 agrees with 65")


def test_a_chart_that_would_be_empty_is_not_drawn() -> None:
    nothing = report([board_row("A", 1, (1, 1), component=None)], [])
    nothing["agreement"] = {
        key: figure(None) for key in nothing["agreement"] if key not in ("cohen_kappa",)
    } | {"cohen_kappa": []}
    nothing["side_bias"]["left_rate"] = figure(None)
    assert all_charts(nothing) == {}


def test_groups_that_never_met_get_scales_of_their_own() -> None:
    board = [
        board_row("A", 1, (1, 1)),
        board_row("B", 2, (2, 2)),
        board_row("C", 1, (1, 1), component=2),
        board_row("D", 2, (2, 2), component=2),
    ]
    pairs = [pair("A", "B"), *(pair(a, b, None) for a in "AB" for b in "CD")]
    pairs.append(pair("C", "D", component=2))
    charts = all_charts(report(board, pairs))
    shown = [
        {row["row"] for row in charts[name].wide["data"]["values"]}
        for name in ("ratings-1", "ratings-2")
    ]
    assert shown == [{"A", "B"}, {"C", "D"}]


def test_a_pair_is_drawn_with_the_better_placed_system_first() -> None:
    board = [board_row("zeta", 1, (1, 1)), board_row("alpha", 2, (2, 2))]
    low = figure(0.2, low=0.1, high=0.25)
    chart = all_charts(report(board, [pair("alpha", "zeta", 0.2, win_rate_a=low)]))["win-rates"]
    (row,) = chart.wide["data"]["values"]
    assert row["row"] == "zeta v alpha"
    assert (row["estimate"], row["low"], row["high"]) == pytest.approx((0.8, 0.75, 0.9))


def test_what_is_not_decided_is_drawn_hollow() -> None:
    board = [board_row("A", 1, (1, 2)), board_row("B", 2, (1, 2))]
    chart = all_charts(report(board, [undecided("A", "B")]))["win-rates"]
    assert [row["state"] for row in chart.wide["data"]["values"]] == ["not decided"]
    early = report(board, [pair("A", "B")], warnings=["sequential_look"])
    chart = all_charts(early)["win-rates"]
    assert [row["state"] for row in chart.wide["data"]["values"]] == ["not decided"]


def test_too_many_pairs_are_cut_to_the_nearest_ones_and_said_so() -> None:
    names = [f"s{number:02}" for number in range(12)]
    charts = all_charts(clear_report(*names))
    chart = charts["win-rates"]
    assert len(chart.wide["data"]["values"]) == MOST_ROWS
    assert f"The {MOST_ROWS} pairs that are nearest" in chart.note
    neighbours = {f"{a} v {b}" for a, b in pairwise(names)}
    assert neighbours <= {row["row"] for row in chart.wide["data"]["values"]}


def test_the_words_hold_the_same_figures_as_the_picture() -> None:
    words = all_charts(full_report())["ratings-1"].description
    assert "x 1,150 [1,130, 1,170]" in words
    assert words.endswith(".")


def test_names_that_look_alike_keep_rows_of_their_own() -> None:
    board = [
        board_row("a v b", 1, (1, 1)),
        board_row("c", 2, (2, 2)),
        board_row("a", 3, (3, 3)),
        board_row("b v c", 4, (4, 4)),
    ]
    pairs = [pair(a, b) for a, b in combinations(sorted(r["system"] for r in board), 2)]
    rows = all_charts(report(board, pairs))["win-rates"].wide["data"]["values"]
    assert len({row["row"] for row in rows}) == len(rows) == 6


# Each of these ended the whole process, or failed, before it was given to the renderer clean.
@pytest.mark.parametrize(
    "name",
    ["a\x00b", "a\x1fb", "\uffff", "\ud800", "\U0001f600" * 60, "a" + "\U0001f468\u200d" * 40],
    ids=["nul", "control", "noncharacter", "surrogate", "astral", "joined"],
)
def test_no_name_can_break_the_renderer(name: str) -> None:
    chart = render(all_charts(clear_report("x", name))["win-rates"])
    assert read(chart.wide).tag.endswith("svg")
    assert read(chart.narrow).tag.endswith("svg")


def test_a_chart_that_cannot_be_drawn_is_left_out_and_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(chart: Chart) -> str:
        if chart.name == "targets":
            raise ValueError("no picture today")
        return chart.name

    monkeypatch.setattr("reports.chart_rendering.render", fail)
    assert "targets" not in RenderedReports().charts_of(kept_run(7))
    assert "targets" in caplog.text


def test_the_same_report_gives_the_same_specification() -> None:
    assert all_charts(full_report()) == all_charts(full_report())


@pytest.fixture(scope="module")
def drawn() -> list[Any]:
    result = full_report("x", HOSTILE, "a system with a name that is longer than any label" * 4)
    result["side_bias"]["per_annotator"][0]["annotator"] = HOSTILE
    result["alignment"][0]["judge"] = HOSTILE
    return [render(chart) for chart in all_charts(result).values()]


def test_pictures_hold_no_style_no_script_and_no_link(drawn: list[Any]) -> None:
    for chart in drawn:
        for picture in (chart.wide, chart.narrow):
            root = read(picture)
            for element in root.iter():
                name = element.tag.rpartition("}")[2]
                assert name not in ("script", "style", "a", "image", "use", "foreignObject")
                for attribute in element.attrib:
                    assert not attribute.startswith("on")
                    assert attribute not in ("style", "href")
                    assert not attribute.endswith("}href")


def test_names_are_text_in_a_picture_never_markup(drawn: list[Any]) -> None:
    picture = drawn[0].wide
    assert "<script" not in picture
    assert "<img" not in picture
    assert "&lt;script&gt;" in picture


def test_every_colour_has_a_class_that_follows_the_theme(drawn: list[Any]) -> None:
    for chart in drawn:
        for element in read(chart.wide).iter():
            for paint in ("fill", "stroke"):
                color = element.attrib.get(paint, "none")
                if color not in ("none", "transparent"):
                    assert f"{paint}-" in element.attrib.get("class", ""), (chart.name, color)


def test_a_picture_has_one_text_alternative(drawn: list[Any]) -> None:
    for chart in drawn:
        root = read(chart.narrow)
        assert root.attrib["role"] == "img"
        assert root.attrib["aria-labelledby"] == f"{chart.name}-title"
        words = root[0]
        assert words.tag.endswith("desc")
        assert words.attrib["id"] == root.attrib["aria-describedby"]
        assert words.text
        inner = [element for element in root.iter() if element is not root]
        assert not any("role" in e.attrib or "aria-label" in e.attrib for e in inner)


def test_ids_are_unique_among_all_pictures_of_a_page(drawn: list[Any]) -> None:
    ids = [
        element.attrib["id"]
        for chart in drawn
        for picture in (chart.wide, chart.narrow)
        for element in read(picture).iter()
        if "id" in element.attrib
    ]
    assert len(ids) == len(set(ids))


def test_a_narrow_picture_fits_a_phone(drawn: list[Any]) -> None:
    for chart in drawn:
        assert float(read(chart.narrow).attrib["width"]) <= 328 + 1


def kept_run(pk: int) -> AnalysisRun:
    return AnalysisRun(pk=pk, result=clear_report("x", "y"))


def test_a_kept_report_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def count(chart: Chart) -> str:
        calls.append(chart.name)
        return chart.name

    monkeypatch.setattr("reports.chart_rendering.render", count)
    pictures = RenderedReports(most=2)
    first = pictures.charts_of(kept_run(1))
    drawn_once = len(calls)
    assert drawn_once > 0
    assert pictures.charts_of(kept_run(1)) is first
    assert len(calls) == drawn_once


def test_only_the_reports_shown_last_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reports.chart_rendering.render", lambda chart: chart.name)
    pictures = RenderedReports(most=2)
    first = pictures.charts_of(kept_run(1))
    second = pictures.charts_of(kept_run(2))
    assert pictures.charts_of(kept_run(1)) is first
    pictures.charts_of(kept_run(3))
    assert pictures.charts_of(kept_run(1)) is first
    assert pictures.charts_of(kept_run(2)) is not second


def test_charts_and_words_need_no_framework() -> None:
    program = (
        "import reports.charts, reports.wording.headline, reports.wording.methods, "
        "reports.presentation.report, sys; sys.exit('django' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, timeout=60)
    assert done.returncode == 0
