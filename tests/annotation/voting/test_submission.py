from __future__ import annotations

import uuid
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotation import queue, voting
from annotation.lifecycle.states import (
    archive_study,
    close_study,
    pause_study,
    resume_study,
    unblind_study,
)
from annotation.models import (
    Annotator,
    AnnotatorState,
    Assignment,
    AssignmentState,
    AuditEntry,
    Comparison,
    Study,
    StudyState,
    Vote,
)
from annotation.selectors import counted_votes
from annotation.voting import Answer, Received, Timing
from tests.annotation.queue.world import (
    assert_counters_hold,
    current_id,
    lapse,
    make_queue,
    row_of,
    set_state,
    vote,
)
from tests.factories import make_annotator, make_criterion, make_user
from tests.races import at_once

pytestmark = pytest.mark.django_db


def lost_pair(study: Study, *, filled: bool) -> tuple[Annotator, uuid.UUID]:
    """An annotator whose lease was taken back; the slot is free, or filled by somebody's vote."""
    annotator = make_annotator(study)
    held = current_id(annotator)
    lapse(held)
    queue.expire_lapsed()
    if filled:
        other = make_annotator(study)
        vote(other, current_id(other))
    return annotator, held


@pytest.mark.parametrize("swapped", [False, True])
def test_a_vote_is_stored_with_what_was_clicked_and_what_it_means(swapped):
    study = make_queue(1)
    Comparison.objects.update(first_swapped=swapped)
    annotator = make_annotator(study)
    held, key = current_id(annotator), uuid.uuid4()
    outcome = vote(annotator, held, "left", key)
    stored = Vote.objects.get()
    assert (stored.choice, stored.swapped) == ("left", swapped)
    assert stored.verdict == ("b" if swapped else "a")
    assert (stored.revision, stored.late, stored.source) == (0, False, "collected")
    assert stored.idempotency_key == key
    assert stored.study_version_id == row_of(held).study_version_id
    assert row_of(held).state == AssignmentState.SUBMITTED
    assert outcome == voting.Outcome(held, Received.COUNTED, False, 0, {"overall": Answer("left")})
    assert outcome.status == 200
    assert list(counted_votes(study)) == [stored]
    assert_counters_hold(study)


def test_a_repeated_request_gets_the_same_answer_and_stores_nothing():
    study = make_queue(1)
    annotator = make_annotator(study)
    held, key = current_id(annotator), uuid.uuid4()
    first = vote(annotator, held, "tie", key, rationale="Both say the same.")
    for _ in range(3):
        again = vote(annotator, held, "tie", key, rationale="Both say the same.")
        assert again.replayed
        assert again == voting.Outcome(
            first.assignment, first.received, first.late, first.revision, first.answers, True
        )
    assert Vote.objects.count() == 1


def test_a_replay_says_what_was_said_first_whatever_happened_since():
    study = make_queue(1)
    annotator, held = lost_pair(study, filled=True)
    key = uuid.uuid4()
    assert vote(annotator, held, "left", key).received is Received.LATE_SURPLUS
    # Somebody's slot came free and the row was reinstated.
    Assignment.objects.exclude(public_id=held).update(state="released", slot_no=None)
    Assignment.objects.filter(public_id=held).update(state="submitted", slot_no=1)
    assert vote(annotator, held, "left", key).received is Received.LATE_SURPLUS


def test_timings_are_no_part_of_what_a_replay_must_repeat():
    study = make_queue(1)
    annotator = make_annotator(study)
    held, key = current_id(annotator), uuid.uuid4()
    vote(annotator, held, "left", key, timing=Timing(active_ms=1))
    assert vote(annotator, held, "left", key, timing=Timing(active_ms=2)).replayed


@pytest.mark.parametrize(
    "other",
    [
        {"choice": "right"},
        {"choice": "left", "rationale": "Because."},
        {"choice": "left", "tags": ["style"]},
        {"choice": "left", "confidence": 0.5},
    ],
)
def test_the_same_key_with_another_decision_is_refused_and_changes_nothing(other):
    study = make_queue(1)
    annotator = make_annotator(study)
    held, key = current_id(annotator), uuid.uuid4()
    vote(annotator, held, "left", key)
    with pytest.raises(voting.IdempotencyMismatch) as refused:
        vote(annotator, held, key=key, **other)
    assert refused.value.stored == {"overall": Answer("left")}
    assert (refused.value.code, refused.value.status) == ("idempotency_mismatch", 409)
    assert Vote.objects.count() == 1


