"""What every test stands on: the database, its triggers, the real data and the browser."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.db import connection

from tests import browsers
from tests.triggers import flush_without_triggers

# Playwright's synchronous interface keeps an event loop in the main thread once it has run, and
# Django would then refuse every query there. No test queries from within a coroutine.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

PROJECT_ROOT = Path(__file__).resolve().parent.parent

# Two busy cores: a slow example is no failure. The CI profile draws the same examples each time.
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile(
    "ci", deadline=None, derandomize=True, database=None, print_blob=True
)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")

MISSING_SHARED_DATA = "the shared data are missing"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--forbid-skips",
        action="store_true",
        help="a skipped test fails, unless the shared data are missing (CI)",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what touches the database, so that CI can run just that on PostgreSQL."""
    needs = {"db", "transactional_db", "live_server", "django_db_reset_sequences"}
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if fixtures & needs or item.get_closest_marker("django_db"):
            item.add_marker(pytest.mark.database)


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


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """On SQLite, test on a file as in production: each worker of xdist has its own folder.

    A database in memory shares one cache between threads, which fails with "table is locked"
    where a file waits; the live server and the races need threads.
    """
    database = settings.DATABASES["default"]
    if database["ENGINE"] != "django.db.backends.sqlite3":
        return
    path = tmp_path_factory.mktemp("database") / "test.sqlite3"
    database.setdefault("TEST", {})["NAME"] = str(path)
    # Nothing here has to survive a power cut.
    options = database["OPTIONS"]
    options["init_command"] = options["init_command"].replace("synchronous=FULL", "synchronous=OFF")


@pytest.fixture(scope="session", autouse=True)
def flush_lifts_triggers() -> Generator[None]:
    """Let the flush after a transactional test, and nothing else, pass the append-only triggers."""
    with pytest.MonkeyPatch.context() as patch:
        # On the class: once playwright runs, Django makes new connections for this thread.
        patch.setattr(type(connection.ops), "execute_sql_flush", flush_without_triggers)
        yield


@pytest.fixture(scope="session")
def chromium_path() -> str:
    path = browsers.find()
    if path is None:
        pytest.skip(
            "no Chromium was found: set CHROMIUM_PATH or install one (see tests/browsers.py)"
        )
    return path


@pytest.fixture(scope="session")
def browser_type_launch_args(
    browser_type_launch_args: dict[str, Any], chromium_path: str
) -> dict[str, Any]:
    """Playwright's options for the Chromium that was found."""
    return {
        **browser_type_launch_args,
        "executable_path": chromium_path,
        # Chromium refuses to start a sandbox as root.
        "chromium_sandbox": not browsers.is_root(),
        "args": list(browsers.QUIET_ARGUMENTS),
    }
