"""The report object of docs/report.schema.json."""

from __future__ import annotations

from typing import Any

import orjson

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
    "anchor",
    "leaderboard",
    "head_to_head",
    "against_one",
    "agreement",
    "side_bias",
    "criteria",
    "adjudication",
    "alignment",
    "judge_pairs",
    "panels",
)

INDENT = "  "


def render(kept: AnalysisRun) -> str:
    """The stored object, two-space indented; the same run gives the same bytes."""
    result = kept.result
    names = [name for name in FIRST if name in result]
    names += sorted(set(result) - set(names))
    entries = (f"{INDENT}{_pretty(name)}: {_pretty(result[name])}" for name in names)
    return "{\n" + ",\n".join(entries) + "\n}"


def _pretty(value: Any) -> str:
    """A value of the object, its keys sorted and the lines after its first indented once more."""
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode()
    # No text holds a bare line break.
    return text.replace("\n", f"\n{INDENT}")