def test_a_key_of_one_pair_cannot_be_used_for_another_which_stays_as_it_was():
    study = make_queue(2)
    annotator = make_annotator(study)
    first, second = (held.pair.id for held in queue.claim(annotator).held)
    key = uuid.uuid4()
    vote(annotator, first, "left", key)
    with pytest.raises(voting.IdempotencyMismatch):
        vote(annotator, second, "left", key)
    assert row_of(second).state == AssignmentState.RESERVED
    assert Vote.objects.count() == 1
    assert_counters_hold(study)


def test_two_people_may_happen_to_use_the_same_key():
    study = make_queue(1, overlap=2)
    key = uuid.uuid4()
    for _ in range(2):
        annotator = make_annotator(study)
        assert not vote(annotator, current_id(annotator), "left", key).replayed
    assert Vote.objects.count() == 2


def test_a_second_decision_that_does_not_say_it_revises_is_refused():
    study = make_queue(1)
    annotator = make_annotator(study)
    held = current_id(annotator)
    vote(annotator, held, "left")
    with pytest.raises(voting.AlreadyVoted) as refused:
        vote(annotator, held, "right")
    assert refused.value.stored == {"overall": Answer("left")}
    assert (refused.value.code, refused.value.status) == ("already_voted", 409)


def test_a_revision_is_added_counts_and_is_logged_without_saying_what():
    study = make_queue(1)
    user = make_user()
    annotator = make_annotator(study, user)
    held = current_id(annotator)
    vote(annotator, held, "left")
    key = uuid.uuid4()
    outcome = vote(annotator, held, "right", key, revises=True)
    assert (outcome.revision, outcome.received) == (1, Received.COUNTED)
    assert vote(annotator, held, "right", key, revises=True).replayed
    assert list(Vote.objects.order_by("revision").values_list("choice", flat=True)) == [
        "left",
        "right",
    ]
    assert [counted.choice for counted in counted_votes(study)] == ["right"]
    entry = AuditEntry.objects.get(action="vote.revised")
    assert entry.actor == user
    assert entry.detail == {"assignment": str(held), "revision": 1}
    assert_counters_hold(study)


def test_the_first_key_still_replays_the_first_answer_after_a_revision():
    study = make_queue(1)
    annotator = make_annotator(study)
    held, key = current_id(annotator), uuid.uuid4()
    vote(annotator, held, "left", key)
    vote(annotator, held, "right", revises=True)
    outcome = vote(annotator, held, "left", key)
    assert outcome.replayed
    assert outcome.revision == 0
    assert outcome.answers == {"overall": Answer("left")}


def test_a_revision_before_any_vote_is_simply_the_vote():
    study = make_queue(1)
    annotator = make_annotator(study)
    assert vote(annotator, current_id(annotator), "left", revises=True).revision == 0


def test_a_lapsed_lease_that_nobody_took_back_counts_and_is_late():
    study = make_queue(1)
    annotator = make_annotator(study)
    held = current_id(annotator)
    lapse(held)
    outcome = vote(annotator, held)
    assert (outcome.received, outcome.late, outcome.status) == (Received.COUNTED, True, 200)
    assert Vote.objects.get().late
    assert_counters_hold(study)


def test_a_late_vote_counts_if_its_slot_is_free():
    study = make_queue(1)
    annotator, held = lost_pair(study, filled=False)
    outcome = vote(annotator, held)
    assert (outcome.received, outcome.late) == (Received.COUNTED, True)
    assert row_of(held).slot_no == 1
    assert_counters_hold(study)
    assert not Comparison.objects.get().open


def test_a_late_vote_counts_if_the_others_lease_has_lapsed_as_well():
    study = make_queue(1)
    annotator, held = lost_pair(study, filled=False)
    other = make_annotator(study)
    taken = current_id(other)
    lapse(taken)
    assert vote(annotator, held).received is Received.COUNTED
    assert row_of(taken).state == AssignmentState.EXPIRED
    # The other one's vote is now the late one, and is not lost either.
    assert vote(other, taken).received is Received.LATE_SURPLUS
    assert_counters_hold(study)


def test_a_late_vote_whose_slot_was_filled_is_kept_as_surplus():
    study = make_queue(1)
    annotator, held = lost_pair(study, filled=True)
    outcome = vote(annotator, held)
    assert (outcome.received, outcome.status, outcome.late) == (Received.LATE_SURPLUS, 202, True)
    row = row_of(held)
    assert (row.state, row.slot_no) == (AssignmentState.LATE_SURPLUS, None)
    assert Vote.objects.count() == 2
    assert counted_votes(study).count() == 1
    annotator.refresh_from_db()
    assert queue.progress(annotator).voted == 1
    assert_counters_hold(study)


