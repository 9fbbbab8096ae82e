"""Checks among the work: where they stand, what they are, and that nothing gives them away."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from annotation import queue
from annotation.models import (
    Annotator,
    Assignment,
    AssignmentState,
    ComparisonKind,
    Study,
)
from annotation.queue import EmptyReason
from annotation.queue.check_plan import check_at
from annotation.rules import Checks
from tests.factories import make_annotator, make_comparison, make_prompt, make_response

from .world import assert_counters_hold, lapse, lose, make_queue, row_of, vote

pytestmark = pytest.mark.django_db


def make_checks(
    comparisons: int = 12, *, gold: int = 0, identical: int = 0, **checks: Any
) -> Study:
    """A study of work with so many gold and identical pairs, and shares of checks."""
    study = make_queue(comparisons, overlap=2, rules={"checks": checks})
    for number in range(gold):
        make_comparison(
            study, "g", "h", kind="gold", gold={"overall": ["a"]}, item_id=f"gold{number}"
        )
    for number in range(identical):
        prompt = make_prompt(study, f"same{number}")
        response = make_response(prompt, study.systems.get(name="system0"))
        make_comparison(
            study,
            prompt=prompt,
            response_a=response,
            response_b=response,
            kind="identical",
            item_id=f"identical{number}",
        )
    return study


def rate(annotator: Annotator, count: int = 1000, want: int = 2) -> list[Assignment]:
    """Rate so many pairs, or all, and give them in their order."""
    rated: list[Assignment] = []
    while len(rated) < count and (current := queue.claim(annotator, want=want).current):
        vote(annotator, current.pair.id)
        rated.append(row_of(current.pair.id))
    return rated


def kinds(rows: list[Assignment]) -> list[str]:
    return ["repeat" if row.pass_no else row.kind for row in rows]


def test_checks_stand_exactly_where_the_plan_has_them():
    study = make_checks(12, gold=9, identical=9, gold_share=0.25, identical_share=0.2)
    annotator = make_annotator(study)
    rows = rate(annotator, want=1)
    checks = Checks(gold_share=0.25, identical_share=0.2)
    expected = [
        (check_at(checks, study.queue_seed, annotator.external_id, position) or "work")
        for position in range(len(rows))
    ]
    assert kinds(rows) == expected
    assert kinds(rows).count("work") == 12
    # None is shown twice.
    assert len({row.comparison_id for row in rows}) == len(rows)


def test_a_check_holds_no_slot_and_looks_like_work_in_everything_else():
    study = make_checks(gold=9, gold_share=0.5)
    claim = queue.claim(make_annotator(study), want=3)
    rows = [row_of(held.pair.id) for held in claim.held]
    assert {row.kind for row in rows} == {"work", "gold"}
    assert {held.lease_seconds for held in claim.held} == {120}
    assert {held.displayed for held in claim.held} == {False}
    assert {row.lease_expires_at - row.reserved_at for row in rows} == {
        rows[0].lease_expires_at - rows[0].reserved_at
    }
    for row in rows:
        assert (row.slot_no is None) == (row.kind == ComparisonKind.GOLD)


def test_checks_never_make_a_finished_queue_go_on():
    study = make_checks(2, gold=50, gold_share=0.5)
    annotator = make_annotator(study)
    rows = rate(annotator)
    assert kinds(rows).count("work") == 2
    assert kinds(rows)[-1] == "work"
    claim = queue.claim(annotator)
    assert (claim.held, claim.empty) == ((), EmptyReason.FINISHED)


def test_a_check_that_nobody_made_is_work():
    study = make_checks(8, gold_share=0.25, identical_share=0.25)
    assert kinds(rate(make_annotator(study))) == ["work"] * 8


def test_checks_count_as_work_done_in_progress_and_cap():
    study = make_checks(12, gold=9, gold_share=0.5)
    study.max_per_annotator = 6
    study.save()
    annotator = make_annotator(study)
    rows = rate(annotator)
    assert len(rows) == 6
    assert kinds(rows).count("gold") == 3
    claim = queue.claim(annotator)
    assert claim.empty == EmptyReason.MAXIMUM_REACHED
    assert claim.progress.voted == 6


def test_a_repeat_is_an_own_answered_pair_with_its_sides_exchanged_after_the_gap():
    study = make_checks(30, repeat_share=0.2, repeat_gap=4)
    annotator = make_annotator(study)
    rows = rate(annotator, want=1)
    repeats = [row for row in rows if row.pass_no == 1]
    assert len(repeats) >= 5
    assert len({row.comparison_id for row in repeats}) == len(repeats)
    for repeat in repeats:
        first = next(
            row for row in rows if row.comparison_id == repeat.comparison_id and row.pass_no == 0
        )
        assert repeat.swapped != first.swapped
        assert repeat.slot_no is None
        assert rows.index(repeat) - rows.index(first) - 1 >= 4
    assert_counters_hold(study)


def test_before_the_gap_a_planned_repeat_is_work():
    study = make_checks(10, repeat_share=0.5, repeat_gap=20)
    assert kinds(rate(make_annotator(study))) == ["work"] * 10


def test_the_gap_counts_answers_and_not_places_in_the_order():
    study = make_checks(30, repeat_share=0.5, repeat_gap=3)
    annotator = make_annotator(study)
    # Lent first, answered last.
    late = lose(annotator)
    rate(annotator, 8, want=1)
    vote(annotator, late)
    rows = rate(annotator, 3, want=1)
    assert row_of(late).comparison_id not in {row.comparison_id for row in rows}


def test_a_lapsed_check_comes_back_first_with_its_side_and_is_no_further_pair():
    study = make_checks(12, gold=9, gold_share=0.5)
    annotator = make_annotator(study, external_id="person")
    held = queue.claim(annotator, want=3).held
    gold = next(one.pair.id for one in held if row_of(one.pair.id).kind == "gold")
    before = row_of(gold)
    lapse(gold)
    assert queue.expire_lapsed() == 1
    assert row_of(gold).state == AssignmentState.EXPIRED
    rows = rate(annotator, want=1)
    again = [row for row in rows if row.pk == before.pk]
    assert [row.swapped for row in again] == [before.swapped]
    annotator.refresh_from_db()
    assert annotator.handed == Assignment.objects.filter(annotator=annotator).count()


@pytest.mark.parametrize("share", ["gold_share", "identical_share", "repeat_share"])
def test_a_place_has_one_check_whatever_lapsed_and_was_skipped_before(share):
    """What comes back takes the place; another check of its kind behind it would stand out."""
    study = make_checks(60, gold=20, identical=20, **{share: 0.25, "repeat_gap": 2})
    annotator = make_annotator(study, external_id="person")
    # The number that the next new pair would get, and whether a check was shown instead.
    shown: list[tuple[int, bool]] = []
    while (current := queue.claim(annotator, want=1).current) is not None:
        row = row_of(current.pair.id)
        is_check = kinds([row]) != ["work"]
        shown.append((annotator.handed, is_check))
        annotator.refresh_from_db()
        checks = sum(check for _, check in shown)
        if is_check and checks % 2:
            lapse(current.pair.id)
            queue.expire_lapsed()
        elif is_check and not checks % 3:
            queue.release(annotator, current.pair.id, "other")
        else:
            vote(annotator, current.pair.id)
    rules = Checks(**{share: 0.25, "repeat_gap": 2})
    planned = {
        number
        for number in range(annotator.handed)
        if check_at(rules, study.queue_seed, annotator.external_id, number)
    }
    places = [number for number, is_check in shown if is_check]
    assert len(places) == len(set(places)) > 8
    # There is nothing to repeat at first.
    assert planned - set(places) <= ({min(planned)} if share == "repeat_share" else set())
    assert set(places) <= planned


def test_a_skipped_check_does_not_return():
    study = make_checks(4, gold=1, gold_share=0.5)
    annotator = make_annotator(study)
    held = queue.claim(annotator, want=3).held
    gold = next(one.pair.id for one in held if row_of(one.pair.id).kind == "gold")
    queue.release(annotator, gold, "language")
    assert "gold" not in kinds(rate(annotator))


def test_sides_of_gold_are_drawn_for_each_person():
    study = make_checks(20, gold=10, gold_share=0.5)
    sides = [
        row.swapped
        for number in range(2)
        for row in rate(make_annotator(study, external_id=f"person{number}"))
        if row.kind == "gold"
    ]
    assert 0.2 < sum(sides) / len(sides) < 0.8


def test_an_annotator_meets_gold_in_an_order_of_their_own():
    study = make_checks(20, gold=10, gold_share=0.5)
    orders = {
        tuple(
            row.comparison.item_id
            for row in rate(make_annotator(study, external_id=f"person{number}"))
            if row.kind == "gold"
        )
        for number in range(2)
    }
    assert len(orders) == 2


def test_a_check_costs_one_query_more_than_work_at_most(django_assert_max_num_queries):
    study = make_checks(30, gold=9, gold_share=0.5)
    annotator = make_annotator(study)
    counts: dict[str, set[int]] = {}
    for _ in range(16):
        with django_assert_max_num_queries(20) as queries:
            current = queue.claim(annotator, want=1).current
        assert current is not None
        row = row_of(current.pair.id)
        counts.setdefault(row.kind, set()).add(
            sum(not query["sql"].startswith(("SAVEPOINT", "RELEASE")) for query in queries)
        )
        vote(annotator, current.pair.id)
    # The look for the check; what SQLite saves is the slot.
    more = 1 if connection.vendor == "postgresql" else 0
    assert min(counts["gold"]) == min(counts["work"]) + more
