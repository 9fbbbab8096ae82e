"""Votes that are taken out of the count give their slots up, and take them back if they can."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from annotation import queue
from annotation.models import (
    Annotator,
    Assignment,
    AssignmentState,
    Comparison,
    ComparisonKind,
    Exclusion,
    Study,
    StudyState,
    Vote,
)
from annotation.queue import excluding
from annotation.queue.ring import RING
from annotation.selectors import counted_votes, live_exclusions
from annotation.voting import Received
from tests.factories import make_annotator, make_assignment, make_comparison, make_vote
from tests.races import at_once

from .world import current_id, lapse, lose, make_queue, row_of, set_state, vote

pytestmark = pytest.mark.django_db

SUBMITTED = AssignmentState.SUBMITTED


def exclude(*public_ids: uuid.UUID) -> int:
    """As quality control does: the facts first, then their slots, in one transaction."""
    with transaction.atomic():
        rows = list(Assignment.objects.filter(public_id__in=public_ids))
        Exclusion.objects.bulk_create(
            [Exclusion(assignment=row, reason="Careless.") for row in rows]
        )
        return queue.free_excluded([row.pk for row in rows])


def lift(*public_ids: uuid.UUID) -> int:
    with transaction.atomic():
        rows = list(Assignment.objects.filter(public_id__in=public_ids))
        for exclusion in live_exclusions().filter(assignment__in=rows):
            Exclusion.objects.create(
                assignment=exclusion.assignment, lifts=exclusion, reason="It was right."
            )
        return queue.restore_excluded([row.pk for row in rows])


def voted(study: Study, choice: str = "left") -> tuple[Annotator, uuid.UUID]:
    annotator = make_annotator(study)
    held = current_id(annotator)
    vote(annotator, held, choice)
    return annotator, held


def assert_slots_and_votes_agree(study: Study) -> None:
    """The counters equal a recount, and the votes with a slot are exactly those that count."""
    out = set(live_exclusions().values_list("assignment", flat=True))
    slots: dict[int, list[int]] = {}
    counting: Counter[int] = Counter()
    for row in Assignment.objects.filter(comparison__study=study, kind=ComparisonKind.WORK):
        if row.slot_no is not None:
            slots.setdefault(row.comparison_id, []).append(row.slot_no)
        if row.state == SUBMITTED and row.pass_no == 0:
            assert (row.slot_no is None) == (row.pk in out), row.pk
            counting[row.comparison_id] += row.slot_no is not None
    for comparison in Comparison.objects.filter(study=study, kind=ComparisonKind.WORK):
        held = slots.get(comparison.pk, [])
        assert len(set(held)) == len(held) <= comparison.overlap
        assert comparison.taken == len(held)
        assert comparison.open == (len(held) < comparison.overlap)
    votes = Counter(counted_votes(study).values_list("comparison", flat=True))
    assert votes == +counting


# -- taking out ----------


def test_an_excluded_vote_gives_its_slot_to_somebody_else():
    study = make_queue(1)
    rejected, held = voted(study)
    assert exclude(held) == 1
    row = row_of(held)
    assert (row.state, row.slot_no) == (SUBMITTED, None)
    assert (row.comparison.open, row.comparison.taken) == (True, 0)
    assert counted_votes(study).count() == 0
    other, theirs = voted(study)
    assert row_of(theirs).slot_no == 1
    assert [counted.annotator for counted in counted_votes(study)] == [other]
    assert queue.claim(rejected).held == ()
    assert_slots_and_votes_agree(study)


def test_an_excluded_pair_never_returns_to_whom_it_was_taken_from():
    study = make_queue(1)
    rejected, held = voted(study)
    exclude(held)
    assert queue.claim(rejected).empty == queue.EmptyReason.FINISHED


def test_what_reopens_goes_beyond_the_ring_each_to_a_place_of_its_own():
    study = make_queue(3)
    exclude(*(voted(study)[1] for _ in range(3)))
    places = set(Comparison.objects.values_list("open_seq", flat=True))
    assert len(places) == 3
    assert min(places) >= RING


def test_a_comparison_that_still_had_room_keeps_its_place():
    study = make_queue(1, overlap=2)
    _, held = voted(study)
    place = Comparison.objects.get().open_seq
    exclude(held)
    assert Comparison.objects.get().open_seq == place
    assert_slots_and_votes_agree(study)


def test_checks_repeats_and_surplus_have_no_slot_to_give():
    study = make_queue(1)
    late = make_annotator(study)
    surplus = lose(late)
    _, counted = voted(study)
    vote(late, surplus)
    gold = make_comparison(study, kind=ComparisonKind.GOLD, gold={"overall": ["a"]})
    check = make_assignment(gold, late, state=SUBMITTED)
    repeat = make_assignment(
        row_of(counted).comparison, row_of(counted).annotator, pass_no=1, state=SUBMITTED
    )
    assert exclude(surplus, check.public_id, repeat.public_id) == 0
    assert row_of(surplus).state == AssignmentState.LATE_SURPLUS
    assert row_of(counted).slot_no == 1
    assert_slots_and_votes_agree(study)


def test_a_vote_without_an_exclusion_keeps_its_slot_and_the_call_fails():
    study = make_queue(2)
    _, first = voted(study)
    _, second = voted(study)
    Exclusion.objects.create(assignment=row_of(first), reason="Careless.")
    with pytest.raises(ValueError, match=str(row_of(second).pk)), transaction.atomic():
        queue.free_excluded([row_of(first).pk, row_of(second).pk])
    assert row_of(first).slot_no is not None
    assert row_of(second).slot_no is not None


def test_a_pair_without_a_vote_cannot_be_excluded():
    study = make_queue(1)
    held = current_id(make_annotator(study))
    with pytest.raises(ValueError, match="exclude votes first"):
        exclude(held)
    assert not Exclusion.objects.exists()
    assert row_of(held).state == AssignmentState.RESERVED


def test_an_assignment_that_does_not_exist_is_an_error_and_none_at_all_is_not():
    with transaction.atomic():
        assert queue.free_excluded([]) == queue.restore_excluded([]) == 0
    with pytest.raises(ValueError, match="no such"), transaction.atomic():
        queue.free_excluded([12345])


def test_excluding_twice_frees_once():
    study = make_queue(1)
    _, held = voted(study)
    assert exclude(held) == 1
    assert exclude(held) == 0
    assert_slots_and_votes_agree(study)


def test_many_are_taken_out_and_put_back_in_stretches(monkeypatch):
    monkeypatch.setattr(excluding, "BATCH", 3)
    study = make_queue(4, overlap=2)
    for annotator in (make_annotator(study), make_annotator(study)):
        for _ in range(4):
            vote(annotator, current_id(annotator))
    ids = list(Assignment.objects.values_list("public_id", flat=True))
    assert len(ids) == 8
    assert exclude(*ids) == 8
    assert counted_votes(study).count() == 0
    assert_slots_and_votes_agree(study)
    assert lift(*ids) == 8
    assert counted_votes(study).count() == 8
    assert_slots_and_votes_agree(study)


def test_taking_out_many_costs_as_many_statements_as_taking_out_one():
    costs = []
    for size in (1, 12):
        study = make_queue(12)
        annotator = make_annotator(study)
        for _ in range(12):
            vote(annotator, current_id(annotator))
        rows = list(Assignment.objects.filter(annotator=annotator)[:size])
        Exclusion.objects.bulk_create([Exclusion(assignment=row, reason="-") for row in rows])
        with CaptureQueriesContext(connection) as queries, transaction.atomic():
            queue.free_excluded([row.pk for row in rows])
        costs.append(len(queries))
    assert costs[0] == costs[1]


# -- revisions and late votes of what is out ----------


def test_an_excluded_vote_is_revised_without_learning_of_it_and_does_not_count():
    study = make_queue(1)
    annotator, held = voted(study)
    exclude(held)
    outcome = vote(annotator, held, "right", revises=True)
    assert (outcome.received, outcome.revision) == (Received.COUNTED, 1)
    assert counted_votes(study).count() == 0
    lift(held)
    assert [counted.choice for counted in counted_votes(study)] == ["right"]
    assert_slots_and_votes_agree(study)


def test_a_late_vote_takes_the_slot_that_an_exclusion_left():
    study = make_queue(1)
    late = make_annotator(study)
    lost = lose(late)
    _, held = voted(study)
    exclude(held)
    assert vote(late, lost).received is Received.COUNTED
    assert [counted.annotator for counted in counted_votes(study)] == [late]
    assert_slots_and_votes_agree(study)


# -- putting back ----------


def test_a_lifted_exclusion_takes_a_free_slot():
    study = make_queue(1)
    _, held = voted(study)
    exclude(held)
    assert lift(held) == 1
    row = row_of(held)
    assert (row.state, row.slot_no) == (SUBMITTED, 1)
    assert (row.comparison.open, row.comparison.taken) == (False, 1)
    assert counted_votes(study).count() == 1
    assert_slots_and_votes_agree(study)


def test_it_takes_a_slot_of_its_side_where_one_is_free_and_any_other_else():
    study = make_queue(1, overlap=3)
    Comparison.objects.update(first_swapped=False)
    rows = [row_of(voted(study)[1]) for _ in range(3)]
    [even] = [row for row in rows if row.swapped]
    exclude(*(row.public_id for row in rows))
    assert lift(even.public_id) == 1
    assert row_of(even.public_id).slot_no == 2
    assert lift(*(row.public_id for row in rows)) == 2
    assert {row_of(row.public_id).swapped for row in rows} == {False, True}
    assert_slots_and_votes_agree(study)


def test_it_becomes_surplus_where_others_filled_the_comparison():
    study = make_queue(1)
    annotator, held = voted(study)
    exclude(held)
    voted(study)
    assert lift(held) == 0
    row = row_of(held)
    assert (row.state, row.slot_no) == (AssignmentState.LATE_SURPLUS, None)
    assert counted_votes(study).count() == 1
    annotator.refresh_from_db()
    assert annotator.answered == 1
    assert_slots_and_votes_agree(study)


def test_of_several_that_return_as_many_count_as_there_are_slots():
    study = make_queue(1, overlap=2)
    out = [voted(study)[1] for _ in range(2)]
    exclude(*out)
    voted(study)
    assert lift(*out) == 1
    assert sorted(row_of(public_id).state for public_id in out) == ["late_surplus", "submitted"]
    assert_slots_and_votes_agree(study)


def test_it_goes_before_a_reservation_that_has_lapsed_and_not_before_a_live_one():
    study = make_queue(2)
    out = [voted(study)[1] for _ in range(2)]
    exclude(*out)
    lapsed, live = current_id(make_annotator(study)), current_id(make_annotator(study))
    lapse(lapsed)
    assert lift(*out) == 1
    assert row_of(lapsed).state == AssignmentState.EXPIRED
    assert row_of(live).state == AssignmentState.RESERVED
    assert_slots_and_votes_agree(study)


def test_one_that_another_exclusion_holds_out_stays_out():
    study = make_queue(1)
    _, held = voted(study)
    exclude(held)
    Exclusion.objects.create(assignment=row_of(held), reason="Withdrew.")
    first = Exclusion.objects.filter(reason="Careless.").get()
    Exclusion.objects.create(assignment=row_of(held), lifts=first, reason="It was right.")
    with transaction.atomic():
        assert queue.restore_excluded([row_of(held).pk]) == 0
    assert row_of(held).slot_no is None
    assert_slots_and_votes_agree(study)


def test_surplus_does_not_begin_to_count_because_an_exclusion_was_lifted():
    study = make_queue(1)
    late = make_annotator(study)
    surplus = lose(late)
    _, counted = voted(study)
    vote(late, surplus)
    exclude(surplus, counted)
    assert lift(surplus) == 0
    assert row_of(surplus).state == AssignmentState.LATE_SURPLUS
    assert_slots_and_votes_agree(study)


def test_a_check_that_returns_is_as_it_was():
    study = make_queue(1)
    gold = make_comparison(study, kind=ComparisonKind.GOLD, gold={"overall": ["a"]})
    check = make_vote(gold).assignment
    assert check is not None
    exclude(check.public_id)
    assert lift(check.public_id) == 0
    row = row_of(check.public_id)
    assert (row.state, row.slot_no, row.comparison.open) == (SUBMITTED, None, False)


def test_what_returns_after_the_overlap_rose_carries_the_new_one():
    study = make_queue(1)
    _, held = voted(study)
    exclude(held)
    Comparison.objects.update(overlap=4)
    assert lift(held) == 1
    assert row_of(held).overlap == 4
    assert_slots_and_votes_agree(study)


def test_a_closed_study_puts_votes_back_as_an_open_one_does():
    study = make_queue(1)
    _, held = voted(study)
    exclude(held)
    set_state(study, StudyState.CLOSED, minutes_ago=60)
    assert lift(held) == 1
    assert counted_votes(study).count() == 1


# -- at the same time ----------

ROUNDS = 5


def run(jobs: Sequence[Callable[[], object]]) -> list[object]:
    results = at_once(jobs)
    failed = [result for result in results if isinstance(result, Exception)]
    assert not failed, failed
    return list(results)


@pytest.mark.django_db(transaction=True)
def test_an_exclusion_and_a_claim_at_once_never_overshoot():
    for _ in range(ROUNDS):
        study = make_queue(1)
        _, held = voted(study)
        others = [make_annotator(study) for _ in range(3)]
        run([partial(exclude, held), *(partial(queue.claim, other) for other in others)])
        assert Assignment.objects.filter(comparison__study=study, slot_no=1).count() <= 1
        assert_slots_and_votes_agree(study)


@pytest.mark.django_db(transaction=True)
def test_an_exclusion_and_a_late_vote_for_its_slot_at_once_lose_nothing():
    for _ in range(ROUNDS):
        study = make_queue(1)
        late = make_annotator(study)
        lost = lose(late)
        _, held = voted(study)
        run([partial(exclude, held), partial(vote, late, lost)])
        assert Vote.objects.filter(comparison__study=study).count() == 2
        assert row_of(lost).state in (SUBMITTED, AssignmentState.LATE_SURPLUS)
        assert_slots_and_votes_agree(study)


@pytest.mark.django_db(transaction=True)
def test_an_exclusion_and_a_revision_of_the_same_vote_at_once_leave_it_out():
    for _ in range(ROUNDS):
        study = make_queue(1)
        annotator, held = voted(study)
        run([partial(exclude, held), partial(vote, annotator, held, "right", revises=True)])
        assert counted_votes(study).count() == 0
        assert Vote.objects.filter(comparison__study=study).count() == 2
        assert_slots_and_votes_agree(study)


@pytest.mark.django_db(transaction=True)
def test_a_lifting_and_a_claim_at_once_share_the_slot_out_to_one_of_them():
    for _ in range(ROUNDS):
        study = make_queue(1)
        _, held = voted(study)
        exclude(held)
        other = make_annotator(study)
        run([partial(lift, held), partial(queue.claim, other)])
        assert Assignment.objects.filter(comparison__study=study, slot_no=1).count() == 1
        assert_slots_and_votes_agree(study)


@pytest.mark.django_db(transaction=True)
def test_two_exclusions_of_overlapping_sets_do_not_wait_for_each_other_for_ever():
    for _ in range(ROUNDS):
        study = make_queue(6, overlap=2)
        people = [make_annotator(study) for _ in range(2)]
        for annotator in people:
            for _ in range(6):
                vote(annotator, current_id(annotator))
        ids = list(Assignment.objects.filter(comparison__study=study).order_by("pk"))
        one_way = [row.public_id for row in ids[:9]]
        other_way = [row.public_id for row in reversed(ids[3:])]
        run([partial(exclude, *one_way), partial(exclude, *other_way)])
        assert counted_votes(study).count() == 0
        assert_slots_and_votes_agree(study)


@pytest.mark.django_db(transaction=True)
def test_a_crowd_fills_what_is_taken_out_from_under_it_exactly():
    study = make_queue(8, overlap=2)
    rejected = make_annotator(study)
    theirs = []
    for _ in range(8):
        theirs.append(current_id(rejected))
        vote(rejected, theirs[-1])
    crowd = [make_annotator(study) for _ in range(4)]

    def rate(annotator: Annotator) -> None:
        while (current := queue.claim(annotator, want=1).current) is not None:
            vote(annotator, current.pair.id)

    run([partial(exclude, *theirs), *(partial(rate, annotator) for annotator in crowd)])
    for annotator in crowd:
        rate(annotator)
    assert counted_votes(study).count() == 16
    people = list(counted_votes(study).values_list("comparison", "annotator"))
    assert len(set(people)) == 16
    assert rejected.pk not in {person for _, person in people}
    assert_slots_and_votes_agree(study)