def test_a_surplus_vote_is_surplus_too_while_others_only_hold_the_slot():
    study = make_queue(1)
    annotator, held = lost_pair(study, filled=False)
    other = make_annotator(study)
    taken = current_id(other)
    assert vote(annotator, held).received is Received.LATE_SURPLUS
    assert vote(other, taken).received is Received.COUNTED


def test_a_surplus_vote_can_be_revised_and_stays_surplus():
    study = make_queue(1)
    annotator, held = lost_pair(study, filled=True)
    vote(annotator, held, "left")
    outcome = vote(annotator, held, "right", revises=True)
    assert (outcome.received, outcome.revision) == (Received.LATE_SURPLUS, 1)
    assert counted_votes(study).count() == 1


def test_a_late_vote_prefers_a_slot_of_its_side_and_keeps_its_side_anyway():
    study = make_queue(1, overlap=3)
    annotator = make_annotator(study)
    held = current_id(annotator)
    side = row_of(held).swapped
    lapse(held)
    queue.expire_lapsed()
    outcome = vote(annotator, held)
    row = row_of(held)
    assert outcome.received is Received.COUNTED
    assert row.swapped == side == Vote.objects.get().swapped
    assert row.slot_no == (1 if side == row.comparison.first_swapped else 2)


def test_a_vote_after_a_skip_is_kept_but_does_not_count():
    study = make_queue(1)
    annotator = make_annotator(study)
    held = current_id(annotator)
    queue.release(annotator, held, "cannot_judge")
    assert vote(annotator, held).received is Received.LATE_SURPLUS
    assert counted_votes(study).count() == 0
    assert_counters_hold(study)


@pytest.mark.parametrize("state", [StudyState.PAUSED, StudyState.CLOSED])
def test_within_the_grace_after_a_pause_or_a_close_a_vote_counts(state):
    study = make_queue(1)
    annotator = make_annotator(study)
    held = current_id(annotator)
    set_state(study, state, minutes_ago=9.5)
    assert vote(annotator, held).status == 200
    assert counted_votes(study).count() == 1


@pytest.mark.parametrize("state", [StudyState.PAUSED, StudyState.CLOSED, StudyState.ARCHIVED])
def test_after_the_grace_a_vote_is_kept_as_surplus_and_the_page_is_told(state):
    study = make_queue(1)
    annotator = make_annotator(study)
    held, key = current_id(annotator), uuid.uuid4()
    set_state(study, state, minutes_ago=10.5)
    outcome = vote(annotator, held, "left", key)
    assert (outcome.received, outcome.status) == (Received.STUDY_CLOSED, 409)
    assert vote(annotator, held, "left", key).received is Received.STUDY_CLOSED
    assert row_of(held).state == AssignmentState.LATE_SURPLUS
    assert Vote.objects.count() == 1
    assert counted_votes(study).count() == 0
    assert_counters_hold(study)


@pytest.mark.parametrize(
    "state", [AnnotatorState.PAUSED, AnnotatorState.FAILED, AnnotatorState.QUALIFYING]
)
def test_who_does_not_rate_now_changes_no_answer(state):
    annotator = make_annotator(make_queue(2))
    held, key = current_id(annotator), uuid.uuid4()
    vote(annotator, held, "left")
    vote(annotator, held, "tie", key, revises=True)
    Annotator.objects.update(state=state)
    with pytest.raises(voting.ChangesSuspended) as refused:
        vote(annotator, held, "right", revises=True)
    assert (refused.value.code, refused.value.status) == ("changes_suspended", 409)
    assert refused.value.stored == {"overall": Answer("tie")}
    # What was stored before is still said to be.
    assert vote(annotator, held, "tie", key, revises=True).replayed
    Annotator.objects.update(state=AnnotatorState.ACTIVE)
    assert vote(annotator, held, "right", revises=True).revision == 2


def test_after_the_grace_a_vote_cannot_be_revised_and_stands():
    study = make_queue(1)
    annotator = make_annotator(study)
    held = current_id(annotator)
    vote(annotator, held, "left")
    set_state(study, StudyState.CLOSED, minutes_ago=11)
    with pytest.raises(voting.RevisionRefused) as refused:
        vote(annotator, held, "right", revises=True)
    assert refused.value.code == "study_closed"
    assert [counted.choice for counted in counted_votes(study)] == ["left"]


def test_a_removed_annotator_is_refused_and_nothing_is_stored():
    study = make_queue(1)
    annotator = make_annotator(study)
    held = current_id(annotator)
    Annotator.objects.filter(pk=annotator.pk).update(state=AnnotatorState.REMOVED)
    with pytest.raises(voting.AnnotatorRemoved):
        vote(annotator, held)
    assert not Vote.objects.exists()


