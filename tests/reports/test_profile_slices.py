"""Slices by what annotators said of themselves: allow-listed, and never of few people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.utils import timezone
from jsonschema import Draft202012Validator

from annotation.models import ResultsPolicy, Study, StudyState, Verdict
from reports import analysis, records
from reports.presentation.slices import all_slices
from reports.profile_records import UNKNOWN, ProfileRecords, pooled_profiles
from reports.slicing import LEAST_PEOPLE, answers_shown
from tests.factories import make_annotator, make_comparison, make_imported_vote, make_study

pytestmark = pytest.mark.django_db

WORK = {"key": "work", "text": "Your work?", "options": ["nurse", "pilot", "poet"]}
SCHEMA = Path(__file__).parents[2] / "docs" / "report.schema.json"


def voted(*groups: tuple[str | None, int, Verdict]) -> Study:
    """Groups of people with the same answer, each of whom votes alike on six pairs."""
    study = make_study()
    study.rules = {"profile": {"questions": [WORK]}}
    study.save()
    pairs = [make_comparison(study, "alpha", "beta") for _ in range(6)]
    for said, people, verdict in groups:
        for _ in range(people):
            annotator = make_annotator(study)
            annotator.profile = {"work": said, "team": "Berlin"}
            annotator.save()
            for pair in pairs:
                make_imported_vote(pair, verdict, annotator=annotator)
    return study


def by_work(study: Study) -> dict[str, Any]:
    [found] = analysis.run(study).result["slices"]["profile"]
    return dict(found)


def test_a_slice_has_the_votes_of_those_who_said_so():
    study = voted(("nurse", 5, Verdict.A), ("pilot", 6, Verdict.B))
    found = by_work(study)
    assert (found["question"], found["text"], found["hidden"]) == ("work", "Your work?", 0)
    slices = {part["name"]: part for part in found["sliced"]["slices"]}
    assert {name: part["votes"] for name, part in slices.items()} == {"nurse": 30, "pilot": 36}
    rates = {
        name: {row["system"]: row["win_rate"]["estimate"] for row in part["rows"]}
        for name, part in slices.items()
    }
    assert rates == {"nurse": {"alpha": 1.0, "beta": 0.0}, "pilot": {"alpha": 0.0, "beta": 1.0}}
    result = analysis.run(study).result
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(result)
    assert "Berlin" not in json.dumps(result)
    shown = all_slices(result)[-1]
    assert [row.name for row in shown.rows] == ["nurse", "pilot"]
    assert shown.by == "answer: Your work?"


def test_an_answer_of_few_is_not_shown_nor_to_be_had_by_subtraction():
    study = voted(("nurse", 6, Verdict.A), ("pilot", 7, Verdict.B), ("poet", 2, Verdict.A))
    found = by_work(study)
    # The two poets are what nurses and pilots leave of the whole: the nurses go, too.
    assert [part["name"] for part in found["sliced"]["slices"]] == ["pilot"]
    assert found["hidden"] == 2
    assert "2 answers are not shown" in all_slices(analysis.run(study).result)[-1].left_out


def test_with_few_people_nothing_is_shown_and_the_reason_is_said():
    study = voted(("nurse", 4, Verdict.A), ("pilot", 3, Verdict.B))
    found = by_work(study)
    assert found["sliced"]["slices"] is None
    assert "5 people or more" in found["sliced"]["reason"]
    assert "2 answers are not shown" in all_slices(analysis.run(study).result)[-1].reason


def test_where_too_few_would_be_left_outside_that_is_the_reason():
    study = voted(("nurse", 20, Verdict.A), ("pilot", 4, Verdict.B))
    found = by_work(study)
    assert found["sliced"]["slices"] is None
    assert "fewer than 5 people would be left" in found["sliced"]["reason"]
    assert found["hidden"] == 2


def test_answers_are_told_once_people_vote_no_more():
    study = voted(("nurse", 6, Verdict.A), ("pilot", 5, Verdict.B))
    study.state, study.opened_at = StudyState.OPEN, timezone.now()
    study.results = ResultsPolicy.OPEN
    study.save()
    found = by_work(study)
    assert found["sliced"]["slices"] is None
    assert "once the study is closed" in found["sliced"]["reason"]
    assert found["hidden"] == 0
    study.state, study.closed_at = StudyState.CLOSED, timezone.now()
    study.save()
    assert len(by_work(study)["sliced"]["slices"]) == 2


@pytest.mark.parametrize(
    ("people", "in_all", "shown"),
    [
        ([5, 5], 10, [0, 1]),
        ([5, 5], 11, [1]),
        ([5, 5], 15, [0, 1]),
        ([5, 4], 9, []),
        ([9, 8, 4], 21, [0]),
        ([9, 8, 5], 26, [0, 1]),
        ([], 7, []),
    ],
)
def test_whoever_is_outside_all_slices_is_among_enough_people(
    people: list[int], in_all: int, shown: list[int]
):
    found = answers_shown(people, in_all)
    rest = in_all - sum(people[answer] for answer in found)
    assert found == shown
    assert not found or rest == 0 or rest >= LEAST_PEOPLE


def test_what_was_said_is_part_of_the_input_hash():
    study = voted(("nurse", 5, Verdict.A), ("pilot", 5, Verdict.B))
    before = records.load(study).input_sha256
    annotator = study.annotators.order_by("pk")[0]
    annotator.profile = {"work": "poet"}
    annotator.save()
    assert records.load(study).input_sha256 != before


def test_a_text_that_the_question_does_not_offer_is_no_answer():
    study = voted(("astronaut", 6, Verdict.A), (None, 6, Verdict.B))
    [asked] = records.load(study).profiles
    assert set(asked.answer.tolist()) == {UNKNOWN}


def test_a_challengers_answers_are_those_of_both_studies():
    def asked(*answer: int, options: tuple[str, ...] = ("nurse", "pilot")) -> ProfileRecords:
        return ProfileRecords("work", "Your work?", options, np.array(answer))

    places = (np.array([0, 2]), np.array([1, 2]))
    [same] = pooled_profiles((asked(0, UNKNOWN),), (asked(1, 1),), *places, 3)
    assert same.answer.tolist() == [0, 1, 1]
    other = asked(1, 1, options=("nurse", "poet"))
    [own] = pooled_profiles((asked(0, UNKNOWN),), (other,), *places, 3)
    assert own.answer.tolist() == [0, UNKNOWN, UNKNOWN]
