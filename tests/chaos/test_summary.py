"""What a chaos run tells of itself: sums, what never occurred, and how it is gone on with."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from .faults import Faults
from .history import History, Kind, Op
from .proxy import STORMS
from .records import AssignmentRow, Records, VoteRow
from .summary import ACTS, ANSWERS, Summary, answers_of, read_summary, write_summary


def complete() -> Summary:
    """A run in which everything occurred once."""
    return Summary(
        seconds=60.0,
        kills=7,
        runs=1,
        counted_votes=12,
        faults=Counter(Faults.KINDS.keys()),
        network=Counter(storm.value for storm in STORMS),
        acts=Counter(op.value for op in ACTS),
        answers=Counter(ANSWERS),
        recoveries={"kill -9 of a web worker": [0.1, 0.4, 0.2]},
        fills=[3.5],
        wanting=[40],
    )


def test_a_run_that_met_everything_misses_nothing() -> None:
    assert complete().missing(Faults.KINDS, is_long=True) == []


@pytest.mark.parametrize("counts", ["faults", "network", "acts", "answers"])
def test_what_never_occurred_is_named(counts: str) -> None:
    summary = complete()
    name = next(iter(getattr(summary, counts)))
    del getattr(summary, counts)[name]
    (missing,) = summary.missing(Faults.KINDS, is_long=True)
    assert name in missing


def test_a_short_run_promises_nothing_that_is_drawn() -> None:
    summary = complete()
    summary.network.clear()
    summary.acts.clear()
    del summary.answers["excluded, back in"]
    assert summary.missing(Faults.KINDS, is_long=False) == []


def test_a_short_run_promises_every_fault_and_what_is_sure() -> None:
    summary = complete()
    del summary.faults["Redis wiped"]
    del summary.answers["counted"]
    assert summary.missing(Faults.KINDS, is_long=False) == ["fault: Redis wiped", "answer: counted"]


def test_the_runs_of_a_long_one_add_up() -> None:
    summary = complete()
    other = complete()
    other.violations = ["overlap: one has 4 counted votes for 3"]
    summary.add(other)
    assert (summary.runs, summary.kills, summary.seconds) == (2, 14, 120.0)
    assert summary.faults["Redis wiped"] == 2
    assert (summary.fills, summary.wanting) == ([3.5, 3.5], [40, 40])
    table = "\n".join(summary.lines())
    assert "median  0.20, max  0.40" in table
    assert "violations: 1" in table
    assert "overlap: one has 4 counted votes for 3" in table


def test_a_run_goes_on_with_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "chaos.json"
    settings = {"seed": 1, "gap": [0.5, 2.5]}
    assert read_summary(path, settings) == Summary()
    write_summary(path, settings, complete())
    found = read_summary(path, settings)
    assert found == complete()
    found.add(complete())
    assert found.answers["counted"] == 2


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"settings": {"seed": 2}, "summary": {}}'])
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "chaos.json"
    path.write_text(content)
    with pytest.raises(ValueError, match="Name another file"):
        read_summary(path, {"seed": 1})


def test_answers_are_counted_by_kind() -> None:
    history = History()
    told = {"received": "counted", "late": False, "revision": 0, "replayed": False}
    for change in (
        {},
        {"replayed": True},
        {"revision": 1},
        {"late": True},
        {"received": "late_surplus", "late": True},
    ):
        history.add(Kind.OK, Op.VOTE, **{**told, **change})
    history.add(Kind.OK, Op.CONFLICT, code="already_voted")
    history.add(Kind.OK, Op.EXCLUDE, assignment="one")
    history.add(Kind.OK, Op.LIFT, assignment="one", restored=False)
    records = Records(
        items=(),
        assignments=(
            AssignmentRow("one", "i", "ann", "submitted", 1, False),
            AssignmentRow("two", "g", "ann", "submitted", None, False, "gold"),
            AssignmentRow("three", "i", "ann", "submitted", None, False, pass_no=1),
        ),
        votes=tuple(
            VoteRow(name, name, "i", "ann", "left", "a", False, 0, False, 1.0)
            for name in ("one", "two", "three")
        ),
        annotators=(),
        counted=(),
    )
    assert +answers_of(history, records) == {
        "counted": 2,
        "replayed": 1,
        "revised": 1,
        "counted, late": 1,
        "surplus, late": 1,
        "409 already_voted": 1,
        "excluded": 1,
        "excluded, back as surplus": 1,
        "gold": 1,
        "repeat": 1,
    }
