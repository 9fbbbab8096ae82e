"""A database from before the annotators' counters gets them from its rows."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps

from annotation import queue
from annotation.models import Annotator, ComparisonKind
from tests.factories import make_annotator, make_assignment, make_comparison

from .world import lose, make_queue, vote

pytestmark = pytest.mark.django_db


def test_the_counters_of_an_older_database_are_counted_from_its_rows():
    study = make_queue(5)
    annotator, nobody = make_annotator(study), make_annotator(study)
    voted, skipped, answered_late = (pair.pair.id for pair in queue.claim(annotator, want=3).held)
    vote(annotator, voted)
    for held in (skipped, answered_late):
        queue.release(annotator, held, "other")
    vote(annotator, answered_late)
    lose(annotator)
    training = make_comparison(study, kind=ComparisonKind.TRAINING, gold={"overall": ["a"]})
    vote(annotator, make_assignment(training, annotator).public_id)
    Annotator.objects.update(handed=0, answered=0, skipped=0)
    counters = import_module("annotation.migrations._counters")
    counters.count_from_assignments(apps, None)
    annotator.refresh_from_db()
    nobody.refresh_from_db()
    assert (annotator.handed, annotator.answered, annotator.skipped) == (4, 2, 1)
    assert (nobody.handed, nobody.answered, nobody.skipped) == (0, 0, 0)
