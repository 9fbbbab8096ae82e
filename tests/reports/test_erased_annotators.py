"""After somebody was erased: the same figures, under a new name, in reports and exports."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import call_command

from annotation import people
from annotation.models import Annotator, Study
from reports import analysis
from reports.freshness import freshness
from reports.models import AnalysisRun
from tests.reports.voted import make_voted_study

pytestmark = pytest.mark.django_db

COUNTED = ("counts", "verdicts")
ESTIMATED = ("leaderboard", "head_to_head")


def exported(study: Study) -> list[dict[str, Any]]:
    stdout = io.StringIO()
    call_command("export", study.slug, "votes", stdout=stdout, stderr=io.StringIO())
    return [json.loads(line) for line in stdout.getvalue().splitlines()]


def test_figures_stay_and_the_name_goes_out_of_reports_and_exports() -> None:
    study = make_voted_study()
    before, votes_before = analysis.run(study), exported(study)
    assert "ann-3" in json.dumps(before.result)

    new_name = people.erase(Annotator.objects.get(external_id="ann-3")).new_name

    votes = exported(study)
    assert {vote["annotator_id"] for vote in votes} == {"ann-1", "ann-2", "ann-4", new_name}
    key = ("item_id", "verdict")
    assert sorted([vote[k] for k in key] for vote in votes) == sorted(
        [vote[k] for k in key] for vote in votes_before
    )
    # The kept report has the old name, so it is old; the next one does not.
    assert freshness(study, before).is_stale
    after = analysis.run(study)
    assert after.pk != before.pk
    assert "ann-3" not in json.dumps(after.result)
    assert new_name in json.dumps(after.result)
    for part in COUNTED:
        assert after.result[part] == before.result[part]
    for part in ESTIMATED:
        assert estimates(before.result[part])
        assert estimates(after.result[part]) == pytest.approx(estimates(before.result[part]))
    assert not freshness(study, after).is_stale
    assert AnalysisRun.objects.filter(study=study).count() == 2


def estimates(part: Any) -> list[float]:
    """Every estimate in a part of the report; limits of intervals are resampled by name."""
    if isinstance(part, list):
        return [number for entry in part for number in estimates(entry)]
    if not isinstance(part, dict):
        return []
    own = [part["estimate"]] if part.get("estimate") is not None else []
    return own + [number for entry in part.values() for number in estimates(entry)]
