"""What a plan reads of the votes is what a report reads of them."""

from __future__ import annotations

import dataclasses
from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotation.models import Study
from reports import pilot_votes, records
from reports.pilot_votes import load_pilot_votes
from reports.stats.variance_components import pilot_variance
from reports.study_planning import Wishes, plan
from tests.effort import effort_of, slack
from tests.factories import make_study
from tests.reports.voted import make_voted_study
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


def people(number: int) -> tuple[str, ...]:
    return tuple(f"ann-{one}" for one in range(number))


def make_challenger(*, prompts: int = 12, old_people: int = 5) -> Study:
    """A study that continues one that continues another; all of them have votes."""
    line: Study | None = None
    for slug, systems, raters in (
        ("first", ("alpha", "beta"), old_people),
        ("second", ("alpha", "gamma"), 3),
        ("third", ("delta", "alpha"), 2),
    ):
        line = make_voted_study(
            slug, systems=systems, prompts=prompts, annotators=people(raters), continues=line
        )
    assert line is not None
    return line


def test_a_challengers_plan_reads_the_votes_that_a_report_pools() -> None:
    study = make_challenger()
    slim, full = load_pilot_votes(study), records.load(study).overall.votes
    assert slim.n == full.n == 12 * (5 + 3 + 2)
    assert (slim.n_systems, slim.n_annotators) == (4, 5)
    found, expected = (dataclasses.asdict(pilot_variance(votes)) for votes in (slim, full))
    assert found == pytest.approx(expected, nan_ok=True)


def test_of_many_votes_those_on_some_prompts_are_read_whole(monkeypatch) -> None:
    monkeypatch.setattr(pilot_votes, "MOST_VOTES", 100)
    monkeypatch.setattr(pilot_votes, "PROMPTS_AT_FIRST", 4)
    study = make_challenger(prompts=30)
    votes = load_pilot_votes(study)
    # Of 300 votes those on twelve prompts, ten on each.
    assert votes.n == 120
    assert votes.n_prompts == 12
    assert votes.n_systems == 4
    again = load_pilot_votes(study)
    assert (again.verdict == votes.verdict).all()
    monkeypatch.setattr(pilot_votes, "MOST_READINGS", 1)
    assert load_pilot_votes(study).n == 40


@pytest.mark.parametrize("is_challenger", [True, False])
def test_a_plan_reads_no_more_of_many_votes_than_of_few(monkeypatch, is_challenger: bool) -> None:
    monkeypatch.setattr(pilot_votes, "MOST_VOTES", 60)
    monkeypatch.setattr(pilot_votes, "PROMPTS_AT_FIRST", 1)
    efforts, queries = [], []
    for raters in (4, 40):
        Study.objects.update(continues=None)
        study = make_voted_study(f"old-{raters}", prompts=30, annotators=people(raters))
        if is_challenger:
            study = make_voted_study(
                f"new-{raters}",
                systems=("alpha", "delta"),
                prompts=30,
                annotators=people(2),
                continues=study,
            )
        force_indexes()
        with CaptureQueriesContext(connection) as seen:
            efforts.append(effort_of(partial(plan, study, Wishes(), with_gaps=False)))
        queries.append(len(seen))
    few, many = efforts
    assert many <= 1.5 * few + slack()
    assert queries[1] <= queries[0]


def force_indexes() -> None:
    """PostgreSQL reads tables of this size whole sooner than by an index; large ones are not."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
            for way in ("seqscan", "hashjoin", "mergejoin", "material"):
                cursor.execute(f"SET LOCAL enable_{way} = off")
