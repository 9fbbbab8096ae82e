"""Whether work remains is found out without reading what is full or was stopped."""

from __future__ import annotations

import pytest
from django.db import connection
from django.utils import timezone

from annotation.models import Annotator, Cell, Comparison, Study, System
from annotation.queue.claiming import work_remains
from annotation.queue.locks import LockedAnnotator
from tests.effort import effort_of, slack
from tests.factories import (
    make_annotator,
    make_many_comparisons,
    make_open_study,
    make_system,
)

pytestmark = pytest.mark.django_db


def make_stopped(comparisons: int) -> Study:
    """A study of so many comparisons that nobody has, all of one pair that was stopped."""
    study = make_open_study()
    systems = sorted((make_system(study) for _ in range(2)), key=lambda system: system.name)
    cell = Cell.objects.create(
        study=study, system_a=systems[0], system_b=systems[1], stopped_at=timezone.now()
    )
    add_comparisons(study, cell, systems, comparisons)
    return study


def add_comparisons(study: Study, cell: Cell, systems: list[System], number: int) -> None:
    make_many_comparisons(study, systems, number, cell=cell, first_swapped=False)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE annotation_comparison, annotation_assignment, annotation_cell")


def holder_of(annotator: Annotator) -> LockedAnnotator:
    return LockedAnnotator(annotator, annotator.study, None, timezone.now())


def effort_at_the_end(study: Study) -> int:
    holder = holder_of(make_annotator(study))
    found: list[bool] = []
    effort = effort_of(lambda: found.append(work_remains(holder)))
    assert found == [False]
    return effort


def test_what_was_stopped_is_not_read() -> None:
    """A pair of systems may stop with hundreds of thousands of comparisons left."""
    few, many = make_stopped(100), make_stopped(2000)
    assert effort_at_the_end(many) <= effort_at_the_end(few) + slack()


def test_what_is_full_is_not_read() -> None:
    few, many = make_stopped(100), make_stopped(2000)
    Cell.objects.update(stopped_at=None)
    Comparison.objects.update(overlap=1, taken=1)
    assert effort_at_the_end(many) <= effort_at_the_end(few) + slack()
