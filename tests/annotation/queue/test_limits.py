"""How much one annotator may do, and which pairs they may rate."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from annotation import queue
from annotation.models import Annotator, AssignmentState, ComparisonKind, Study
from annotation.queue import EmptyReason
from annotation.queue.eligibility import forbidden_categories
from annotation.queue.limits import start_of_day
from annotation.queue.raising import raise_overlap
from annotation.voting import Received
from tests.factories import (
    make_annotator,
    make_assignment,
    make_comparison,
    make_prompt,
    make_vote,
)

from .world import assert_counters_hold, current_id, lapse, lose, make_queue, row_of, vote

pytestmark = pytest.mark.django_db


# Longer than a test takes on a busy machine.
LEAST_OF_A_DAY = timedelta(minutes=2)


@pytest.fixture(autouse=True)
def within_a_day() -> None:
    """Begin after midnight, by the database's clock, which no test can set, and not just before."""
    now = datetime.now(UTC)
    left = start_of_day(now) + timedelta(days=1) - now
    if left < LEAST_OF_A_DAY:
        time.sleep(left.total_seconds() + 0.1)


def test_the_day_begins_at_midnight_of_the_databases_time():
    moment = datetime(2026, 5, 17, 23, 59, 59, 999, tzinfo=UTC)
    assert start_of_day(moment) == datetime(2026, 5, 17, tzinfo=UTC)


def test_the_days_limit_counts_what_is_held_and_ends_at_midnight():
    study = make_queue(9, rules={"limits": {"per_day": 2}})
    annotator = make_annotator(study)
    held = queue.claim(annotator, want=3).held
    assert len(held) == 2
    for one in held:
        vote(annotator, one.pair.id)
    now = timezone.now()
    claim = queue.claim(annotator)
    assert claim.empty == EmptyReason.DAILY_MAXIMUM_REACHED
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    assert claim.retry_after_seconds == pytest.approx((midnight - now).total_seconds(), abs=60)


def test_what_was_skipped_today_leaves_room_and_training_is_not_counted():
    study = make_queue(9, rules={"limits": {"per_day": 1}})
    annotator = make_annotator(study)
    queue.release(annotator, current_id(annotator), "other")
    vote(annotator, current_id(annotator))
    assert queue.claim(annotator).empty == EmptyReason.DAILY_MAXIMUM_REACHED


def test_yesterdays_answers_do_not_count_today():
    study = make_queue(9, rules={"limits": {"per_day": 1}})
    annotator = make_annotator(study)
    yesterday = timezone.now() - timedelta(days=1)
    make_vote(make_comparison(study), annotator=annotator, created_at=yesterday)
    vote(annotator, current_id(annotator))
    assert queue.claim(annotator).empty == EmptyReason.DAILY_MAXIMUM_REACHED


def test_a_share_of_the_study_is_of_all_votes_that_it_wants():
    study = make_queue(10, overlap=2, rules={"limits": {"share_of_study": 0.25}})
    annotator = make_annotator(study)
    for _ in range(5):
        vote(annotator, current_id(annotator))
    claim = queue.claim(annotator)
    assert claim.empty == EmptyReason.MAXIMUM_REACHED
    assert claim.progress.maximum == 5
    raise_overlap(study, 3)
    assert queue.claim(annotator).progress.maximum == 7


def test_the_smaller_of_cap_and_share_holds():
    study = make_queue(10, max_per_annotator=2, rules={"limits": {"share_of_study": 0.5}})
    assert queue.claim(make_annotator(study), want=3).progress.maximum == 2


def test_a_share_of_a_study_without_cells_is_of_its_comparisons():
    study = make_queue(8, rules={"limits": {"share_of_study": 0.25}})
    study.comparisons.update(cell=None)
    study.cells.all().delete()
    assert queue.progress(make_annotator(study)).maximum == 2


# -- what was taken back and is answered late ----------

CAPS = [
    {"max_per_annotator": 2},
    {"rules": {"limits": {"share_of_study": 0.25}}},
    {"rules": {"limits": {"per_day": 2}}},
]
KINDS = [ComparisonKind.WORK, ComparisonKind.GOLD, ComparisonKind.CONSISTENCY]


