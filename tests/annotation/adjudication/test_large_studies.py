"""The desk and the count of what waits cost the same however large a study is."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
import time_machine
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone

from annotation.accounts.steps import adjudicator_step
from annotation.adjudication import Waiting, desk, next_case, routing, views, waiting_for
from annotation.adjudication.routing import Desk, Window, look_at_desk
from annotation.models import (
    Assignment,
    AssignmentState,
    Study,
    StudyState,
    User,
    Vote,
)
from tests import factories
from tests.effort import effort_of, slack
from tests.pages import text_of

from .world import complete_with, make_adjudicator, version_with_rubric

pytestmark = pytest.mark.django_db

SMALL, LARGE, LOOKED = 60, 1200, 40


@pytest.fixture(autouse=True)
def short_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing, "LOOKED_THROUGH", LOOKED)


def agreed_on(comparisons: int) -> Study:
    """A study in which two people say the same of each pair: nothing is left to decide."""
    study = factories.make_open_study()
    version = version_with_rubric(study)
    people = [factories.make_annotator(study) for _ in range(2)]
    systems = [factories.make_system(study) for _ in range(2)]
    made = factories.make_many_comparisons(study, systems, comparisons, overlap=2, taken=2)
    held = Assignment.objects.bulk_create(
        Assignment(
            comparison=comparison,
            annotator=person,
            study_version=version,
            kind="work",
            overlap=2,
            slot_no=slot,
            swapped=False,
            state=AssignmentState.SUBMITTED,
            lease_expires_at=timezone.now(),
        )
        for comparison in made
        for slot, person in enumerate(people, 1)
    )
    Vote.objects.bulk_create(
        Vote(
            comparison_id=row.comparison_id,
            annotator_id=row.annotator_id,
            assignment=row,
            study_version=version,
            choice="left",
            swapped=False,
            verdict="a",
            idempotency_key=uuid.uuid4(),
            request_hash="0" * 64,
        )
        for row in held
    )
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
            # Tables of this size are read whole sooner than by an index; large ones are not.
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_hashjoin = off")
            cursor.execute("SET LOCAL enable_mergejoin = off")
            cursor.execute("SET LOCAL enable_material = off")
    return study


def looks_at_the_desk(user: User, study: Study) -> Desk:
    return look_at_desk(user, study, Now())


def counts_what_waits(user: User, study: Study) -> dict[int, Waiting]:
    return waiting_for(user, [study])


@pytest.mark.parametrize("look", [looks_at_the_desk, counts_what_waits])
def test_a_look_reads_no_more_of_a_large_study_than_of_a_small_one(
    look: Callable[[User, Study], object],
) -> None:
    efforts = []
    for comparisons in (LARGE, SMALL):
        study = agreed_on(comparisons)
        user = make_adjudicator(study)
        efforts.append(effort_of(partial(look, user, study)))
    large, small = efforts
    # An index of more rows is deeper, and each of those looked at goes through it.
    assert large <= 1.5 * small + slack()


def test_of_a_large_study_is_said_what_was_found_at_least() -> None:
    study = agreed_on(SMALL)
    user = make_adjudicator(study)
    assert looks_at_the_desk(user, study) == Desk(whole=False)
    assert waiting_for(user, [study]) == {study.pk: Waiting(0, whole=False)}
    disputed = factories.make_open_study()
    for _ in range(LOOKED + 5):
        complete_with(disputed, ["a", "b"])
    assert waiting_for(user, [disputed]) == {disputed.pk: Waiting(LOOKED, whole=False)}


def test_a_study_that_fits_is_counted_whole() -> None:
    study = agreed_on(10)
    complete_with(study, ["a", "b"])
    assert waiting_for(make_adjudicator(study), [study]) == {study.pk: Waiting(1)}


def test_the_desk_of_a_large_study_offers_to_search_and_then_says_what_came_of_it(
    client: Client,
) -> None:
    study = agreed_on(SMALL)
    user = make_adjudicator(study)
    client.force_login(user)
    page = text_of(client.get(f"/study/{study.slug}/adjudicate/"))
    assert "none was found in the part of it that was looked through" in page
    assert "Show the next pair" in page
    searched = client.post(f"/study/{study.slug}/adjudicate/next", follow=True)
    assert "No pair is left for you at the moment" in text_of(searched)
    assert "Show the next pair" not in text_of(searched)


def test_that_nothing_was_found_is_said_for_a_minute_and_not_by_an_address(client: Client) -> None:
    study = agreed_on(SMALL)
    client.force_login(make_adjudicator(study))
    address = f"/study/{study.slug}/adjudicate/"
    said = client.post(f"{address}next").headers["Location"]
    assert "No pair is left for you at the moment" in text_of(client.get(said))
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        later = client.get(said)
    assert later.status_code == 302
    assert later.headers["Location"] == address
    for foreign in ("", "x", "-1", "9" * 40, "٣"):
        assert client.get(address, {"searched": foreign}).status_code == 302


def test_a_search_that_takes_long_breaks_off_and_goes_on_where_it_was(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "FIRST_WINDOW", 25)
    monkeypatch.setattr(desk, "LARGEST_WINDOW", 25)
    monkeypatch.setattr(views, "SEARCH_SECONDS", 0.0)
    study = agreed_on(SMALL)
    client.force_login(make_adjudicator(study))
    address = f"/study/{study.slug}/adjudicate/"
    looked: list[Window] = []
    find = desk.candidates

    def note(user: User, study: Study, window: Window) -> list[int]:
        looked.append(window)
        return find(user, study, window)

    monkeypatch.setattr(desk, "candidates", note)
    for _ in range(10):
        answer = client.post(f"{address}next")
        if "searched" in answer.headers["Location"]:
            break
        page = text_of(client.get(answer.headers["Location"]))
        assert "of it was looked through so far" in page
        assert "Show the next pair" in page
    else:
        pytest.fail("The search never ended.")
    keys = [key for window in looked for key in range(window.first, window.before)]
    # Each once, and none is left out.
    assert sorted(keys) == sorted(study.comparisons.values_list("pk", flat=True))
    assert len(looked) in (3, 4)


def test_after_a_case_the_search_goes_on_with_what_lies_ahead() -> None:
    study = agreed_on(SMALL)
    disputed = complete_with(study, ["a", "b"])
    user, search = make_adjudicator(study), desk.Search()
    case = next_case(user, study, search)
    assert case is not None
    assert case.comparison_id == disputed.pk
    assert (search.gone, search.over) == (0, False)
    desk.skip_case(case)
    assert next_case(user, study, search) is None
    assert search.over
    assert search.gone == search.length == SMALL + 1


def test_the_search_finds_the_only_pair_of_a_large_study() -> None:
    study = agreed_on(SMALL)
    disputed = complete_with(study, ["a", "b"])
    case = next_case(make_adjudicator(study), study)
    assert case is not None
    assert case.comparison_id == disputed.pk


@pytest.mark.parametrize(
    ("waiting", "text", "label"),
    [
        (Waiting(3), "3 pairs wait for your decision", "Decide"),
        (Waiting(3, whole=False), "At least 3 pairs wait for your decision", "Decide"),
        (Waiting(0, whole=False), "Pairs may wait for your decision", "Look for"),
        (Waiting(0), "There is no disagreement for you", "Look again"),
    ],
)
def test_the_home_page_says_how_sure_it_is(waiting: Waiting, text: str, label: str) -> None:
    step = adjudicator_step(StudyState.OPEN, waiting.pairs, whole=waiting.whole)
    assert step.text.startswith(text)
    assert step.label.startswith(label)
