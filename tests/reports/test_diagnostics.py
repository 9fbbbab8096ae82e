"""The report's diagnostics: what hangs on one person or a few votes, and why one is missing."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command

from annotation.models import Study
from reports import analysis
from reports import diagnostics as report_diagnostics
from reports.diagnostics import diagnostics
from reports.models import AnalysisRun
from reports.presentation.influence import influence
from reports.stats.bradley_terry import fit_bradley_terry
from reports.stats.cells import Cells
from reports.stats.leaderboard import leaderboard
from reports.stats.votes import Votes
from tests.factories import make_study
from tests.reports.voted import make_voted_study
from tests.stats.vote_makers import simulated, votes_of


def of(votes: Votes, *, thorough: bool = False) -> dict[str, Any]:
    return diagnostics(
        votes,
        leaderboard(votes, seed=1),
        [f"system-{code}" for code in range(votes.n_systems)],
        [f"ann-{code}" for code in range(votes.n_annotators)],
        seed=1,
        level=0.95,
        thorough=thorough,
    )


def test_names_stand_for_the_codes() -> None:
    votes, _ = simulated(1, n=900, annotators=8, spread=1.0)
    found = of(votes)
    fewest = found["fewest_votes_that_change_the_winner"]
    order = np.argsort(-fit_bradley_terry(Cells.from_votes(votes)).strengths)
    assert (fewest["system"], fewest["runner_up"]) == tuple(f"system-{c}" for c in order[:2])
    assert 0 < fewest["votes"] <= fewest["linear"] + 1
    assert fewest["share"] == fewest["votes"] / 900
    alone = found["leave_one_annotator_out"]
    assert alone["largest_shift"] > 0
    assert alone["annotator"] in {f"ann-{code}" for code in range(8)}
    assert alone["reason"] is None
    assert [row["annotator"] for row in found["annotator_reliability"]] == [
        f"ann-{code}" for code in range(8)
    ]


def test_a_coin_tosser_is_flagged_and_suspicious() -> None:
    votes, _ = simulated(2, n=4_000, annotators=10, spread=1.2)
    random = np.random.default_rng(1)
    verdict = votes.verdict.copy()
    theirs = votes.annotator == 3
    verdict[theirs] = random.choice([0, 2], int(theirs.sum()))
    spoiled = Votes.from_arrays(
        votes.system_a, votes.system_b, verdict, prompt=votes.prompt, annotator=votes.annotator
    )
    rows = of(spoiled)["annotator_reliability"]
    assert [row["annotator"] for row in rows if row["flagged"]] == ["ann-3"]
    assert [row["annotator"] for row in rows if row["suspicious"]] == ["ann-3"]


def test_what_takes_long_is_left_out_with_the_reason_unless_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    votes, _ = simulated(3, n=400, annotators=6, prompts=10)
    monkeypatch.setattr(report_diagnostics, "CHEAP_REFITS", 10)
    monkeypatch.setattr(report_diagnostics, "CHEAP_VOTES", 10)
    monkeypatch.setattr(report_diagnostics, "CHEAP_SYSTEMS", 2)
    found = of(votes)
    assert found["leave_one_annotator_out"]["largest_shift"] is None
    assert "analyze --diagnostics" in found["leave_one_annotator_out"]["reason"]
    assert "analyze --diagnostics" in found["fewest_votes_that_change_the_winner"]["reason"]
    assert {row["reliability"] for row in found["annotator_reliability"]} == {None}
    assert {row["e_value"] for row in found["annotator_reliability"]} == {None}
    asked = of(votes, thorough=True)
    assert asked["leave_one_annotator_out"]["largest_shift"] > 0
    assert asked["fewest_votes_that_change_the_winner"]["votes"] > 0
    for key in ("reliability", "e_value", "accuracy"):
        assert all(row[key] is not None for row in asked["annotator_reliability"])


def test_one_annotator_cannot_be_left_out() -> None:
    rows = [(0, 1, verdict, 1, prompt, 0) for verdict in (0, 0, 2) for prompt in range(4)]
    found = of(votes_of(rows), thorough=True)
    alone = found["leave_one_annotator_out"]
    assert alone["largest_shift"] is None
    assert alone["reason"] == "there is only one annotator"
    assert alone["warnings"] == ["single_annotator"]
    (row,) = found["annotator_reliability"]
    assert (row["e_value"], row["suspicious"]) == (None, None)
    assert row["votes"] == 12


def test_groups_of_systems_have_no_common_winner() -> None:
    rows = [(0, 1, 0, 1, 0, 0), (0, 1, 2, 1, 0, 1), (2, 3, 0, 1, 0, 0), (2, 3, 2, 1, 0, 1)]
    fewest = of(votes_of(rows))["fewest_votes_that_change_the_winner"]
    assert fewest["votes"] is None
    assert "groups" in fewest["reason"]


def test_single_votes_say_nothing_about_confusion() -> None:
    votes = votes_of([(0, 1, 0, 1, 0, 0), (0, 1, 2, 1, 1, 1)])
    rows = of(votes, thorough=True)["annotator_reliability"]
    assert {row["accuracy"] for row in rows} == {None}


def test_annotators_who_hold_the_board_up_leave_no_shift() -> None:
    found = of(votes_of([(0, 1, 0, 1, 0, 0), (1, 0, 0, 1, 0, 1)]))["leave_one_annotator_out"]
    assert found["undefined"] == 2
    assert found["reason"] == "without any one annotator the systems are no longer comparable"


@pytest.mark.django_db
def test_an_empty_study_has_reasons_and_no_rows() -> None:
    found = analysis.run(make_study("empty")).result["diagnostics"]
    assert found["leave_one_annotator_out"]["reason"] == "there are no votes"
    assert found["fewest_votes_that_change_the_winner"]["reason"] == "there are no votes"
    assert found["annotator_reliability"] == []


@pytest.mark.django_db
def test_the_option_makes_all_of_them_and_the_run_serves_those_who_did_not_ask() -> None:
    make_voted_study("voted")
    out = StringIO()
    call_command("analyze", "voted", "--format", "json", stdout=StringIO())
    call_command("analyze", "voted", "--format", "json", "--diagnostics", stdout=out)
    result = json.loads(out.getvalue())
    assert result["settings"]["diagnostics"] is True
    rows = result["diagnostics"]["annotator_reliability"]
    assert all(row["accuracy"] is not None for row in rows)
    assert AnalysisRun.objects.count() == 2
    again = analysis.run(Study.objects.get(slug="voted"))
    assert again.settings["diagnostics"] is True
    assert AnalysisRun.objects.count() == 2


def test_errors_are_bootstrapped_when_asked_for_by_name() -> None:
    votes, _ = simulated(4, n=600, annotators=9, prompts=20, taste=0.4)
    assert of(votes)["multiplier_bootstrap"] == {
        "rows": None,
        "reason": "made only on request: analyze --diagnostics",
    }
    found = of(votes, thorough=True)["multiplier_bootstrap"]
    assert found["reason"] is None
    board = leaderboard(votes, seed=1)
    errors = {f"system-{row.system}": row.strength.se for row in board.rows}
    assert {row["system"]: row["se"] for row in found["rows"]} == errors
    for row in found["rows"]:
        assert row["component"] == 1
        assert row["annotator"]["method"] == "multiplier_webb"
        assert row["annotator"]["n_clusters"] == {"annotator": 9}
        assert row["prompt"]["method"] == "multiplier_normal"
        for dimension in ("annotator", "prompt"):
            assert 0 < row[dimension]["se"] < row[dimension]["se_cr1"]
            assert row[dimension]["seed"] == 1
    empty = of(votes_of([], n_systems=2), thorough=True)["multiplier_bootstrap"]
    assert empty == {"rows": None, "reason": "there are no votes"}


@pytest.mark.parametrize("decided", [False, True])
def test_the_bootstrap_is_shown_with_what_it_is_compared_with(decided: bool) -> None:
    votes, _ = simulated(4, n=600, annotators=9, prompts=20, taste=0.4)
    if decided:
        votes = votes_of([(0, 1, 0, 1, step, step) for step in range(4)])
    found = of(votes, thorough=True)
    shown = influence({"diagnostics": found})
    row = found["multiplier_bootstrap"]["rows"][0]
    first = shown.bootstrap[0]
    if decided:
        assert (first.by_annotator, first.by_prompt_cr1) == ("–", "–")
        assert "not made" in shown.bootstrapped
        return
    assert first.reported == f"{row['se']:.3f}"
    assert first.by_annotator == f"{row['annotator']['se']:.3f}"
    assert first.by_prompt_cr1 == f"{row['prompt']['se_cr1']:.3f}"
    assert shown.bootstrapped == (
        "Made by 9 annotators (multiplier_webb) and by 20 prompts (multiplier_normal)."
    )
    quick = influence({"diagnostics": of(votes)})
    assert quick.bootstrap == []
    assert "made only on request" in quick.bootstrapped
