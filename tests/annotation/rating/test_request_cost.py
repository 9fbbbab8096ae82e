"""A claim and the page ask the database as often in a large study as in a small one."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotation.models import Criterion, Study
from tests.annotation.queue.world import current_id, make_queue, vote
from tests.annotation.rating.conftest import Door
from tests.factories import make_annotator, make_study_version

pytestmark = pytest.mark.django_db

# Session, account, annotator and membership; the annotator's lock; what they hold; the search, and
# a second one where the ring begins anew; what is written, with the texts. SQLite knows no changes
# together, and takes the slot, the row, the account and the texts one after the other.
MOST_FOR_A_CLAIM = {"postgresql": 6, "sqlite": 9}
# Where nothing is to be claimed.
MOST_FOR_WHAT_IS_HELD = 4
MOST_FOR_THE_PAGE = 4

# Not asked, but said: where a transaction begins and ends.
TRANSACTION = ("BEGIN", "SAVEPOINT", "RELEASE", "COMMIT")


def cost(act: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as queries:
        act()
    return sum(not query["sql"].startswith(TRANSACTION) for query in queries)


@pytest.fixture(params=[(6, 1, 1), (60, 3, 30)], ids=["small", "large"])
def door(request: pytest.FixtureRequest, open_door: Callable[[Study], Door]) -> Door:
    comparisons, others, own = request.param
    study = make_queue(comparisons, overlap=others + 2)
    for _ in range(others):
        annotator = make_annotator(study)
        for _ in range(comparisons // 2):
            vote(annotator, current_id(annotator))
    door = open_door(study)
    for _ in range(own):
        vote(door.annotator, current_id(door.annotator))
    return door


def test_the_next_pair_takes_as_many_statements_in_a_large_study(door: Door) -> None:
    door.next(want=1)
    for _ in range(3):
        held = door.annotator.assignments.filter(state="reserved").get()
        vote(door.annotator, held.public_id)
        assert cost(lambda: door.next(want=1)) <= MOST_FOR_A_CLAIM[connection.vendor]


# The vote's own three and those of the claim, which ask nothing about who it is again. The form
# that a process reads once is read by an earlier vote.
MOST_FOR_BOTH = {"postgresql": 8, "sqlite": 15}


def test_a_vote_that_brings_the_next_pair_takes_less_than_two_requests(door: Door) -> None:
    # As opening writes it down: what is written down is remembered.
    rubric = Criterion.objects.filter(study=door.annotator.study)
    snapshot = {"rubric": list(rubric.values("key", "scale", "both_bad", "required"))}
    make_study_version(door.annotator.study, snapshot=snapshot)
    vote(door.annotator, current_id(door.annotator))
    door.next(want=1)
    for _ in range(3):
        held = door.annotator.assignments.filter(state="reserved").get()
        body = {
            "assignment": str(held.public_id),
            "key": str(uuid.uuid4()),
            "answers": {"overall": {"choice": "left"}},
            "next": {"want": 1, "have": []},
        }
        assert cost(partial(door.post, "vote", body)) <= MOST_FOR_BOTH[connection.vendor]


def test_a_pair_in_advance_takes_no_more(door: Door) -> None:
    (current,) = door.next(want=1)["pairs"]
    assert (
        cost(lambda: door.next(want=2, have=[current["id"]])) <= MOST_FOR_A_CLAIM[connection.vendor]
    )


def test_what_is_held_is_given_again_for_less(door: Door) -> None:
    door.next(want=2)
    assert cost(lambda: door.next(want=2)) <= MOST_FOR_WHAT_IS_HELD


def test_the_page_claims_nothing_and_takes_few(door: Door) -> None:
    assert cost(lambda: door.client.get(door.url("page"))) <= MOST_FOR_THE_PAGE
