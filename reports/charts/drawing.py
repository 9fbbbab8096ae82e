"""What all charts share: the palette, the sizes, and marks for figures with intervals. Pure.

Colours are those of the light theme. The renderer gives every one of them a class, by which the
page's style sheet replaces it in the dark theme.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Spec = dict[str, Any]

# Vega-Lite's own version, as vl-convert knows it.
SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"

INK = "#1d1d1b"
INK_SOFT = "#4d4d49"
LINE = "#dddcd8"
LINE_STRONG = "#84847e"
SURFACE = "#ffffff"
# Okabe-Ito.
BLUE = "#0072b2"
ORANGE = "#e69f00"
GREEN = "#009e73"
VERMILION = "#d55e00"

# Colour → the class that follows the theme (reports.css).
ROLES: dict[str, str] = {
    INK: "ink",
    INK_SOFT: "soft",
    LINE: "line",
    LINE_STRONG: "strong",
    SURFACE: "surface",
    BLUE: "series-1",
    ORANGE: "series-2",
    GREEN: "series-3",
    VERMILION: "series-6",
}

# Pixels. The narrow one fits a phone of 360 px beside the page's margins.
WIDE = 720
NARROW = 328
ROW = 30
# Columns of a name that still fits at the left of a wide chart, and above its marks.
LONGEST_LABEL = 36
LONGEST_HEADING = 84
LONGEST_NARROW_HEADING = 30
NARROW_ROW = 46
NARROW_SHIFT = 10
# A chart with more rows than this is a wall; the table has them all.
MOST_ROWS = 30


EM_SPACE = "\u2003"
# Told apart from each other without being seen.
SAME_LABEL = "\u200b"


@dataclass(frozen=True, slots=True)
class Chart:
    """One picture that answers one question.

    Attributes
    ----------
    name : str
        Unique within a report; part of ids.
    title : str
        A sentence that says what is seen.
    note : str
        How to read the marks.
    description : str
        The same figures in words, for those who do not see the picture.
    wide, narrow : Spec
        Vega-Lite specifications of the same picture in two widths.
    """

    name: str
    title: str
    note: str
    description: str
    wide: Spec
    narrow: Spec


def specification(
    width: int,
    rows: Sequence[Mapping[str, Any]],
    layers: list[Spec],
    *,
    row: int = ROW,
) -> Spec:
    """A chart of horizontal rows, as wide as it is told, labels included.

    The wide form has each row's name at its left. The narrow form, and one with long names, has
    it above its marks, with the figure in words behind it: beside them there is no room.
    """
    names = list(dict.fromkeys(entry["row"] for entry in rows))
    above = width < WIDE or max(map(columns_of, names)) > LONGEST_LABEL
    longest = (LONGEST_HEADING if width >= WIDE else LONGEST_NARROW_HEADING) if above else None
    written = dict(zip(names, unique_rows([shortened(n, longest) for n in names]), strict=True))
    values = [{**entry, "row": written[entry["row"]]} for entry in rows]
    if above:
        for entry in values:
            entry["heading"] = EM_SPACE.join((entry["row"], entry["short"]))
        layers = [_moved_down(layer) for layer in layers if not is_label(layer)]
        layers.append(_heading())
    return {
        "$schema": SCHEMA,
        "width": width,
        "height": {"step": NARROW_ROW if above else row},
        "autosize": {"type": "fit-x", "contains": "padding"},
        "background": None,
        "padding": {
            "left": 2 if above else label_slack(values),
            "top": 4,
            "right": 8,
            "bottom": 6,
        },
        "data": {"values": values},
        "layer": layers,
        "config": config(width, names_above=above),
    }


def label_slack(rows: Sequence[Mapping[str, Any]]) -> int:
    """Free pixels left of the names: a reader's font may be an eighth wider than the one that
    they are measured with here."""
    return 2 + round(
        0.8 * min(LONGEST_LABEL, max((len(entry["row"]) for entry in rows), default=0))
    )


def is_label(layer: Spec) -> bool:
    return bool(layer["mark"]["type"] == "text")


def _moved_down(layer: Spec) -> Spec:
    """Room for the heading above the marks of a row."""
    if "y" not in layer["encoding"]:
        return layer
    return {**layer, "mark": {**layer["mark"], "yOffset": NARROW_SHIFT}}


def _heading() -> Spec:
    return {
        "mark": {
            "type": "text",
            "align": "left",
            "baseline": "middle",
            "dy": -NARROW_SHIFT,
            "fontSize": 13,
            "color": INK,
        },
        "encoding": {
            "y": row_axis(),
            "x": {"value": 0},
            "text": {"field": "heading"},
        },
    }


def config(width: int, *, names_above: bool) -> Spec:
    return {
        "font": "Liberation Sans, Arial, sans-serif",
        "view": {"stroke": None},
        "axis": {
            "labelColor": INK_SOFT,
            "titleColor": INK_SOFT,
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "gridColor": LINE,
            "domain": False,
            "ticks": False,
            "labelPadding": 6,
            "titlePadding": 10,
        },
        "axisY": {
            "grid": False,
            "labelColor": INK,
            "labelFontSize": 13,
            # Vega cuts a text between the two halves of a character and then fails on it.
            "labelLimit": 0,
            "title": None,
            "labels": not names_above,
        },
        "axisX": {"tickCount": 6 if width >= WIDE else 4, "grid": True, "labelFlush": False},
        "legend": {
            "orient": "top",
            "direction": "horizontal",
            "labelColor": INK,
            "labelFontSize": 12,
            "title": None,
            "offset": 8,
            "columnPadding": 32,
            "columns": 3 if width >= WIDE else 1,
        },
    }


def row_axis(**more: Any) -> Spec:
    """The rows, in the order of the data, by their key `row`."""
    return {
        "field": "row",
        "type": "ordinal",
        "sort": None,
        "scale": {"type": "band", "padding": 0},
        **more,
    }


def share_axis(title: str, low: float = 0, high: float = 1) -> Spec:
    """From 0 % to 100 %, unless a part is asked for."""
    return {
        "type": "quantitative",
        "scale": {"domain": [low, high], "nice": False},
        "axis": {"labelExpr": "format(100 * datum.value, '.0f') + '\u00a0%'", "title": title},
    }


def interval_layers(x: Spec, *, color: Spec | str = BLUE, offset: Spec | None = None) -> list[Spec]:
    """A rule from `low` to `high` and a dot at `estimate`, for each row."""
    shared: Spec = {"y": row_axis()} | ({"yOffset": offset} if offset else {})
    shared["color"] = {"value": color} if isinstance(color, str) else color
    return [
        {
            "mark": {"type": "rule", "strokeWidth": 3, "strokeCap": "round"},
            "encoding": {**shared, "x": {"field": "low", **x}, "x2": {"field": "high"}},
        },
        {
            "mark": {"type": "point", "filled": True, "opacity": 1, "size": 90},
            "encoding": {**shared, "x": {"field": "estimate", **x}},
        },
    ]


def reference_line(at: float, x: Spec) -> Spec:
    return {
        "mark": {"type": "rule", "color": LINE_STRONG, "strokeDash": [4, 3]},
        "encoding": {"x": {"datum": at, **x}},
    }


def in_words(parts: Sequence[str], most: int = 12) -> str:
    """The rows of a chart as a sentence; the rest is counted."""
    said = "; ".join(parts[:most])
    more = len(parts) - most
    return f"{said}; and {more} more, which the table has." if more > 0 else f"{said}."


def columns_of(text: str) -> int:
    """How wide a text is, in widths of a common letter."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def shortened(text: str, columns: int | None) -> str:
    """The text, cut to at most so many columns with a sign that it was."""
    if columns is None or columns_of(text) <= columns:
        return text
    kept = 0
    while columns_of(text[: kept + 1]) < columns:
        kept += 1
    return f"{text[:kept]}…"


def unique_rows(labels: Sequence[str]) -> list[str]:
    """Labels made different from each other, since a row is found by its label.

    Names of one study differ, but a chart may shorten or join them into equal texts.
    """
    seen: dict[str, int] = {}
    out = []
    for label in labels:
        seen[label] = seen.get(label, 0) + 1
        out.append(label + SAME_LABEL * (seen[label] - 1))
    return out
