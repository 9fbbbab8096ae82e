"""The report object of docs/report.schema.json."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
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


# Whole numbers beyond it are floats that the database wrote out.
LARGEST_EXACT = 2**53

INDENT = "  "

_quoted = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def render(kept: AnalysisRun) -> str:
    """The stored object, two-space indented; the same run gives the same bytes.

    PostgreSQL keeps neither the order of keys nor the way numbers are written, so both are made
    here.
    """
    result = kept.result
    names = [name for name in FIRST if name in result]
    names += sorted(set(result) - set(names))
    parts: list[str] = []
    _write_object(result, names, "", parts.append)
    return "".join(parts)


def _write(value: Any, margin: str, write: Callable[[str], object]) -> None:
    """Append the JSON of a value, the lines after its first at `margin`.

    json.dumps would need a copy in this order first: of a report of 40 MB, 150 MB of objects.
    """
    if isinstance(value, dict):
        _write_object(value, sorted(value), margin, write)
    elif isinstance(value, list):
        if not value:
            write("[]")
            return
        inner = margin + INDENT
        separator = "[\n" + inner
        for entry in value:
            write(separator)
            _write(entry, inner, write)
            separator = ",\n" + inner
        write("\n" + margin + "]")
    else:
        write(_scalar(value))


def _write_object(
    value: dict[str, Any], names: Iterable[str], margin: str, write: Callable[[str], object]
) -> None:
    if not value:
        write("{}")
        return
    inner = margin + INDENT
    separator = "{\n" + inner
    for name in names:
        write(f"{separator}{_quoted(name)}: ")
        entry = value[name]
        # A seed is a whole number, however large.
        if name == "seed":
            write(_quoted(entry))
        else:
            _write(entry, inner, write)
        separator = ",\n" + inner
    write("\n" + margin + "}")


def _scalar(value: Any) -> str:
    """A float, an int, a text, a truth value or null, as json.dumps writes it."""
    kind = type(value)
    if kind is str:
        return _quoted(value)
    if kind is int:
        return repr(value) if abs(value) <= LARGEST_EXACT else repr(float(value))
    if kind is float:
        if not math.isfinite(value):
            raise ValueError(f"{value} is no JSON number")
        return repr(value) if value else "0.0"  # not -0.0
    return _quoted(value)
