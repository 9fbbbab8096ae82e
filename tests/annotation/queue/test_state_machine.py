"""Anything in any order, against a plain model that knows what each answer must be.

The model has one person act at a time, so it can say exactly what a claim or a vote must answer;
`test_races` has them act at once. Time passes by letting leases lapse. The model knows nothing of
how the queue finds its pairs, only what may and what must be handed out: checks where the plan has
them, training to those who qualify, nothing of a stopped pair of systems.

`STATE_MACHINE` in the environment names the profile, of those in `PROFILES`.
"""

from __future__ import annotations

import os
import random
import sys
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
from annotation.compiled import KEY, CompiledQuery, Parameter
from annotation.models import (
    Annotator,
    AnnotatorState,
    Assignment,
    AssignmentState,
    Comparison,
    ComparisonKind,
    SkipReason,
    Study,
    StudyState,
    Vote,
)
from annotation.queue import EmptyReason, claiming
from annotation.queue.check_plan import check_at
from annotation.queue.raising import hold_annotators, raise_overlap
from annotation.rules import rules_of
from annotation.selectors import counted_votes
from annotation.voting import Answer, Received
from tests.factories import make_annotator, make_comparison, make_prompt, make_response

from .test_excluding import exclude, lift
from .world import assert_counters_hold, lapse, make_queue, set_state, vote

RESERVED, SUBMITTED = AssignmentState.RESERVED, AssignmentState.SUBMITTED
EXPIRED, RELEASED = AssignmentState.EXPIRED, AssignmentState.RELEASED
SURPLUS = AssignmentState.LATE_SURPLUS

# Examples and the steps of each: what runs with every change, and what runs at night.
PROFILES = {"small": (20, 30), "ci": (200, 50), "nightly": (2000, 100)}

PEOPLE = 4
TRAINING_PAIRS = 2
CHECKS = [
    {},
    {"gold_share": 0.34},
    {"gold_share": 0.2, "repeat_share": 0.25, "repeat_gap": 1, "identical_share": 0.05},
    {"repeat_share": 0.34, "repeat_gap": 2, "identical_share": 0.1},
]
CHOICES = st.sampled_from(["left", "right", "tie", "both_bad"])
# One of them gets far enough to meet checks, the others get in the way.
PERSON = st.sampled_from([0, 0, 0, 0, 1, 1, 2, 3])


STUDY: Any = Parameter("study", KEY)
ROWS = CompiledQuery(
    lambda: Assignment.objects.filter(comparison__study=STUDY).values_list(
        "public_id", "annotator", "comparison", "state", "swapped", "pass_no"
    )
)
STORED = CompiledQuery(
    lambda: Vote.objects.filter(comparison__study=STUDY).values_list(
        "idempotency_key", "choice", "revision"
    )
)
COUNTED = CompiledQuery(lambda: counted_votes(STUDY).values_list("idempotency_key"))


@dataclass
class Lent:
    """The model's assignment."""

    # In the order of first claims.
    number: int
    public_id: uuid.UUID
    person: int
    comparison: int
    swapped: bool
    kind: ComparisonKind = ComparisonKind.WORK
    pass_no: int = 0
    state: AssignmentState = RESERVED
    lapsed: bool = False
    excluded: bool = False
    # Choice and key of each revision.
    votes: list[tuple[str, uuid.UUID]] = field(default_factory=list)
    answers: dict[uuid.UUID, voting.Outcome] = field(default_factory=dict)
    # The key of its first vote.
    answered_at: int = 0

    @property
    def is_work(self) -> bool:
        return self.kind == ComparisonKind.WORK and self.pass_no == 0

    @property
    def is_training(self) -> bool:
        return self.kind == ComparisonKind.TRAINING

    @property
    def counts(self) -> bool:
        return self.is_work and self.state == SUBMITTED and not self.excluded

    @property
    def is_firm(self) -> bool:
        """Whether nobody else can get its slot."""
        return self.counts or (self.is_work and self.state == RESERVED and not self.lapsed)


