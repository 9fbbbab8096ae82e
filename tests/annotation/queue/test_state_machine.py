"""Anything in any order, against a plain model that knows what each answer must be.

The model has one person act at a time, so it can say exactly what a claim or a vote must answer;
`test_races` has them act at once. Time passes by letting leases lapse.
"""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from annotation import queue, voting
from annotation.models import (
    Annotator,
    AnnotatorState,
    Assignment,
    AssignmentState,
    Comparison,
    SkipReason,
    Study,
    StudyState,
    Vote,
)
from annotation.queue import EmptyReason, claiming
from annotation.selectors import counted_votes
from annotation.voting import Answer, Received
from tests.factories import make_annotator

from .world import assert_counters_hold, lapse, make_queue, set_state, vote

RESERVED, SUBMITTED = AssignmentState.RESERVED, AssignmentState.SUBMITTED
EXPIRED, RELEASED = AssignmentState.EXPIRED, AssignmentState.RELEASED
SURPLUS = AssignmentState.LATE_SURPLUS

PEOPLE = 4
CHOICES = st.sampled_from(["left", "right", "tie", "both_bad"])
PERSON = st.integers(0, PEOPLE - 1)


@dataclass
class Lent:
    """The model's assignment."""

    # In the order of first claims.
    number: int
    public_id: uuid.UUID
    person: int
    comparison: int
    swapped: bool
    state: AssignmentState = RESERVED
    lapsed: bool = False
    # Choice and key of each revision.
    votes: list[tuple[str, uuid.UUID]] = field(default_factory=list)
    answers: dict[uuid.UUID, voting.Outcome] = field(default_factory=dict)

    @property
    def is_firm(self) -> bool:
        """Whether nobody else can get its slot."""
        return self.state == SUBMITTED or (self.state == RESERVED and not self.lapsed)


