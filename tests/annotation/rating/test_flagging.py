"""A remark about a pair is stored once."""

from __future__ import annotations

import threading
import uuid

import pytest
from django.db import connection

from annotation.models import Flag
from annotation.queue import AssignmentNotFound
from annotation.rating.flagging import flag_pair
from tests.annotation.queue.world import current_id, make_queue
from tests.factories import make_annotator
from tests.races import TIMEOUT_S, at_once


@pytest.mark.django_db(transaction=True)
def test_a_flag_that_is_sent_many_times_at_once_is_stored_once() -> None:
    study = make_queue(1)
    annotator = make_annotator(study)
    held = current_id(annotator)
    connected = threading.Barrier(6)

    def send() -> Flag:
        connection.ensure_connection()
        connected.wait(TIMEOUT_S)
        return flag_pair(annotator, held, "broken_display", "a table")

    flags = at_once([send] * 6)
    assert flags == [Flag.objects.get()] * 6


@pytest.mark.django_db
def test_other_words_about_the_same_pair_are_another_flag() -> None:
    study = make_queue(1)
    annotator = make_annotator(study)
    held = current_id(annotator)
    for note in ("a table", "a formula", "a table"):
        flag_pair(annotator, held, "broken_display", note)
    assert sorted(Flag.objects.values_list("note", flat=True)) == ["a formula", "a table"]


@pytest.mark.django_db
def test_nobody_flags_a_pair_of_somebody_else() -> None:
    study = make_queue(1)
    held = current_id(make_annotator(study))
    for unknown in (held, uuid.uuid4()):
        with pytest.raises(AssignmentNotFound):
            flag_pair(make_annotator(study), unknown, "broken_display")
    assert not Flag.objects.exists()
