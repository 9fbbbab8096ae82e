"""Figures of annotators as people read them."""

from __future__ import annotations

from typing import Any

from django import template

from reports.wording.numbers import decimal, percent, percent_places

register = template.Library()


def read(figure: Any, name: str) -> Any:
    return figure[name] if isinstance(figure, dict) else getattr(figure, name)


@register.filter
def estimate(figure: Any, kind: str) -> str:
    """`58 %` of a share, `12.3` of a number; the places follow from the interval."""
    value = read(figure, "value")
    if kind == "share":
        return percent(value, percent_places(read(figure, "low"), read(figure, "high")))
    return decimal(value, 1)


@register.filter
def bounds(figure: Any, kind: str) -> str:
    """`[54, 62]`; empty where there is no interval."""
    low, high = read(figure, "low"), read(figure, "high")
    if low is None or high is None:
        return ""
    if kind == "share":
        places = percent_places(low, high)
        return f"[{decimal(100 * low, places)}, {decimal(100 * high, places)}]"
    return f"[{decimal(low, 1)}, {decimal(high, 1)}]"
