"""Quality control beside itself and beside people who vote, each on a connection of their own."""

from __future__ import annotations

from functools import partial
from uuid import UUID

import pytest

from annotation import audit, quality, queue
from annotation.models import (
    Annotator,
    AnnotatorState,
    Assignment,
    Comparison,
    Exclusion,
    QualityReview,
    ReviewOutcome,
    Role,
    Study,
)
from annotation.quality import excluding
from annotation.selectors import counted_votes
from tests.annotation.quality.world import (
    actions,
    make_rater,
    make_trainee,
    make_training,
    one_sided,
    state_of,
)
from tests.annotation.queue.world import current_id, make_queue, vote
from tests.factories import make_membership, make_open_study, make_study_version
from tests.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def raised(results: list[object]) -> list[object]:
    return [result for result in results if isinstance(result, Exception)]


def assert_slots_hold(study: Study) -> None:
    for comparison in Comparison.objects.filter(study=study):
        held = Assignment.objects.filter(comparison=comparison, slot_no__isnull=False).count()
        assert comparison.taken == held <= comparison.overlap
        counted = counted_votes(study).filter(comparison=comparison).count()
        assert counted <= comparison.overlap


def test_the_rules_run_at_once_store_one_finding():
    study = make_open_study()
    rater = make_rater(study)
    one_sided(rater)
    found = at_once([partial(quality.run_rules, study)] * 4)
    assert sorted(found) == [0, 0, 0, 1]
    assert rater.findings.count() == 1
    assert Annotator.objects.get(pk=rater.pk).state == AnnotatorState.PAUSED
    assert list(audit.verify(study)) == []


def test_a_version_that_is_settled_at_once_moves_everybody_once_while_they_train():
    study = make_queue(3, rules={"qualification": {"required": False}})
    for _ in range(2):
        make_training(study)
    make_study_version(study)
    raters = [make_trainee(study) for _ in range(4)]
    results = at_once(
        [
            *[partial(quality.settle_training, study)] * 3,
            *(partial(queue.claim, rater, want=1) for rater in raters),
        ]
    )
    assert raised(results) == []
    assert {state_of(rater) for rater in raters} == {AnnotatorState.ACTIVE}
    assert sorted(actions(study)) == ["qualification.moved"] * 4 + ["qualification.settled"]
    assert list(audit.verify(study)) == []


def test_the_same_rejection_at_once_excludes_each_vote_once():
    study = make_queue(6)
    rater = make_rater(study)
    for _ in range(6):
        vote(rater, current_id(rater))
    results = at_once([partial(quality.review, rater, ReviewOutcome.REJECT, "Guessed.")] * 3)
    assert raised(results) == []
    assert QualityReview.objects.count() == 1
    assert Exclusion.objects.count() == 6
    assert_slots_hold(study)


def test_people_vote_while_others_are_rejected_and_reinstated(monkeypatch):
    monkeypatch.setattr(excluding, "AT_ONCE", 2)
    study = make_queue(12, overlap=2)
    rejected, others = [make_rater(study) for _ in range(2)], [make_rater(study) for _ in range(3)]
    for rater in rejected:
        for _ in range(12):
            vote(rater, current_id(rater))

    def to_and_fro(rater: Annotator) -> None:
        quality.review(rater, ReviewOutcome.REJECT, "Guessed.")
        quality.review(rater, ReviewOutcome.REINSTATE, "Not so.")
        quality.review(rater, ReviewOutcome.REJECT, "Guessed after all.")

    def work(rater: Annotator) -> None:
        for _ in range(8):
            if (current := pair_if_any(rater)) is not None:
                vote(rater, current)

    results = at_once(
        [*(partial(to_and_fro, r) for r in rejected), *(partial(work, r) for r in others)]
    )
    assert raised(results) == []
    assert counted_votes(study).filter(annotator__in=rejected).count() == 0
    assert_slots_hold(study)
    assert list(audit.verify(study)) == []


def test_owners_vote_while_their_votes_are_swept_out(monkeypatch):
    monkeypatch.setattr(excluding, "AT_ONCE", 2)
    study = make_queue(12, overlap=2)
    owners, others = [make_rater(study) for _ in range(2)], [make_rater(study) for _ in range(3)]
    for owner in owners:
        make_membership(study, Role.OWNER, owner.user)

    def work(rater: Annotator) -> None:
        for _ in range(8):
            if (current := pair_if_any(rater)) is not None:
                vote(rater, current)

    def sweep() -> None:
        for _ in range(6):
            quality.exclude_own_votes(study)

    results = at_once([*(partial(work, rater) for rater in (*owners, *others)), sweep, sweep])
    assert raised(results) == []
    quality.exclude_own_votes(study)
    assert not quality.own_votes_stand(study)
    of_owners = Assignment.objects.filter(annotator__in=owners, state="submitted")
    assert of_owners.count() == Exclusion.objects.count() > 0
    assert counted_votes(study).filter(annotator__in=owners).count() == 0
    assert_slots_hold(study)
    assert list(audit.verify(study)) == []


def test_own_votes_are_let_count_while_a_sweep_runs(monkeypatch):
    monkeypatch.setattr(excluding, "AT_ONCE", 1)
    study = make_queue(6)
    owner = make_rater(study)
    make_membership(study, Role.OWNER, owner.user)
    for _ in range(6):
        vote(owner, current_id(owner))
    results = at_once(
        [
            partial(quality.exclude_own_votes, study),
            partial(quality.exclude_own_votes, study),
            partial(quality.review, owner, ReviewOutcome.COUNT_OWN, "We know."),
        ]
    )
    assert raised(results) == []
    quality.exclude_own_votes(study)
    assert counted_votes(study).filter(annotator=owner).count() == 6
    assert_slots_hold(study)


def pair_if_any(rater: Annotator) -> UUID | None:
    current = queue.claim(rater, want=1).current
    return None if current is None else current.pair.id
