"""The report object of docs/report.schema.json."""

from __future__ import annotations

import json

from reports.models import AnalysisRun


def render(kept: AnalysisRun) -> str:
    """The stored object, two-space indented; the same run gives the same bytes."""
    return json.dumps(kept.result, indent=2, ensure_ascii=False, allow_nan=False)
