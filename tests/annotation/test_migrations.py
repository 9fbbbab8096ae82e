"""Migrations run back and forth over a study that is under way, and leave its votes as they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.migrations.exceptions import IrreversibleError
from django.db.migrations.executor import MigrationExecutor

from annotation import people, quality, queue
from annotation.models import (
    Annotator,
    Assignment,
    Comparison,
    QualityReview,
    Role,
    Study,
    StudyVersion,
    Vote,
)
from tests.annotation.queue.world import current_id, make_queue, vote
from tests.factories import (
    make_annotator,
    make_membership,
    make_study,
    make_study_version,
    make_user,
)

pytestmark = pytest.mark.django_db(transaction=True)

FIRST = [("annotation", "0001_initial")]
# What the first migration has too, in the columns that it has.
KEPT = {
    Study: ("slug", "state", "seed"),
    Comparison: ("item_id", "open", "taken", "open_seq", "overlap"),
    Annotator: ("external_id", "state", "cursor", "handed", "answered"),
    Assignment: ("public_id", "state", "slot_no", "swapped", "lease_expires_at"),
    Vote: ("choice", "verdict", "idempotency_key", "request_hash", "created_at"),
}


def rows() -> dict[str, list[tuple[Any, ...]]]:
    return {
        model.__name__: list(model._default_manager.order_by("pk").values_list("pk", *columns))
        for model, columns in KEPT.items()
    }


def migrate(targets: list[tuple[str, str]]) -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(targets)


@pytest.fixture
def forward_again() -> Iterator[None]:
    """Whatever happens, other tests find the newest tables."""
    yield
    migrate(MigrationExecutor(connection).loader.graph.leaf_nodes())


def indexes() -> dict[str, set[tuple[str, ...]]]:
    with connection.cursor() as cursor:
        return {
            table: {
                tuple(known["columns"])
                for known in connection.introspection.get_constraints(cursor, table).values()
                if known["index"] or known["unique"]
            }
            for table in ("annotation_vote", "annotation_assignment", "annotation_comparison")
        }


def test_migrations_go_back_and_forth_over_rows(forward_again: None) -> None:
    study = make_queue(6, overlap=2)
    rater, other = make_annotator(study, make_user()), make_annotator(study, make_user())
    for person in (rater, other):
        for _ in range(3):
            vote(person, current_id(person))
    queue.claim(rater, want=2)
    people.issue_crowd_link(study, 5)
    before, indexed = rows(), indexes()
    assert len(before["Vote"]) == 6
    migrate(FIRST)
    assert indexes() != indexed
    migrate(MigrationExecutor(connection).loader.graph.leaf_nodes())
    assert rows() == before
    assert indexes() == indexed
    # The triggers stand again, and the study goes on.
    with pytest.raises(IntegrityError), transaction.atomic():
        Vote.objects.update(verdict="tie")
    vote(rater, current_id(rater))
    assert Vote.objects.count() == 7


BEFORE_OWN_VOTES = [("annotation", "0014_more_kinds_of_jobs")]


def test_an_opened_study_keeps_counting_owners_votes_and_a_draft_takes_the_new_rule(
    forward_again: None,
) -> None:
    opened, stated = make_queue(1), make_queue(1, rules={"quality": {"skips": None}})
    draft = make_study()
    owner = make_annotator(opened, make_user())
    make_membership(opened, Role.OWNER, owner.user)
    vote(owner, current_id(owner))
    frozen = StudyVersion.objects.get(study=opened).content_hash
    migrate(BEFORE_OWN_VOTES)
    migrate(MigrationExecutor(connection).loader.graph.leaf_nodes())
    rules = dict(Study.objects.values_list("pk", "rules"))
    assert rules[opened.pk] == {"quality": {"own_votes": "count"}}
    assert rules[stated.pk] == {"quality": {"skips": None, "own_votes": "count"}}
    assert rules[draft.pk] == {}
    assert StudyVersion.objects.get(study=opened).content_hash == frozen
    assert quality.exclude_own_votes(Study.objects.get(pk=opened.pk)) == 0
    with pytest.raises(IntegrityError), transaction.atomic():
        review_of(owner, "let_off")
    row = review_of(owner, "count_own")
    with pytest.raises(IntegrityError), transaction.atomic():
        QualityReview.objects.filter(pk=row.pk).update(reason="Another.")


QUALITY = {"skips": None}


def test_the_rule_of_the_newest_version_is_what_the_way_forward_says(forward_again: None) -> None:
    older, changed, counting = make_queue(1), make_queue(1), make_queue(1)
    migrate(BEFORE_OWN_VOTES)
    freeze(older, QUALITY)
    freeze(changed, {"own_votes": "count"}, {"own_votes": "exclude"})
    freeze(counting, {"own_votes": "exclude"}, {"own_votes": "count"})
    migrate(MigrationExecutor(connection).loader.graph.leaf_nodes())
    rules = dict(Study.objects.values_list("pk", "rules"))
    assert [rules[study.pk]["quality"]["own_votes"] for study in (older, changed, counting)] == [
        "count",
        "exclude",
        "count",
    ]


def test_there_is_no_way_back_once_a_version_names_the_rule(forward_again: None) -> None:
    before, after = make_queue(1), make_queue(1, rules={"quality": {"own_votes": "count"}})
    freeze(before, QUALITY)
    freeze(after, {"own_votes": "count"}, {"own_votes": "exclude"})
    with pytest.raises(IrreversibleError, match=rf"quality\.own_votes: {after.slug}\. Nothing"):
        migrate(BEFORE_OWN_VOTES)
    after.refresh_from_db()
    assert after.rules == {"quality": {"own_votes": "count"}}


def test_there_is_no_way_back_once_somebodys_own_votes_were_let_count(forward_again: None) -> None:
    studies = [make_queue(1) for _ in range(7)]
    for study in studies:
        owner = make_annotator(study, make_user())
        make_membership(study, Role.OWNER, owner.user)
        review_of(owner, "count_own")
    with pytest.raises(IrreversibleError, match="outcome count_own: ") as refusal:
        migrate(BEFORE_OWN_VOTES)
    named = ", ".join(sorted(study.slug for study in studies)[:5])
    assert f"{named} and 2 more. Nothing was changed." in str(refusal.value)
    review_of(owner, "count_own")


def freeze(study: Study, *rules: dict[str, Any]) -> None:
    """Versions with these quality rules, each after those that there are."""
    for quality_rules in rules:
        make_study_version(study, snapshot={"rules": {"quality": quality_rules}})


def review_of(annotator: Annotator, outcome: str) -> QualityReview:
    return QualityReview.objects.create(annotator=annotator, outcome=outcome, reason="Why not?")
