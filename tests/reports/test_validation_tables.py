"""What the tables of validations and samples refuse, whoever writes them."""

from __future__ import annotations

import pytest

from reports.models import AnalysisRun, JudgeValidation, Revalidation, ValidityRule
from tests.factories import make_judge_version, make_study
from tests.refusals import refused_by

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("wrong", "constraint"),
    [
        ({"days": 0}, "validity_rule_positive"),
        ({"new_responses": 0}, "validity_rule_positive"),
        ({"expertise": "x"}, "validity_rule_expertise"),
    ],
)
def test_a_validation_counts_for_a_while_or_for_good(
    wrong: dict[str, object], constraint: str
) -> None:
    with refused_by(constraint):
        ValidityRule.objects.create(study=make_study(), **wrong)
    ValidityRule.objects.create(study=make_study(), days=None, new_responses=None)


def test_one_sample_of_a_version_waits_at_a_time() -> None:
    study = make_study()
    version = make_judge_version(study)
    sample = {"study": study, "version": version, "seed": 1, "frame": [], "sample": {}}
    Revalidation.objects.create(**sample)
    with refused_by("revalidation_one_at_a_time"):
        Revalidation.objects.create(**sample)


def test_a_report_validates_a_version_once() -> None:
    study = make_study()
    kept = AnalysisRun.objects.create(
        study=study, input_sha256="0" * 64, settings={}, seed=0, versions={}, result={}
    )
    facts = {
        "study": study,
        "version": make_judge_version(study),
        "analysis_run": kept,
        "answer": "stands_in",
        "comparisons": 100,
        "responses": 10,
    }
    JudgeValidation.objects.create(**facts)
    with refused_by("validation_once_per_analysis"):
        JudgeValidation.objects.create(**facts)
