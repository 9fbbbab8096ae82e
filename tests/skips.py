"""A plugin for pytest: the one reason to skip, and `--forbid-skips`, which fails on any other.

The shared data are real preferences that do not belong to the project, so they may be missing. In
CI any other skip would hide a service that did not start.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

PROJECT_ROOT = Path(__file__).resolve().parent.parent

MISSING_SHARED_DATA = "the shared data are missing"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--forbid-skips",
        action="store_true",
        help="a skipped test fails, unless the shared data are missing (CI)",
    )


def forbid_skip(config: pytest.Config, report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure under --forbid-skips."""
    if report.outcome != "skipped" or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if config.getoption("--forbid-skips") and MISSING_SHARED_DATA not in reason:
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} was skipped where nothing may be: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    forbid_skip(item.config, report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    forbid_skip(collector.config, report)
    return report


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real preferences. Its absence is the one permitted reason to skip."""
    configured = os.environ.get("EVALSITE_SHARED_DATA", "")
    folder = Path(configured) if configured else PROJECT_ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"{MISSING_SHARED_DATA}: {folder} (set EVALSITE_SHARED_DATA)")
    return folder
