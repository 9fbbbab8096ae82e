"""An analysis reads one moment, whoever votes meanwhile."""

from __future__ import annotations

import pytest
from django.db import connection

from annotation.models import Annotator
from reports import records
from reports.read_snapshot import read_snapshot
from tests.factories import make_annotator, make_comparison, make_open_study, make_vote
from tests.races import at_once


@pytest.mark.django_db(transaction=True)
def test_what_comes_in_meanwhile_is_not_seen_and_does_not_wait() -> None:
    study = make_open_study()
    make_annotator(study)
    with read_snapshot():
        assert Annotator.objects.count() == 1
        at_once([lambda: make_annotator(study)])
        assert Annotator.objects.count() == 1
    assert Annotator.objects.count() == 2
    assert not connection.in_atomic_block


@pytest.mark.django_db(transaction=True)
def test_a_newcomers_vote_in_the_middle_of_the_reading_is_left_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study = make_open_study()
    make_vote(make_comparison(study))
    asked = records._criterion_records

    def with_a_vote_before(*args: object) -> records.CriterionRecords:
        at_once([lambda: make_vote(make_comparison(study))])
        return asked(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(records, "_criterion_records", with_a_vote_before)
    assert records.load(study).overall.votes.n == 1
    monkeypatch.undo()
    assert records.load(study).overall.votes.n == 2


@pytest.mark.django_db
def test_within_a_transaction_the_caller_decides() -> None:
    with read_snapshot():
        make_annotator(make_open_study())
        assert Annotator.objects.count() == 1
