"""What a process remembers of the sides that an annotator was shown."""

from __future__ import annotations

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotation import queue
from annotation.blinding import ShownPair
from annotation.models import Annotator, Assignment
from annotation.queue.locks import lock_annotator
from annotation.queue.policy import SIDE_WINDOW
from annotation.queue.reserving import (
    HELD_OR_LATEST,
    HELD_OR_SINCE,
    Reservations,
    reservations_of,
)
from annotation.queue.sides import REMEMBERED_SECONDS, Lately, lately
from tests.factories import make_annotator

from .world import current_id, make_queue, vote

pytestmark = pytest.mark.django_db


def found(annotator: Annotator) -> Reservations:
    return reservations_of(lock_annotator(annotator.pk))


def afresh(annotator: Annotator) -> list[ShownPair]:
    """What is shown to a process that remembers nothing."""
    lately.cache_clear()
    shown = found(annotator).shown
    lately.cache_clear()
    return shown


def rate(annotator: Annotator, pairs: int) -> None:
    for _ in range(pairs):
        vote(annotator, current_id(annotator), key=uuid.uuid4())


def test_what_is_remembered_is_what_would_be_read() -> None:
    annotator = make_annotator(make_queue(SIDE_WINDOW + 30))
    for pairs in (0, 1, 5, 30, SIDE_WINDOW):
        rate(annotator, min(pairs, 30))
        queue.claim(annotator, want=2)
        known = found(annotator).shown
        assert known == afresh(annotator)
        # Another process has rated since this one read.
        found(annotator)
        before = lately(annotator.pk).shown.copy()
        lately.cache_clear()
        rate(annotator, min(pairs, 3))
        lately.cache_clear()
        lately(annotator.pk).add(before)
        assert lately(annotator.pk).newest == max(before)
        assert found(annotator).shown == afresh(annotator)


def test_what_is_held_is_looked_at_however_old_it_is() -> None:
    study = make_queue(SIDE_WINDOW + 10)
    annotator = make_annotator(study)
    held = current_id(annotator)
    oldest = Assignment.objects.get(public_id=held)
    for _ in range(SIDE_WINDOW + 4):
        second = queue.claim(annotator, want=2).held[1]
        vote(annotator, second.id, key=uuid.uuid4())
    assert len(lately(annotator.pk).shown) == SIDE_WINDOW
    assert oldest.pk not in lately(annotator.pk).shown
    shown = found(annotator).shown
    assert len(shown) == SIDE_WINDOW + 1
    assert sorted(shown, key=repr) == sorted(afresh(annotator), key=repr)
    assert [pair.public_id for pair in found(annotator).held] == [held]


def test_only_what_came_since_is_read() -> None:
    annotator = make_annotator(make_queue(20))
    rate(annotator, 10)
    current_id(annotator)
    found(annotator)
    newest = lately(annotator.pk).newest
    rows = HELD_OR_SINCE.rows(annotator=annotator.pk, newest=newest)
    assert [row[0] for row in rows] == [newest]
    assert len(HELD_OR_LATEST.rows(annotator=annotator.pk)) == 11


def test_what_is_not_there_any_more_is_forgotten() -> None:
    """As after a copy of the database was played back under a running server."""
    annotator = make_annotator(make_queue(20))
    rate(annotator, 5)
    current_id(annotator)
    truth = afresh(annotator)
    lately(annotator.pk).add({10**9: ShownPair(1, 2, True)})
    with CaptureQueriesContext(connection) as queries:
        assert found(annotator).shown == truth
    assert len([one for one in queries if "UNION ALL" in one["sql"]]) == 2
    assert 10**9 not in lately(annotator.pk).shown


def test_no_more_is_remembered_than_is_looked_at() -> None:
    known = Lately()
    assert known.newest == 0
    for key in range(SIDE_WINDOW + 5, 0, -1):
        known.add({key: ShownPair(1, 2, False)})
    assert known.newest == SIDE_WINDOW + 5
    assert list(known.shown) == list(range(6, SIDE_WINDOW + 6))


def test_after_a_while_the_latest_are_read_anew() -> None:
    known = Lately()
    known.add({1: ShownPair(1, 2, False)})
    assert known.newest == 1
    known.read_at -= REMEMBERED_SECONDS + 1
    assert known.newest == 0
    assert known.shown == {}
