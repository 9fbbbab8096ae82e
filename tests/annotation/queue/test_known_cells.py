"""What a process remembers of a study of many cells, and what is still seen at the lock."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotation import queue
from annotation.models import Annotator, Cell, Study
from annotation.queue import known_cells
from annotation.queue.policy import KNOWN_CELLS_SECONDS
from tests.factories import make_annotator

from .test_policies import make_steered, others, rate
from .world import assert_counters_hold, current_id, lapse, row_of

pytestmark = pytest.mark.django_db


class Clock:
    """Stands for the module `time` in the one that is tested."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """All studies are taken for large ones, and the time is the test's."""
    made = Clock()
    monkeypatch.setattr(known_cells, "FEW_CELLS", 0)
    monkeypatch.setattr(known_cells, "time", made)
    known_cells._known.clear()
    yield made
    known_cells._known.clear()


def reads_of_cells(annotator: Annotator) -> int:
    with CaptureQueriesContext(connection) as queries:
        current_id(annotator)
    return sum('FROM "annotation_cell"' in query["sql"] for query in queries)


def weigh(study: Study, **weights: float) -> None:
    cells = {cell.system_b: cell.pk for cell in queue.cells_of(study)}
    queue.set_priorities(study, {cells[name]: weight for name, weight in weights.items()})


def test_the_cells_are_read_once_in_some_seconds(clock: Clock) -> None:
    study = make_steered("adaptive", {"x": 5, "y": 5}, {"x": 1.0, "y": 3.0})
    people = [make_annotator(study) for _ in range(3)]
    assert [reads_of_cells(annotator) for annotator in people[:2]] == [1, 0]
    clock.now += KNOWN_CELLS_SECONDS
    assert reads_of_cells(people[2]) == 1


def test_few_cells_are_read_for_each_claim() -> None:
    study = make_steered("adaptive", {"x": 5, "y": 5}, {"x": 1.0, "y": 3.0})
    assert [reads_of_cells(make_annotator(study)) for _ in range(2)] == [1, 1]


def test_new_weights_count_some_seconds_later(clock: Clock) -> None:
    study = make_steered("emptiest", {"x": 5, "y": 5}, {"x": 2.0, "y": 1.0})
    assert others(rate(make_annotator(study), 2)) == {"x": 2}
    weigh(study, x=1.0, y=2.0)
    assert others(rate(make_annotator(study), 2)) == {"x": 2}
    clock.now += KNOWN_CELLS_SECONDS
    assert others(rate(make_annotator(study), 2)) == {"y": 2}


def test_a_stopped_cell_is_given_up_at_its_lock_and_drawn_from_no_more(clock: Clock) -> None:
    study = make_steered("adaptive", {"x": 9, "y": 9}, {"x": 1e6, "y": 1.0})
    # Draws follow from these names: of others, one in thirteen is first given a pair of y.
    first, second = (make_annotator(study, external_id=name) for name in ("first", "second"))
    assert others(rate(first, 3))["x"] >= 1
    queue.stop(study, "base", "x")
    rows = rate(second, 6)
    assert others(rows) == {"y": 6}
    # Once it is known to be empty there is no choice.
    assert {row.selection_probability for row in rows[1:]} == {1.0}
    (known,) = known_cells._known.values()
    (place,) = known.empty
    assert Cell.objects.get(pk=known.urn.cells[place].pk).system_b.name == "x"
    assert_counters_hold(study)


def test_what_one_person_has_done_is_still_drawn_for_others(clock: Clock) -> None:
    study = make_steered("emptiest", {"x": 2, "y": 5}, {"x": 2.0, "y": 1.0})
    assert others(rate(make_annotator(study), 4)) == {"x": 2, "y": 2}
    (known,) = known_cells._known.values()
    assert not known.empty
    assert others(rate(make_annotator(study), 2)) == {"x": 2}


def test_what_opens_meanwhile_is_found_by_the_walk_at_the_latest(clock: Clock) -> None:
    study = make_steered("adaptive", {"x": 1}, {"x": 1.0})
    people = [make_annotator(study) for _ in range(5)]
    held = [current_id(annotator) for annotator in people[:3]]
    # All three slots are held, and the process learns that nothing is open.
    assert queue.claim(people[3]).empty == queue.EmptyReason.HELD_BY_OTHERS
    lapse(held[0])
    queue.expire_lapsed()
    row = row_of(current_id(people[4]))
    assert (row.policy, row.selection_probability) == ("uniform", None)


def test_only_so_many_studies_are_remembered(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_cells, "KNOWN_STUDIES", 2)
    studies = [make_steered("adaptive", {"x": 2, "y": 2}, {}) for _ in range(3)]
    for study in studies:
        current_id(make_annotator(study))
    assert [name[0] for name in known_cells._known] == [study.pk for study in studies[1:]]
