"""What a vote does to its slot, to the counters and to the annotator's own counts."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models import F
from django.utils import timezone

from annotation import queue
from annotation.models import (
    Annotator,
    Assignment,
    AssignmentState,
    Cell,
    Comparison,
    ComparisonKind,
    Study,
    StudyState,
    Vote,
)
from annotation.queue.raising import hold_annotators, raise_overlap
from annotation.selectors import counted_votes
from annotation.voting import IdempotencyMismatch, Received
from tests.factories import make_annotator, make_assignment, make_comparison
from tests.races import TIMEOUT_S, at_once

from .world import (
    assert_counters_hold,
    current_id,
    lapse,
    lose,
    make_queue,
    row_of,
    set_state,
    vote,
)

pytestmark = pytest.mark.django_db

GOLD = {"overall": ["a"]}
CHECKS: list[dict[str, Any]] = [
    {"kind": ComparisonKind.GOLD, "gold": GOLD},
    {"kind": ComparisonKind.CONSISTENCY},
]


def lend_check(study: Study, annotator: Annotator, **fields: Any) -> Assignment:
    """A reservation of a pair that looks like work and is none."""
    comparison = make_comparison(study, "system0", "system1", open_seq=None, **fields)
    return make_assignment(comparison, annotator, swapped=False)


def lend_repeat(study: Study, annotator: Annotator) -> Assignment:
    """A pair that the annotator voted on, once more with its sides exchanged."""
    first = row_of(current_id(annotator))
    vote(annotator, first.public_id)
    return make_assignment(first.comparison, annotator, pass_no=1, swapped=not first.swapped)


def assert_own_counts_hold(study: Study) -> None:
    """`answered` and `skipped` of each annotator equal a recount of the rows."""
    answered: Counter[int] = Counter()
    skipped: Counter[int] = Counter()
    for row in Assignment.objects.filter(annotator__study=study):
        if row.kind == ComparisonKind.TRAINING:
            continue
        answered[row.annotator_id] += row.state in ("submitted", "late_surplus")
        skipped[row.annotator_id] += row.state == "released"
    for annotator in Annotator.objects.filter(study=study):
        assert annotator.answered == answered[annotator.pk]
        assert annotator.skipped == skipped[annotator.pk]


# -- slots ----------


def test_a_vote_in_time_keeps_its_slot_and_changes_no_counter():
    study = make_queue(1, overlap=2)
    annotator = make_annotator(study)
    held = current_id(annotator)
    before = Comparison.objects.values("open", "taken", "open_seq").get()
    assert vote(annotator, held).received is Received.COUNTED
    assert Comparison.objects.values("open", "taken", "open_seq").get() == before
    assert row_of(held).slot_no is not None


def test_a_vote_when_the_study_is_over_gives_its_slot_up():
    study = make_queue(1)
    annotator = make_annotator(study)
    held = current_id(annotator)
    set_state(study, StudyState.CLOSED, minutes_ago=11)
    assert vote(annotator, held).received is Received.STUDY_CLOSED
    row = row_of(held)
    assert (row.state, row.slot_no) == (AssignmentState.LATE_SURPLUS, None)
    assert (row.comparison.open, row.comparison.taken) == (True, 0)
    assert_counters_hold(study)


def test_a_lost_pair_gets_nothing_when_the_study_is_over_though_a_slot_is_free():
    study = make_queue(1)
    annotator = make_annotator(study)
    held = lose(annotator)
    set_state(study, StudyState.CLOSED, minutes_ago=11)
    assert vote(annotator, held).received is Received.STUDY_CLOSED
    assert row_of(held).slot_no is None
    assert_counters_hold(study)


def test_a_surplus_vote_leaves_the_others_reservation_alone():
    study = make_queue(1)
    late, other = make_annotator(study), make_annotator(study)
    held = lose(late)
    taken = current_id(other)
    place = Comparison.objects.get().open_seq
    assert vote(late, held).received is Received.LATE_SURPLUS
    assert row_of(taken).state == AssignmentState.RESERVED
    # Nothing came back, so the comparison keeps its place.
    assert Comparison.objects.get().open_seq == place
    assert_counters_hold(study)


def test_a_vote_on_a_skipped_pair_is_late_whatever_its_lease_says():
    study = make_queue(1)
    annotator = make_annotator(study)
    held = current_id(annotator)
    lease = row_of(held).lease_expires_at
    queue.release(annotator, held, "other")
    # As rows have it that were skipped before a skip ended the lease.
    Assignment.objects.update(lease_expires_at=lease)
    assert vote(annotator, held).late


# -- a pair of systems that was stopped ----------


@pytest.mark.parametrize("gives_back", ["skip", "lapse"])
def test_what_comes_back_of_a_stopped_pair_of_systems_is_handed_to_nobody(gives_back):
    study = make_queue(1)
    annotator = make_annotator(study)
    held = current_id(annotator)
    comparison = row_of(held).comparison
    cell, _ = Cell.objects.get_or_create(
        study=study, system_a=comparison.system_a, system_b=comparison.system_b
    )
    Cell.objects.update(stopped_at=timezone.now())
    Comparison.objects.update(cell=cell, open=False)
    if gives_back == "skip":
        queue.release(annotator, held, "other")
    else:
        lapse(held)
        queue.expire_lapsed()
    comparison.refresh_from_db()
    assert (comparison.open, comparison.taken) == (False, 0)
    assert queue.claim(make_annotator(study)).held == ()


def test_a_vote_under_way_on_a_stopped_pair_of_systems_counts_also_when_it_is_late():
    study = make_queue(1)
    annotator = make_annotator(study)
    held = current_id(annotator)
    comparison = row_of(held).comparison
    cell, _ = Cell.objects.get_or_create(
        study=study, system_a=comparison.system_a, system_b=comparison.system_b
    )
    lapse(held)
    queue.expire_lapsed()
    Cell.objects.update(stopped_at=timezone.now())
    Comparison.objects.update(cell=cell, open=False)
    assert vote(annotator, held).received is Received.COUNTED
    comparison.refresh_from_db()
    assert (comparison.open, comparison.taken) == (False, 1)


# -- a later version wants more votes ----------


def want_more_votes(study: Study) -> None:
    """As a new version may: whoever holds a slot still carries the overlap from before."""
    Comparison.objects.filter(study=study).update(overlap=F("overlap") + 2)
    Comparison.objects.filter(study=study, taken__lt=F("overlap")).update(open=True)


def test_a_vote_keeps_its_slot_after_the_overlap_rose():
    study = make_queue(1)
    annotator = make_annotator(study)
    held = current_id(annotator)
    want_more_votes(study)
    assert vote(annotator, held).received is Received.COUNTED
    assert row_of(held).slot_no == 1
    assert_counters_hold(study)


def test_a_late_vote_takes_a_slot_of_the_raised_overlap_and_carries_it():
    study = make_queue(1)
    late, other = make_annotator(study), make_annotator(study)
    held = lose(late)
    vote(other, current_id(other))
    want_more_votes(study)
    assert vote(late, held).received is Received.COUNTED
    row = row_of(held)
    assert row.slot_no in (2, 3)
    assert row.overlap == 3
    assert_counters_hold(study)


def test_a_heartbeat_renews_a_pair_that_carries_the_older_overlap():
    study = make_queue(1)
    annotator = make_annotator(study)
    held = current_id(annotator)
    want_more_votes(study)
    assert queue.mark_displayed(annotator, held).state is queue.LeaseState.LIVE
    assert [lease.state for lease in queue.renew(annotator, [held])] == [queue.LeaseState.LIVE]


def test_a_pair_that_carries_the_older_overlap_is_skipped_and_taken_back_as_any_other():
    study = make_queue(2)
    annotator, other = make_annotator(study), make_annotator(study)
    skipped, lapsed = current_id(annotator), current_id(other)
    want_more_votes(study)
    queue.release(annotator, skipped, "other")
    lapse(lapsed)
    assert queue.expire_lapsed() == 1
    assert set(Comparison.objects.values_list("taken", "open")) == {(0, True)}
    assert_counters_hold(study)


# -- checks, repeats and training ----------


@pytest.mark.parametrize("fields", CHECKS)
def test_a_check_is_taken_in_as_work_is_and_holds_no_slot(fields):
    study = make_queue(1)
    annotator = make_annotator(study)
    check = lend_check(study, annotator, **fields)
    outcome = vote(annotator, check.public_id)
    assert (outcome.received, outcome.status, outcome.late) == (Received.COUNTED, 200, False)
    assert outcome.feedback is None
    row = row_of(check.public_id)
    assert (row.state, row.slot_no) == (AssignmentState.SUBMITTED, None)
    assert (row.comparison.open, row.comparison.taken) == (False, 0)
    assert counted_votes(study).count() == 0


@pytest.mark.parametrize("fields", CHECKS)
def test_a_late_check_is_taken_in_as_a_late_vote_with_a_free_slot_is(fields):
    study = make_queue(1)
    annotator = make_annotator(study)
    check = lend_check(study, annotator, **fields)
    lapse(check.public_id)
    assert queue.expire_lapsed() == 1
    outcome = vote(annotator, check.public_id)
    assert (outcome.received, outcome.late) == (Received.COUNTED, True)
    assert row_of(check.public_id).slot_no is None
    assert counted_votes(study).count() == 0


def test_a_check_answered_when_the_study_is_over_is_surplus_as_work_is():
    study = make_queue(1)
    annotator = make_annotator(study)
    check = lend_check(study, annotator, **CHECKS[0])
    set_state(study, StudyState.CLOSED, minutes_ago=11)
    assert vote(annotator, check.public_id).received is Received.STUDY_CLOSED
    assert row_of(check.public_id).state == AssignmentState.LATE_SURPLUS


def test_a_repeat_holds_no_slot_and_leaves_the_first_vote_counted():
    study = make_queue(1, overlap=2)
    annotator = make_annotator(study)
    repeat = lend_repeat(study, annotator)
    assert vote(annotator, repeat.public_id, "right").received is Received.COUNTED
    assert row_of(repeat.public_id).slot_no is None
    assert Comparison.objects.get().taken == 1
    assert [counted.assignment for counted in counted_votes(study)] == [
        Assignment.objects.get(pass_no=0)
    ]


def test_a_late_repeat_takes_no_slot_though_one_is_free():
    study = make_queue(1, overlap=2)
    annotator = make_annotator(study)
    repeat = lend_repeat(study, annotator)
    lapse(repeat.public_id)
    queue.expire_lapsed()
    assert vote(annotator, repeat.public_id).received is Received.COUNTED
    assert row_of(repeat.public_id).slot_no is None
    assert Comparison.objects.get().taken == 1


def test_a_skipped_check_changes_no_comparison():
    study = make_queue(1)
    annotator = make_annotator(study)
    check = lend_check(study, annotator, **CHECKS[0])
    queue.release(annotator, check.public_id, "other")
    row = row_of(check.public_id)
    assert row.state == AssignmentState.RELEASED
    assert (row.comparison.open, row.comparison.taken) == (False, 0)


# -- an annotator's own counts ----------


def test_a_first_vote_is_counted_once_and_a_revision_or_a_replay_never():
    study = make_queue(2)
    annotator = make_annotator(study)
    held = current_id(annotator)
    key = uuid.uuid4()
    for _ in range(2):
        vote(annotator, held, "left", key)
    vote(annotator, held, "right", revises=True)
    annotator.refresh_from_db()
    assert (annotator.answered, annotator.skipped) == (1, 0)
    assert_own_counts_hold(study)


def test_a_skip_is_counted_once_however_often_it_is_sent():
    study = make_queue(2)
    annotator = make_annotator(study)
    held = current_id(annotator)
    for _ in range(3):
        queue.release(annotator, held, "other")
    annotator.refresh_from_db()
    assert (annotator.answered, annotator.skipped) == (0, 1)


def test_a_vote_on_a_skipped_pair_is_an_answer_and_no_skip():
    study = make_queue(2)
    annotator = make_annotator(study)
    held = current_id(annotator)
    queue.release(annotator, held, "other")
    assert vote(annotator, held).received is Received.LATE_SURPLUS
    annotator.refresh_from_db()
    assert (annotator.answered, annotator.skipped) == (1, 0)


def test_surplus_votes_and_checks_are_answers_too():
    study = make_queue(1)
    late, other = make_annotator(study), make_annotator(study)
    held = lose(late)
    vote(other, current_id(other))
    vote(late, held)
    vote(late, lend_check(study, late, **CHECKS[0]).public_id)
    late.refresh_from_db()
    assert late.answered == 2
    assert_own_counts_hold(study)


def test_a_vote_that_was_not_stored_counts_nothing():
    study = make_queue(2)
    annotator = make_annotator(study)
    first, second = (held.pair.id for held in queue.claim(annotator).held)
    outcome = vote(annotator, first)
    key = Vote.objects.get().idempotency_key
    with pytest.raises(IdempotencyMismatch):
        vote(annotator, second, "left", key)
    annotator.refresh_from_db()
    assert outcome.received is Received.COUNTED
    assert annotator.answered == 1


# -- locks ----------


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_the_annotator_is_locked_before_the_assignment():
    """Both come from one statement, and PostgreSQL does not promise the order."""
    study = make_queue(1)
    annotator = make_annotator(study)
    held = current_id(annotator)

    def lock_both() -> None:
        try:
            with transaction.atomic():
                queue.lock_for_vote(annotator.pk, held)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            queue.lock_annotator(annotator.pk)
            waiting = pool.submit(lock_both)
            wait_until_blocked()
            # Still free: whoever waits for the annotator holds nothing.
            Assignment.objects.select_for_update(nowait=True).get(public_id=held)
        waiting.result(TIMEOUT_S)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_whoever_waited_for_the_locks_sees_the_rows_as_they_are():
    study = make_queue(1)
    annotator = make_annotator(study)
    held = current_id(annotator)

    def lock_both() -> tuple[str, int]:
        try:
            with transaction.atomic():
                locked = queue.lock_for_vote(annotator.pk, held)
                return locked.assignment.state, locked.annotator.study_id
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            queue.lock_annotator(annotator.pk)
            waiting = pool.submit(lock_both)
            wait_until_blocked()
            vote(annotator, held)
        assert waiting.result(TIMEOUT_S) == (AssignmentState.SUBMITTED, study.pk)


def wait_until_blocked() -> None:
    """Until another connection waits for what this one holds; other workers have locks, too."""
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks "
                "WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
            )
            if cursor.fetchone()[0]:
                return
        threading.Event().wait(0.01)
    raise OperationalError("Nobody waits.")


# -- at the same time ----------


@pytest.mark.django_db(transaction=True)
def test_a_vote_sent_and_skipped_at_once_is_counted_as_what_it_became():
    for _ in range(5):
        study = make_queue(3, overlap=2)
        annotator = make_annotator(study)
        held, key = current_id(annotator), uuid.uuid4()
        jobs: list[Callable[[], object]] = [partial(vote, annotator, held, "left", key)] * 3
        jobs += [partial(queue.release, annotator, held, "other")] * 3
        for result in at_once(jobs):
            assert not isinstance(result, Exception) or isinstance(result, queue.AlreadyAnswered)
        assert Vote.objects.filter(annotator=annotator).count() == 1
        assert_own_counts_hold(study)
        assert_counters_hold(study)


@pytest.mark.django_db(transaction=True)
def test_an_overlap_that_rises_among_votes_and_claims_loses_nothing_and_never_overshoots():
    for _ in range(3):
        study = make_queue(2)
        late, others = make_annotator(study), [make_annotator(study) for _ in range(3)]
        lost = lose(late)
        in_time, theirs = make_annotator(study), make_annotator(study)
        held, renewed = current_id(in_time), current_id(theirs)

        def want_three(study: Study = study) -> None:
            with transaction.atomic():
                hold_annotators(study)
                raise_overlap(study, 3)

        jobs: list[Callable[[], object]] = [
            want_three,
            partial(vote, late, lost),
            partial(vote, in_time, held),
            partial(queue.renew, theirs, [renewed], displayed=renewed),
            *(partial(queue.claim, other) for other in others),
        ]
        results = at_once(jobs)
        assert not [result for result in results if isinstance(result, Exception)], results
        assert Vote.objects.filter(comparison__study=study).count() == 2
        assert row_of(held).state == AssignmentState.SUBMITTED
        assert set(study.comparisons.values_list("overlap", flat=True)) == {3}
        assert_counters_hold(study)
        assert_own_counts_hold(study)
