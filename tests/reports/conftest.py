"""What every test of reports stands on."""

from __future__ import annotations

import pytest

from reports.chart_rendering import rendered_reports


@pytest.fixture(autouse=True)
def charts_of_no_other_test() -> None:
    """Drawn charts are kept by the report's key, and keys come again after a rollback."""
    rendered_reports.clear()
