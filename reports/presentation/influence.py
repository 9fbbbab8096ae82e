"""How much of the ranking hangs on single people and on few votes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.wording.numbers import NOTHING, count, counted, decimal, named_list, percent

# More names in one sentence are not read.
NAMED = 5
# The largest figure that is told from another one at a glance.
LARGEST_E_VALUE = 1000


@dataclass(frozen=True, slots=True)
class ReliabilityRow:
    annotator: str
    votes: str
    votes_sort: int
    reliability: str
    reliability_sort: float | None
    e_value: str
    e_value_sort: float | None
    accuracy: str
    accuracy_sort: float | None
    # In words; empty where nothing is to be said.
    remark: str


@dataclass(frozen=True, slots=True)
class ErrorsRow:
    """Standard errors of one system's strength: the report's, and by each dimension alone."""

    system: str
    reported: str
    by_annotator: str
    by_annotator_cr1: str
    by_prompt: str
    by_prompt_cr1: str


@dataclass(frozen=True, slots=True)
class Influence:
    """
    Attributes
    ----------
    bootstrap : sequence of ErrorsRow
        Empty where it was not made.
    bootstrapped : str
        How it was made, or why not; empty for reports before format 18.
    """

    sentences: Sequence[str]
    rows: Sequence[ReliabilityRow]
    has_accuracy: bool
    bootstrap: Sequence[ErrorsRow]
    bootstrapped: str


def influence(result: Mapping[str, Any]) -> Influence:
    found = result["diagnostics"]
    rows = [_row(entry) for entry in found["annotator_reliability"]]
    bootstrap = found.get("multiplier_bootstrap")
    entries = [] if bootstrap is None else bootstrap["rows"] or []
    return Influence(
        sentences=[
            _people(found["leave_one_annotator_out"]),
            _votes(found["fewest_votes_that_change_the_winner"]),
        ],
        rows=rows,
        has_accuracy=any(row.accuracy_sort is not None for row in rows),
        bootstrap=[_errors(entry) for entry in entries],
        bootstrapped="" if bootstrap is None else _bootstrapped(bootstrap),
    )


def _people(found: Mapping[str, Any]) -> str:
    if found["reason"] is not None:
        return f"Leaving out one annotator at a time: {found['reason']}"
    shift = decimal(found["largest_shift"], 2)
    largest = (
        f"Without any one annotator no strength moves by more than {shift} "
        f"({found['system']} without {found['annotator']})"
    )
    if not found["rank_changes"]:
        return f"{largest}, and no rank changes."
    names = found["annotators_that_change_a_rank"]
    more = f" and {counted(len(names) - NAMED, 'other')}" if len(names) > NAMED else ""
    who = f"{', '.join(names[:NAMED])}{more}" if more else named_list(names, "or")
    return f"{largest}. Without {who} a rank changes."


def _votes(found: Mapping[str, Any]) -> str:
    if found["reason"] is not None:
        return f"The fewest votes that change the winner: {found['reason']}"
    return (
        f"Without {counted(found['votes'], 'chosen vote')} of {count(found['n'])} "
        f"({percent(found['share'])}) {found['runner_up']} would stand above {found['system']}."
    )


def _bootstrapped(found: Mapping[str, Any]) -> str:
    if found["reason"] is not None:
        return f"Errors once more by a multiplier bootstrap: {found['reason']}."
    made = dict.fromkeys(
        _by(dimension, figure)
        for row in found["rows"]
        for dimension in ("annotator", "prompt")
        if (figure := row[dimension])["estimate"] is not None
    )
    if not made:
        return (
            "Errors once more by a multiplier bootstrap: not made, as there is no dimension with "
            "two clusters, or no finite fit."
        )
    return f"Made {named_list(made)}."


def _by(dimension: str, figure: Mapping[str, Any]) -> str:
    """`by 9 annotators (multiplier_webb)`."""
    number = figure["n_clusters"][dimension]
    return f"by {counted(number, dimension)} ({figure['method']})"


def _errors(entry: Mapping[str, Any]) -> ErrorsRow:
    return ErrorsRow(
        system=entry["system"],
        reported=_three_places(entry["se"]),
        by_annotator=_three_places(entry["annotator"].get("se")),
        by_annotator_cr1=_three_places(entry["annotator"].get("se_cr1")),
        by_prompt=_three_places(entry["prompt"].get("se")),
        by_prompt_cr1=_three_places(entry["prompt"].get("se_cr1")),
    )


def _three_places(value: float | None) -> str:
    return NOTHING if value is None else decimal(value, 3)


def _row(entry: Mapping[str, Any]) -> ReliabilityRow:
    return ReliabilityRow(
        annotator=entry["annotator"],
        votes=count(entry["votes"]),
        votes_sort=entry["votes"],
        reliability=_two_places(entry["reliability"]),
        reliability_sort=entry["reliability"],
        e_value=e_value(entry["e_value"]),
        e_value_sort=entry["e_value"],
        accuracy=_two_places(entry["accuracy"]),
        accuracy_sort=entry["accuracy"],
        remark=_remark(entry),
    )


def _two_places(value: float | None) -> str:
    return NOTHING if value is None else decimal(value, 2)


def e_value(value: float | None) -> str:
    """`12`, `0.4`, `> 1,000`, or a dash."""
    if value is None:
        return NOTHING
    if value > LARGEST_E_VALUE:
        return f">\u00a0{count(LARGEST_E_VALUE)}"
    if value >= 10:
        return decimal(value, 0)
    return "<\u00a00.1" if value < 0.1 else decimal(value, 1)


def _remark(entry: Mapping[str, Any]) -> str:
    if entry["suspicious"]:
        return "answers as by the toss of a coin"
    return "often against the others" if entry["flagged"] else ""