def test_a_paused_annotator_can_still_hand_in_what_they_hold():
    study = make_queue(1)
    annotator = make_annotator(study)
    held = current_id(annotator)
    Annotator.objects.filter(pk=annotator.pk).update(state=AnnotatorState.PAUSED)
    assert vote(annotator, held).received is Received.COUNTED


def test_a_never_issued_id_is_unknown_and_not_logged():
    study = make_queue(1)
    with pytest.raises(voting.UnknownAssignment):
        vote(make_annotator(study), uuid.uuid4())
    assert not AuditEntry.objects.filter(action="vote.foreign_assignment").exists()


def test_somebody_elses_id_is_unknown_too_but_logged():
    study = make_queue(1)
    held = current_id(make_annotator(study))
    stranger = make_annotator(study)
    with pytest.raises(voting.UnknownAssignment) as refused:
        vote(stranger, held)
    assert (refused.value.code, refused.value.status) == ("unknown_assignment", 404)
    assert row_of(held).state == AssignmentState.RESERVED
    entry = AuditEntry.objects.get(action="vote.foreign_assignment")
    assert entry.detail == {"assignment": str(held), "annotator": stranger.pk}


def test_somebody_elses_id_is_logged_once_for_each_who_sends_it():
    study = make_queue(2)
    ids = [current_id(make_annotator(study)) for _ in range(2)]
    strangers = [make_annotator(study) for _ in range(2)]
    for _ in range(3):
        for stranger in strangers:
            for held in ids:
                with pytest.raises(voting.UnknownAssignment):
                    vote(stranger, held)
    entries = AuditEntry.objects.filter(action="vote.foreign_assignment")
    logged = sorted((entry.detail["assignment"], entry.detail["annotator"]) for entry in entries)
    assert logged == sorted((str(held), who.pk) for held in ids for who in strangers)


@pytest.mark.django_db(transaction=True)
def test_somebody_elses_id_sent_many_times_at_once_is_logged_once():
    study = make_queue(1)
    held, stranger = current_id(make_annotator(study)), make_annotator(study)
    results = at_once([partial(vote, stranger, held)] * 6)
    assert {type(result) for result in results} == {voting.UnknownAssignment}
    assert AuditEntry.objects.filter(action="vote.foreign_assignment").count() == 1


def seen_names(study: Study, annotator: Annotator) -> tuple[uuid.UUID, uuid.UUID]:
    """A pair with a vote and one without, as the study is closed and unblinded at once."""
    voted = current_id(annotator)
    vote(annotator, voted)
    held = current_id(annotator)
    close_study(study)
    unblind_study(study)
    return voted, held


def test_once_the_names_can_be_read_a_vote_within_the_grace_is_surplus():
    study = make_queue(2)
    annotator = make_annotator(study)
    voted, held = seen_names(study, annotator)
    assert vote(annotator, held).received is Received.STUDY_CLOSED
    assert row_of(held).state == AssignmentState.LATE_SURPLUS
    assert [counted.assignment for counted in counted_votes(study)] == [row_of(voted)]
    assert_counters_hold(study)


def test_once_the_names_can_be_read_a_vote_cannot_be_revised():
    study = make_queue(2)
    annotator = make_annotator(study)
    voted, _ = seen_names(study, annotator)
    with pytest.raises(voting.RevisionRefused):
        vote(annotator, voted, "right", revises=True)
    assert Vote.objects.count() == 1


def test_names_that_an_owner_showed_while_it_was_open_leave_the_grace():
    study = make_queue(1)
    annotator = make_annotator(study)
    held = current_id(annotator)
    unblind_study(study, early=True, reason="A safety question.")
    close_study(study)
    assert vote(annotator, held).received is Received.COUNTED


def test_names_that_were_shown_during_a_pause_end_its_grace_and_no_later_one():
    study = make_queue(2)
    annotator = make_annotator(study)
    first, second = current_id(annotator), queue.claim(annotator, want=2).held[1].pair.id
    pause_study(study)
    unblind_study(study, early=True, reason="A safety question.")
    assert vote(annotator, first).received is Received.STUDY_CLOSED
    resume_study(study)
    close_study(study)
    assert vote(annotator, second).received is Received.COUNTED


@pytest.mark.parametrize("later", [[close_study], [close_study, archive_study]])
def test_no_later_step_begins_the_grace_again(later):
    study = make_queue(1)
    annotator = make_annotator(study)
    held = current_id(annotator)
    set_state(study, StudyState.PAUSED, minutes_ago=11)
    for step in later:
        step(study)
    assert vote(annotator, held).received is Received.STUDY_CLOSED


