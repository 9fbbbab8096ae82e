"""What makes a report old: all that it depends on, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from annotation.adjudication import decide, next_case
from annotation.lifecycle.generation import generate_comparisons
from annotation.models import AssignmentState, Comparison, Flag, Study
from annotation.voting import Answer
from reports import analysis
from reports.freshness import freshness
from reports.pages.views import stale_in_words
from tests import factories
from tests.annotation.adjudication.world import (
    complete_with,
    make_adjudicator,
    version_with_rubric,
)

pytestmark = pytest.mark.django_db


def decided_study(**fields: Any) -> Study:
    """Two pairs; the one that is disagreed on was decided."""
    study = factories.make_open_study(results="open", **fields)
    version_with_rubric(study)
    complete_with(study, ["a", "b", "tie"])
    complete_with(study, ["a", "a", "b"])
    case = next_case(make_adjudicator(study), study)
    assert case is not None
    decide(case, {"overall": Answer("left")})
    return study


def agreed_on(study: Study) -> Comparison:
    return Comparison.objects.get(study=study, adjudications=None)


def test_a_flag_that_makes_a_disagreement_makes_the_report_old() -> None:
    study = decided_study()
    kept = analysis.run(study)
    assert kept.result["adjudication"]["cases"] == 1
    Flag.objects.create(assignment=agreed_on(study).assignments.all()[0], reason="other")
    assert stale_in_words(freshness(study, kept)) == "1 flag"
    kept = analysis.run(study)
    assert kept.result["adjudication"]["cases"] == 2
    assert not freshness(study, kept).is_stale


def test_a_flag_that_no_rule_looks_at_does_not() -> None:
    study = decided_study(rules={"adjudication": {"flagged": False}})
    kept = analysis.run(study)
    Flag.objects.create(assignment=agreed_on(study).assignments.all()[0], reason="other")
    assert not freshness(study, kept).is_stale


def test_skips_and_reservations_make_no_report_old_and_change_none() -> None:
    study = decided_study()
    with_votes = agreed_on(study)
    untouched = factories.make_comparison(study)
    kept = analysis.run(study)
    for _ in range(3):
        factories.make_assignment(
            with_votes,
            factories.make_annotator(study),
            state=AssignmentState.RELEASED,
            skip_reason="other",
            slot_no=None,
        )
    factories.make_assignment(untouched)
    assert not freshness(study, kept).is_stale
    assert analysis.run(study) == kept


def test_generated_comparisons_make_the_report_of_a_draft_old() -> None:
    study = factories.make_study()
    prompt = factories.make_prompt(study)
    for name in ("north", "south"):
        factories.make_response(prompt, factories.make_system(study, name))
    kept = analysis.run(study)
    generate_comparisons(study)
    assert stale_in_words(freshness(study, kept)) == "a change of the study"
    assert analysis.run(study).result["counts"]["comparisons"] == 1