def lend_lapsed(study: Study, annotator: Annotator, kind: ComparisonKind) -> uuid.UUID:
    """A pair of a kind that was the annotator's and was taken back."""
    if kind == ComparisonKind.WORK:
        return lose(annotator)
    gold = {"gold": {"overall": ["a"]}} if kind == ComparisonKind.GOLD else {}
    comparison = make_comparison(study, "system0", "system1", kind=kind, open_seq=None, **gold)
    return make_assignment(comparison, annotator, state=AssignmentState.EXPIRED).public_id


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("caps", CAPS)
def test_who_lets_pairs_lapse_and_answers_late_gets_past_no_limit(caps, kind):
    study = make_queue(8, **caps)
    annotator = make_annotator(study)
    late = [lend_lapsed(study, annotator, kind) for _ in range(2)]
    vote(annotator, current_id(annotator))
    assert vote(annotator, late[0]).received == Received.COUNTED
    assert vote(annotator, late[1]).received == Received.LATE_SURPLUS
    if kind == ComparisonKind.WORK:
        assert_counters_hold(study)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("caps", CAPS)
def test_what_is_held_leaves_no_room_for_what_comes_late(caps, kind):
    study = make_queue(8, **caps)
    annotator = make_annotator(study)
    late = lend_lapsed(study, annotator, kind)
    held = [one.pair.id for one in queue.claim(annotator, want=2).held]
    assert len(held) == 2
    assert vote(annotator, late).received == Received.LATE_SURPLUS


# -- who may rate what ----------


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ({"profession": "lawyer", "language": "de"}, ()),
        ({"profession": ["nurse", "judge"], "language": "de"}, ()),
        ({"profession": "lawyer"}, ("law",)),
        ({"profession": "nurse", "language": "de"}, ("law",)),
        ({"profession": {"lawyer": 1}, "language": 3}, ("law",)),
        ({}, ("law",)),
    ],
)
def test_a_category_is_for_those_whose_profile_has_an_allowed_value_of_each_key(profile, expected):
    demands = {"law": {"profession": ("lawyer", "judge"), "language": ("de",)}}
    assert forbidden_categories(demands, profile) == expected


@pytest.mark.parametrize("policy", ["uniform", "adaptive"])
@pytest.mark.parametrize("by_category", [False, True])
def test_pairs_that_a_person_may_not_rate_are_never_theirs_and_never_remain(policy, by_category):
    study = make_queue(
        0,
        systems=2,
        rules={
            "eligibility": {"law": {"profession": ["lawyer"]}},
            "priorities": {"policy": policy},
            "order": {"by_category": by_category},
            "checks": {"gold_share": 0.5},
        },
    )
    for category in ("law", "law", "law", "code"):
        make_comparison(study, "x", "y", prompt=make_prompt(study, category=category))
    barred = make_prompt(study, category="law")
    make_comparison(study, "x", "y", prompt=barred, kind="gold", gold={"overall": ["a"]})
    queue.open_for_claims(study)
    nurse = make_annotator(study, profile={"profession": "nurse"})
    lawyer = make_annotator(study, profile={"profession": "lawyer"})
    held = current_id(nurse)
    assert row_of(held).comparison.prompt.category == "code"
    vote(nurse, held)
    assert queue.claim(nurse).empty == EmptyReason.FINISHED
    categories = []
    while (current := queue.claim(lawyer, want=1).current) is not None:
        categories.append(row_of(current.pair.id).comparison.prompt.category)
        vote(lawyer, current.pair.id)
    # All work, and perhaps the check.
    assert sorted(categories) in (["code"] + ["law"] * 3, ["code"] + ["law"] * 4)


def test_what_only_others_may_rate_keeps_nobody_waiting():
    study = make_queue(0, systems=0, rules={"eligibility": {"law": {"job": ["lawyer"]}}})
    make_comparison(study, prompt=make_prompt(study, category="law"))
    queue.open_for_claims(study)
    lawyer = make_annotator(study, profile={"job": "lawyer"})
    held = current_id(lawyer)
    assert queue.claim(make_annotator(study)).empty == EmptyReason.FINISHED
    lapse(held)
    assert queue.claim(make_annotator(study)).empty == EmptyReason.FINISHED
