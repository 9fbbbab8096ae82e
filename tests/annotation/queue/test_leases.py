from __future__ import annotations

import re
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotation import queue
from annotation.models import Annotator, AnnotatorState, Assignment, AssignmentState, Comparison
from annotation.queue import Lease, LeaseState
from tests.factories import make_annotator

from .world import assert_counters_hold, current_id, lapse, make_queue, row_of, vote

pytestmark = pytest.mark.django_db


def test_a_pair_held_in_advance_has_a_short_lease_until_it_is_shown():
    study = make_queue(2)
    annotator = make_annotator(study)
    claim = queue.claim(annotator)
    shown = claim.held[0].pair.id
    lease = queue.mark_displayed(annotator, shown)
    assert lease.state is LeaseState.LIVE
    assert 1790 < lease.seconds <= 1800
    first_shown = row_of(shown).displayed_at
    assert first_shown is not None
    queue.mark_displayed(annotator, shown)
    assert row_of(shown).displayed_at == first_shown
    again = queue.claim(annotator)
    assert [held.displayed for held in again.held] == [True, False]
    assert again.held[1].lease_seconds <= 120


def test_the_heartbeat_renews_what_is_held_each_by_its_own_length():
    study = make_queue(2)
    annotator = make_annotator(study)
    shown, ahead = (held.pair.id for held in queue.claim(annotator).held)
    queue.mark_displayed(annotator, shown)
    lapse(shown, ahead)
    leases = {lease.id: lease for lease in queue.renew(annotator, [shown, ahead, uuid.uuid4()])}
    assert set(leases) == {shown, ahead}
    assert 1790 < leases[shown].seconds <= 1800
    assert 110 < leases[ahead].seconds <= 120
    assert queue.expire_lapsed() == 0


def test_a_heartbeat_shows_and_renews_in_one_and_answers_for_what_the_page_holds():
    study = make_queue(2)
    annotator = make_annotator(study)
    shown, ahead = (held.pair.id for held in queue.claim(annotator).held)
    [lease] = queue.renew(annotator, [ahead], displayed=shown)
    assert lease.id == ahead
    assert 110 < lease.seconds <= 120
    assert row_of(shown).displayed_at is not None
    assert row_of(ahead).displayed_at is None
    [lease] = queue.renew(annotator, [shown])
    assert 1790 < lease.seconds <= 1800


def test_a_heartbeat_says_what_became_of_a_pair():
    study = make_queue(3)
    annotator = make_annotator(study)
    lost, answered, skipped = (held.pair.id for held in queue.claim(annotator, want=3).held)
    lapse(lost)
    queue.expire_lapsed()
    vote(annotator, answered)
    queue.release(annotator, skipped, "other")
    leases = queue.renew(annotator, [lost, answered, skipped])
    assert set(leases) == {
        Lease(lost, LeaseState.LOST, 0),
        Lease(answered, LeaseState.ANSWERED, 0),
        Lease(skipped, LeaseState.RELEASED, 0),
    }
    assert queue.mark_displayed(annotator, lost) == Lease(lost, LeaseState.LOST, 0)


@pytest.mark.parametrize(
    ("state", "renewed"),
    [
        (AnnotatorState.ACTIVE, True),
        (AnnotatorState.QUALIFYING, True),
        (AnnotatorState.PAUSED, False),
        (AnnotatorState.FAILED, False),
        (AnnotatorState.REMOVED, False),
    ],
)
def test_the_leases_of_somebody_who_was_stopped_run_out(state, renewed):
    study = make_queue(2)
    annotator = make_annotator(study)
    held = current_id(annotator)
    lapse(held)
    Annotator.objects.filter(pk=annotator.pk).update(state=state)
    queue.renew(annotator, [held], displayed=held)
    assert queue.expire_lapsed() == (0 if renewed else 1)
    assert_counters_hold(study)


@pytest.mark.postgres
def test_a_heartbeat_locks_its_rows_in_the_order_of_their_keys():
    study = make_queue(2)
    annotator = make_annotator(study)
    held = [one.pair.id for one in queue.claim(annotator).held]
    with CaptureQueriesContext(connection) as queries:
        queue.renew(annotator, held)
    update = queries[0]["sql"]
    assert update.startswith("UPDATE")
    assert re.search(r'ORDER BY (1|\w+\."id") ASC FOR NO KEY UPDATE', update)


def test_every_state_of_an_assignment_is_one_of_a_lease():
    from annotation.queue.leases import STATE_OF_LEASE

    assert set(STATE_OF_LEASE) == set(AssignmentState)


