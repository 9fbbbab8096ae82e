"""Ratings with their intervals: one chart for each group of systems that were compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.wording.headline import Group, groups_of, inside, sentence
from reports.wording.numbers import rating, rating_with_interval

from .drawing import (
    INK,
    LINE_STRONG,
    MOST_ROWS,
    NARROW,
    WIDE,
    Chart,
    Spec,
    in_words,
    interval_layers,
    row_axis,
    specification,
)

NOTE = (
    "Thick line: the 95 % interval of one system. Thin line: bounds that hold for all systems of "
    "the group at once, on which their ranks rest."
)


def charts(result: Mapping[str, Any]) -> list[Chart]:
    """Groups of one system alone have nothing to show."""
    groups = groups_of(result)
    return [
        _chart(group, number, len(groups))
        for number, group in enumerate(groups, 1)
        if len(group.rows) > 1
    ]


def _chart(group: Group, number: int, groups: int) -> Chart:
    shown = group.rows[:MOST_ROWS]
    rows = [_row(row) for row in shown]
    measured = _measured_from(group)
    more = f" The first {MOST_ROWS} of {len(group.rows)} systems."
    return Chart(
        name=f"ratings-{number}",
        title=f"Group {number}: {inside(group)}" if groups > 1 else sentence(group),
        note=NOTE + (more if len(group.rows) > MOST_ROWS else ""),
        description="Ratings with 95 % intervals: "
        + in_words([f"{row['row']} {row['text']} {row['interval']}".rstrip() for row in rows]),
        wide=_spec(rows, WIDE, measured),
        narrow=_spec(rows, NARROW, measured),
    )


def _measured_from(group: Group) -> str:
    """The system at a number of its own, or the mean."""
    anchor = group.result.get("anchor")
    if anchor is None or anchor["component"] != group.rows[0]["component"]:
        return "1,000 is the mean of the group"
    return f"{anchor['system']} stands at {rating(anchor['rating'])}"


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    figure = row["rating"]
    text, interval = rating_with_interval(figure)
    joint = figure.get("simultaneous") or {"low": figure["low"], "high": figure["high"]}
    return {
        "row": row["system"],
        "estimate": figure["estimate"],
        "low": figure["low"],
        "high": figure["high"],
        "joint_low": joint["low"],
        "joint_high": joint["high"],
        "text": text,
        "short": text,
        "interval": interval,
    }


def _spec(rows: list[dict[str, Any]], width: int, measured: str) -> Spec:
    x: Spec = {
        "type": "quantitative",
        # Ratings have no zero that means anything: an axis from 0 would hide every difference.
        "scale": {"zero": False, "nice": True, "padding": 12},
        "axis": {"title": f"Rating ({measured})", "format": ",.0f"},
    }
    joint: Spec = {
        "mark": {"type": "rule", "color": LINE_STRONG, "strokeWidth": 1},
        "encoding": {
            "y": row_axis(),
            "x": {"field": "joint_low", **x},
            "x2": {"field": "joint_high"},
        },
    }
    label: Spec = {
        "mark": {"type": "text", "dy": -10, "fontSize": 12, "color": INK},
        "encoding": {
            "y": row_axis(),
            "x": {"field": "estimate", **x},
            "text": {"field": "text"},
        },
    }
    return specification(width, rows, [joint, *interval_layers(x), label], row=36)
