"""An analysis is written once: contract.md, section 1."""

from __future__ import annotations

import pytest

from reports.models import AnalysisRun
from tests import factories
from tests.refusals import refused_by

pytestmark = pytest.mark.django_db


@pytest.fixture
def analysis(db: None) -> AnalysisRun:
    return AnalysisRun.objects.create(
        study=factories.make_study(),
        input_sha256="0" * 64,
        settings={},
        seed=0,
        versions={},
        result={"counts": {"votes": 1}},
    )


def test_an_analysis_is_not_changed(analysis: AnalysisRun) -> None:
    with refused_by("reports_analysisrun is append-only"):
        AnalysisRun.objects.filter(pk=analysis.pk).update(result={})


def test_an_analysis_is_not_deleted(analysis: AnalysisRun) -> None:
    with refused_by("reports_analysisrun is append-only"):
        analysis.delete()
