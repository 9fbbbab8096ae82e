"""What was written once stays: votes, their criteria, the facts beside them, versions, the log."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import models, transaction

from annotation import audit
from annotation.models import Exclusion, Flag
from tests.refusals import refused_by

from .world import World, change, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def version_of(world: World) -> models.Model:
    return world.study.versions.get()


def audited(world: World) -> models.Model:
    with transaction.atomic():
        return audit.record(world.study, None, "test.act")


APPEND_ONLY: dict[str, Callable[[World], models.Model]] = {
    "annotation_vote": lambda w: w.vote,
    "annotation_votecriterion": lambda w: w.judged(),
    "annotation_exclusion": lambda w: Exclusion.objects.create(vote=w.vote, reason="r"),
    "annotation_flag": lambda w: Flag.objects.create(assignment=w.holder, reason="r"),
    "annotation_adjudication": lambda w: w.adjudicate(),
    "annotation_auditentry": audited,
    "annotation_studyversion": version_of,
    "annotation_qualityfinding": lambda w: w.finding(),
    "annotation_qualityreview": lambda w: w.review(),
}


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_a_row_that_is_written_once_is_not_changed(world: World, table: str) -> None:
    row = APPEND_ONLY[table](world)
    assert row._meta.db_table == table
    with refused_by(f"{table} is append-only"):
        change(row, id=row.pk)


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_a_row_that_is_written_once_is_not_deleted(world: World, table: str) -> None:
    row = APPEND_ONLY[table](world)
    with refused_by(f"{table} is append-only"):
        # Past the collector, which would stop at PROTECT before the database is asked.
        type(row)._base_manager.filter(pk=row.pk)._raw_delete(using="default")


@pytest.mark.parametrize(
    "row",
    [
        lambda w: w.study,
        lambda w: w.comparison.prompt,
        lambda w: w.comparison.system_a,
        lambda w: w.comparison.response_a,
        lambda w: w.comparison,
        lambda w: w.holder.annotator,
        lambda w: w.vote.assignment,
    ],
    ids=["study", "prompt", "system", "response", "comparison", "annotator", "assignment"],
)
def test_what_a_vote_stands_on_cannot_be_deleted(
    world: World, row: Callable[[World], models.Model]
) -> None:
    with pytest.raises(models.ProtectedError):
        row(world).delete()
