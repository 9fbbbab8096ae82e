"""What reviewers decided stands beside the votes, and changes no figure that is made of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.management import call_command

from annotation.adjudication import decide, next_case
from annotation.models import AuditEntry, Comparison, Flag, Study, StudyState, User
from annotation.voting import Answer
from reports import analysis
from reports.exports import catalogue
from tests import factories
from tests.annotation.adjudication.world import (
    complete_with,
    make_adjudicator,
    version_with_rubric,
    vote_on,
)

pytestmark = pytest.mark.django_db

# What a decision adds to a report, and what names the input.
ITS_OWN = {"adjudication", "input_sha256"}


@pytest.fixture
def study() -> Study:
    """Five pairs, three of which are disagreed on; unblinded."""
    study = factories.make_open_study(results="open")
    factories.make_criterion(study, "style")
    version_with_rubric(study)
    for verdicts in (["a", "a", "b"], ["a", "b", "tie"], ["b", "b", "b"], ["a", "b", "both_bad"]):
        complete_with(study, verdicts)
    flagged = complete_with(study, ["a", "a", "tie"])

    Flag.objects.create(assignment=flagged.assignments.order_by("pk")[0], reason="other")
    return study


def decide_all(user: User, study: Study, verdict: str) -> None:
    while (case := next_case(user, study)) is not None:
        choice = {"a": "left", "b": "right"}[verdict]
        if case.swapped:
            choice = {"left": "right", "right": "left"}[choice]
        decide(case, {"overall": Answer(choice), "style": Answer("tie")})


def report_of(study: Study) -> dict[str, Any]:
    result: dict[str, Any] = analysis.run(study).result
    return result


def exported(study: Study, form: str = "jsonl") -> str:
    return b"".join(catalogue.stream_rows(study, catalogue.find("comparisons", form))).decode()


def test_a_report_counts_the_decisions(study: Study) -> None:
    assert report_of(study)["adjudication"] is None
    decide_all(make_adjudicator(study), study, "a")
    assert report_of(study)["adjudication"] == {
        "cases": 3,
        "decided": 3,
        # The flagged pair alone has a plurality.
        "with_plurality": 1,
        "as_plurality": 1,
    }


def test_a_later_decision_replaces_the_earlier_one_in_the_count(study: Study) -> None:
    user = make_adjudicator(study)
    case = next_case(user, study)
    assert case is not None
    answers = {"style": Answer("tie")}
    decide(case, {"overall": Answer("left"), **answers})
    first = report_of(study)
    decide(case, {"overall": Answer("right"), **answers})
    second = report_of(study)
    assert first["adjudication"]["decided"] == second["adjudication"]["decided"] == 1
    assert first["input_sha256"] != second["input_sha256"]


def test_decisions_change_no_other_figure(study: Study) -> None:
    before = report_of(study)
    decide_all(make_adjudicator(study), study, "b")
    after = report_of(study)
    assert after["adjudication"]["decided"] == 3
    for name in set(before) - ITS_OWN:
        assert before[name] == after[name], name


def test_what_is_decided_and_voted_on_again_is_counted_once(study: Study) -> None:
    decide_all(make_adjudicator(study), study, "a")
    comparison = Comparison.objects.filter(adjudications__isnull=False).order_by("pk")[0]
    Comparison.objects.filter(pk=comparison.pk).update(overlap=4, taken=4)
    comparison.refresh_from_db()
    vote_on(comparison, "a")
    counts = report_of(study)["adjudication"]
    assert (counts["cases"], counts["decided"], counts["with_plurality"]) == (3, 3, 2)


def test_exported_comparisons_have_the_decision_by_criterion(study: Study) -> None:
    decide_all(make_adjudicator(study), study, "b")
    rows = [json.loads(line) for line in exported(study).splitlines()]
    decided = [row["adjudicated"] for row in rows if "adjudicated" in row]
    assert decided == [{"overall": "b", "style": "tie"}] * 3
    header, *lines = exported(study, "csv").splitlines()
    assert "adjudicated" in header
    assert sum('""overall"": ""b""' in line for line in lines) == 3


def test_a_sealed_study_exports_no_decision(study: Study) -> None:
    decide_all(make_adjudicator(study), study, "b")
    Study.objects.filter(pk=study.pk).update(results="sealed")
    study.refresh_from_db()
    assert study.is_sealed
    assert all("adjudicated" not in json.loads(line) for line in exported(study).splitlines())


def test_an_export_with_decisions_is_a_look(study: Study, capsys: Any) -> None:
    looks = AuditEntry.objects.filter(action="look")
    call_command("export", study.slug, "comparisons")
    assert looks.count() == 0
    decide_all(make_adjudicator(study), study, "b")
    call_command("export", study.slug, "comparisons")
    assert looks.count() == 1
    Study.objects.filter(pk=study.pk).update(results="sealed", state=StudyState.CLOSED)
    call_command("export", study.slug, "comparisons")
    assert looks.count() == 1
    assert "adjudicated" in capsys.readouterr().out
