"""Pairs of systems: win rates against one half, and votes towards the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reports.wording.headline import (
    DIFFERENCE_FOUND,
    NO_CLEAR_DIFFERENCE,
    NOT_DECIDED,
    is_stopped,
    state_of,
)
from reports.wording.numbers import count, counted, percent_with_interval

from .drawing import (
    BLUE,
    INK,
    INK_SOFT,
    MOST_ROWS,
    NARROW,
    SURFACE,
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

Row = Mapping[str, Any]


def charts(result: Mapping[str, Any]) -> list[Chart]:
    pairs = [pair for pair in result["head_to_head"] if pair["n"]]
    if not pairs:
        return []
    return [_win_rates(result, pairs), _targets(result)]


def _win_rates(result: Mapping[str, Any], pairs: Sequence[Row]) -> Chart:
    place = {row["system"]: number for number, row in enumerate(result["leaderboard"])}
    shown, selection = _selected(pairs, place)
    states = [state_of(pair, result) for pair in pairs]
    rows = [_better_first(pair, place, result) for pair in shown]
    for row, label in zip(rows, unique_rows([row["row"] for row in rows]), strict=True):
        row["row"] = label
    return Chart(
        name="win-rates",
        title=_found_sentence(states),
        note=(
            "Share of votes for the system named first, ties counting half, with its 95 % "
            "interval. Filled: a difference is found by the adjusted test for these annotators. "
            f"Hollow: not decided, or no clear difference.{selection}"
        ),
        description="Win rates with 95 % intervals: "
        + in_words([f"{row['row']} {row['text']}, {row['state']}" for row in rows]),
        wide=_rates_spec(rows, WIDE),
        narrow=_rates_spec(rows, NARROW),
    )


def _found_sentence(states: Sequence[str]) -> str:
    found, pairs = states.count(DIFFERENCE_FOUND), len(states)
    if states.count(NO_CLEAR_DIFFERENCE) == pairs:
        where = "" if pairs == 1 else f" for any of the {count(pairs)} pairs"
        return f"There is no clear difference{where}"
    if pairs == 1:
        return "The difference is found" if found else "The difference is not decided"
    if found == pairs:
        all_pairs = "both pairs" if pairs == 2 else f"all {count(pairs)} pairs"
        return f"A difference is found for {all_pairs} that were compared"
    if found == 0:
        return f"No difference is found yet for any of the {count(pairs)} pairs"
    return f"A difference is found for {count(found)} of {count(pairs)} pairs"


def _selected(pairs: Sequence[Row], place: Mapping[str, int]) -> tuple[list[Row], str]:
    """All pairs by the board's order; of too many, those of neighbours on the board."""

    def order(pair: Row) -> tuple[int, int]:
        places = sorted((place[pair["system_a"]], place[pair["system_b"]]))
        return places[0], places[1]

    ordered = sorted(pairs, key=order)
    if len(ordered) <= MOST_ROWS:
        return ordered, ""
    near = sorted(ordered, key=lambda pair: (order(pair)[1] - order(pair)[0], order(pair)))
    shown = sorted(near[:MOST_ROWS], key=order)
    return shown, f" The {MOST_ROWS} pairs that are nearest on the leaderboard, of {len(pairs)}."


def _better_first(pair: Row, place: Mapping[str, int], result: Mapping[str, Any]) -> dict[str, Any]:
    figure = dict(pair["win_rate_a"])
    first, second = pair["system_a"], pair["system_b"]
    if place[first] > place[second]:
        first, second = second, first
        figure["estimate"] = 1 - figure["estimate"]
        low, high = figure["low"], figure["high"]
        figure["low"] = None if high is None else 1 - high
        figure["high"] = None if low is None else 1 - low
    text, interval = percent_with_interval(figure)
    return {
        "row": f"{first} v {second}",
        "estimate": figure["estimate"],
        "low": figure["low"],
        "high": figure["high"],
        "text": f"{text} {interval}".rstrip(),
        "short": text,
        "state": state_of(pair, result),
    }


def paint(settled: str, unsettled: Sequence[str], strong: str, weak: str) -> Spec:
    """Filled for what is settled, hollow for what is not."""
    return {
        "field": "state",
        "type": "nominal",
        "scale": {
            "domain": [settled, *unsettled],
            "range": [strong, *[weak] * len(unsettled)],
        },
        "legend": None,
    }


