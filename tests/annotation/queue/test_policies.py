"""Which cell a claim draws from, and what it writes down of the draw."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotation import queue
from annotation.models import Annotator, Assignment, Cell, Study
from tests.factories import make_annotator, make_comparison, make_prompt

from .world import assert_counters_hold, current_id, lapse, make_queue, row_of, vote

pytestmark = pytest.mark.django_db


def make_steered(
    policy: str, counts: dict[str, int], weights: dict[str, float], **priorities: Any
) -> Study:
    """Comparisons of `base` with other systems, their cells weighed by the other's name."""
    rules = {"priorities": {"policy": policy, **priorities}}
    study = make_queue(0, systems=0, rules=rules)
    for name, count in counts.items():
        for number in range(count):
            prompt = make_prompt(study, f"{name}{number}")
            make_comparison(
                study, "base", name, prompt=prompt, overlap=3, item_id=f"{name}{number}"
            )
    queue.open_for_claims(study)
    cells = {cell.system_b: cell.pk for cell in queue.cells_of(study)}
    queue.set_priorities(study, {cells[name]: weight for name, weight in weights.items()})
    return study


def rate(annotator: Annotator, count: int) -> list[Assignment]:
    rows = []
    for _ in range(count):
        held = current_id(annotator)
        vote(annotator, held)
        rows.append(row_of(held))
    return rows


def others(rows: list[Assignment]) -> Counter[str]:
    return Counter(row.comparison.system_b.name for row in rows)


def test_a_uniform_study_walks_and_logs_no_probability():
    study = make_queue(3)
    row = row_of(current_id(make_annotator(study)))
    assert (row.policy, row.selection_probability) == ("uniform", None)


def test_the_emptiest_cell_comes_first_until_it_holds_nothing_for_this_person():
    study = make_steered("emptiest", {"x": 4, "y": 3}, {"x": 0.1, "y": 0.9})
    rows = rate(make_annotator(study), 7)
    assert [row.comparison.system_b.name for row in rows] == ["y"] * 3 + ["x"] * 4
    assert {row.policy for row in rows} == {"emptiest"}
    assert {row.selection_probability for row in rows} == {1.0}
    assert_counters_hold(study)


def test_adaptive_draws_follow_the_weights_and_log_their_probability():
    study = make_steered("adaptive", {"x": 30, "y": 30}, {"x": 1.0, "y": 3.0}, uniform_share=0.2)
    rows = [
        row
        for number in range(3)
        for row in rate(make_annotator(study, external_id=f"p{number}"), 14)
    ]
    for row in rows:
        expected = 0.3 if row.comparison.system_b.name == "x" else 0.7
        assert row.selection_probability == pytest.approx(expected)
        assert row.policy == "adaptive"
    assert 20 <= others(rows)["y"] <= 38


def test_a_draw_can_be_made_again_from_the_seed_the_annotator_and_the_pairs_handed_out():
    def drawn() -> list[str]:
        study = make_steered("adaptive", {"x": 9, "y": 9}, {"x": 1.0, "y": 1.0})
        rows = rate(make_annotator(study, external_id="someone"), 9)
        return [row.comparison.item_id for row in rows]

    assert drawn() == drawn()


def test_stopped_cells_and_cells_without_room_are_not_drawn_from():
    study = make_steered("adaptive", {"x": 5, "y": 5}, {"x": 100.0, "y": 1.0})
    queue.stop(study, "base", "x")
    rows = rate(make_annotator(study), 5)
    assert others(rows) == {"y": 5}
    # Renormalised over what is left: there is no choice.
    assert {row.selection_probability for row in rows} == {1.0}


def test_everything_is_handed_out_whatever_the_weights_are():
    study = make_steered("adaptive", {"x": 3, "y": 3, "z": 3, "u": 3, "v": 3}, {"x": 1e9})
    Cell.objects.filter(study=study).exclude(weight=1e9).update(weight=0)
    annotator = make_annotator(study)
    assert sum(others(rate(annotator, 15)).values()) == 15
    assert queue.claim(annotator).empty == queue.EmptyReason.FINISHED


def test_a_pair_that_no_cell_holds_is_still_walked_to():
    study = make_queue(3, rules={"priorities": {"policy": "adaptive"}})
    # Opened before there were cells.
    study.comparisons.update(cell=None)
    rows = rate(make_annotator(study), 3)
    assert {(row.policy, row.selection_probability) for row in rows} == {("uniform", None)}


def test_a_revived_pair_logs_the_draw_by_which_it_comes_now():
    study = make_steered("emptiest", {"x": 1}, {"x": 1.0})
    annotator = make_annotator(study)
    held = current_id(annotator)
    before = row_of(held)
    assert before.policy == "emptiest"
    lapse(held)
    queue.expire_lapsed()
    # Nothing is drawn now: the walk finds it.
    study.comparisons.update(cell=None)
    Cell.objects.filter(study=study).delete()
    assert current_id(annotator) == held
    after = row_of(held)
    assert (after.policy, after.selection_probability) == ("uniform", None)
    assert after.swapped == before.swapped


def statements_of_a_claim(annotator: Annotator) -> int:
    with CaptureQueriesContext(connection) as queries:
        current = queue.claim(annotator, want=1).current
    assert current is not None
    vote(annotator, current.pair.id)
    return sum(not query["sql"].startswith(("SAVEPOINT", "RELEASE")) for query in queries)


def test_a_draw_costs_one_query_more_than_the_walk_at_any_size():
    counts = {}
    for size in (5, 60):
        study = make_steered("adaptive", {"x": size, "y": size}, {"x": 1.0, "y": 1.0})
        annotator = make_annotator(study)
        counts[size] = min(statements_of_a_claim(annotator) for _ in range(5))
    walked = make_annotator(make_queue(9))
    assert counts[5] == counts[60] == min(statements_of_a_claim(walked) for _ in range(4)) + 1
