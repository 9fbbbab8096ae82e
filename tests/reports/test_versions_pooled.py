"""Votes under several versions of a study are counted together, and the report says so."""

from __future__ import annotations

from typing import Any

import pytest

from annotation.lifecycle.opening import open_study
from annotation.lifecycle.states import close_study, unblind_study
from annotation.lifecycle.versions import WantedChange, change_study
from annotation.models import Comparison, Exclusion, Study
from annotation.selectors import versions_voted_under
from reports import analysis
from reports.wording.warnings import sentence
from tests import factories

pytestmark = pytest.mark.django_db


def voted(*, before: int, after: int) -> Study:
    """A study that was changed between its votes."""
    study = factories.make_study(instructions="Choose.")
    for _ in range(before + after):
        factories.make_comparison(study)
    open_study(study)
    comparisons = list(Comparison.objects.order_by("pk"))
    for comparison in comparisons[:before]:
        factories.make_vote(comparison)
    change_study(study, WantedChange.of("It was unclear.", title="A title"))
    for comparison in comparisons[before:]:
        factories.make_vote(comparison)
    return study


def report_of(study: Study) -> dict[str, Any]:
    close_study(study)
    unblind_study(study)
    study.refresh_from_db()
    result: dict[str, Any] = analysis.run(study).result
    return result


def test_a_report_of_votes_under_two_versions_says_so() -> None:
    result = report_of(voted(before=2, after=1))
    assert "versions_pooled" in result["warnings"]
    assert result["settings"]["study_versions"] == [1, 2]
    assert "several versions are counted together" in sentence("versions_pooled")


@pytest.mark.parametrize(("before", "after", "version"), [(2, 0, 1), (0, 2, 2)])
def test_votes_under_one_version_are_not_pooled(before: int, after: int, version: int) -> None:
    result = report_of(voted(before=before, after=after))
    assert "versions_pooled" not in result["warnings"]
    assert result["settings"]["study_versions"] == [version]


def test_a_vote_that_does_not_count_brings_no_version_with_it() -> None:
    study = voted(before=1, after=1)
    assert versions_voted_under(study) == [1, 2]
    late = study.comparisons.order_by("-pk")[0].assignments.get()
    Exclusion.objects.create(assignment=late, reason="A test.")
    assert versions_voted_under(study) == [1]


def test_imported_votes_have_no_version() -> None:
    study = factories.make_study()
    factories.make_imported_vote(factories.make_comparison(study))
    assert versions_voted_under(study) == []
    assert analysis.run(study).result["settings"]["study_versions"] == []