def test_a_revision_that_arrives_after_a_newer_vote_is_not_lost():
    study = make_queue(2)
    annotator = make_annotator(study)
    first = current_id(annotator)
    vote(annotator, first, "left")
    vote(annotator, current_id(annotator), "left")
    outcome = vote(annotator, first, "right", revises=True)
    assert (outcome.received, outcome.revision) == (Received.COUNTED, 1)
    counted = counted_votes(study).get(assignment__public_id=first)
    assert (counted.revision, counted.choice) == (1, "right")


def test_criteria_and_remarks_are_stored_in_their_own_tables():
    study = make_queue(1, rules={"answering": {"tags": ["tone"], "confidence": "optional"}})
    style = make_criterion(study, "style", scale="seven")
    make_criterion(study, "depth", required=False)
    Comparison.objects.update(first_swapped=True)
    annotator = make_annotator(study)
    answers = {"overall": Answer("tie"), "style": Answer("left", 3)}
    held = current_id(annotator)
    outcome = voting.submit(
        annotator, held, answers, uuid.uuid4(), rationale="Clearer.", tags=["tone"], confidence=0.8
    )
    stored = Vote.objects.get()
    assert outcome.answers == answers
    assert (stored.verdict, stored.margin, stored.confidence) == ("tie", None, 0.8)
    row = stored.criteria.get()
    assert (row.criterion, row.choice, row.verdict, row.margin, row.swapped) == (
        style,
        "left",
        "b",
        3,
        True,
    )
    note = stored.notes.get()
    assert (note.rationale, note.tags, note.criterion) == ("Clearer.", ["tone"], None)


def test_durations_are_clamped_to_the_time_since_serving():
    study = make_queue(2)
    annotator = make_annotator(study)
    held = current_id(annotator)
    Assignment.objects.update(displayed_at=timezone.now() - timedelta(seconds=20))
    vote(
        annotator,
        held,
        timing=Timing(active_ms=5_000, elapsed_ms=10**12, hidden_ms=-7, first_choice_ms=-1),
        reading={"layout": "stacked", "left_to_end": True},
    )
    stored = Vote.objects.get()
    assert stored.active_ms == 5_000
    assert stored.first_choice_ms == 0
    assert stored.elapsed_ms is not None
    assert 19_000 <= stored.elapsed_ms <= 25_000
    assert stored.reading == {"layout": "stacked", "left_to_end": True, "hidden_ms": 0}


def test_what_is_not_measured_stays_unknown():
    study = make_queue(1)
    annotator = make_annotator(study)
    vote(annotator, current_id(annotator))
    stored = Vote.objects.get()
    assert (stored.active_ms, stored.elapsed_ms, stored.first_choice_ms) == (None, None, None)
    assert stored.reading == {}


def test_the_last_vote_comes_with_its_pair_and_its_newest_answers():
    study = make_queue(2)
    make_criterion(study, "style", required=False)
    annotator = make_annotator(study)
    assert voting.last_vote(annotator) is None
    first, second = queue.claim(annotator).held
    vote(annotator, first.pair.id)
    vote(annotator, second.pair.id, "right", rationale="Shorter.")
    last = voting.last_vote(annotator)
    assert last == voting.EarlierVote(
        second.pair, {"overall": Answer("right")}, voting.Remarks("Shorter."), 0
    )
    voting.submit(
        annotator,
        second.pair.id,
        {"overall": Answer("tie"), "style": Answer("left")},
        uuid.uuid4(),
        revises=True,
    )
    last = voting.last_vote(annotator)
    assert last is not None
    assert (last.pair, last.revision, last.remarks.rationale) == (second.pair, 1, "")
    assert last.answers == {"overall": Answer("tie"), "style": Answer("left")}


def test_a_vote_keeps_within_its_queries_however_much_was_done():
    study = make_queue(30)
    make_criterion(study, "style", required=False)
    annotator = make_annotator(study)
    counts = set()
    for _ in range(30):
        held = current_id(annotator)
        with CaptureQueriesContext(connection) as queries:
            voting.submit(
                annotator,
                held,
                {"overall": Answer("left"), "style": Answer("tie")},
                uuid.uuid4(),
                rationale="Why.",
            )
        counts.add(sum(not query["sql"].startswith(("SAVEPOINT", "RELEASE")) for query in queries))
    # The locks; the state, the annotator's count and the vote, which PostgreSQL takes together; its
    # criterion, its note. The criteria are asked for twice where the version's snapshot names no
    # rubric, as in this test.
    assert counts == {6 if connection.vendor == "postgresql" else 8}
