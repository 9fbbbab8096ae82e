"""An annotator's own counters: handed, answered, skipped. Each equals a recount of the rows."""

from __future__ import annotations

import pytest

from annotation import queue
from annotation.models import Annotator
from tests.factories import make_annotator, make_comparison

from .world import assert_counters_hold, current_id, lapse, make_queue, vote

pytestmark = pytest.mark.django_db


def counters(annotator: Annotator) -> tuple[int, int, int]:
    annotator.refresh_from_db()
    return annotator.handed, annotator.answered, annotator.skipped


def test_each_new_pair_is_counted_once_when_it_is_handed_out():
    study = make_queue(6, overlap=2)
    annotator = make_annotator(study)
    queue.claim(annotator, want=3)
    queue.claim(annotator, want=3)
    assert counters(annotator) == (3, 0, 0)


def test_a_pair_that_comes_back_to_the_same_person_is_no_further_one():
    study = make_queue(1)
    annotator = make_annotator(study)
    held = current_id(annotator)
    lapse(held)
    queue.expire_lapsed()
    assert current_id(annotator) == held
    assert counters(annotator) == (1, 0, 0)


def test_answers_and_skips_are_counted_and_an_answer_after_a_skip_is_an_answer():
    study = make_queue(6)
    annotator = make_annotator(study)
    vote(annotator, current_id(annotator))
    skipped = current_id(annotator)
    queue.release(annotator, skipped, "other")
    assert counters(annotator) == (2, 1, 1)
    vote(annotator, skipped)
    assert counters(annotator) == (2, 2, 0)
    assert_counters_hold(study)


def test_late_surplus_is_an_answer_and_a_revision_is_none():
    study = make_queue(1)
    late, other = make_annotator(study), make_annotator(study)
    held = current_id(late)
    lapse(held)
    vote(other, current_id(other))
    vote(late, held)
    vote(late, held, "right", revises=True)
    assert counters(late) == (1, 1, 0)
    assert_counters_hold(study)


def test_training_is_counted_nowhere():
    study = make_queue(2)
    training = make_comparison(study, kind="training", gold={"overall": ["a"]})
    annotator = make_annotator(study, state="qualifying")
    claim = queue.claim(annotator)
    assert claim.current is not None
    queue.release(annotator, claim.current.pair.id, "other")
    assert training.assignments.get().state == "released"
    assert counters(annotator) == (0, 0, 0)


def test_reading_progress_costs_a_claim_no_query_of_its_own(django_assert_num_queries):
    study = make_queue(2, max_per_annotator=7)
    annotator = make_annotator(study)
    with django_assert_num_queries(0):
        assert queue.progress(annotator) == queue.Progress(voted=0, skipped=0, maximum=7)
