"""Results → Vega-Lite specifications. Pure: no Django, no rendering, no text from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import judges, pairs, people, ratings
from .drawing import Chart

__all__ = ["Chart", "all_charts"]


def all_charts(result: Mapping[str, Any]) -> dict[str, Chart]:
    """Every chart that the report's figures allow, by name, in the order of the page."""
    drawn = [
        *ratings.charts(result),
        *pairs.charts(result),
        *people.charts(result),
        *judges.charts(result),
    ]
    return {chart.name: chart for chart in drawn}
