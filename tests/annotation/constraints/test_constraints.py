"""The database refuses what the contract rules out, whoever writes: contract.md, section 1."""

from __future__ import annotations

import pytest

from annotation.models import AssignmentState, Choice, ComparisonKind
from tests import factories
from tests.refusals import refused_by, untested

from .bad_collection import BAD_COLLECTION
from .bad_content import BAD_CONTENT
from .bad_people import BAD_PEOPLE
from .bad_votes import BAD_VOTES
from .world import World, Write, change, make_world

pytestmark = pytest.mark.django_db

BAD_ROWS = [*BAD_CONTENT, *BAD_VOTES, *BAD_PEOPLE, *BAD_COLLECTION]


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.mark.parametrize(
    ("rule", "write"), [case[1:] for case in BAD_ROWS], ids=[case[0] for case in BAD_ROWS]
)
def test_the_database_refuses(world: World, rule: str, write: Write) -> None:
    with refused_by(rule):
        write(world)


def test_every_constraint_of_the_room_has_its_bad_row() -> None:
    assert untested("annotation", (rule for _, rule, _ in BAD_ROWS)) == set()


# Rows that look odd and are right: the rules above must not be stricter than the contract.


def test_an_empty_response_is_a_real_one(world: World) -> None:
    prompt = factories.make_prompt(world.study)
    empty = factories.make_response(prompt, world.comparison.system_b, text="")
    assert world.other_comparison(prompt=prompt, response_b=empty).response_b.text == ""


def test_one_response_may_meet_itself_as_an_identical_pair(world: World) -> None:
    assert world.other_comparison(
        kind=ComparisonKind.IDENTICAL,
        prompt=world.comparison.prompt,
        response_a=world.comparison.response_a,
        response_b=world.comparison.response_a,
    )


def test_two_samples_of_a_system_may_meet_to_test_consistency(world: World) -> None:
    prompt, system = world.comparison.prompt, world.comparison.system_a
    assert world.other_comparison(
        kind=ComparisonKind.CONSISTENCY,
        prompt=prompt,
        response_a=world.comparison.response_a,
        response_b=factories.make_response(prompt, system, sample=1),
    )


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("choice", list(Choice))
def test_every_click_is_stored_with_its_verdict(
    world: World, choice: Choice, swapped: bool
) -> None:
    comparison = world.other_comparison()
    assignment = factories.make_assignment(comparison, swapped=swapped)
    assert factories.make_vote(comparison, choice, assignment=assignment)


def test_a_submitted_vote_without_a_slot_is_kept(world: World) -> None:
    # Excluding a vote frees its slot; the assignment stays submitted.
    change(world.holder, state=AssignmentState.SUBMITTED, slot_no=None)
    world.holder.refresh_from_db()
    assert world.holder.slot_no is None


def test_a_person_may_label_one_imported_item_repeatedly(world: World) -> None:
    for occurrence in range(2):
        world.imported(annotator=world.holder.annotator, occurrence=occurrence)
    assert world.comparison.votes.filter(annotator=world.holder.annotator).count() == 2


def test_two_imported_votes_need_no_different_keys(world: World) -> None:
    world.imported()
    # With the label that is there already.
    assert world.comparison.votes.filter(idempotency_key=None).count() == 2


def test_an_assignment_may_be_saved_as_a_whole(world: World) -> None:
    world.holder.state = AssignmentState.RELEASED
    world.holder.slot_no = None
    world.holder.save()
    world.holder.refresh_from_db()
    assert world.holder.state == AssignmentState.RELEASED