def _rates_spec(rows: list[dict[str, Any]], width: int) -> Spec:
    x = share_axis("Share of votes for the system named first")
    hollow = (NO_CLEAR_DIFFERENCE, NOT_DECIDED)
    state = paint(DIFFERENCE_FOUND, hollow, BLUE, INK_SOFT)
    rule, _ = interval_layers(x, color=state)
    dots: Spec = {
        "mark": {"type": "point", "opacity": 1, "size": 80, "strokeWidth": 2},
        "encoding": {
            "y": row_axis(),
            "x": {"field": "estimate", **x},
            "stroke": state,
            "fill": paint(DIFFERENCE_FOUND, hollow, BLUE, SURFACE),
        },
    }
    return specification(width, rows, [reference_line(0.5, x), rule, dots])


def _target_state(pair: Mapping[str, Any]) -> str:
    if is_stopped(pair):
        return "stopped early"
    return "reached" if pair["target_reached"] else "not reached"


def _targets(result: Mapping[str, Any]) -> Chart:
    pairs = result["head_to_head"]
    # The highest that the design can reach; pairs with fewer votes planned have their own.
    target = max((pair["target"] for pair in pairs), default=result["settings"]["target"])
    reached = sum(pair["target_reached"] for pair in pairs)
    fewest_first = sorted(pairs, key=lambda pair: pair["n"])
    shown = fewest_first[:MOST_ROWS]
    labels = unique_rows([f"{pair['system_a']} v {pair['system_b']}" for pair in shown])
    rows = [
        {
            "row": label,
            "n": pair["n"],
            "text": count(pair["n"]),
            "short": count(pair["n"]),
            "state": _target_state(pair),
        }
        for label, pair in zip(labels, shown, strict=True)
    ]
    more = f" The {MOST_ROWS} pairs with the fewest votes, of {len(pairs)}."
    return Chart(
        name="targets",
        title=_target_sentence(reached, len(pairs), target),
        note=f"Counted votes of each pair; the dashed line is the target of {count(target)}. "
        "Filled: reached. Hollow: not yet." + (more if len(pairs) > MOST_ROWS else ""),
        description="Votes by pair: "
        + in_words([f"{row['row']} {row['text']}, {row['state']}" for row in rows]),
        wide=_targets_spec(rows, target, WIDE),
        narrow=_targets_spec(rows, target, NARROW),
    )


def _target_sentence(reached: int, pairs: int, target: int) -> str:
    wanted = counted(target, "vote")
    if pairs == 1:
        return f"The pair has its {wanted}" if reached else f"The pair has fewer than {wanted}"
    if reached == pairs:
        return f"{'Both' if pairs == 2 else f'All {count(pairs)}'} pairs have their {wanted}"
    if reached == 0:
        return f"None of the {count(pairs)} pairs has its {wanted} yet"
    have = "has its" if reached == 1 else "have their"
    return f"{count(reached)} of {count(pairs)} pairs {have} {wanted}"


def _targets_spec(rows: list[dict[str, Any]], target: int, width: int) -> Spec:
    most = max(target, *(row["n"] for row in rows))
    x: Spec = {
        "type": "quantitative",
        # A bar's length is its meaning, so the axis starts at 0; room is left for the label.
        "scale": {"domain": [0, most * 1.12], "nice": False},
        "axis": {"title": "Counted votes", "format": ",d"},
    }
    state = paint("reached", ("not reached",), BLUE, INK_SOFT)
    bars: Spec = {
        "mark": {"type": "bar", "height": 10, "strokeWidth": 1.5},
        "encoding": {
            "y": row_axis(),
            "x": {"field": "n", **x},
            "stroke": state,
            "fill": paint("reached", ("not reached",), BLUE, SURFACE),
        },
    }
    labels: Spec = {
        "mark": {"type": "text", "align": "left", "dx": 5, "fontSize": 12, "color": INK},
        "encoding": {"y": row_axis(), "x": {"field": "n", **x}, "text": {"field": "text"}},
    }
    return specification(width, rows, [bars, reference_line(target, x), labels], row=26)
