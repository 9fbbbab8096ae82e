"""A vote and a heartbeat ask the database as often in a large study as in a small one (P15)."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from annotation.models import Annotator, Criterion, Study, VoteCriterion, VoteNote
from tests.annotation.queue.world import current_id, make_queue, vote
from tests.factories import make_annotator, make_criterion, make_study_version, make_user

pytestmark = pytest.mark.django_db

MOST_FOR_A_VOTE = 8
MOST_FOR_A_HEARTBEAT = 5

# Not asked, but said: where a transaction begins and ends.
TRANSACTION = ("BEGIN", "SAVEPOINT", "RELEASE", "COMMIT")


class Page:
    """An annotator's page, and what its requests cost."""

    def __init__(self, study: Study) -> None:
        user = make_user()
        self.annotator = make_annotator(study, user)
        self.study = study
        self.client = Client()
        self.client.force_login(user)

    def post(self, name: str, body: dict[str, Any]) -> tuple[int, int]:
        """The status, and how many statements the whole request took."""
        url = reverse(f"rating:{name}", kwargs={"slug": self.study.slug})
        with CaptureQueriesContext(connection) as queries:
            response = self.client.post(url, json.dumps(body), content_type="application/json")
        asked = [query for query in queries if not query["sql"].startswith(TRANSACTION)]
        return response.status_code, len(asked)

    def vote(self, held: uuid.UUID, **more: Any) -> tuple[int, int]:
        answers = {"overall": {"choice": "left"}, "tone": {"choice": "tie"}}
        body = {"assignment": str(held), "key": str(uuid.uuid4()), "answers": answers, **more}
        return self.post("vote", body)


def make_study_of(comparisons: int, others: int, own: int) -> tuple[Study, Page]:
    """A study with a second criterion, what others did in it, and what the page's annotator did."""
    study = make_queue(comparisons, overlap=others + 2)
    make_criterion(study, "tone", required=False)
    rubric = list(
        Criterion.objects.filter(study=study).values("key", "scale", "both_bad", "required")
    )
    make_study_version(study, snapshot={"rubric": rubric})
    for _ in range(others):
        rate(make_annotator(study), comparisons // 2)
    page = Page(study)
    rate(page.annotator, own)
    return study, page


def rate(annotator: Annotator, votes: int) -> None:
    for _ in range(votes):
        vote(annotator, current_id(annotator))


@pytest.fixture(params=[(6, 1, 1), (60, 4, 40)], ids=["small", "large"])
def page(request: pytest.FixtureRequest) -> Page:
    _, page = make_study_of(*request.param)
    return page


def test_a_vote_with_everything_takes_eight_statements_at_most(page):
    held = current_id(page.annotator)
    status, cost = page.vote(held, rationale="Because.", timing={"active_ms": 900})
    assert status == 200
    assert VoteCriterion.objects.count() == VoteNote.objects.count() == 1
    assert cost <= MOST_FOR_A_VOTE


def test_the_tenth_vote_costs_what_the_second_did(page):
    page.vote(current_id(page.annotator))  # reads the rubric
    costs = {page.vote(current_id(page.annotator))[1] for _ in range(4)}
    assert len(costs) == 1


def test_a_repeated_vote_takes_no_more(page):
    held, key = current_id(page.annotator), str(uuid.uuid4())
    assert page.vote(held, key=key)[0] == 200
    status, cost = page.vote(held, key=key)
    assert status == 200
    assert cost <= MOST_FOR_A_VOTE


def test_a_heartbeat_takes_five_statements_at_most_whatever_is_held(page):
    held = [current_id(page.annotator, want=3)]
    held = list(
        page.annotator.assignments.filter(state="reserved").values_list("public_id", flat=True)
    )
    assert len(held) == 3
    body = {"held": [str(one) for one in held], "displayed": str(held[0])}
    for _ in range(2):
        status, cost = page.post("renew", body)
        assert status == 200
        assert cost <= MOST_FOR_A_HEARTBEAT
    assert page.post("renew", {"held": body["held"]})[1] <= MOST_FOR_A_HEARTBEAT
