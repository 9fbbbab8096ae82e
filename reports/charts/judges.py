"""Judges beside people: agreement with the votes, what people reach, what a guess would."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.wording.judges import closest_judge, judge_name
from reports.wording.numbers import count, percent, percent_with_interval

from .drawing import (
    BLUE,
    GREEN,
    INK,
    LINE_STRONG,
    LONGEST_LABEL,
    LONGEST_NARROW_HEADING,
    MOST_ROWS,
    NARROW,
    WIDE,
    Chart,
    Spec,
    config,
    in_words,
    row_axis,
    share_axis,
    shortened,
    specification,
)

JUDGE, CEILING, GUESS = "Judge with people", "People with each other", "Best constant answer"
KINDS = {JUDGE: BLUE, CEILING: GREEN, GUESS: LINE_STRONG}
SHAPES = {JUDGE: "circle", CEILING: "diamond", GUESS: "square"}
SOURCES = {JUDGE: "agreement", CEILING: "human_ceiling", GUESS: "constant_guess"}


def charts(result: Mapping[str, Any]) -> list[Chart]:
    entries = result["alignment"]
    known = [entry for entry in entries if entry["agreement"]["estimate"] is not None]
    if not known:
        return []
    known.sort(key=lambda entry: -entry["agreement"]["estimate"])
    shown = known[:MOST_ROWS]
    rows = [
        {
            "row": judge_name(entry, entries),
            "kind": kind,
            "short": "",
            "text": percent_with_interval(entry[source])[0],
            **{key: entry[source][key] for key in ("estimate", "low", "high")},
        }
        for entry in shown
        for kind, source in SOURCES.items()
        if entry[source]["estimate"] is not None
    ]
    kinds = [kind for kind in KINDS if any(row["kind"] == kind for row in rows)]
    more = f" The first {MOST_ROWS} of {count(len(known))} judges."
    return [
        Chart(
            name="judges",
            title=_sentence(known[0], result),
            note=(
                "Share of votes that say what the judge says, beside the share of pairs of votes "
                "in which two people say the same of one comparison. Ties count as an answer."
                + (more if len(known) > MOST_ROWS else "")
            ),
            description="Agreement: "
            + in_words([f"{row['row']}, {row['kind']} {row['text']}" for row in rows], most=18),
            wide=_spec(rows, kinds, WIDE),
            narrow=_spec(rows, kinds, NARROW),
        )
    ]


def _sentence(first: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    """Of several judges one is called the closest only where the paired tests say so."""
    entries = result["alignment"]
    closest = closest_judge(result)
    if len(entries) > 1:
        if closest is None:
            return "No judge is shown to be closer to people than every other"
        first = next(
            entry for entry in entries if (entry["judge"], entry["judge_version"]) == closest
        )
    reached = percent(first["agreement"]["estimate"], 0)
    is_closest = " is the judge closest to people: it" if closest else ""
    said = f"{judge_name(first, entries)}{is_closest} agrees with {reached} of the votes"
    ceiling = first["human_ceiling"]["estimate"]
    if ceiling is None:
        return said
    return f"{said}, where two people agree {percent(ceiling, 0)} of the time"


def _spec(rows: list[dict[str, Any]], kinds: list[str], width: int) -> Spec:
    x = share_axis("Share of votes with the same answer")
    kind: Spec = {
        "field": "kind",
        "type": "nominal",
        "sort": None,
        "scale": {"domain": kinds, "range": [KINDS[name] for name in kinds]},
    }
    # The narrow form needs a free line above each judge for the name.
    gap = 0.25 if width >= WIDE else 0.5
    y = row_axis(scale={"type": "band", "paddingInner": gap, "paddingOuter": gap / 2})
    offset: Spec = {"field": "kind", "sort": kinds, "scale": {"domain": kinds}}
    shared: Spec = {"y": y, "yOffset": offset, "color": kind}
    rule: Spec = {
        "mark": {"type": "rule", "strokeWidth": 3, "strokeCap": "round"},
        "encoding": {**shared, "x": {"field": "low", **x}, "x2": {"field": "high"}},
    }
    dots: Spec = {
        "mark": {"type": "point", "filled": True, "opacity": 1, "size": 80},
        "encoding": {
            **shared,
            "x": {"field": "estimate", **x},
            "shape": {**kind, "scale": {"domain": kinds, "range": [SHAPES[k] for k in kinds]}},
        },
    }
    layers = [rule, dots]
    if width < WIDE:
        layers.append(_name_above(y))
    longest = LONGEST_NARROW_HEADING if width < WIDE else LONGEST_LABEL
    shown = [{**row, "row": shortened(row["row"], longest)} for row in rows]
    spec = specification(WIDE, shown, layers, row=16)
    return {**spec, "width": width, "config": config(width, names_above=width < WIDE)}


def _name_above(y: Spec) -> Spec:
    return {
        # Once for each judge, not once for each of its figures.
        "transform": [{"aggregate": [{"op": "count", "as": "figures"}], "groupby": ["row"]}],
        "mark": {
            "type": "text",
            "align": "left",
            "baseline": "bottom",
            "dy": -2,
            "fontSize": 13,
            "color": INK,
        },
        "encoding": {
            "y": {**y, "bandPosition": 0},
            "x": {"value": 0},
            "text": {"field": "row"},
        },
    }
