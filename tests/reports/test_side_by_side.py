"""Parts of a report at the same time give what they give one after the other."""

from __future__ import annotations

import json
import threading
from functools import partial

import pytest

from reports import analysis
from reports.side_by_side import side_by_side
from tests.reports.made_records import cells, mixed, report_of

PATIENCE = 60.0
VOTES = cells(mixed, systems=4, prompts=14, annotators=5)


def test_the_parts_meet_where_they_are_made_together() -> None:
    both = threading.Barrier(2, timeout=PATIENCE)

    def part(name: str) -> str:
        both.wait()
        return name

    assert side_by_side(partial(part, "a"), partial(part, "b"), together=True) == ("a", "b")


def test_else_they_follow_each_other_in_the_callers_thread() -> None:
    seen: list[tuple[str, int]] = []
    note = lambda name: seen.append((name, threading.get_ident()))  # noqa: E731
    side_by_side(partial(note, "a"), partial(note, "b"), together=False)
    assert seen == [("a", threading.get_ident()), ("b", threading.get_ident())]


@pytest.mark.parametrize("together", [True, False])
def test_a_fault_of_either_part_is_the_callers(together: bool) -> None:
    def fault(text: str) -> None:
        raise ValueError(text)

    with pytest.raises(ValueError, match="second"):
        side_by_side(lambda: 1, partial(fault, "second"), together=together)
    with pytest.raises(ValueError, match="first"):
        side_by_side(partial(fault, "first"), partial(fault, "second"), together=together)


def test_the_report_is_the_same_to_the_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def force(together: bool) -> str:
        def forced(first, second, *, together: bool, by: bool = together):
            asked.append(together)
            return side_by_side(first, second, together=by)

        monkeypatch.setattr(analysis, "side_by_side", forced)
        return json.dumps(report_of(VOTES, 4))

    assert force(True) == force(False)
    assert asked == [False, False], "a small study is not worth a thread"
