"""Votes that a policy drew: the board by design, the warning, the words, and what is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from django.utils import timezone

from annotation.models import Assignment, Cell, Study
from reports import analysis, records
from reports.presentation.notes import settings_in_words, warnings_in_words
from reports.presentation.other_boards import other_boards
from tests.factories import (
    make_annotator,
    make_comparison,
    make_imported_vote,
    make_study_version,
)
from tests.reports.steered import Draw, make_drawn_study

pytestmark = pytest.mark.django_db

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "report.schema.json").read_text(encoding="utf-8")
)

# The close pair was drawn three times as often as the others.
STEERED: dict[str, Draw] = {
    "alpha-beta": ("adaptive", 0.6, 3),
    "alpha-gamma": ("adaptive", 0.2, 1),
    "beta-gamma": ("adaptive", 0.2, 1),
}
ADAPTIVE_RULES = {"priorities": {"policy": "adaptive"}}


def result_of(study: Study) -> dict[str, Any]:
    study.results = "open"
    study.save()
    return dict(analysis.run(study).result)


def win_rates(rows: list[dict[str, Any]]) -> dict[str, float]:
    return {row["system"]: row["win_rate"]["estimate"] for row in rows}


def test_the_board_by_design_gives_every_pair_its_share() -> None:
    result = result_of(make_drawn_study(STEERED))
    board = result["boards"]["by_design"]
    assert board["reason"] is None
    # alpha met beta in three votes of four, but half of what the study wants of it is gamma.
    assert win_rates(result["leaderboard"])["alpha"] == pytest.approx(0.625)
    assert win_rates(board["rows"])["alpha"] == pytest.approx(0.75)
    assert win_rates(board["rows"])["gamma"] == 0.0
    assert board["policies"] == {"adaptive": 60}
    assert (board["clipped"], board["covered"], board["largest_weight"]) == (0, 1.0, 10.0)
    assert board["kish_n"] < board["n"] == 60


def test_the_report_names_the_policy_and_warns() -> None:
    result = result_of(make_drawn_study(STEERED, rules=ADAPTIVE_RULES))
    assert result["settings"]["policy"] == "adaptive"
    assert "adaptive_sampling" in result["warnings"]
    assert "adaptive" in dict(settings_in_words(result))["Order of pairs"]
    assert any("drawn adaptively" in short for short, _ in warnings_in_words(result))
    assert "By design" in [column.heading for column in other_boards(result).columns]
    assert list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(result)) == []


def test_the_first_board_stays_as_it_was() -> None:
    study = make_drawn_study(STEERED)
    steered = result_of(study)
    Assignment.objects.filter(comparison__study=study).update(
        policy="uniform", selection_probability=None
    )
    walked = result_of(study)
    assert steered["leaderboard"] == walked["leaderboard"]
    assert walked["boards"]["by_design"]["rows"] is None
    assert "adaptive_sampling" not in walked["warnings"]


def test_a_draw_that_is_blind_to_outcomes_gets_the_board_without_the_warning() -> None:
    result = result_of(make_drawn_study(dict.fromkeys(STEERED, ("emptiest", 0.3, 2))))
    assert result["boards"]["by_design"]["policies"] == {"emptiest": 72}
    assert "adaptive_sampling" not in result["warnings"]


def test_walked_and_imported_votes_count_beside_drawn_ones() -> None:
    study = make_drawn_study({**STEERED, "beta-gamma": ("uniform", None, 1)})
    outside = make_comparison(study, "alpha", "gamma")
    make_imported_vote(outside, "b", annotator=make_annotator(study, external_id="zz"))
    read = records.load(study)
    assert read.sampling is not None
    assert read.sampling.votes_by_policy() == {"uniform": 13, "adaptive": 48}
    assert int(np.isnan(read.sampling.probability).sum()) == 13
    # What no cell holds has no place in the design.
    assert read.sampling.wanted.tolist() == [36.0, 36.0, 36.0, 0.0]
    assert result_of(study)["boards"]["by_design"]["policies"] == {"adaptive": 48, "uniform": 13}


def test_each_vote_has_the_draw_of_its_own_assignment() -> None:
    study = make_drawn_study(STEERED)
    for number, held in enumerate(Assignment.objects.filter(comparison__study=study)):
        held.selection_probability = 0.001 * (number + 1)
        held.save()
    read = records.load(study)
    assert read.sampling is not None
    votes = read.overall.votes
    for row in range(0, votes.n, 7):
        held = Assignment.objects.get(
            comparison__item_id=read.items[votes.item[row]],
            annotator__external_id=read.annotators[votes.annotator[row]],
        )
        assert read.sampling.probability[row] == held.selection_probability


def test_the_hash_tells_of_the_draw_and_of_nothing_where_there_was_none() -> None:
    study = make_drawn_study(STEERED)
    steered = records.load(study).input_sha256
    Assignment.objects.filter(selection_probability=0.6).update(selection_probability=0.5)
    assert records.load(study).input_sha256 != steered
    walked = make_drawn_study(dict.fromkeys(STEERED, ("uniform", None, 1)))
    assert records.load(walked).sampling is None


def test_the_first_weighing_changes_no_report() -> None:
    """No row is added by it, so that a report made before could not know that it is old."""
    study = make_drawn_study(dict.fromkeys(STEERED, ("uniform", None, 1)), rules=ADAPTIVE_RULES)
    before = records.load(study).input_sha256
    Cell.objects.filter(study=study).update(weighed_at=timezone.now())
    assert records.load(study).input_sha256 == before


def test_what_was_drawn_before_the_policy_became_uniform_is_read_as_drawn() -> None:
    study = make_drawn_study(STEERED)
    make_study_version(study, snapshot={"rules": study.rules})
    study.rules = {}
    study.save()
    read = records.load(study)
    assert read.sampling is not None
    assert read.sampling.votes_by_policy() == {"adaptive": 60}
