"""Many people at once, each on a connection of their own, on whatever database is configured."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TypeVar

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from annotation import queue, voting
from annotation.models import (
    Annotator,
    Assignment,
    AssignmentState,
    Comparison,
    Study,
    Vote,
)
from annotation.queue import EmptyReason, claiming
from annotation.selectors import counted_votes
from tests.factories import make_annotator

from .world import assert_counters_hold, current_id, lapse, make_queue, row_of, vote

pytestmark = pytest.mark.django_db(transaction=True)

Result = TypeVar("Result")

# A waiting annotator asks again after 15 s; nobody here has that long.
WAIT_S = 0.02


def run_together(jobs: Sequence[Callable[[], Result]]) -> list[Result]:
    """Run all jobs at the same moment, each in a thread with its own connection."""
    barrier = threading.Barrier(len(jobs))

    def run(job: Callable[[], Result]) -> Result:
        try:
            barrier.wait(60)
            return job()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return [future.result() for future in [pool.submit(run, job) for job in jobs]]


def insist(call: Callable[[], Result]) -> Result:
    """Send it again after an error of the server, as the page does, with the same key.

    64 threads that never think keep a lock busy for longer than anybody is let wait.
    """
    for _ in range(20):
        try:
            return call()
        except OperationalError:
            connection.close()
    return call()


@dataclass
class Client:
    """An annotator who rates until told that it is finished, and checks that this is true."""

    annotator: Annotator
    # Leaves for good with what is held after so many votes.
    leaves_after: int | None = None
    # Of the claims, after which the annotator is gone with what is held; another one comes.
    drops_out: float = 0.0
    acknowledged: list[uuid.UUID] = field(default_factory=list)
    abandoned: list[uuid.UUID] = field(default_factory=list)
    # Who was told of the end, and when.
    endings: list[tuple[int, datetime]] = field(default_factory=list)
    false_endings: int = 0

    def rate(self) -> None:
        dice = random.Random(self.annotator.pk)
        deadline = time.monotonic() + 500
        while time.monotonic() < deadline:
            claim = insist(partial(queue.claim, self.annotator, want=dice.choice([1, 2])))
            if claim.current is None:
                if claim.empty == EmptyReason.FINISHED:
                    self.endings.append((self.annotator.pk, timezone.now()))
                    self.false_endings += work_is_left(self.annotator)
                    return
                assert claim.empty == EmptyReason.HELD_BY_OTHERS
                threading.Event().wait(WAIT_S)
                continue
            if len(self.acknowledged) == self.leaves_after:
                self.abandoned = [held.pair.id for held in claim.held]
                lapse(*self.abandoned)
                return
            if dice.random() < self.drops_out:
                self.abandoned += [held.pair.id for held in claim.held]
                insist(partial(lapse, *(held.pair.id for held in claim.held)))
                self.annotator = insist(partial(make_annotator, self.annotator.study))
                continue
            decision = partial(vote, self.annotator, claim.current.pair.id, key=uuid.uuid4())
            insist(decision)
            self.acknowledged.append(claim.current.pair.id)
        raise AssertionError("The study was not filled in time.")


def work_is_left(annotator: Annotator) -> bool:
    """The recount, by other means than the queue's."""
    votes = Counter(
        Vote.objects.filter(
            comparison__study=annotator.study_id, assignment__state=AssignmentState.SUBMITTED
        ).values_list("comparison", flat=True)
    )
    mine = set(Assignment.objects.filter(annotator=annotator).values_list("comparison", flat=True))
    comparisons = Comparison.objects.filter(study=annotator.study_id).values_list("pk", "overlap")
    return any(votes[pk] < overlap for pk, overlap in comparisons if pk not in mine)


def endings_with_votes_to_come(study: Study, crowd: Sequence[Client]) -> int:
    """Who was told of the end, and somebody else then began a vote on a pair they never had.

    The recount at once misses what was given while it was made.
    """
    counted = list(counted_votes(study).values_list("comparison", "annotator", "created_at"))
    had: dict[int, set[int]] = {}
    for annotator, comparison in Assignment.objects.values_list("annotator", "comparison"):
        had.setdefault(annotator, set()).add(comparison)
    return sum(
        any(
            at > told and who != annotator and comparison not in had.get(annotator, ())
            for comparison, who, at in counted
        )
        for client in crowd
        for annotator, told in client.endings
    )


