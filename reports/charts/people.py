"""What is known about the annotators: how far they agree, and whether they favour a side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.wording.numbers import (
    coefficient_with_interval,
    count,
    decimal,
    percent,
    percent_with_interval,
)

from .drawing import (
    BLUE,
    INK,
    INK_SOFT,
    MOST_ROWS,
    NARROW,
    WIDE,
    Chart,
    Spec,
    in_words,
    interval_layers,
    reference_line,
    row_axis,
    share_axis,
    specification,
    unique_rows,
)

# In the order of the table; percent agreement is no coefficient and stands there only.
COEFFICIENTS = {
    "krippendorff_alpha": "Krippendorff's alpha, nominal",
    "krippendorff_alpha_ordinal": "Krippendorff's alpha, ordinal",
    "gwet_ac1": "Gwet's AC1",
    "gwet_ac2": "Gwet's AC2",
    "fleiss_kappa": "Fleiss' kappa",
    "conger_kappa": "Conger's kappa",
    "brennan_prediger": "Brennan-Prediger",
}
ALL_ANNOTATORS = "All annotators"


def charts(result: Mapping[str, Any]) -> list[Chart]:
    return [*_agreement(result), *_sides(result)]


def _agreement(result: Mapping[str, Any]) -> list[Chart]:
    agreement = result["agreement"]
    rows = []
    for key, label in COEFFICIENTS.items():
        figure = agreement.get(key)
        if figure is not None and figure["estimate"] is not None:
            text, interval = coefficient_with_interval(figure)
            rows.append(
                {"row": label, "text": text, "short": text, "interval": interval} | _bounds(figure)
            )
    if not rows:
        return []
    return [
        Chart(
            name="agreement",
            title=_agreement_sentence(agreement),
            note=(
                "0 is what chance alone would give, 1 is perfect agreement. The coefficients "
                "differ in what they take for chance."
            ),
            description="Coefficients with 95 % intervals: "
            + in_words([f"{row['row']} {row['text']} {row['interval']}".rstrip() for row in rows]),
            wide=_agreement_spec(rows, WIDE),
            narrow=_agreement_spec(rows, NARROW),
        )
    ]


def _agreement_sentence(agreement: Mapping[str, Any]) -> str:
    share, alpha = agreement["percent"], agreement["krippendorff_alpha"]
    said = f"Two annotators give the same answer {percent(share['estimate'], 0)} of the time"
    if alpha["estimate"] is None:
        return said
    return f"{said}; corrected for chance, alpha is {decimal(alpha['estimate'], 2)}"


def _agreement_spec(rows: list[dict[str, Any]], width: int) -> Spec:
    lowest = min(row["estimate"] if row["low"] is None else row["low"] for row in rows)
    x: Spec = {
        "type": "quantitative",
        "scale": {"domain": [min(0.0, lowest), 1], "nice": False},
        "axis": {"title": "Agreement beyond chance", "format": ".1f"},
    }
    layers = [*interval_layers(x), _label(x)]
    if lowest < 0:
        layers.insert(0, reference_line(0, x))
    return specification(width, rows, layers, row=34)


def _label(x: Spec) -> Spec:
    return {
        "mark": {"type": "text", "dy": -11, "fontSize": 12, "color": INK},
        "encoding": {
            "y": row_axis(),
            "x": {"field": "estimate", **x},
            "text": {"field": "text"},
        },
    }


def _sides(result: Mapping[str, Any]) -> list[Chart]:
    bias = result["side_bias"]
    overall = bias["left_rate"]
    if overall["estimate"] is None:
        return []
    known = [entry for entry in bias["per_annotator"] if entry["left_rate"]["estimate"] is not None]
    most_votes = sorted(known, key=lambda entry: -entry["left_rate"]["n"])[:MOST_ROWS]
    by_rate = sorted(most_votes, key=lambda entry: -entry["left_rate"]["estimate"])
    rows = [_side_row(ALL_ANNOTATORS, overall, "all")]
    rows += [_side_row(entry["annotator"], entry["left_rate"], "one") for entry in by_rate]
    for row, label in zip(rows, unique_rows([row["row"] for row in rows]), strict=True):
        row["row"] = label
    more = f" The {MOST_ROWS} annotators with the most votes, of {count(len(known))}."
    return [
        Chart(
            name="sides",
            title=_side_sentence(overall),
            note=(
                "Share of decisive votes that went to the response shown left, with its 95 % "
                "interval. Sides are drawn at random, so half is what an even eye would give."
                + (more if len(known) > MOST_ROWS else "")
            ),
            description="Left shares with 95 % intervals: "
            + in_words([f"{row['row']} {row['text']}" for row in rows]),
            wide=_sides_spec(rows, WIDE),
            narrow=_sides_spec(rows, NARROW),
        )
    ]


def _side_row(name: str, figure: Mapping[str, Any], kind: str) -> dict[str, Any]:
    text, interval = percent_with_interval(figure)
    return {
        "row": name,
        "text": f"{text} {interval}".rstrip(),
        "short": text,
        "kind": kind,
        **_bounds(figure),
    }


def _side_sentence(overall: Mapping[str, Any]) -> str:
    low, high = overall["low"], overall["high"]
    won = percent(overall["estimate"], 0)
    if low is None or high is None:
        return f"The left response wins {won} of decisive votes"
    if low <= 0.5 <= high:
        return f"The left response wins {won} of decisive votes, which chance alone can explain"
    side = "left" if overall["estimate"] > 0.5 else "right"
    return f"Annotators favour the {side}: left wins {won} of decisive votes"


def _sides_spec(rows: list[dict[str, Any]], width: int) -> Spec:
    x = share_axis("Share of decisive votes for the left response")
    kind: Spec = {
        "field": "kind",
        "type": "nominal",
        "scale": {"domain": ["all", "one"], "range": [BLUE, INK_SOFT]},
        "legend": None,
    }
    return specification(
        width, rows, [reference_line(0.5, x), *interval_layers(x, color=kind)], row=26
    )


def _bounds(figure: Mapping[str, Any]) -> dict[str, Any]:
    return {key: figure[key] for key in ("estimate", "low", "high")}
