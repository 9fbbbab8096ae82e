"""The rows of `head_to_head` as the report holds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from reports.records import StudyRecords
from reports.stats.head_to_head import HeadToHeadRow
from reports.stats.results import WarningCode
from reports.stats.sequential import confidence_sequence
from reports.stats.win_rates import pair_index

# They speak of p-values, which a pair that was stopped early does not have.
OF_P_VALUES = frozenset({WarningCode.TOO_FEW_PROMPTS, WarningCode.P_VALUES_DIFFER})

TESTS = ("p_value", "p_method", "p_adjusted", "q_value", "p_value_votes", "p_value_two_way")


def pair_rows(
    rows: Sequence[HeadToHeadRow],
    read: StudyRecords,
    *,
    level: float,
    also: Sequence[WarningCode] = (),
) -> list[dict[str, Any]]:
    """Every pair of systems, in the order of `rows`.

    Parameters
    ----------
    rows : sequence of HeadToHeadRow
    read : StudyRecords
    level : float
        Of the intervals.
    also : sequence of WarningCode
        What holds for every pair of the study.
    """
    planned = _comparisons_by_pair(read)
    stopped = frozenset(() if read.sampling is None else read.sampling.stopped)
    shown = []
    for row, comparisons in zip(rows, planned, strict=True):
        pair = (row.system_a, row.system_b)
        shown.append(_row(row, read, comparisons, also))
        if pair in stopped:
            _read_as_stopped(shown[-1], row, level)
    return shown


def _comparisons_by_pair(read: StudyRecords) -> list[int]:
    """How many comparisons there are of each pair, voted on or not, in the order of the rows."""
    m = len(read.systems)
    low = np.minimum(read.item_system_a, read.item_system_b)
    high = np.maximum(read.item_system_a, read.item_system_b)
    counts: list[int] = np.bincount(pair_index(low, high, m), minlength=m * (m - 1) // 2).tolist()
    return counts


def _row(
    row: HeadToHeadRow, read: StudyRecords, comparisons: int, also: Sequence[WarningCode]
) -> dict[str, Any]:
    return {
        "system_a": read.systems[row.system_a],
        "system_b": read.systems[row.system_b],
        "component": None if row.component is None else row.component + 1,
        "comparisons": comparisons,
        "n": row.n,
        "wins_a": row.wins_a,
        "wins_b": row.wins_b,
        "ties": row.ties,
        "both_bad": row.both_bad,
        "win_rate_a": row.win_rate_a.as_dict(),
        "p_value": row.p_value,
        "p_method": row.p_method,
        "p_adjusted": row.p_adjusted,
        "family": row.family,
        "q_value": row.q_value,
        "p_value_votes": row.p_value_votes,
        "p_value_two_way": row.p_value_two_way,
        "target": row.target,
        "target_reached": row.target_reached,
        "effective_decisive": row.effective_decisive,
        "needed": row.needed,
        "enough": row.enough,
        "votes_needed": row.votes_needed,
        "sequential": row.sequential.as_dict(),
        "warnings": [str(code) for code in (*row.warnings, *also)],
    }


def _read_as_stopped(shown: dict[str, Any], row: HeadToHeadRow, level: float) -> None:
    """Leave what is valid at a number of votes that the votes themselves chose.

    That is the confidence sequence in place of an interval for a fixed number, and no p-value.
    """
    low, high = row.sequential.low, row.sequential.high
    if low is None and row.sequential.deflation is not None:
        # With many pairs it is not found for each; those that were stopped are few.
        counts = (row.wins_a, row.ties + row.both_bad, row.wins_b)
        lows, highs = confidence_sequence(
            *([count * row.sequential.deflation] for count in counts), level=level
        )
        low, high = float(lows[0]), float(highs[0])
    estimate = shown["win_rate_a"]
    kept = {key: estimate[key] for key in ("estimate", "n", "n_clusters")}
    shown["win_rate_a"] = {
        **kept,
        "low": low,
        "high": high,
        "method": "confidence_sequence",
        "level": level,
        "warnings": [*estimate["warnings"], str(WarningCode.STOPPED_EARLY)],
    }
    for name in TESTS:
        shown[name] = None
    shown["warnings"] = [
        *(code for code in shown["warnings"] if code not in OF_P_VALUES),
        str(WarningCode.STOPPED_EARLY),
    ]