def fill(study: Study, clients: int, leaving: int = 0, *, drops_out: float = 0.0) -> list[Client]:
    crowd = [
        Client(
            make_annotator(study),
            leaves_after=number if number < leaving else None,
            drops_out=drops_out,
        )
        for number in range(clients)
    ]
    run_together([client.rate for client in crowd])
    return crowd


def assert_filled_exactly(study: Study, wanted: int) -> None:
    assert counted_votes(study).count() == wanted
    people = counted_votes(study).values_list("comparison", "annotator")
    assert len(set(people)) == wanted
    per_comparison = Counter(comparison for comparison, _ in people)
    overlaps = dict(Comparison.objects.filter(study=study).values_list("pk", "overlap"))
    assert per_comparison == overlaps
    assert_counters_hold(study)


@pytest.mark.parametrize(("clients", "comparisons", "overlap"), [(16, 60, 3), (12, 5, 8)])
def test_a_crowd_fills_every_comparison_exactly(clients, comparisons, overlap):
    study = make_queue(comparisons, overlap=overlap)
    crowd = fill(study, clients)
    assert_filled_exactly(study, comparisons * overlap)
    assert Assignment.objects.count() == comparisons * overlap
    assert sum(len(client.acknowledged) for client in crowd) == comparisons * overlap
    assert sum(client.false_endings for client in crowd) == 0


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("comparisons", "overlap"),
    [
        (600, 3),
        pytest.param(20, 8, marks=pytest.mark.slow),
        pytest.param(5, 20, marks=pytest.mark.slow),
    ],
)
def test_64_clients_fill_every_comparison_exactly(comparisons, overlap):
    study = make_queue(comparisons, overlap=overlap)
    crowd = fill(study, 64)
    assert_filled_exactly(study, comparisons * overlap)
    assert Assignment.objects.count() == comparisons * overlap
    assert sum(client.false_endings for client in crowd) == 0


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("comparisons", "overlap"), [(20, 8), (5, 20)])
def test_nobody_of_32_is_told_of_the_end_before_it(comparisons, overlap):
    study = make_queue(comparisons, overlap=overlap)
    crowd = fill(study, 32)
    assert sum(len(client.endings) for client in crowd) == 32
    assert sum(client.false_endings for client in crowd) == 0
    assert endings_with_votes_to_come(study, crowd) == 0
    assert_filled_exactly(study, comparisons * overlap)


