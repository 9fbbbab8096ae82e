"""A sample that somebody waits for is handed out before all else, and changes nothing besides."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotation import queue
from annotation.models import Annotator, Comparison, Study
from annotation.queue.ring import RING
from tests.factories import make_annotator

from .world import assert_counters_hold, current_id, lapse, make_queue, row_of, vote

pytestmark = pytest.mark.django_db

SAMPLE = ["i3", "i11", "i17", "i22"]


def claimed(annotator: Annotator, number: int) -> list[str]:
    """The next pairs of the annotator, each answered."""
    found = []
    for _ in range(number):
        own = current_id(annotator)
        found.append(row_of(own).comparison.item_id)
        vote(annotator, own)
    return found


def walk_of(study: Study, annotator: Annotator) -> int | None:
    annotator.refresh_from_db()
    return annotator.cursor


def test_the_next_claims_are_of_the_sample_and_the_walk_goes_on_from_where_it_was():
    study = make_queue(30, overlap=2)
    walked, new = make_annotator(study), make_annotator(study)
    before = claimed(walked, 5)
    cursor = walk_of(study, walked)
    fresh = [item for item in SAMPLE if item not in before]
    assert queue.hand_out_first(study, SAMPLE) == len(SAMPLE)
    assert sorted(claimed(walked, len(fresh))) == sorted(fresh)
    assert walk_of(study, walked) == cursor
    assert sorted(claimed(new, len(SAMPLE))) == sorted(SAMPLE)
    assert walk_of(study, new) is None
    # What is left is met once each, by both.
    rest = claimed(walked, 30 - len(before) - len(fresh))
    assert len({*before, *fresh, *rest}) == 30
    assert len(set(claimed(new, 30 - len(SAMPLE)))) == 30 - len(SAMPLE)
    assert queue.claim(walked).empty == queue.EmptyReason.FINISHED
    assert_counters_hold(study)


def test_all_get_them_in_one_order_that_is_drawn():
    study = make_queue(30, overlap=3)
    queue.hand_out_first(study, SAMPLE)
    orders = [claimed(make_annotator(study), len(SAMPLE)) for _ in range(2)]
    assert orders[0] == orders[1]
    assert sorted(orders[0]) == sorted(SAMPLE)


def test_one_that_lapses_comes_next_again_and_one_that_is_passed_over_goes_to_others():
    study = make_queue(12)
    annotator, other = make_annotator(study), make_annotator(study)
    queue.hand_out_first(study, ["i3"])
    held = current_id(annotator)
    assert row_of(held).comparison.item_id == "i3"
    lapse(held)
    queue.expire_lapsed()
    again = current_id(other)
    assert row_of(again).comparison.item_id == "i3"
    queue.release(other, again, "other")
    assert claimed(other, 1) != ["i3"]
    assert claimed(annotator, 1) == ["i3"]
    assert_counters_hold(study)


def test_what_is_called_back_comes_behind_all_others():
    study = make_queue(6)
    queue.hand_out_first(study, ["i3", "i4"])
    annotator = make_annotator(study)
    first = claimed(annotator, 1)[0]
    assert queue.hand_out_in_turn(study, ["i0", "i3", "i4"]) == 2
    (left,) = {"i3", "i4"} - {first}
    places = dict(Comparison.objects.values_list("item_id", "open_seq"))
    assert places[left] >= RING
    assert claimed(annotator, 5)[-1] == left


def test_categories_that_somebody_may_not_rate_are_not_sent_to_them():
    study = make_queue(9, rules={"eligibility": {"law": {"profession": ["lawyer"]}}})
    Comparison.objects.get(item_id="i3").prompt.__class__.objects.filter(
        comparisons__item_id="i3"
    ).update(category="law")
    queue.hand_out_first(study, ["i3"])
    assert claimed(make_annotator(study), 1) != ["i3"]


def test_where_nothing_was_sent_a_claim_costs_no_statement_more():
    study = make_queue(20)
    annotator = make_annotator(study)

    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            queue.claim(annotator, want=1)
        vote(annotator, current_id(annotator))
        return sum(not q["sql"].startswith(("SAVEPOINT", "RELEASE")) for q in queries)

    without = min(statements() for _ in range(3))
    queue.hand_out_first(study, [f"i{number}" for number in range(20)])
    assert min(statements() for _ in range(3)) == without
