"""One figure as it stands in a cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from reports.wording import numbers
from reports.wording.methods import explain
from reports.wording.warnings import short, why_undefined

Formatter = Callable[[Mapping[str, Any]], tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Figure:
    """
    Attributes
    ----------
    text : str
        The value, or a dash.
    interval : str
        Its interval in brackets; empty without one.
    why : str
        Why there is no value; empty where there is one.
    method : str
        How it was computed, in a line.
    n : int
    sort : float or None
        What a table is sorted by.
    notes : tuple of str
        What to mind, in a few words each.
    """

    text: str
    interval: str
    why: str
    method: str
    n: int
    sort: float | None
    notes: tuple[str, ...]

    @property
    def whole(self) -> str:
        return f"{self.text} {self.interval}".rstrip() if not self.why else self.why

    @property
    def count(self) -> str:
        return numbers.count(self.n)

    @property
    def compact(self) -> str:
        """The value with its interval, or a dash where there is none."""
        return f"{self.text} {self.interval}".rstrip()


def figure(estimate: Mapping[str, Any], formatter: Formatter) -> Figure:
    codes = tuple(estimate["warnings"])
    method, n = explain(estimate["method"]), estimate["n"]
    notes = tuple(short(code) for code in codes)
    if estimate["estimate"] is None:
        why = why_undefined(estimate.get("reason"), codes)
        return Figure(numbers.NOTHING, "", why, method, n, None, notes)
    text, interval = formatter(estimate)
    return Figure(text, interval, "", method, n, estimate["estimate"], notes)


def percentage(estimate: Mapping[str, Any]) -> Figure:
    return figure(estimate, numbers.percent_with_interval)


def coefficient(estimate: Mapping[str, Any]) -> Figure:
    return figure(estimate, numbers.coefficient_with_interval)


def distance(estimate: Mapping[str, Any]) -> Figure:
    """A difference of two ratings."""
    return figure(estimate, numbers.distance_with_interval)


def rating(estimate: Mapping[str, Any]) -> Figure:
    return figure(estimate, numbers.rating_with_interval)