class QueueMachine(RuleBasedStateMachine):
    study: Study
    people: list[Annotator]
    overlaps: dict[int, int]

    def __init__(self) -> None:
        super().__init__()
        self.lent: list[Lent] = []
        self.removed: set[int] = set()
        self.qualifying: set[int] = set()
        self.stopped: set[int] = set()
        self.study_state = StudyState.OPEN
        self.grace_spent = False
        self.undo_everything = transaction.atomic()
        self.undo_everything.__enter__()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.undo_everything.__exit__(None, None, None)

    @initialize(
        comparisons=st.integers(1, 6),
        overlap=st.integers(1, 3),
        cap=st.none() | st.integers(1, 5),
        checks=st.sampled_from(CHECKS),
        policy=st.sampled_from(["uniform", "emptiest", "adaptive"]),
    )
    def begin(
        self, comparisons: int, overlap: int, cap: int | None, checks: Any, policy: str
    ) -> None:
        self.study = make_queue(
            comparisons,
            overlap=overlap,
            max_per_annotator=cap,
            rules={
                "checks": checks,
                "priorities": {"policy": policy},
                "limits": {"skips_per_hour": None},
            },
        )
        self.make_checks(bool(checks))
        # Hypothesis replays what it found: names, and so the way round the ring, are fixed.
        self.people = [
            make_annotator(self.study, external_id=f"person{number}") for number in range(PEOPLE)
        ]
        self.pairs: dict[int, tuple[int, int]] = {}
        self.overlaps = {}
        self.learn_of_work()

    def make_checks(self, wanted: bool) -> None:
        self.checks: dict[str, set[int]] = {"gold": set(), "identical": set(), "training": set()}
        counts = {"gold": 2 * wanted, "identical": wanted, "training": TRAINING_PAIRS}
        for kind, count in counts.items():
            for number in range(count):
                prompt = make_prompt(self.study, f"{kind}{number}")
                fields: dict[str, Any] = {"gold": {"overall": ["a", "b", "tie"]}}
                if kind == "identical":
                    response = make_response(prompt, self.study.systems.all()[0])
                    fields = {"response_a": response, "response_b": response}
                made = make_comparison(
                    self.study,
                    "system0",
                    "system1",
                    prompt=prompt,
                    kind=kind,
                    item_id=f"{kind}{number}",
                    **fields,
                )
                self.checks[kind].add(made.pk)

    def learn_of_work(self) -> None:
        rows = Comparison.objects.filter(study=self.study, kind=ComparisonKind.WORK)
        for pk, overlap, system_a, system_b in rows.values_list(
            "pk", "overlap", "system_a", "system_b"
        ):
            self.overlaps[pk] = overlap
            self.pairs[pk] = (min(system_a, system_b), max(system_a, system_b))

    # What the model knows

    def of_person(
        self, person: int, *states: AssignmentState, training: bool = False
    ) -> list[Lent]:
        return [
            row
            for row in self.lent
            if row.person == person and row.state in states and row.is_training == training
        ]

    def firm_on(self, comparison: int) -> int:
        return sum(row.is_firm for row in self.lent if row.comparison == comparison)

    def votes_on(self, comparison: int) -> int:
        return sum(row.counts for row in self.lent if row.comparison == comparison)

    def open_to(self, person: int) -> set[int]:
        """Comparisons this person may still rate, whether or not a slot is free now."""
        had = self.of_person(person, RESERVED, SUBMITTED, RELEASED, SURPLUS)
        return set(self.overlaps) - self.stopped - {row.comparison for row in had if row.is_work}

    def free_for(self, person: int) -> set[int]:
        return {
            comparison
            for comparison in self.open_to(person)
            if self.firm_on(comparison) < self.overlaps[comparison]
        }

    def handed(self, person: int) -> int:
        return sum(row.person == person and not row.is_training for row in self.lent)

    def answered_before(self, person: int, moment: int | None = None) -> int:
        """How many pairs this person answered, or how many of them after one's first vote."""
        return sum(
            1
            for row in self.lent
            if row.person == person
            and not row.is_training
            and row.votes
            and (moment is None or row.answered_at > moment)
        )

    def attempt_of(self, person: int) -> tuple[int, set[int]]:
        """The current walk through the training pairs, and which of them are done."""
        finished = self.of_person(person, SUBMITTED, SURPLUS, RELEASED, training=True)
        attempt = 0
        while True:
            done = {row.comparison for row in finished if row.pass_no == attempt}
            if done != self.checks["training"]:
                return attempt, done
            attempt += 1

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
        training = person in self.qualifying
        held_before = self.of_person(person, RESERVED, training=training)
        free = self.free_for(person)
        open_to = self.open_to(person)
        answer = queue.claim(self.people[person], want=want)
        ids = [held.pair.id for held in answer.held]
        done = self.of_person(person, SUBMITTED, SURPLUS)
        assert answer.progress.voted == len(done)
        assert answer.progress.skipped == len(self.of_person(person, RELEASED))
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
        if training:
            self.take_in_training(person, answer, held_before)
            return
        assert answer.practice is None
        # What is held is returned first, oldest first, and is firm again.
        assert ids[: len(held_before)] == [row.public_id for row in held_before]
        for row in held_before:
            row.lapsed = False
        self.take_in(person, ids[len(held_before) :], free)
        self.see_what_was_taken_back()
        assert len(ids) <= max(want, len(held_before))
        cap = self.study.max_per_annotator
        if cap is not None:
            assert len(done) + len(ids) <= max(cap, len(done) + len(held_before))
        if ids:
            assert answer.empty is None
            return
        if cap is not None and len(done) >= cap:
            assert answer.empty == EmptyReason.MAXIMUM_REACHED
            return
        assert not free, "There was work, and none was given."
        lacking = {one for one in open_to if self.votes_on(one) < self.overlaps[one]}
        assert answer.empty == (EmptyReason.HELD_BY_OTHERS if lacking else EmptyReason.FINISHED)
        assert (answer.retry_after_seconds is None) == (not lacking)

    def take_in(self, person: int, ids: list[uuid.UUID], free: set[int]) -> None:
        known = {row.public_id: row for row in self.lent}
        left = set(free)
        for public_id in ids:
            stored = Assignment.objects.get(public_id=public_id)
            assert left, "Something was given where no work was."
            if stored.kind == ComparisonKind.WORK and stored.pass_no == 0:
                assert stored.comparison_id in left
                left.discard(stored.comparison_id)
            else:
                self.see_that_it_is_planned(person, stored)
            if public_id in known:
                row = known[public_id]
                assert (row.person, row.state) == (person, EXPIRED)
                assert row.swapped == stored.swapped
                row.state, row.lapsed = RESERVED, False
            else:
                self.add(person, stored)
        self.lent.sort(key=lambda row: row.number)

    def add(self, person: int, stored: Assignment) -> None:
        self.lent.append(
            Lent(
                stored.pk,
                stored.public_id,
                person,
                stored.comparison_id,
                stored.swapped,
                ComparisonKind(stored.kind),
                stored.pass_no,
            )
        )

    def see_that_it_is_planned(self, person: int, stored: Assignment) -> None:
        checks = rules_of(self.study.rules).checks
        planned = check_at(
            checks,
            self.study.queue_seed,
            self.people[person].external_id,
            self.handed(person),
        )
        if stored.pass_no == 0:
            assert stored.kind == planned
            assert stored.comparison_id in self.checks[stored.kind]
            return
        assert planned == "repeat"
        (first,) = [
            row
            for row in self.of_person(person, SUBMITTED)
            if row.comparison == stored.comparison_id and row.pass_no == 0
        ]
        assert stored.swapped != first.swapped
        assert self.answered_before(person, first.answered_at) >= checks.repeat_gap

    def take_in_training(self, person: int, answer: queue.Claim, held_before: list[Lent]) -> None:
        attempt, done = self.attempt_of(person)
        attempts = rules_of(self.study.rules).qualification.attempts
        if attempt >= attempts:
            assert answer.empty == EmptyReason.QUALIFICATION_PENDING
            return
        assert answer.practice == queue.Practice(
            len(done) + 1, TRAINING_PAIRS, attempt + 1, attempts
        )
        (held,) = answer.held
        if held_before:
            assert held.pair.id == held_before[0].public_id
            held_before[0].lapsed = False
            return
        stored = Assignment.objects.get(public_id=held.pair.id)
        assert stored.comparison_id in self.checks["training"] - done
        assert stored.pass_no == attempt
        for row in self.lent:
            if row.public_id == held.pair.id:
                assert row.state == EXPIRED
                row.state, row.lapsed = RESERVED, False
                return
        self.add(person, stored)

    @precondition(lambda self: self.lent)
    @rule(data=st.data(), choice=CHOICES, revises=st.booleans())
    def submit(self, data: st.DataObject, choice: str, revises: bool) -> None:
        self.send(data.draw(st.sampled_from(self.lent)), choice, revises=revises)

    @rule(person=PERSON, choice=CHOICES, times=st.integers(1, 4))
    def rate(self, person: int, choice: str, times: int) -> None:
        """Claim and vote, one pair after the other, as people mostly do."""
        for _ in range(times):
            self.claim(person, 1)
            training = person in self.qualifying
            held = self.of_person(person, RESERVED, training=training)
            if not held or person in self.removed:
                return
            self.send(held[0], choice)

    def send(self, row: Lent, choice: str, *, revises: bool = False) -> None:
        key = uuid.uuid4()
        annotator = self.people[row.person]
        if row.person in self.removed:
            with pytest.raises(voting.AnnotatorRemoved):
                vote(annotator, row.public_id, choice, key, revises=revises)
            return
        if row.votes and (not revises or row.is_training):
            with pytest.raises(voting.AlreadyVoted) as refused:
                vote(annotator, row.public_id, choice, key, revises=revises)
            assert refused.value.stored == {"overall": Answer(row.votes[-1][0])}
            return
        if row.votes and self.is_over():
            with pytest.raises(voting.RevisionRefused):
                vote(annotator, row.public_id, choice, key, revises=True)
            return
        if row.votes and row.person in self.qualifying:
            with pytest.raises(voting.ChangesSuspended):
                vote(annotator, row.public_id, choice, key, revises=True)
            return
        expected, late = self.expected(row)
        outcome = vote(annotator, row.public_id, choice, key, revises=revises)
        assert (outcome.received, outcome.late) == (expected, late)
        assert outcome.revision == len(row.votes)
        row.votes.append((choice, key))
        row.answers[key] = outcome
        row.state = SUBMITTED if expected is Received.COUNTED else SURPLUS
        if not row.answered_at:
            row.answered_at = Vote.objects.get(idempotency_key=key).pk
        self.see_what_was_taken_back()
        if row.is_training:
            # The last of an attempt was graded, by rules that have tests of their own.
            self.see_the_state_of(row.person)

    def expected(self, row: Lent) -> tuple[Received, bool]:
        """What the table of late votes says, and whether it is late."""
        if row.votes:
            return (Received.COUNTED if row.state == SUBMITTED else Received.LATE_SURPLUS), False
        late = row.lapsed or row.state != RESERVED
        if self.is_over():
            return Received.STUDY_CLOSED, late
        if row.state == RESERVED:
            return Received.COUNTED, late
        if row.state == EXPIRED and not row.is_training and not self.has_room_under_cap(row.person):
            return Received.LATE_SURPLUS, late
        if row.state == EXPIRED and (
            not row.is_work or self.firm_on(row.comparison) < self.overlaps[row.comparison]
        ):
            return Received.COUNTED, late
        return Received.LATE_SURPLUS, late

    def has_room_under_cap(self, person: int) -> bool:
        """Whether one more pair, besides those held and answered, is within the study's cap."""
        cap = self.study.max_per_annotator
        return cap is None or len(self.of_person(person, RESERVED, SUBMITTED, SURPLUS)) < cap

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
        if row.state == RESERVED and row.person not in self.removed:
            row.lapsed = False
        # Who was removed renews nothing: their leases run out.
        assert (lease.seconds > 0) == (row.state == RESERVED and not row.lapsed)

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

    @rule(
        person=PERSON,
        state=st.sampled_from(
            [AnnotatorState.ACTIVE] * 3 + [AnnotatorState.REMOVED, AnnotatorState.QUALIFYING]
        ),
    )
    def change_a_person(self, person: int, state: AnnotatorState) -> None:
        Annotator.objects.filter(pk=self.people[person].pk).update(state=state)
        self.see_the_state_of(person)

    def see_the_state_of(self, person: int) -> None:
        state = Annotator.objects.get(pk=self.people[person].pk).state
        if state == AnnotatorState.FAILED:
            # Let in again, so that they go on.
            state = AnnotatorState.ACTIVE
            Annotator.objects.filter(pk=self.people[person].pk).update(state=state)
        for group, its_state in (
            (self.removed, AnnotatorState.REMOVED),
            (self.qualifying, AnnotatorState.QUALIFYING),
        ):
            (group.add if state == its_state else group.discard)(person)

    @precondition(lambda self: any(row.votes and not row.excluded for row in self.lent))
    @rule(data=st.data())
    def exclude_an_answer(self, data: st.DataObject) -> None:
        row = data.draw(
            st.sampled_from([row for row in self.lent if row.votes and not row.excluded])
        )
        assert exclude(row.public_id) == row.counts
        row.excluded = True

    @precondition(lambda self: any(row.excluded for row in self.lent))
    @rule(data=st.data())
    def lift_an_exclusion(self, data: st.DataObject) -> None:
        row = data.draw(st.sampled_from([row for row in self.lent if row.excluded]))
        returns = row.is_work and row.state == SUBMITTED
        has_room = returns and self.firm_on(row.comparison) < self.overlaps[row.comparison]
        assert lift(row.public_id) == has_room
        row.excluded = False
        if returns and not has_room:
            row.state = SURPLUS
        self.see_what_was_taken_back()

    @rule(data=st.data())
    def stop_a_pair_of_systems(self, data: st.DataObject) -> None:
        # Not always: a study without pairs has nothing more to show.
        if data.draw(st.booleans()):
            return
        pair = data.draw(st.sampled_from(sorted(set(self.pairs.values()))))
        names = dict(self.study.systems.values_list("pk", "name"))
        queue.stop(self.study, names[pair[1]], names[pair[0]])
        self.stopped |= {pk for pk, systems in self.pairs.items() if systems == pair}

    @rule(data=st.data())
    def weigh(self, data: st.DataObject) -> None:
        cells = queue.cells_of(self.study)
        weights = data.draw(
            st.lists(st.sampled_from([0.0, 0.5, 3.0]), min_size=len(cells), max_size=len(cells))
        )
        queue.set_priorities(
            self.study, dict(zip([cell.pk for cell in cells], weights, strict=True))
        )

    @precondition(lambda self: len(self.overlaps) < 8)
    @rule()
    def add_work(self) -> None:
        number = len(self.overlaps)
        added = make_comparison(
            self.study,
            "system0",
            "system1",
            prompt=make_prompt(self.study, f"added{number}"),
            item_id=f"added{number}",
            overlap=1,
        )
        queue.open_for_claims(self.study)
        self.learn_of_work()
        if any(self.pairs[pk] == self.pairs[added.pk] for pk in self.stopped):
            self.stopped.add(added.pk)

    @rule(overlap=st.integers(1, 4))
    def want_more_votes(self, overlap: int) -> None:
        hold_annotators(self.study)
        raise_overlap(self.study, overlap)
        self.learn_of_work()

    # What must always hold

    @invariant()
    def the_counters_equal_a_recount(self) -> None:
        assert_counters_hold(self.study)

    @invariant()
    def the_rows_are_the_models(self) -> None:
        assert {row[0]: row[1:] for row in ROWS.rows(study=self.study.pk)} == {
            row.public_id: (
                self.people[row.person].pk,
                row.comparison,
                row.state,
                row.swapped,
                row.pass_no,
            )
            for row in self.lent
        }

    @invariant()
    def every_acknowledged_vote_is_stored_and_the_right_ones_count(self) -> None:
        assert set(STORED.rows(study=self.study.pk)) == {
            (key, choice, revision)
            for row in self.lent
            for revision, (choice, key) in enumerate(row.votes)
        }
        assert {key for (key,) in COUNTED.rows(study=self.study.pk)} == {
            row.votes[-1][1] for row in self.lent if row.votes and row.counts
        }


@pytest.fixture(autouse=True)
def same_choice_of_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the slow way tries first is random in life, and must repeat itself here."""
    monkeypatch.setattr(claiming, "SystemRandom", lambda: random.Random(0))


@pytest.mark.timeout(7200)
@pytest.mark.django_db
def test_whatever_happens_the_answers_are_those_of_the_model():
    examples, steps = PROFILES[os.environ.get("STATE_MACHINE", "ci")]
    sys.stdout.write(f"state machine: {examples} examples of up to {steps} steps\n")
    run_state_machine_as_test(
        QueueMachine,
        settings=settings(
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
            max_examples=examples,
            stateful_step_count=steps,
        ),
    )
