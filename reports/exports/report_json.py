"""The report object of docs/report.schema.json."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
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
    "panels",
)


# Whole numbers beyond it are floats that the database wrote out.
LARGEST_EXACT = 2**53

INDENT = "  "

_quoted = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode

CONSTANTS: dict[Any, str] = {None: "null", True: "true", False: "false"}


def render(kept: AnalysisRun) -> str:
    """The stored object, two-space indented; the same run gives the same bytes.

    A report that an earlier release kept may have lost the order of its keys and the way its
    numbers were written, so both are made here.
    """
    result = kept.result
    names = [name for name in FIRST if name in result]
    names += sorted(set(result) - set(names))
    return _Writer().object(result, "", names)


class _Writer:
    """Writes JSON as json.dumps does with sorted keys and an indent, in half the time.

    It knows again what comes often: the keys of an object, and texts. A report of 40 MB has 80,000
    objects of a few kinds. No copy of the report in another order is made.
    """

    def __init__(self) -> None:
        self._leads: dict[tuple[str, tuple[str, ...]], list[tuple[str, str]]] = {}
        self._texts: dict[str, str] = {}

    def object(self, value: dict[str, Any], margin: str, names: Iterable[str] | None = None) -> str:
        """The JSON of an object, the lines after its first at `margin`; keys sorted by default."""
        if not value:
            return "{}"
        if names is None:
            kind = (margin, tuple(value))
            leads = self._leads.get(kind)
            if leads is None:
                leads = self._leads[kind] = self._leads_of(sorted(value), margin)
        else:
            leads = self._leads_of(names, margin)
        inner = margin + INDENT
        parts = []
        for name, lead in leads:
            entry = value[name]
            # A seed is a whole number, however large.
            text = _quoted(entry) if name == "seed" else self.any(entry, inner)
            parts.append(lead + text)
        parts.append(f"\n{margin}}}")
        return "".join(parts)

    @staticmethod
    def _leads_of(names: Iterable[str], margin: str) -> list[tuple[str, str]]:
        """Each name with all that stands before its value."""
        inner = margin + INDENT
        return [
            (name, f"{',' if place else '{'}\n{inner}{_quoted(name)}: ")
            for place, name in enumerate(names)
        ]

    def any(self, value: Any, margin: str) -> str:
        """The JSON of a value, the lines after its first at `margin`."""
        kind = type(value)
        if kind is float:
            if not math.isfinite(value):
                raise ValueError(f"{value} is no JSON number")
            return repr(value) if value else "0.0"  # not -0.0
        if kind is str:
            text = self._texts.get(value)
            if text is None:
                text = self._texts[value] = _quoted(value)
            return text
        if kind is int:
            return repr(value) if abs(value) <= LARGEST_EXACT else repr(float(value))
        if kind is dict:
            return self.object(value, margin)
        if kind is list:
            if not value:
                return "[]"
            inner = margin + INDENT
            entries = f",\n{inner}".join([self.any(entry, inner) for entry in value])
            return f"[\n{inner}{entries}\n{margin}]"
        if value is None or kind is bool:
            return CONSTANTS[value]
        return _quoted(value)
