"""Training pairs: explained once they are answered, never revised, and graded with their round."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connection

from annotation import quality, queue, voting
from annotation.models import (
    Annotator,
    Assignment,
    AssignmentState,
    ComparisonKind,
    SkipReason,
    Study,
    StudyState,
    Vote,
)
from annotation.rating.skipping import skip_pair
from annotation.voting import Answer, Feedback, Received
from tests.annotation.queue.world import current_id, lapse, make_queue, row_of, set_state, vote
from tests.factories import make_annotator, make_assignment, make_comparison, make_criterion

pytestmark = pytest.mark.django_db


def lend(study: Study, annotator: Annotator, **fields: Any) -> Assignment:
    swapped, pass_no = fields.pop("swapped", False), fields.pop("pass_no", 0)
    fields = {"kind": ComparisonKind.TRAINING, "gold": {"overall": ["a"]}} | fields
    comparison = make_comparison(study, "system0", "system1", **fields)
    return make_assignment(comparison, annotator, swapped=swapped, pass_no=pass_no)


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("choice", ["left", "right", "tie"])
def test_a_training_vote_says_whether_it_is_right_as_this_person_saw_it(swapped, choice):
    study = make_queue(1)
    annotator = make_annotator(study)
    held = lend(study, annotator, swapped=swapped, explanation="The **date** is true.")
    right = "right" if swapped else "left"
    outcome = vote(annotator, held.public_id, choice)
    assert outcome.received is Received.COUNTED
    assert outcome.feedback == Feedback(
        correct=choice == right,
        accepted={"overall": (right,)},
        explanation="The **date** is true.",
    )


def test_every_accepted_verdict_is_shown_and_every_named_criterion_must_be_right():
    study = make_queue(1)
    make_criterion(study, "tone")
    annotator = make_annotator(study)
    gold = {"overall": ["a", "tie"], "tone": ["b", "both_bad"]}

    def answer(overall: str, tone: str) -> Feedback | None:
        held = lend(study, annotator, gold=gold).public_id
        answers = {"overall": Answer(overall), "tone": Answer(tone)}
        return voting.submit(annotator, held, answers, uuid.uuid4()).feedback

    right = answer("tie", "right")
    assert right is not None
    assert right.correct
    assert right.accepted == {"overall": ("left", "tie"), "tone": ("right", "both_bad")}
    wrong = answer("left", "left")
    assert wrong is not None
    assert not wrong.correct


def test_a_repeated_request_gets_the_same_feedback():
    study = make_queue(1)
    annotator = make_annotator(study)
    held, key = lend(study, annotator, explanation="Because."), uuid.uuid4()
    first = vote(annotator, held.public_id, "right", key)
    again = vote(annotator, held.public_id, "right", key)
    assert again.replayed
    assert again.feedback == first.feedback is not None


@pytest.mark.parametrize("kind", [ComparisonKind.WORK, ComparisonKind.GOLD])
def test_work_and_hidden_checks_give_no_feedback(kind):
    study = make_queue(1)
    annotator = make_annotator(study)
    if kind == ComparisonKind.WORK:
        held, key = current_id(annotator), uuid.uuid4()
    else:
        held, key = lend(study, annotator, kind=kind, explanation="Psst.").public_id, uuid.uuid4()
    assert vote(annotator, held, "left", key).feedback is None
    assert vote(annotator, held, "left", key).feedback is None


def test_a_training_vote_stands_as_its_explanation_was_seen():
    study = make_queue(1)
    annotator = make_annotator(study)
    held = lend(study, annotator)
    vote(annotator, held.public_id, "right")
    with pytest.raises(voting.AlreadyVoted) as refused:
        vote(annotator, held.public_id, "left", revises=True)
    assert refused.value.stored == {"overall": Answer("right")}
    assert (refused.value.code, refused.value.status) == ("already_voted", 409)
    assert Vote.objects.count() == 1


def test_a_hidden_check_is_revised_as_work_is():
    study = make_queue(1)
    annotator = make_annotator(study)
    held = lend(study, annotator, kind=ComparisonKind.GOLD)
    vote(annotator, held.public_id, "right")
    outcome = vote(annotator, held.public_id, "left", revises=True)
    assert (outcome.received, outcome.revision) == (Received.COUNTED, 1)


def test_training_holds_no_slot_and_is_no_answer_of_the_annotators_count():
    study = make_queue(1)
    annotator = make_annotator(study)
    held = lend(study, annotator, pass_no=1)
    vote(annotator, held.public_id)
    row = row_of(held.public_id)
    assert (row.state, row.slot_no, row.comparison.taken) == (AssignmentState.SUBMITTED, None, 0)
    annotator.refresh_from_db()
    assert annotator.answered == 0


def test_a_late_training_vote_is_taken_in_too():
    study = make_queue(1)
    annotator = make_annotator(study)
    held = lend(study, annotator)
    lapse(held.public_id)
    queue.expire_lapsed()
    outcome = vote(annotator, held.public_id)
    assert (outcome.received, outcome.late) == (Received.COUNTED, True)
    assert outcome.feedback is not None


def test_training_answered_when_the_study_is_over_is_explained_all_the_same():
    study = make_queue(1)
    annotator = make_annotator(study)
    held = lend(study, annotator)
    set_state(study, StudyState.CLOSED, minutes_ago=11)
    outcome = vote(annotator, held.public_id)
    assert outcome.received is Received.STUDY_CLOSED
    assert outcome.feedback is not None


# -- the round is graded ----------


@pytest.fixture
def concluded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, bool, int]]:
    """For whom a round was concluded, whether in a transaction, and how many votes stood then."""
    calls: list[tuple[int, bool, int]] = []

    def conclude(annotator_id: int) -> None:
        calls.append((annotator_id, connection.in_atomic_block, Vote.objects.count()))

    monkeypatch.setattr(quality, "conclude_training", conclude)
    return calls


def test_each_training_vote_may_conclude_its_round(concluded):
    study = make_queue(1)
    annotator = make_annotator(study)
    held, key = lend(study, annotator), uuid.uuid4()
    vote(annotator, held.public_id, "left", key)
    assert concluded == [(annotator.pk, True, 1)]
    vote(annotator, held.public_id, "left", key)
    assert len(concluded) == 1


def test_work_and_hidden_checks_conclude_nothing(concluded):
    study = make_queue(1)
    annotator = make_annotator(study)
    vote(annotator, current_id(annotator))
    vote(annotator, lend(study, annotator, kind=ComparisonKind.GOLD).public_id)
    assert concluded == []


def test_a_skipped_training_pair_may_conclude_its_round_and_skipped_work_does_not(concluded):
    study = make_queue(1)
    annotator = make_annotator(study)
    held = lend(study, annotator)
    skip_pair(annotator, held.public_id, SkipReason.OTHER, "")
    assert concluded == [(annotator.pk, True, 0)]
    skip_pair(annotator, current_id(annotator), SkipReason.OTHER, "")
    assert len(concluded) == 1


def test_a_round_that_cannot_be_concluded_takes_its_vote_and_its_skip_back(monkeypatch):
    def fail(annotator_id: int) -> None:
        raise RuntimeError("no round")

    monkeypatch.setattr(quality, "conclude_training", fail)
    study = make_queue(1)
    annotator = make_annotator(study)
    held = lend(study, annotator)
    with pytest.raises(RuntimeError):
        vote(annotator, held.public_id)
    with pytest.raises(RuntimeError):
        skip_pair(annotator, held.public_id, SkipReason.OTHER, "")
    assert row_of(held.public_id).state == AssignmentState.RESERVED
    assert not Vote.objects.exists()


# -- undo ----------


def test_training_is_not_shown_again_for_undo_and_a_hidden_check_is():
    study = make_queue(1)
    annotator = make_annotator(study)
    vote(annotator, lend(study, annotator).public_id)
    assert voting.last_vote(annotator) is None
    check = lend(study, annotator, kind=ComparisonKind.GOLD).public_id
    vote(annotator, check, "tie")
    vote(annotator, lend(study, annotator).public_id)
    last = voting.last_vote(annotator)
    assert last is not None
    assert (last.pair.id, last.answers) == (check, {"overall": Answer("tie")})


def test_an_identical_pair_and_a_repeat_are_shown_again_as_work_is():
    study = make_queue(1, overlap=2)
    annotator = make_annotator(study)
    first = row_of(current_id(annotator))
    vote(annotator, first.public_id)
    repeat = make_assignment(first.comparison, annotator, pass_no=1, swapped=not first.swapped)
    vote(annotator, repeat.public_id, "right")
    last = voting.last_vote(annotator)
    assert last is not None
    assert last.pair.id == repeat.public_id
    work = first.comparison
    twice = make_comparison(
        study,
        prompt=work.prompt,
        response_a=work.response_a,
        response_b=work.response_a,
        kind=ComparisonKind.IDENTICAL,
    )
    same = make_assignment(twice, annotator).public_id
    vote(annotator, same, "tie")
    last = voting.last_vote(annotator)
    assert last is not None
    assert last.pair.id == same
    assert last.pair.left == last.pair.right == work.response_a.text