def test_a_stranger_can_neither_show_nor_renew_nor_skip():
    study = make_queue(1)
    held = current_id(make_annotator(study))
    stranger = make_annotator(study)
    before = row_of(held).lease_expires_at
    assert queue.renew(stranger, [held]) == []
    with pytest.raises(queue.AssignmentNotFound):
        queue.mark_displayed(stranger, held)
    with pytest.raises(queue.AssignmentNotFound):
        queue.release(stranger, held, "other")
    with pytest.raises(queue.AssignmentNotFound):
        queue.release(stranger, uuid.uuid4(), "other")
    assert row_of(held).lease_expires_at == before
    assert row_of(held).state == AssignmentState.RESERVED


def test_a_skip_gives_slot_and_side_to_somebody_else_and_never_comes_back():
    study = make_queue(1)
    annotator, other = make_annotator(study), make_annotator(study)
    held = current_id(annotator)
    queue.release(annotator, held, "broken_display", "The table is cut off.")
    row = row_of(held)
    assert (row.state, row.slot_no) == (AssignmentState.RELEASED, None)
    assert (row.skip_reason, row.skip_note) == ("broken_display", "The table is cut off.")
    assert row.comparison.open
    assert queue.claim(annotator).held == ()
    taken = row_of(current_id(other))
    assert (taken.slot_no, taken.swapped) == (1, row.swapped)
    assert_counters_hold(study)


def test_skipping_twice_changes_nothing_and_keeps_the_first_reason():
    study = make_queue(1)
    annotator = make_annotator(study)
    held = current_id(annotator)
    queue.release(annotator, held, "language")
    queue.release(annotator, held, "other", "again")
    assert (row_of(held).skip_reason, row_of(held).skip_note) == ("language", "")


def test_a_lapsed_pair_can_still_be_skipped():
    study = make_queue(1)
    annotator = make_annotator(study)
    held = current_id(annotator)
    lapse(held)
    queue.expire_lapsed()
    queue.release(annotator, held, "cannot_judge")
    assert row_of(held).state == AssignmentState.RELEASED
    assert_counters_hold(study)


def test_a_pair_with_a_vote_cannot_be_skipped():
    study = make_queue(1)
    annotator = make_annotator(study)
    held = current_id(annotator)
    vote(annotator, held)
    with pytest.raises(queue.AlreadyAnswered):
        queue.release(annotator, held, "other")
    assert row_of(held).state == AssignmentState.SUBMITTED


def test_a_skip_needs_a_known_reason():
    study = make_queue(1)
    annotator = make_annotator(study)
    held = current_id(annotator)
    for reason in ("", "boring"):
        with pytest.raises(ValueError, match="valid SkipReason"):
            queue.release(annotator, held, reason)
    assert row_of(held).state == AssignmentState.RESERVED


def test_the_sweep_takes_back_what_lapsed_and_nothing_else():
    study, elsewhere = make_queue(3, overlap=2), make_queue(1)
    gone, here, other = (make_annotator(owner) for owner in (study, study, elsewhere))
    lapsed = [held.pair.id for held in queue.claim(gone, want=3).held]
    kept = current_id(here)
    foreign = current_id(other)
    lapse(*lapsed, foreign)
    assert queue.expire_lapsed(study) == 3
    assert {row_of(public_id).state for public_id in lapsed} == {AssignmentState.EXPIRED}
    assert row_of(kept).state == AssignmentState.RESERVED
    assert row_of(foreign).state == AssignmentState.RESERVED
    assert queue.expire_lapsed() == 1
    assert queue.expire_lapsed() == 0
    assert_counters_hold(study)
    assert_counters_hold(elsewhere)


def test_the_sweep_is_bounded_and_takes_the_longest_lapsed_first():
    study = make_queue(3)
    held = [current_id(make_annotator(study)) for _ in range(3)]
    for public_id in held:
        lapse(public_id)
    assert queue.expire_lapsed(limit=1) == 1
    assert row_of(held[0]).state == AssignmentState.EXPIRED


def test_what_comes_back_together_gets_places_of_its_own():
    study = make_queue(3)
    annotator = make_annotator(study)
    lapse(*(held.pair.id for held in queue.claim(annotator, want=3).held))
    queue.expire_lapsed()
    assert len(set(Comparison.objects.values_list("open_seq", flat=True))) == 3


def test_the_sweep_costs_the_same_for_many(django_assert_max_num_queries):
    study = make_queue(30)
    for _ in range(10):
        annotator = make_annotator(study)
        lapse(*(held.pair.id for held in queue.claim(annotator, want=3).held))
    # Renewed on the way: let them all run out at last.
    lapse(*Assignment.objects.values_list("public_id", flat=True))
    with django_assert_max_num_queries(10):
        assert queue.expire_lapsed() == 30
