"""A pair that was stopped early: what its row gives, and what is said of it everywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.utils import timezone

from annotation.models import Cell, Exclusion, Stopping, Study, Vote
from reports import analysis, records
from reports.charts.pairs import charts
from reports.presentation.notes import methods_in_words, settings_in_words, warnings_in_words
from reports.presentation.pairs import pair_rows
from reports.stats import sequential
from reports.wording.headline import (
    DIFFERENCE_FOUND,
    NOT_DECIDED,
    finding,
    headline,
    is_decided,
    state_of,
)
from tests.reports.results import board_row, clear_report, figure, pair, report, undecided
from tests.reports.steered import Draw, make_drawn_study

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "report.schema.json").read_text(encoding="utf-8")
)
WALKED: dict[str, Draw] = {
    "alpha-beta": ("uniform", None, 3),
    "alpha-gamma": ("uniform", None, 3),
    "beta-gamma": ("uniform", None, 3),
}


def stopped_study(**fields: Any) -> Study:
    """alpha and gamma were stopped; results are open."""
    study = make_drawn_study(WALKED, stopping=Stopping.SEQUENTIAL, results="open", **fields)
    Cell.objects.filter(study=study, system_a__name="alpha", system_b__name="gamma").update(
        stopped_at=timezone.now()
    )
    return study


def row_of(result: dict[str, Any], first: str, second: str) -> dict[str, Any]:
    return next(
        row
        for row in result["head_to_head"]
        if (row["system_a"], row["system_b"]) == (first, second)
    )


@pytest.mark.django_db
def test_its_interval_is_the_confidence_sequence_and_it_has_no_p_value() -> None:
    result = dict(analysis.run(stopped_study()).result)
    row = row_of(result, "alpha", "gamma")
    found = row["sequential"]
    assert (row["win_rate_a"]["low"], row["win_rate_a"]["high"]) == (found["low"], found["high"])
    assert row["win_rate_a"]["method"] == "confidence_sequence"
    assert row["p_value"] is row["p_adjusted"] is row["p_method"] is None
    assert row["p_value_votes"] is row["p_value_two_way"] is None
    assert "stopped_early" in row["warnings"]
    other = row_of(result, "alpha", "beta")
    assert other["p_value"] is not None
    assert "stopped_early" not in other["warnings"]
    assert list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(result)) == []
    assert [name for name, line in methods_in_words(result) if line == name] == []


@pytest.mark.django_db
def test_the_board_by_design_gives_a_stopped_pair_the_share_that_the_study_wanted() -> None:
    walked: dict[str, Draw] = {**WALKED, "alpha-gamma": ("uniform", None, 1)}
    study = make_drawn_study(walked, stopping=Stopping.SEQUENTIAL, results="open")
    before = dict(analysis.run(study).result)
    assert before["boards"]["by_design"]["rows"] is None
    Cell.objects.filter(study=study, system_a__name="alpha", system_b__name="gamma").update(
        stopped_at=timezone.now()
    )
    result = dict(analysis.run(study).result)
    board = result["boards"]["by_design"]
    # Of alpha 18 of 36 against beta and 12 of 12 against gamma; the study wants 36 of each.
    (plain,) = [row for row in result["leaderboard"] if row["system"] == "alpha"]
    (by_design,) = [row for row in board["rows"] if row["system"] == "alpha"]
    assert plain["win_rate"]["estimate"] == pytest.approx(30 / 48)
    assert by_design["win_rate"]["estimate"] == pytest.approx(0.75)
    # Weights 28/36 on 72 votes and 28/12 on 12.
    assert board["kish_n"] == pytest.approx(84**2 / (72 * (28 / 36) ** 2 + 12 * (28 / 12) ** 2))
    assert board["policies"] == {"uniform": 84}
    assert (board["clipped"], board["covered"]) == (0, 1.0)
    assert list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(result)) == []


@pytest.mark.django_db
def test_the_report_says_which_pairs_and_that_their_intervals_hold_at_any_time() -> None:
    result = dict(analysis.run(stopped_study()).result)
    said = dict(settings_in_words(result))["Stopping"]
    assert "Stopped early: alpha and gamma." in said
    assert "valid at any time" in said
    assert any(short == "stopped early" for short, _ in warnings_in_words(result))
    shown = {(row.system_a, row.system_b): row for row in pair_rows(result)}
    assert (
        shown["alpha", "gamma"].finding == "alpha wins more among these annotators (stopped early)"
    )
    assert (
        shown["alpha", "gamma"].short_finding
        == "a wins more among these annotators (stopped early)"
    )
    assert shown["alpha", "gamma"].target == "stopped early"


@pytest.mark.django_db
def test_with_very_many_pairs_the_stopped_ones_still_have_an_interval(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study = stopped_study()
    before = row_of(dict(analysis.run(study).result), "alpha", "gamma")["win_rate_a"]
    monkeypatch.setattr(sequential, "INTERVAL_PAIRS", 0)
    monkeypatch.setattr(analysis, "REPORT_FORMAT", 0)
    after = row_of(dict(analysis.run(study).result), "alpha", "gamma")
    assert after["sequential"]["low"] is None
    for bound in ("low", "high"):
        assert after["win_rate_a"][bound] == pytest.approx(before[bound])


@pytest.mark.django_db
def test_a_pair_of_which_one_stratum_goes_on_was_not_stopped() -> None:
    study = stopped_study()
    cell = Cell.objects.get(study=study, stopped_at__isnull=False)
    Cell.objects.create(study=study, system_a=cell.system_a, system_b=cell.system_b, stratum="law")
    read = records.load(study)
    assert read.sampling is not None
    assert read.sampling.stopped == ()


@pytest.mark.django_db
def test_stopping_changes_the_hash() -> None:
    study = stopped_study()
    before = records.load(study).input_sha256
    Cell.objects.filter(study=study).update(stopped_at=None)
    assert records.load(study).input_sha256 != before


SEQUENTIAL = {"stopping": "sequential", "looked_early": True}


def sequential_report(rows: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    board = [board_row("A", 1, (1, 1)), board_row("B", 2, (2, 2))]
    result = report(board, rows, study_version=1, **more)
    result["settings"].update(SEQUENTIAL)
    return result


def test_a_p_value_decides_nothing_in_a_sequential_study() -> None:
    row = pair("A", "B", 0.7)
    result = sequential_report([row])
    assert not is_decided(row, result)
    row["sequential"]["decided"] = True
    assert is_decided(row, result)
    # A study that was never opened stopped nothing, whatever its settings say.
    row["sequential"]["decided"] = False
    assert is_decided(row, {**result, "study_version": None})


def test_a_stopped_pair_may_be_said_before_the_planned_votes_are_in() -> None:
    row = pair(
        "A", "B", 0.7, p_value=None, p_adjusted=None, p_method=None, warnings=["stopped_early"]
    )
    result = sequential_report([row], warnings=["sequential_look"])
    assert finding(row, result) == "A wins more (stopped early)"
    assert headline(result)[0].startswith("A leads")
    (chart,) = [chart for chart in charts(result) if chart.name == "targets"]
    assert "stopped early" in chart.description


def test_votes_that_a_stopped_pair_will_not_get_are_not_missing() -> None:
    stopped = pair(
        "A", "C", 0.8, p_value=None, p_adjusted=None, p_method=None, warnings=["stopped_early"]
    )
    going = undecided("A", "B")
    board = [board_row("A", 1, (1, 2)), board_row("B", 2, (1, 2)), board_row("C", 3, (3, 3))]
    result = report(
        board, [going, stopped, undecided("B", "C")], study_version=1, warnings=["sequential_look"]
    )
    result["settings"].update(SEQUENTIAL)
    assert headline(result)[0].startswith("Not decided yet: 200 more votes until")


def test_a_fixed_study_decides_by_its_p_values_as_before() -> None:
    result = clear_report("A", "B", study_version=1)
    (row,) = result["head_to_head"]
    assert is_decided(row, result)


# -- votes were excluded after the stop ----------


def exclude_all_but(study: Study, votes: int) -> None:
    """Of alpha against gamma."""
    found = Vote.objects.filter(
        comparison__study=study,
        comparison__system_a__name="alpha",
        comparison__system_b__name="gamma",
    ).order_by("pk")
    for vote in found[votes:]:
        Exclusion.objects.create(assignment=vote.assignment, reason="a test")


@pytest.mark.django_db
@pytest.mark.parametrize("left", [3, 0])
def test_a_stopped_pair_whose_evidence_has_gone_is_said_to_be_undecided(left: int) -> None:
    study = stopped_study()
    before = dict(analysis.run(study).result)
    assert state_of(row_of(before, "alpha", "gamma"), before) == DIFFERENCE_FOUND
    exclude_all_but(study, left)
    result = dict(analysis.run(study).result)
    row = row_of(result, "alpha", "gamma")
    assert row["n"] == left
    assert (row["win_rate_a"]["low"], row["win_rate_a"]["high"]) == (None, None)
    assert not is_decided(row, result)
    assert state_of(row, result) == NOT_DECIDED
    assert (
        finding(row, result)
        == "not decided: stopped early, and votes excluded since leave it undecided"
    )
    said = dict(settings_in_words(result))["Stopping"]
    assert "undecided by the votes that were not excluded since: alpha and gamma." in said
    assert "A stop is final" in said
    assert "valid at any time" not in said
    assert len(charts(result)) == 2


def test_a_stopped_pair_with_an_interval_about_one_half_is_undecided() -> None:
    row = stopped_pair("A", "B", win_rate_a=figure(0.52))
    result = sequential_report([row])
    assert not is_decided(row, result)
    # e-BH over the pairs of the component may decide where the interval alone does not.
    row["sequential"]["decided"] = True
    assert is_decided(row, result)


def test_the_headline_asks_for_no_votes_that_will_not_come() -> None:
    rows = [stopped_pair("A", "B", win_rate_a=figure(0.52))]
    board = [board_row("A", 1, (1, 2)), board_row("B", 2, (1, 2))]
    result = report(board, rows, study_version=1, warnings=["sequential_look"])
    result["settings"].update(SEQUENTIAL)
    assert headline(result) == (
        "Not decided: voting on A v B was stopped early for good, and votes excluded since leave "
        "it undecided.",
    )


def test_a_system_does_not_lead_over_a_pair_that_lost_its_evidence() -> None:
    """While votes come in with open results."""
    row = stopped_pair("A", "B", win_rate_a=figure(0.52))
    result = sequential_report([row], warnings=["sequential_look"])
    assert not headline(result)[0].startswith("A leads")


def stopped_pair(first: str, second: str, **more: Any) -> dict[str, Any]:
    return pair(
        first,
        second,
        p_value=None,
        p_adjusted=None,
        p_method=None,
        warnings=["stopped_early"],
        **more,
    )
