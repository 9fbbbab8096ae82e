"""Cells: the comparisons of a pair of systems, weighed and stopped together."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from annotation import queue
from annotation.models import Assignment, AssignmentState, Cell, Comparison, Study
from annotation.queue import EmptyReason
from annotation.queue.ring import RING
from tests.factories import make_annotator, make_comparison, make_prompt, make_response, make_system

from .world import assert_counters_hold, current_id, lapse, make_queue, row_of, vote

pytestmark = pytest.mark.django_db


def make_categories(counts: dict[str, int], **order: Any) -> Study:
    """Comparisons of two systems, with prompts of several categories in the order of import."""
    study = make_queue(0, systems=2, rules={"order": {"by_category": True, **order}})
    for category, count in counts.items():
        for number in range(count):
            prompt = make_prompt(study, f"{category}{number}", category=category)
            make_comparison(study, "north", "south", prompt=prompt)
    queue.open_for_claims(study)
    return study


def state_of(study: Study, system_a: str, system_b: str) -> queue.CellState:
    (found,) = [
        cell
        for cell in queue.cells_of(study)
        if (cell.system_a, cell.system_b) == (system_a, system_b)
    ]
    return found


def test_opening_makes_a_cell_for_each_pair_of_systems_in_the_order_of_their_names():
    study = make_queue(0, systems=0)
    for names in [("y", "x"), ("x", "y"), ("x", "z")]:
        make_comparison(study, *names, overlap=3)
    queue.open_for_claims(study)
    assert [
        (cell.system_a, cell.system_b, cell.stratum, cell.comparisons, cell.wanted, cell.taken)
        for cell in queue.cells_of(study)
    ] == [("x", "y", "", 2, 6, 0), ("x", "z", "", 1, 3, 0)]
    assert list(Cell.objects.order_by("pk").values_list("room", "wanted")) == [(2, 6), (1, 3)]


def test_a_cell_is_of_one_category_where_the_order_has_strata():
    study = make_categories({"law": 2, "code": 1})
    assert [(cell.stratum, cell.comparisons) for cell in queue.cells_of(study)] == [
        ("code", 1),
        ("law", 2),
    ]


def test_what_is_added_later_joins_its_cell():
    study = make_queue(3)
    before = {cell.pk for cell in queue.cells_of(study)}
    make_comparison(study, "system1", "system0")
    make_comparison(study, "system0", "other")
    assert queue.open_for_claims(study) == 2
    assert state_of(study, "system0", "system1").comparisons == 2
    assert before < {cell.pk for cell in queue.cells_of(study)}


def test_every_stretch_of_the_walk_has_its_share_of_each_category():
    make_categories({"law": 60, "code": 30})
    walked = list(
        Comparison.objects.order_by("open_seq").values_list("prompt__category", flat=True)
    )
    for start in range(0, 90, 15):
        assert 7 <= walked[start : start + 15].count("law") <= 13


def test_comparisons_of_one_prompt_follow_each_other_where_the_study_wants_it():
    study = make_queue(0, rules={"order": {"prompts": "grouped"}})
    systems = [make_system(study, f"s{number}") for number in range(3)]
    for _ in range(8):
        prompt = make_prompt(study)
        one, two, three = [make_response(prompt, system) for system in systems]
        for response_a, response_b in [(one, two), (two, three), (one, three)]:
            make_comparison(study, prompt=prompt, response_a=response_a, response_b=response_b)
    queue.open_for_claims(study)
    walked = list(Comparison.objects.order_by("open_seq").values_list("prompt", flat=True))
    assert all(len(set(walked[start : start + 3])) == 1 for start in range(0, 24, 3))


def test_weights_are_set_by_cell_and_the_others_keep_theirs():
    study = make_queue(6)
    first, second, third = queue.cells_of(study)
    queue.set_priorities(study, {first.pk: 0.25, second.pk: 0})
    assert [cell.weight for cell in queue.cells_of(study)] == [0.25, 0.0, third.weight]
    assert list(Cell.objects.order_by("pk").values_list("weighed_at", flat=True)).count(None) == 1


@pytest.mark.parametrize("weight", [-0.1, float("nan"), float("inf")])
def test_a_weight_that_is_none_changes_nothing(weight):
    study = make_queue(6)
    first, second, _ = queue.cells_of(study)
    with pytest.raises(ValueError, match="must be 0 or more"):
        queue.set_priorities(study, {first.pk: 0.5, second.pk: weight})
    assert {cell.weight for cell in queue.cells_of(study)} == {1.0}


def test_a_cell_of_another_study_cannot_be_weighed():
    study, other = make_queue(1), make_queue(1)
    with pytest.raises(ValueError, match="has no cell"):
        queue.set_priorities(study, {queue.cells_of(other)[0].pk: 1.0})


def test_a_stopped_pair_of_systems_is_handed_out_no_more_and_is_no_work_that_remains():
    study = make_queue(3, overlap=2)
    assert queue.stop(study, "system1", "system0") == 1
    assert queue.stop(study, "system0", "system1") == 0
    annotator = make_annotator(study)
    seen = set()
    while (current := queue.claim(annotator, want=1).current) is not None:
        comparison = row_of(current.pair.id).comparison
        seen.add(frozenset([comparison.system_a.name, comparison.system_b.name]))
        vote(annotator, current.pair.id)
    assert seen == {frozenset({"system0", "system2"}), frozenset({"system1", "system2"})}
    assert queue.claim(annotator).empty == EmptyReason.FINISHED
    assert_counters_hold(study)


def test_a_vote_under_way_counts_after_its_pair_was_stopped_and_nothing_opens_again():
    study = make_queue(1, overlap=2)
    first, second, third = (make_annotator(study) for _ in range(3))
    held, skipped = current_id(first), current_id(second)
    queue.stop(study, "system0", "system1")
    vote(first, held)
    assert row_of(held).state == AssignmentState.SUBMITTED
    assert row_of(held).slot_no is not None
    queue.release(second, skipped, "other")
    assert queue.claim(third).empty == EmptyReason.FINISHED
    assert not Comparison.objects.filter(open=True).exists()
    assert_counters_hold(study)


def test_what_lapses_in_a_stopped_pair_stays_closed():
    study = make_queue(1)
    annotator = make_annotator(study)
    held = current_id(annotator)
    queue.stop(study, "system0", "system1")
    lapse(held)
    queue.expire_lapsed()
    assert queue.claim(annotator).empty == EmptyReason.FINISHED
    assert not Assignment.objects.filter(slot_no__isnull=False).exists()


def test_what_is_added_to_a_stopped_pair_is_not_opened():
    study = make_queue(1)
    queue.stop(study, "system0", "system1")
    added = make_comparison(study, "system0", "system1")
    queue.open_for_claims(study)
    added.refresh_from_db()
    assert not added.open
    assert added.open_seq is not None
    assert added.open_seq < RING


def add_category(study: Study, category: str, system_a: str, system_b: str) -> Comparison:
    prompt = make_prompt(study, f"{category}-new", category=category)
    added = make_comparison(study, system_a, system_b, prompt=prompt)
    queue.open_for_claims(study)
    added.refresh_from_db()
    return added


def test_a_new_category_of_a_stopped_pair_is_stopped_too():
    study = make_categories({"law": 2, "code": 1})
    queue.stop(study, "north", "south")
    before = max(Cell.objects.values_list("stopped_at", flat=True))
    added = add_category(study, "art", "south", "north")
    assert not added.open
    assert added.cell is not None
    assert (added.cell.stratum, added.cell.stopped_at) == ("art", before)
    assert queue.claim(make_annotator(study)).empty == EmptyReason.FINISHED
    assert queue.stop(study, "north", "south") == 0


def test_a_new_category_of_a_pair_that_goes_on_is_opened():
    study = make_categories({"law": 2, "code": 1})
    make_comparison(study, "north", "west", prompt=make_prompt(study, "w", category="law"))
    queue.open_for_claims(study)
    queue.stop(study, "north", "west")
    # One category that was stopped is no stop of the pair.
    Cell.objects.filter(stratum="law", system_b__name="south").update(stopped_at=timezone.now())
    assert add_category(study, "art", "north", "south").open


def test_a_pair_that_the_study_does_not_compare_cannot_be_stopped():
    study = make_queue(1)
    with pytest.raises(ValueError, match="compares no 'system0' with 'system2'"):
        queue.stop(study, "system2", "system0")


def test_all_categories_of_a_pair_stop_together():
    study = make_categories({"law": 2, "code": 1})
    assert queue.stop(study, "north", "south") == 2
    assert all(cell.stopped for cell in queue.cells_of(study))


def counts_of(study: Study) -> list[tuple[int, int]]:
    return list(study.cells.order_by("pk").values_list("room", "wanted"))


@pytest.mark.django_db(transaction=True)
def test_a_weighing_counts_before_it_locks_anything():
    """On SQLite a transaction holds the one write lock, and every vote would wait for the count."""
    study = make_queue(6, overlap=2)
    locked: list[bool] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "COUNT(" in sql and "annotation_comparison" in sql:
            locked.append(connection.in_atomic_block)
        return execute(sql, params, many, context)

    Comparison.objects.filter(item_id="i0").update(taken=2, open=False)
    with connection.execute_wrapper(note):
        queue.set_priorities(study, {queue.cells_of(study)[0].pk: 0.5})
    assert locked
    assert not any(locked)
    assert counts_of(study) == [(1, 4), (2, 4), (2, 4)]


def test_a_cell_that_is_made_during_a_weighing_keeps_what_its_maker_counted():
    study = make_queue(3)
    weights = dict.fromkeys(study.cells.values_list("pk", flat=True), 0.5)
    added: list[Comparison] = []

    def add_after_reading(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        found = execute(sql, params, many, context)
        if '"room"' in sql and sql.startswith("SELECT") and not added:
            added.append(make_comparison(study, "system0", "other", overlap=4))
            queue.open_for_claims(study)
        return found

    with connection.execute_wrapper(add_after_reading):
        queue.set_priorities(study, weights)
    assert added
    assert counts_of(study) == [(1, 1), (1, 1), (1, 1), (1, 4)]


def test_a_count_that_somebody_else_made_since_stands():
    """Comparisons that are added while others are counted were counted by who added them."""
    study = make_queue(1)
    Cell.objects.update(room=9)
    weights = dict.fromkeys(study.cells.values_list("pk", flat=True), 0.5)
    added: list[Comparison] = []

    def add_before_locking(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        found = execute(sql, params, many, context)
        if "COUNT(" in sql and not added:
            added.append(make_comparison(study, "system0", "system1", overlap=4))
            queue.open_for_claims(study)
        return found

    with connection.execute_wrapper(add_before_locking):
        queue.set_priorities(study, weights)
    assert added
    assert counts_of(study) == [(2, 5)]
