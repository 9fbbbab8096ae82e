"""How many answers came in, by hour or by day: whether a study goes on, at one look."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from reports.wording.numbers import count, counted

from .drawing import BLUE, NARROW, SCHEMA, WIDE, Chart, Spec, config

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
# So long after the first answer, hours say more than days.
HOURS_SHOWN = 48
# Fewer bars would be blocks.
FEWEST_BARS = 24, 14
HEIGHT = 120


def pace_chart(answers: Sequence[tuple[datetime, int]], *, since: datetime, now: datetime) -> Chart:
    """Answers by hour in the first two days of the time looked at, by day after that.

    Parameters
    ----------
    answers : sequence of (datetime, int)
        Answers by hour, empty hours left out.
    since, now : datetime
        The time that the chart is about.
    """
    by_day = now - since > HOURS_SHOWN * HOUR
    step = DAY if by_day else HOUR
    hours, days = FEWEST_BARS
    start = floor(min(since, now - step * ((days if by_day else hours) - 1)), step)
    sums: dict[datetime, int] = {}
    for hour, number in answers:
        sums[floor(hour, step)] = sums.get(floor(hour, step), 0) + number
    bars: list[dict[str, Any]] = []
    moment = start
    while moment <= now:
        bars.append({"at": moment.isoformat(), "answers": sums.get(moment, 0)})
        moment += step
    name = "day" if by_day else "hour"
    total = sum(bar["answers"] for bar in bars)
    last, most = bars[-1]["answers"], max(bar["answers"] for bar in bars)
    return Chart(
        name="pace",
        title=f"{counted(last, 'answer')} in this {name} so far, {count(most)} in the best {name}",
        note=f"Answers to pairs of work by {name}, UTC. The last bar is not over yet.",
        description=f"{counted(total, 'answer')} since {start:%Y-%m-%d %H:%M} UTC, by {name}: "
        + ", ".join(count(bar["answers"]) for bar in bars)
        + ".",
        wide=specification(bars, name, WIDE),
        narrow=specification(bars, name, NARROW),
    )


def floor(moment: datetime, step: timedelta) -> datetime:
    moment = moment.astimezone(UTC)
    if step == DAY:
        return moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return moment.replace(minute=0, second=0, microsecond=0)


def specification(bars: Sequence[dict[str, Any]], name: str, width: int) -> Spec:
    form = "%-d %b" if name == "day" else "%H:%M"
    shared = config(width, names_above=False)
    return {
        "$schema": SCHEMA,
        "width": width,
        "height": HEIGHT,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "background": None,
        "padding": {"left": 2, "top": 6, "right": 12, "bottom": 4},
        "data": {"values": list(bars)},
        "mark": {"type": "bar", "color": BLUE},
        "encoding": {
            "x": {
                "field": "at",
                "type": "temporal",
                "timeUnit": {
                    "unit": "utcyearmonthdate" if name == "day" else "utcyearmonthdatehours"
                },
                "scale": {"type": "utc"},
                "axis": {"format": form, "title": None, "grid": False},
            },
            "y": {
                "field": "answers",
                "type": "quantitative",
                "axis": {"title": None, "tickCount": 3, "format": "d", "tickMinStep": 1},
            },
        },
        "config": {**shared, "axisY": {"labelColor": shared["axis"]["labelColor"]}},
    }
