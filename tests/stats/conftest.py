"""Prints the coverage table after a run that measured coverage."""

from __future__ import annotations

import pytest

from tests.stats.coverage.measured import HEADING, PROPERTY, from_property


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    rows = [
        from_property(value)
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        for name, value in report.user_properties
        if name == PROPERTY and report.when == "call"
    ]
    if not rows:
        return
    terminalreporter.section("coverage", sep="-")
    terminalreporter.write_line(HEADING)
    for row in sorted(rows, key=lambda row: (row.figure, row.design)):
        terminalreporter.write_line(str(row))
