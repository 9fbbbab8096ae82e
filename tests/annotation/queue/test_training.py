"""Training pairs: handed out one by one to those who qualify, and where they stand."""

from __future__ import annotations

from typing import Any

import pytest

from annotation import queue
from annotation.models import Annotator, Assignment, AssignmentState, Study
from annotation.queue import EmptyReason, TrainingState
from tests.factories import make_annotator, make_comparison

from .world import current_id, lapse, make_queue, row_of, set_state, vote

pytestmark = pytest.mark.django_db


def make_training(pairs: int = 3, **qualification: Any) -> Study:
    study = make_queue(4, rules={"qualification": qualification})
    for number in range(pairs):
        make_comparison(
            study, "t", "u", kind="training", gold={"overall": ["a"]}, item_id=f"t{number}"
        )
    return study


def finish(row: Assignment, state: AssignmentState = AssignmentState.SUBMITTED) -> None:
    """As a vote does, but nobody grades."""
    Assignment.objects.filter(pk=row.pk).update(state=state)


def walk(annotator: Annotator, pairs: int) -> list[Assignment]:
    rows = []
    for _ in range(pairs):
        row = row_of(current_id(annotator))
        finish(row)
        rows.append(row)
    return rows


def test_one_training_pair_is_held_at_a_time_and_its_number_is_said():
    study = make_training(3, attempts=2)
    annotator = make_annotator(study, state="qualifying")
    first = queue.claim(annotator, want=3)
    assert len(first.held) == 1
    assert first.practice == queue.Practice(number=1, of=3, attempt=1, attempts=2)
    again = queue.claim(annotator, want=3)
    assert [held.pair.id for held in again.held] == [held.pair.id for held in first.held]
    row = row_of(first.held[0].pair.id)
    assert (row.kind, row.slot_no, row.pass_no) == ("training", None, 0)
    finish(row, AssignmentState.RELEASED)
    assert queue.claim(annotator).practice == queue.Practice(2, 3, 1, 2)


def test_an_attempt_is_a_walk_through_all_pairs_in_an_order_of_its_own():
    study = make_training(6)
    annotator = make_annotator(study, state="qualifying", external_id="someone")
    first, second = walk(annotator, 6), walk(annotator, 6)
    assert {row.pass_no for row in first} == {0}
    assert {row.pass_no for row in second} == {1}
    orders = [[row.comparison.item_id for row in rows] for rows in (first, second)]
    assert sorted(orders[0]) == sorted(orders[1])
    assert orders[0] != orders[1]


def test_the_state_says_how_far_the_attempt_is():
    study = make_training(2)
    annotator = make_annotator(study, state="qualifying")
    assert queue.training_state(annotator) == TrainingState(0, 0, 2)
    held = row_of(current_id(annotator))
    assert queue.training_state(annotator) == TrainingState(0, 0, 2)
    finish(held, AssignmentState.LATE_SURPLUS)
    assert queue.training_state(annotator) == TrainingState(0, 1, 2)
    finish(row_of(current_id(annotator)), AssignmentState.RELEASED)
    assert queue.training_state(annotator) == TrainingState(1, 0, 2)


def test_without_training_pairs_there_is_no_attempt_to_finish():
    study = make_training(0)
    annotator = make_annotator(study, state="qualifying")
    assert queue.training_state(annotator) == TrainingState(0, 0, 0)
    assert queue.claim(annotator).empty == EmptyReason.QUALIFICATION_PENDING


def test_where_qualification_is_not_asked_for_nobody_trains():
    study = make_training(2, required=False)
    annotator = make_annotator(study, state="qualifying")
    assert queue.claim(annotator).empty == EmptyReason.QUALIFICATION_PENDING


def test_after_the_last_attempt_nothing_more_is_handed_out():
    study = make_training(1, attempts=2)
    annotator = make_annotator(study, state="qualifying")
    walk(annotator, 2)
    assert queue.claim(annotator).empty == EmptyReason.QUALIFICATION_PENDING


def test_training_stops_with_the_study():
    study = make_training()
    annotator = make_annotator(study, state="qualifying")
    set_state(study, "paused")
    assert queue.claim(annotator).empty == EmptyReason.STUDY_PAUSED


def test_a_lapsed_training_pair_is_lent_again():
    study = make_training()
    annotator = make_annotator(study, state="qualifying")
    held = current_id(annotator)
    side = row_of(held).swapped
    lapse(held)
    queue.expire_lapsed()
    assert current_id(annotator) == held
    assert row_of(held).swapped == side
    assert Assignment.objects.count() == 1


def test_work_and_training_are_never_shown_together():
    study = make_training()
    annotator = make_annotator(study)
    work = current_id(annotator)
    Annotator.objects.filter(pk=annotator.pk).update(state="qualifying")
    training = current_id(annotator)
    assert row_of(training).kind == "training"
    Annotator.objects.filter(pk=annotator.pk).update(state="active")
    claim = queue.claim(annotator, want=1)
    assert [held.pair.id for held in claim.held] == [work]
    assert claim.practice is None


def test_a_training_pair_that_was_answered_leads_to_the_next_and_then_to_work():
    study = make_training(2)
    annotator = make_annotator(study, state="qualifying")
    for _ in range(2):
        held = current_id(annotator)
        side = row_of(held).swapped
        vote(annotator, held, "right" if side else "left")
    annotator.refresh_from_db()
    assert annotator.state == "active"
    claim = queue.claim(annotator)
    assert claim.practice is None
    assert row_of(claim.held[0].pair.id).kind == "work"
    assert claim.progress.voted == 0
