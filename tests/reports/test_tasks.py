"""The background keeps open reports fresh, and nothing else."""

from __future__ import annotations

import pytest

from annotation.models import ResultsPolicy, Study
from reports import analysis
from reports.models import AnalysisRun
from reports.tasks import refresh_open_reports
from tests.factories import make_comparison, make_open_study, make_vote

pytestmark = pytest.mark.django_db


def study_with_a_vote(**fields: object) -> Study:
    study = make_open_study(**fields)
    make_vote(make_comparison(study))
    return study


def test_a_report_with_newer_votes_is_made_anew() -> None:
    study = study_with_a_vote(results=ResultsPolicy.OPEN)
    analysis.run(study)
    assert refresh_open_reports() == []
    make_vote(make_comparison(study))
    assert refresh_open_reports() == [study.slug]
    newest = AnalysisRun.objects.filter(study=study).latest("pk")
    assert newest.result["counts"]["votes"] == 2
    assert refresh_open_reports() == []


def test_the_first_report_is_a_persons_decision() -> None:
    study_with_a_vote(results=ResultsPolicy.OPEN)
    assert refresh_open_reports() == []


def test_a_sealed_study_is_left_alone() -> None:
    study = study_with_a_vote(results=ResultsPolicy.OPEN)
    analysis.run(study)
    make_vote(make_comparison(study))
    Study.objects.filter(pk=study.pk).update(results=ResultsPolicy.SEALED)
    assert refresh_open_reports() == []
    assert AnalysisRun.objects.count() == 1


def test_one_study_that_fails_does_not_keep_the_others_old(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    studies = [study_with_a_vote(results=ResultsPolicy.OPEN) for _ in range(2)]
    for study in studies:
        analysis.run(study)
        make_vote(make_comparison(study))
    run = analysis.run

    def fail_on_the_first(study: Study) -> AnalysisRun:
        if study == studies[0]:
            raise ValueError("a fault")
        return run(study)

    monkeypatch.setattr(analysis, "run", fail_on_the_first)
    assert refresh_open_reports() == [studies[1].slug]