class QueueMachine(RuleBasedStateMachine):
    study: Study
    people: list[Annotator]
    overlaps: dict[int, int]

    def __init__(self) -> None:
        super().__init__()
        self.lent: list[Lent] = []
        self.removed: set[int] = set()
        self.study_state = StudyState.OPEN
        self.grace_spent = False
        self.undo_everything = transaction.atomic()
        self.undo_everything.__enter__()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.undo_everything.__exit__(None, None, None)

    @initialize(
        comparisons=st.integers(1, 4), overlap=st.integers(1, 3), cap=st.none() | st.integers(1, 4)
    )
    def begin(self, comparisons: int, overlap: int, cap: int | None) -> None:
        self.study = make_queue(comparisons, overlap=overlap, max_per_annotator=cap)
        # Hypothesis replays what it found: names, and so the way round the ring, are fixed.
        self.people = [
            make_annotator(self.study, external_id=f"person{number}") for number in range(PEOPLE)
        ]
        self.overlaps = dict(
            Comparison.objects.filter(study=self.study).values_list("pk", "overlap")
        )

    # What the model knows

    def of_person(self, person: int, *states: AssignmentState) -> list[Lent]:
        return [row for row in self.lent if row.person == person and row.state in states]

    def firm_on(self, comparison: int) -> int:
        return sum(row.is_firm for row in self.lent if row.comparison == comparison)

    def votes_on(self, comparison: int) -> int:
        return sum(row.state == SUBMITTED for row in self.lent if row.comparison == comparison)

    def open_to(self, person: int) -> set[int]:
        """Comparisons this person may still rate, whether or not a slot is free now."""
        had = self.of_person(person, RESERVED, SUBMITTED, RELEASED, SURPLUS)
        return set(self.overlaps) - {row.comparison for row in had}

    def free_for(self, person: int) -> set[int]:
        return {
            comparison
            for comparison in self.open_to(person)
            if self.firm_on(comparison) < self.overlaps[comparison]
        }

    def is_over(self) -> bool:
        return self.study_state != StudyState.OPEN and self.grace_spent

    def see_what_was_taken_back(self) -> None:
        """A lapsed reservation may be taken back at any time, and only a lapsed one."""
        states = dict(
            Assignment.objects.filter(comparison__study=self.study).values_list(
                "public_id", "state"
            )
        )
        for row in self.lent:
            if row.state == RESERVED and row.lapsed and states[row.public_id] == EXPIRED:
                row.state = EXPIRED

    # What people do

    @rule(person=PERSON, want=st.sampled_from([1, 1, 2, 3]))
    def claim(self, person: int, want: int) -> None:
        held_before = self.of_person(person, RESERVED)
        free = self.free_for(person)
        open_to = self.open_to(person)
        answer = queue.claim(self.people[person], want=want)
        ids = [held.pair.id for held in answer.held]
        if person in self.removed:
            assert answer.empty == EmptyReason.ANNOTATOR_REMOVED
            return
        if self.study_state != StudyState.OPEN:
            assert (
                answer.empty
                == {
                    StudyState.PAUSED: EmptyReason.STUDY_PAUSED,
                    StudyState.CLOSED: EmptyReason.STUDY_CLOSED,
                }[self.study_state]
            )
            return
        # What is held is returned first, oldest first, and is firm again.
        assert ids[: len(held_before)] == [row.public_id for row in held_before]
        for row in held_before:
            row.lapsed = False
        self.take_in(person, ids[len(held_before) :], free)
        self.see_what_was_taken_back()
        assert len(ids) <= max(want, len(held_before))
        if ids:
            assert answer.empty is None
            return
        cap = self.study.max_per_annotator
        if cap is not None and len(self.of_person(person, SUBMITTED, SURPLUS)) >= cap:
            assert answer.empty == EmptyReason.MAXIMUM_REACHED
            return
        assert not free, "There was work, and none was given."
        lacking = {one for one in open_to if self.votes_on(one) < self.overlaps[one]}
        assert answer.empty == (EmptyReason.HELD_BY_OTHERS if lacking else EmptyReason.FINISHED)
        assert (answer.retry_after_seconds is None) == (not lacking)

    def take_in(self, person: int, ids: list[uuid.UUID], free: set[int]) -> None:
        known = {row.public_id: row for row in self.lent}
        for public_id in ids:
            stored = Assignment.objects.get(public_id=public_id)
            assert stored.comparison_id in free
            if public_id in known:
                row = known[public_id]
                assert (row.person, row.state) == (person, EXPIRED)
                assert row.swapped == stored.swapped
                row.state, row.lapsed = RESERVED, False
            else:
                lent = Lent(stored.pk, public_id, person, stored.comparison_id, stored.swapped)
                self.lent.append(lent)
        self.lent.sort(key=lambda row: row.number)

    @precondition(lambda self: self.lent)
    @rule(data=st.data(), choice=CHOICES, revises=st.booleans())
    def submit(self, data: st.DataObject, choice: str, revises: bool) -> None:
        row = data.draw(st.sampled_from(self.lent))
        key = uuid.uuid4()
        annotator = self.people[row.person]
        if row.person in self.removed:
            with pytest.raises(voting.AnnotatorRemoved):
                vote(annotator, row.public_id, choice, key, revises=revises)
            return
        if row.votes and not revises:
            with pytest.raises(voting.AlreadyVoted) as refused:
                vote(annotator, row.public_id, choice, key)
            assert refused.value.stored == {"overall": Answer(row.votes[-1][0])}
            return
        if row.votes and self.is_over():
            with pytest.raises(voting.RevisionRefused):
                vote(annotator, row.public_id, choice, key, revises=True)
            return
        expected, late = self.expected(row)
        outcome = vote(annotator, row.public_id, choice, key, revises=revises)
        assert (outcome.received, outcome.late) == (expected, late)
        assert outcome.revision == len(row.votes)
        row.votes.append((choice, key))
        row.answers[key] = outcome
        row.state = SUBMITTED if expected is Received.COUNTED else SURPLUS
        self.see_what_was_taken_back()

    def expected(self, row: Lent) -> tuple[Received, bool]:
        """What the table of late votes says, and whether it is late."""
        if row.votes:
            return (Received.COUNTED if row.state == SUBMITTED else Received.LATE_SURPLUS), False
        late = row.lapsed or row.state != RESERVED
        if self.is_over():
            return Received.STUDY_CLOSED, late
        if row.state == RESERVED:
            return Received.COUNTED, late
        if row.state == EXPIRED and self.firm_on(row.comparison) < self.overlaps[row.comparison]:
            return Received.COUNTED, late
        return Received.LATE_SURPLUS, late

    @precondition(lambda self: any(row.votes for row in self.lent))
    @rule(data=st.data(), other_choice=CHOICES)
    def send_again(self, data: st.DataObject, other_choice: str) -> None:
        row = data.draw(st.sampled_from([row for row in self.lent if row.votes]))
        choice, key = data.draw(st.sampled_from(row.votes))
        annotator = self.people[row.person]
        if row.person in self.removed:
            with pytest.raises(voting.AnnotatorRemoved):
                vote(annotator, row.public_id, choice, key)
        elif other_choice == choice:
            outcome = vote(annotator, row.public_id, choice, key)
            first = row.answers[key]
            assert outcome.replayed
            assert (outcome.received, outcome.late, outcome.revision, outcome.answers) == (
                first.received,
                first.late,
                first.revision,
                first.answers,
            )
        else:
            with pytest.raises(voting.IdempotencyMismatch):
                vote(annotator, row.public_id, other_choice, key)

    @precondition(lambda self: self.lent)
    @rule(data=st.data(), reason=st.sampled_from(SkipReason.values))
    def skip(self, data: st.DataObject, reason: str) -> None:
        row = data.draw(st.sampled_from(self.lent))
        if row.state in (SUBMITTED, SURPLUS):
            with pytest.raises(queue.AlreadyAnswered):
                queue.release(self.people[row.person], row.public_id, reason)
            return
        queue.release(self.people[row.person], row.public_id, reason)
        row.state = RELEASED

    @precondition(lambda self: self.lent)
    @rule(data=st.data(), shown=st.booleans())
    def keep_alive(self, data: st.DataObject, shown: bool) -> None:
        row = data.draw(st.sampled_from(self.lent))
        annotator = self.people[row.person]
        if shown:
            lease = queue.mark_displayed(annotator, row.public_id)
        else:
            (lease,) = queue.renew(annotator, [row.public_id])
        assert (lease.seconds > 0) == (row.state == RESERVED)
        row.lapsed = row.lapsed and row.state != RESERVED

    @precondition(lambda self: self.lent)
    @rule(data=st.data(), person=PERSON)
    def meddle(self, data: st.DataObject, person: int) -> None:
        """With somebody else's pair."""
        row = data.draw(st.sampled_from(self.lent))
        if row.person == person or person in self.removed:
            return
        with pytest.raises(voting.UnknownAssignment):
            vote(self.people[person], row.public_id)
        with pytest.raises(queue.AssignmentNotFound):
            queue.release(self.people[person], row.public_id, "other")

    # What happens around them

    @precondition(lambda self: any(row.state == RESERVED for row in self.lent))
    @rule(data=st.data())
    def time_passes(self, data: st.DataObject) -> None:
        reserved = [row for row in self.lent if row.state == RESERVED]
        for row in data.draw(st.lists(st.sampled_from(reserved), min_size=1)):
            lapse(row.public_id)
            row.lapsed = True

    @rule(everything_lapses=st.booleans())
    def sweep(self, everything_lapses: bool) -> None:
        reserved = [row for row in self.lent if row.state == RESERVED]
        if everything_lapses:
            lapse(*(row.public_id for row in reserved))
        lapsed = [row for row in reserved if row.lapsed or everything_lapses]
        assert queue.expire_lapsed(self.study) == len(lapsed)
        for row in lapsed:
            row.state, row.lapsed = EXPIRED, True

    @rule(
        # Mostly back to open, where the most can happen.
        state=st.sampled_from([StudyState.OPEN] * 3 + [StudyState.PAUSED, StudyState.CLOSED]),
        grace_spent=st.booleans(),
    )
    def change_the_study(self, state: StudyState, grace_spent: bool) -> None:
        self.study_state, self.grace_spent = state, grace_spent
        set_state(self.study, state, minutes_ago=11 if grace_spent else 0)

    @rule(person=PERSON, removed=st.sampled_from([False, False, False, True]))
    def change_a_person(self, person: int, removed: bool) -> None:
        (self.removed.add if removed else self.removed.discard)(person)
        state = AnnotatorState.REMOVED if removed else AnnotatorState.ACTIVE
        Annotator.objects.filter(pk=self.people[person].pk).update(state=state)

    # What must always hold

    @invariant()
    def the_counters_equal_a_recount(self) -> None:
        assert_counters_hold(self.study)

    @invariant()
    def the_rows_are_the_models(self) -> None:
        rows = Assignment.objects.filter(comparison__study=self.study)
        assert {
            row.public_id: (row.annotator_id, row.comparison_id, row.state, row.swapped)
            for row in rows
        } == {
            row.public_id: (
                self.people[row.person].pk,
                row.comparison,
                row.state,
                row.swapped,
            )
            for row in self.lent
        }

    @invariant()
    def every_acknowledged_vote_is_stored_and_the_right_ones_count(self) -> None:
        stored = Vote.objects.filter(comparison__study=self.study)
        assert set(stored.values_list("idempotency_key", "choice", "revision")) == {
            (key, choice, revision)
            for row in self.lent
            for revision, (choice, key) in enumerate(row.votes)
        }
        assert set(counted_votes(self.study).values_list("idempotency_key", flat=True)) == {
            row.votes[-1][1] for row in self.lent if row.votes and row.state == SUBMITTED
        }


@pytest.fixture(autouse=True)
def same_choice_of_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the slow way tries first is random in life, and must repeat itself here."""
    monkeypatch.setattr(claiming, "SystemRandom", lambda: random.Random(0))


def run_machine(**options: Any) -> None:
    run_state_machine_as_test(
        QueueMachine,
        settings=settings(
            deadline=None, suppress_health_check=list(HealthCheck), print_blob=True, **options
        ),
    )


@pytest.mark.django_db
def test_whatever_happens_the_answers_are_those_of_the_model():
    run_machine(max_examples=30, stateful_step_count=30)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.django_db
def test_whatever_happens_for_long_the_answers_are_those_of_the_model():
    run_machine(max_examples=400, stateful_step_count=60)
