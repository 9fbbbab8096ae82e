"""Two boards compared."""

from __future__ import annotations

import numpy as np

from reports.stats.sensitivity import compare_conclusions


def matrix(*pairs: tuple[int, int]) -> np.ndarray:
    found = np.zeros((3, 3), dtype=bool)
    for better, worse in pairs:
        found[better, worse] = True
    return found


def test_equal_boards_differ_in_nothing() -> None:
    same = compare_conclusions({0: 1, 1: 2}, matrix((0, 1)), {0: 1, 1: 2}, matrix((0, 1)))
    assert not same.order_changed
    assert not same.conclusions_changed
    assert same.changes == ()


def test_each_kind_of_change_is_named_once() -> None:
    found = compare_conclusions(
        {0: 1, 1: 2, 2: 3},
        matrix((0, 1), (0, 2)),
        {0: 2, 1: 1, 2: 3},
        matrix((1, 0), (1, 2)),
    )
    assert found.moved == ((0, 1, 2), (1, 2, 1))
    assert found.changes == ((0, 1, "reversed"), (0, 2, "lost"), (1, 2, "gained"))
    assert found.conclusions_changed


def test_a_gained_statement_changes_no_conclusion() -> None:
    found = compare_conclusions({0: 1, 1: 2}, matrix(), {0: 1, 1: 2}, matrix((0, 1)))
    assert found.changes == ((0, 1, "gained"),)
    assert not found.conclusions_changed


def test_a_system_that_is_missing_there_has_moved() -> None:
    found = compare_conclusions({0: 1, 1: None}, matrix(), {0: None}, matrix())
    assert found.moved == ((0, 1, None),)
