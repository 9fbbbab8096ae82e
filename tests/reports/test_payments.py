"""What the people of a platform are paid by: their work, checks and surplus included."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
import time_machine
from django.core.management import call_command

from annotation import people
from annotation.models import Annotator, AssignmentState, AuditEntry, Study, User
from annotation.people import Arrival
from tests import factories

pytestmark = pytest.mark.django_db


def annotator_of(user: User) -> Annotator:
    return Annotator.objects.get(user=user)


def listed(study: Study) -> list[dict[str, str]]:
    stdout = io.StringIO()
    call_command("list_payments", study.slug, stdout=stdout, stderr=io.StringIO())
    return list(csv.DictReader(io.StringIO(stdout.getvalue(), newline="")))


@pytest.fixture
def study(db: None) -> Study:
    return factories.make_open_study("paid")


def test_all_work_is_listed_by_the_platforms_names(study: Study) -> None:
    token = people.issue_crowd_link(study, 5).token
    worker = annotator_of(people.arrive(token, Arrival("p-1", "s-1", "x-1")))
    people.arrive(token, Arrival("p-2"))
    for kind, state in (
        ("work", AssignmentState.SUBMITTED),
        ("work", AssignmentState.LATE_SURPLUS),
        ("gold", AssignmentState.SUBMITTED),
        ("training", AssignmentState.SUBMITTED),
    ):
        gold = {"overall": ["a"]} if kind in ("gold", "training") else None
        comparison = factories.make_comparison(study, kind=kind, gold=gold)
        assignment = factories.make_assignment(comparison, worker, state=state)
        factories.make_vote(comparison, assignment=assignment, active_ms=15_000)
        if kind == "gold":
            factories.make_vote(comparison, assignment=assignment, active_ms=1, revision=1)
    first, second = listed(study)
    assert (first["participant"], first["platform_session"]) == ("p-1", "x-1")
    assert (first["pairs"], first["training_pairs"], first["active_minutes"]) == ("3", "1", "2")
    assert (second["participant"], second["pairs"], second["active_minutes"]) == ("p-2", "0", "")
    # Nothing joins the table to the pseudonyms of the exports.
    assert worker.external_id not in str([first, second])


@pytest.mark.django_db(transaction=True)
def test_that_it_was_listed_is_in_the_log(study: Study) -> None:
    people.arrive(people.issue_crowd_link(study, 5).token, Arrival("p-1"))
    assert [row["participant"] for row in listed(study)] == ["p-1"]
    assert AuditEntry.objects.get(action="payments.listed").detail == {"participants": 1}


def test_no_moment_and_no_order_leads_to_a_vote(study: Study) -> None:
    token = people.issue_crowd_link(study, 5).token
    late = datetime(2026, 3, 1, 23, 59, 58, 123_456, tzinfo=UTC)
    with time_machine.travel(late, tick=False):
        for name in ("zoe", "ada", "mia"):
            worker = annotator_of(people.arrive(token, Arrival(name)))
            assignment = factories.make_assignment(
                factories.make_comparison(study), worker, state=AssignmentState.SUBMITTED
            )
            factories.make_vote(
                assignment.comparison, assignment=assignment, active_ms=61_001, created_at=late
            )
    rows = listed(study)
    assert [row["participant"] for row in rows] == ["ada", "mia", "zoe"]
    for row in rows:
        assert (row["arrived_on"], row["last_answer_on"]) == ("2026-03-01", "2026-03-01")
        assert row["active_minutes"] == "2"
        # No clock, no seconds, no milliseconds in any column.
        assert not [cell for cell in row.values() if ":" in cell or "61" in cell]


def test_others_are_not_in_it_and_no_name_is_a_formula(study: Study) -> None:
    factories.make_vote(factories.make_comparison(study))
    other = factories.make_open_study("other")
    people.arrive(people.issue_crowd_link(other, 5).token, Arrival("elsewhere"))
    people.arrive(people.issue_crowd_link(study, 5).token, Arrival("=HYPERLINK(1)"))
    [row] = listed(study)
    assert row["participant"] == "'=HYPERLINK(1)"


def test_the_log_says_that_it_was_looked_at(study: Study) -> None:
    listed(study)
    entry = AuditEntry.objects.get(action="payments.listed")
    assert entry.detail == {"participants": 0}