def test_a_place_that_comes_back_during_the_recount_is_work_that_is_left(monkeypatch):
    study = make_queue(1)
    holder, asker = make_annotator(study), make_annotator(study)
    held = current_id(holder)
    recount = claiming.work_remains
    statements: list[str] = []

    def take_back(execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        statements.append(sql)
        if len(statements) == 1:
            lapse(held)
            queue.expire_lapsed(study)
        return result

    def recount_while_it_comes_back(locked):
        with connection.execute_wrapper(take_back):
            return recount(locked)

    monkeypatch.setattr(claiming, "work_remains", recount_while_it_comes_back)
    assert queue.claim(asker).empty == EmptyReason.HELD_BY_OTHERS
    assert statements
    assert row_of(held).state == AssignmentState.EXPIRED


@pytest.mark.timeout(900)
def test_a_study_fills_although_every_third_reservation_is_abandoned():
    study = make_queue(20, overlap=3)
    crowd = fill(study, 8, drops_out=0.3)
    assert sum(len(client.abandoned) for client in crowd) >= 10
    assert sum(client.false_endings for client in crowd) == 0
    assert_filled_exactly(study, 60)


def test_what_some_abandon_is_filled_by_others_and_late_votes_are_kept():
    study = make_queue(30, overlap=3)
    # Some leave before the crowd comes, others in the middle of it, where chance lets them.
    leavers = [make_annotator(study) for _ in range(3)]
    gone = [(annotator, current_id(annotator)) for annotator in leavers]
    lapse(*(public_id for _, public_id in gone))
    crowd = fill(study, 12, leaving=4)
    assert_filled_exactly(study, 90)
    assert sum(client.false_endings for client in crowd) == 0
    # They come back at last with what they had left.
    gone += [(client.annotator, public_id) for client in crowd for public_id in client.abandoned]
    late = [partial(vote, annotator, public_id) for annotator, public_id in gone]
    for outcome in run_together(late):
        assert outcome.received is voting.Received.LATE_SURPLUS
    assert Vote.objects.count() == 90 + len(late)
    assert_filled_exactly(study, 90)


def test_of_two_who_want_the_last_slot_one_gets_it():
    for _ in range(5):
        study = make_queue(1)
        pair = [make_annotator(study) for _ in range(2)]
        claims = run_together([partial(queue.claim, annotator) for annotator in pair])
        assert sorted(len(claim.held) for claim in claims) == [0, 1]
        empty = {claim.empty for claim in claims}
        assert empty == {None, EmptyReason.HELD_BY_OTHERS}
        assert_counters_hold(study)


def test_two_tabs_that_claim_at_once_get_the_same_pair():
    study = make_queue(20, overlap=2)
    annotator = make_annotator(study)
    claims = run_together([partial(queue.claim, annotator)] * 8)
    assert len({tuple(held.pair.id for held in claim.held) for claim in claims}) == 1
    assert Assignment.objects.count() == 2


def test_one_decision_sent_many_times_at_once_is_one_vote():
    study = make_queue(3, overlap=2)
    annotator = make_annotator(study)
    held, key = current_id(annotator), uuid.uuid4()
    outcomes = run_together([partial(vote, annotator, held, "right", key)] * 20)
    assert sorted(outcome.replayed for outcome in outcomes) == [False] + [True] * 19
    assert {(outcome.received, outcome.revision) for outcome in outcomes} == {
        (voting.Received.COUNTED, 0)
    }
    assert Vote.objects.count() == 1
    assert_counters_hold(study)


def test_one_key_for_several_pairs_at_once_is_one_vote_and_mismatches():
    study = make_queue(3)
    annotator = make_annotator(study)
    pairs = [held.pair.id for held in queue.claim(annotator, want=3).held]
    key = uuid.uuid4()

    def attempt(public_id: uuid.UUID) -> bool:
        try:
            vote(annotator, public_id, "left", key)
        except voting.IdempotencyMismatch:
            return False
        return True

    stored = run_together([partial(attempt, public_id) for public_id in pairs])
    assert sorted(stored) == [False, False, True]
    states = Counter(row_of(public_id).state for public_id in pairs)
    assert states == {AssignmentState.SUBMITTED: 1, AssignmentState.RESERVED: 2}
    assert_counters_hold(study)


def test_two_decisions_on_one_pair_at_once_are_one_vote_and_a_refusal():
    study = make_queue(1, overlap=2)
    annotator = make_annotator(study)
    held = current_id(annotator)

    def attempt(choice: str) -> bool:
        try:
            vote(annotator, held, choice)
        except voting.AlreadyVoted:
            return False
        return True

    assert sorted(run_together([partial(attempt, "left"), partial(attempt, "right")])) == [
        False,
        True,
    ]
    assert Vote.objects.count() == 1


def test_a_late_vote_and_a_claim_for_the_same_slot_never_both_get_it():
    for _ in range(5):
        study = make_queue(1)
        late, other = make_annotator(study), make_annotator(study)
        held = current_id(late)
        lapse(held)
        queue.expire_lapsed(study)
        jobs: list[Callable[[], object]] = [
            partial(vote, late, held),
            partial(queue.claim, other),
        ]
        run_together(jobs)
        assert Vote.objects.filter(comparison__study=study).count() == 1
        assert_counters_hold(study)


def test_a_sweep_and_a_heartbeat_agree_on_who_holds_the_slot():
    for _ in range(5):
        study = make_queue(1)
        annotator = make_annotator(study)
        held = current_id(annotator)
        lapse(held)
        jobs: list[Callable[[], object]] = [
            partial(queue.renew, annotator, [held]),
            partial(queue.expire_lapsed, study),
        ]
        run_together(jobs)
        assert_counters_hold(study)


def test_skips_and_claims_at_once_keep_the_counters_right():
    study = make_queue(6, overlap=2)
    crowd = [make_annotator(study) for _ in range(8)]

    def skip_or_rate(annotator: Annotator) -> None:
        for turn in range(6):
            current = queue.claim(annotator, want=2).current
            if current is None:
                return
            if (turn + annotator.pk) % 2:
                queue.release(annotator, current.pair.id, "cannot_judge")
            else:
                vote(annotator, current.pair.id)

    run_together([partial(skip_or_rate, annotator) for annotator in crowd])
    assert_counters_hold(study)
