"""The figures of people are read anew of those to whom something happened, and are the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from annotation import quality
from annotation.models import (
    Annotator,
    AnnotatorState,
    AssignmentState,
    Choice,
    Exclusion,
    QualityReview,
    ReviewOutcome,
    SkipReason,
)
from annotation.quality import changed
from reports.watching import people
from reports.watching.figures import PEOPLE
from reports.watching.keeping import Kept
from reports.watching.people import OVERLAP, WHOLE_SECONDS, read_people, read_people_again
from tests.factories import (
    make_annotator,
    make_assignment,
    make_imported_vote,
    make_user,
    make_vote,
)
from tests.reports.watching.world import Watched, make_watched, vote_on

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> Watched:
    """Six people in two groups who never meet: what one group does says nothing of the other."""
    world = make_watched(prompts=8, people=6, votes=0)
    for place, rater in enumerate(world.people):
        half = world.work[:12] if place < 3 else world.work[12:]
        for number, comparison in enumerate(half):
            vote_on(comparison, rater, number + place)
    return world


@pytest.fixture
def before(world: Watched) -> Kept:
    """Read so long after the last vote that none of these is looked at again."""
    with time_machine.travel(timezone.now() + 2 * OVERLAP):
        return Kept(read_people(world.study), timezone.now(), 0.1)


def read_of(monkeypatch: pytest.MonkeyPatch) -> list[set[int]]:
    """Whose answers are read from now on, call by call."""
    seen: list[set[int]] = []
    overview = quality.overview

    def watched(study, *args, figures_of=None):
        seen.append(set(figures_of) if figures_of is not None else {-1})
        return overview(study, *args, figures_of=figures_of)

    monkeypatch.setattr(quality, "overview", watched)
    return seen


def vote_more(world: Watched) -> None:
    vote_on(world.work[20], world.people[0], 1)


def label(world: Watched) -> None:
    make_imported_vote(world.work[0], annotator=world.people[1])
    make_imported_vote(world.work[1], annotator=make_annotator(world.study))


def exclude(world: Watched) -> None:
    Exclusion.objects.create(
        assignment=world.work[0].assignments.order_by("pk")[0], reason="Not tried."
    )


def exclude_a_label(world: Watched) -> None:
    vote = make_imported_vote(world.work[0], annotator=make_annotator(world.study))
    Exclusion.objects.create(vote=vote, reason="Not tried.")


def revise(world: Watched) -> None:
    held = world.work[0].assignments.order_by("pk")[0]
    make_vote(held.comparison, Choice.TIE, assignment=held, revision=1)


def review(world: Watched) -> None:
    QualityReview.objects.create(
        annotator=world.people[0], outcome=ReviewOutcome.RESUME, reason="Fine.",
        created_by=make_user(),
    )  # fmt: skip


def skip(world: Watched) -> None:
    make_assignment(
        world.work[0],
        world.people[-1],
        state=AssignmentState.RELEASED,
        skip_reason=SkipReason.CANNOT_JUDGE,
    )
    Annotator.objects.filter(pk=world.people[-1].pk).update(skipped=1)


def pause(world: Watched) -> None:
    Annotator.objects.filter(pk=world.people[0].pk).update(state=AnnotatorState.PAUSED)


ACTS: tuple[Callable[[Watched], None], ...] = (
    vote_more, label, exclude, exclude_a_label, revise, review, skip, pause,
)  # fmt: skip


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_what_is_read_again_is_what_reading_all_would_say(world, before, act) -> None:
    with time_machine.travel(timezone.now() + 4 * OVERLAP):
        act(world)
        again = read_people_again(world.study, before)
        assert again["people"] == read_people(world.study)["people"]
        assert again["people"] != before.figures["people"]


def test_answers_of_people_to_whom_nothing_happened_are_left_unread(
    world, before, monkeypatch
) -> None:
    with time_machine.travel(timezone.now() + 4 * OVERLAP):
        seen = read_of(monkeypatch)
        read_people_again(world.study, before)
        revise(world)
        read_people_again(world.study, before)
        pause(world)
        read_people_again(world.study, before)
    met = {rater.pk for rater in world.people[:3]}
    assert seen == [set(), met, met]


def test_everybody_is_read_after_an_hour_and_where_much_happened(
    world, before, monkeypatch
) -> None:
    seen = read_of(monkeypatch)
    monkeypatch.setattr(changed, "MOST_ROWS", 3)
    later = timezone.now() + 2 * OVERLAP + timedelta(seconds=WHOLE_SECONDS + 1)
    with time_machine.travel(later):
        assert read_people_again(world.study, before)["whole_at"] > before.figures["whole_at"]
    assert seen == [{-1}]
    seen.clear()
    with time_machine.travel(timezone.now() + 4 * OVERLAP):
        for number in range(3):
            vote_on(world.work[20 + number], world.people[0], number)
        read_people_again(world.study, before)
        vote_on(world.work[23], world.people[0], 3)
        read_people_again(world.study, before)
    assert seen == [{rater.pk for rater in (world.people[0], *world.people[3:])}, {-1}]


def test_figures_of_the_release_before_are_read_whole(world, before, monkeypatch) -> None:
    old = Kept({"people": before.figures["people"]}, before.counted_at, before.took)
    seen = read_of(monkeypatch)
    with time_machine.travel(timezone.now() + 4 * OVERLAP):
        again = read_people_again(world.study, old)
    assert again["people"] == before.figures["people"]
    assert again["whole_at"]
    assert seen == [{-1}]


def test_who_joins_between_the_queries_is_read_too(world, before, monkeypatch) -> None:
    overview = quality.overview
    joined: list[Annotator] = []

    def late(study, *args, **kwargs):
        if not joined:
            joined.append(make_annotator(study))
        return overview(study, *args, **kwargs)

    monkeypatch.setattr(quality, "overview", late)
    with time_machine.travel(timezone.now() + 4 * OVERLAP):
        again = read_people_again(world.study, before)
    assert joined[0].pk in {row["annotator"] for row in again["people"]}
    assert again["people"] == read_people(world.study)["people"]


def test_after_an_act_a_large_study_is_counted_anew_and_shows_what_it_had(
    world, monkeypatch
) -> None:
    monkeypatch.setattr(people, "FEW_ANSWERS", 10)
    PEOPLE.ask_for(world.study)
    assert PEOPLE.renew_if_watched(world.study)
    first = PEOPLE.figures(world.study)
    assert first is not None
    assert not PEOPLE.renew_if_watched(world.study)
    pause(world)
    PEOPLE.forget(world.study)
    assert PEOPLE.figures(world.study) == first
    assert PEOPLE.renew_if_watched(world.study)
    now = PEOPLE.figures(world.study)
    assert now is not None
    assert {row["state"] for row in now.figures["people"]} == {"active", "paused"}
    assert not PEOPLE.renew_if_watched(world.study)
