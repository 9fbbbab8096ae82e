"""The report object of docs/report.schema.json."""

from __future__ import annotations

import json
from typing import Any

from reports.models import AnalysisRun

# What a reader looks for first; everything else follows by name.
FIRST = (
    "study",
    "title",
    "notice",
    "study_version",
    "seed",
    "input_sha256",
    "version",
    "settings",
    "warnings",
    "counts",
    "verdicts",
    "leaderboard",
    "head_to_head",
    "against_one",
    "agreement",
    "side_bias",
    "criteria",
    "adjudication",
    "alignment",
    "judge_pairs",
)


def render(kept: AnalysisRun) -> str:
    """The stored object, two-space indented; the same run gives the same bytes.

    PostgreSQL keeps neither the order of keys nor the way numbers are written, so both are made
    here.
    """
    result = kept.result
    names = [name for name in FIRST if name in result]
    names += sorted(set(result) - set(names))
    ordered = {name: result[name] if name == "seed" else in_order(result[name]) for name in names}
    return json.dumps(ordered, indent=2, ensure_ascii=False, allow_nan=False)


# Whole numbers beyond it are floats that the database wrote out.
LARGEST_EXACT = 2**53


def in_order(value: Any) -> Any:
    """The value with the keys of each object by name and each number in one way."""
    if isinstance(value, float) and value == 0:
        return 0.0  # not -0.0
    if isinstance(value, int) and abs(value) > LARGEST_EXACT:
        return float(value)
    if isinstance(value, dict):
        return {key: value[key] if key == "seed" else in_order(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [in_order(entry) for entry in value]
    return value
