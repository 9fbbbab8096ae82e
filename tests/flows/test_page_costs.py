"""What each page for researchers asks of the database, in a small study and in a larger one."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from annotation import people, quality
from annotation.models import Role, Study, User
from annotation.people import Invitee
from reports.watching.figures import KEEPERS
from tests.annotation.test_route_matrix import MATRIX, WATCHERS, Row, part_of
from tests.factories import make_annotator, make_membership, make_user
from tests.reports.watching.world import Watched, add_everything_else, make_watched

pytestmark = pytest.mark.django_db

# So many at most, whatever the size of the study.
MOST_QUERIES = 15

# Files are written in stretches, and have tests of their own.
NO_PAGES = {
    "people_work:payments_file",
    "people_work:file",
    "reports:download",
    "reports_api:export",
}


def is_a_page(name: str, row: Row) -> bool:
    return (
        isinstance(row.audience, frozenset)
        and row.audience <= WATCHERS
        and row.method == "get"
        and "api:" not in name
        and name not in NO_PAGES
        and not (row.own_case or row.own_vote or row.own_upload or row.own_job or row.judged)
    )


PAGES = sorted(name for name, row in MATRIX.items() if is_a_page(name, row))


def make_world(size: int) -> Watched:
    """A study with people, invitations, findings and a log that all grow with its size."""
    world = make_watched(prompts=2 * size, people=2 + size, results="open")
    add_everything_else(world)
    study = world.study
    for number in range(size):
        annotator = make_annotator(study, make_user())
        quality.pause(annotator, "Looks odd.")
        make_membership(study, Role.MONITOR)
        people.invite_people(
            study, [Invitee("", f"{number}@example.org")], None, by_email=bool(number % 2)
        )
        people.issue_crowd_link(study, 5)
        part_of(study, "judge")
    return world


def address(name: str, world: Watched) -> str:
    row = MATRIX[name]
    kwargs: dict[str, Any] = {"slug": world.study.slug, **row.kwargs}
    if row.of_study:
        kwargs |= part_of(world.study, row.of_study)
    if row.names_comparison:
        kwargs["comparison"] = world.work[1].pk
    if row.names_annotator:
        kwargs["annotator"] = world.people[0].pk
    return reverse(name, kwargs=kwargs)


def cost(client: Client, url: str, study: Study) -> int:
    """Of the second look: what the first one keeps for all who look is counted apart."""
    client.get(url)
    for keeper in KEEPERS:
        keeper.forget(study)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code in (200, 302)
    return len(queries)


@pytest.mark.timeout(900)
def test_every_page_asks_little_and_as_much_at_any_size() -> None:
    costs: dict[str, list[int]] = {name: [] for name in PAGES}
    for size in (1, 5):
        world = make_world(size)
        owner: User = make_membership(world.study, Role.OWNER).user
        client = Client()
        client.force_login(owner)
        for name in PAGES:
            costs[name].append(cost(client, address(name, world), world.study))
    grown = {name: found for name, found in costs.items() if found[0] != found[1]}
    many = {name: found for name, found in costs.items() if max(found) > MOST_QUERIES}
    assert not grown
    assert not many
