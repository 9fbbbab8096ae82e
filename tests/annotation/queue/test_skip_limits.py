"""Nobody picks what to rate by skipping: so many within an hour, by the database's clock."""

from __future__ import annotations

import uuid
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from annotation import queue
from annotation.models import (
    Annotator,
    Assignment,
    AssignmentState,
    ComparisonKind,
    Study,
)
from tests.factories import make_annotator, make_assignment, make_comparison
from tests.races import at_once

from .world import assert_counters_hold, current_id, make_queue, row_of, vote

pytestmark = pytest.mark.django_db


def make_study(limit: int | None, comparisons: int = 8) -> Study:
    return make_queue(comparisons, rules={"limits": {"skips_per_hour": limit}})


def skip(annotator: Annotator) -> uuid.UUID:
    held = current_id(annotator)
    queue.release(annotator, held, "cannot_judge")
    return held


def let_pass(minutes: float) -> None:
    """As if all skips so far had happened so much earlier; the database's clock stays."""
    Assignment.objects.filter(state=AssignmentState.RELEASED).update(
        lease_expires_at=F("lease_expires_at") - timedelta(minutes=minutes)
    )


def test_skips_up_to_the_limit_pass_and_the_next_one_leaves_the_pair_theirs():
    study = make_study(3)
    annotator = make_annotator(study)
    for _ in range(3):
        skip(annotator)
    held = current_id(annotator)
    with pytest.raises(queue.SkipLimitReached) as refused:
        queue.release(annotator, held, "cannot_judge")
    assert refused.value.code == "skip_limit"
    assert refused.value.limit == 3
    assert 3590 < refused.value.seconds <= 3600
    assert row_of(held).state == AssignmentState.RESERVED
    annotator.refresh_from_db()
    assert annotator.skipped == 3
    vote(annotator, held)
    assert_counters_hold(study)


def test_the_hour_slides_and_says_how_long_it_takes_until_the_next_one():
    study = make_study(2)
    annotator = make_annotator(study)
    skip(annotator)
    let_pass(40)
    skip(annotator)
    held = current_id(annotator)
    with pytest.raises(queue.SkipLimitReached) as refused:
        queue.release(annotator, held, "other")
    # The older of the two ends its hour in twenty minutes.
    assert 1190 < refused.value.seconds <= 1200
    let_pass(21)
    queue.release(annotator, held, "other")
    assert row_of(held).state == AssignmentState.RELEASED
    with pytest.raises(queue.SkipLimitReached) as refused:
        skip(annotator)
    assert 2330 < refused.value.seconds <= 2340


def test_no_limit_is_none():
    study = make_study(None, comparisons=25)
    annotator = make_annotator(study)
    for _ in range(25):
        skip(annotator)
    annotator.refresh_from_db()
    assert annotator.skipped == 25


def test_a_study_without_rules_allows_twenty():
    study = make_queue(24)
    annotator = make_annotator(study)
    for _ in range(20):
        skip(annotator)
    with pytest.raises(queue.SkipLimitReached):
        skip(annotator)


def test_a_skip_sent_again_is_no_further_skip():
    study = make_study(1)
    annotator = make_annotator(study)
    held = skip(annotator)
    queue.release(annotator, held, "cannot_judge")
    assert row_of(held).state == AssignmentState.RELEASED


def test_only_own_skips_are_counted():
    study = make_study(1)
    skip(make_annotator(study))
    skip(make_annotator(study))


def test_a_skip_that_was_answered_after_all_stays_one():
    study = make_study(2)
    annotator = make_annotator(study)
    vote(annotator, skip(annotator))
    skip(annotator)
    with pytest.raises(queue.SkipLimitReached) as refused:
        skip(annotator)
    assert 3590 < refused.value.seconds <= 3600
    Assignment.objects.exclude(skip_reason="").update(
        lease_expires_at=F("lease_expires_at") - timedelta(minutes=61)
    )
    skip(annotator)


def test_an_answer_is_no_skip():
    study = make_study(1)
    annotator = make_annotator(study)
    for _ in range(2):
        vote(annotator, current_id(annotator))
    skip(annotator)


def test_checks_count_as_work_does_and_training_is_free():
    study = make_study(1)
    annotator = make_annotator(study)
    known = {"gold": {"overall": ["a"]}}

    def lend(kind: ComparisonKind) -> uuid.UUID:
        comparison = make_comparison(study, "system0", "system1", kind=kind, **known)
        return make_assignment(comparison, annotator).public_id

    for _ in range(3):
        assert queue.release(annotator, lend(ComparisonKind.TRAINING), "other") == "training"
    annotator.refresh_from_db()
    assert annotator.skipped == 0
    queue.release(annotator, lend(ComparisonKind.GOLD), "other")
    with pytest.raises(queue.SkipLimitReached):
        queue.release(annotator, lend(ComparisonKind.GOLD), "other")
    queue.release(annotator, lend(ComparisonKind.TRAINING), "other")


def test_a_skip_costs_the_same_whatever_was_skipped_before():
    study = make_study(None, comparisons=40)
    Study.objects.update(rules={"limits": {"skips_per_hour": 30}})
    annotator = make_annotator(study)
    costs = set()
    for _ in range(30):
        held = current_id(annotator)
        with CaptureQueriesContext(connection) as queries:
            queue.release(annotator, held, "other")
        costs.add(len(queries))
    assert len(costs) == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_skips_at_once_only_as_many_pass_as_are_left():
    for _ in range(5):
        study = make_study(1)
        annotator = make_annotator(study)
        held = [pair.pair.id for pair in queue.claim(annotator, want=3).held]
        results = at_once([partial(queue.release, annotator, one, "other") for one in held])
        refused = [result for result in results if isinstance(result, queue.SkipLimitReached)]
        assert len(refused) == 2
        assert_counters_hold(study)
