"""Two rounds of one study never read at the same moment; a study that rests is left alone."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from annotation.models import Study
from annotation.rules import Policy
from reports import tasks
from reports.read_snapshot import read_snapshot
from reports.steering import Pace, Steered, mark_of, steer
from reports.steering.rounds import alone_with
from tests.factories import make_vote
from tests.races import TIMEOUT_S
from tests.reports.steering.test_steer import study_of


@pytest.mark.django_db(transaction=True)
def test_a_study_that_is_being_steered_is_left_to_that_round() -> None:
    study, other = study_of("adaptive"), study_of("adaptive")
    reading, enough = threading.Event(), threading.Event()

    def another_round() -> None:
        try:
            with read_snapshot(), alone_with(study) as free:
                assert free
                reading.set()
                assert enough.wait(TIMEOUT_S)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(another_round)
        try:
            assert reading.wait(TIMEOUT_S)
            assert steer(study) is None
            assert steer(other) == Steered(Policy.ADAPTIVE, 3, 0)
        finally:
            enough.set()
        running.result(TIMEOUT_S)
    assert steer(study) == Steered(Policy.ADAPTIVE, 3, 0)


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A process that has steered nothing yet."""
    found = Clock()
    monkeypatch.setattr(tasks, "pace", Pace(clock=found))
    return found


@pytest.mark.django_db
@pytest.mark.usefixtures("clock")
def test_a_round_comes_with_every_change_and_not_without() -> None:
    study = study_of("adaptive")
    study_of("uniform")
    assert tasks.steer_open_studies() == [study.slug]
    assert tasks.steer_open_studies() == []
    comparison = study.comparisons.exclude(overlap=1).earliest("pk")
    make_vote(comparison)
    assert tasks.steer_open_studies() == [study.slug]
    Study.objects.filter(pk=study.pk).update(rules={"priorities": {"policy": "emptiest"}})
    assert tasks.steer_open_studies() == [study.slug]
    assert tasks.steer_open_studies() == []


@pytest.mark.django_db
def test_after_a_long_round_a_study_rests(clock: Clock) -> None:
    study = study_of("adaptive")
    pace = Pace(clock=clock)
    clock.now = 4.0
    pace.done(study, (0, 0, "", 0), began=0.0)
    clock.now = 39.9
    assert not pace.is_due(study, mark_of(study))
    clock.now = 40.0
    assert pace.is_due(study, mark_of(study))


@pytest.mark.django_db
@pytest.mark.usefixtures("clock")
def test_one_study_that_fails_does_not_leave_the_others_unsteered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken, whole = study_of("adaptive"), study_of("adaptive")

    def fail_on_the_first(study: Study) -> Steered | None:
        if study == broken:
            raise ValueError("a fault")
        return steer(study)

    monkeypatch.setattr(tasks, "steer", fail_on_the_first)
    assert tasks.steer_open_studies() == [whole.slug]
    # The one that failed is tried again.
    monkeypatch.setattr(tasks, "steer", steer)
    assert tasks.steer_open_studies() == [broken.slug]


@pytest.mark.django_db
@pytest.mark.usefixtures("clock")
def test_a_study_that_another_round_reads_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    study = study_of("adaptive")
    monkeypatch.setattr(tasks, "steer", lambda _: None)
    assert tasks.steer_open_studies() == []
    monkeypatch.setattr(tasks, "steer", steer)
    assert tasks.steer_open_studies() == [study.slug]
