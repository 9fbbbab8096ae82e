"""What a plan reads of the votes is what a report reads of them."""

from __future__ import annotations

import dataclasses

import pytest

from reports import records
from reports.pilot_votes import load_pilot_votes
from reports.stats.variance_components import pilot_variance
from tests.factories import make_study
from tests.reports.watching.world import make_watched

pytestmark = pytest.mark.django_db


def test_the_votes_of_a_plan_are_those_of_a_report() -> None:
    study = make_watched(prompts=8, people=4, results="open").study
    slim, full = load_pilot_votes(study), records.load(study).overall.votes
    assert slim.n == full.n > 0
    found, expected = (dataclasses.asdict(pilot_variance(votes)) for votes in (slim, full))
    assert found == pytest.approx(expected, nan_ok=True)


def test_a_study_without_votes_has_a_pilot_that_knows_nothing() -> None:
    assert pilot_variance(load_pilot_votes(make_study())).votes == 0
