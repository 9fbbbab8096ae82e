"""What every test stands on: the database, its triggers and the browser."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Generator
from contextlib import ExitStack
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.db import connection
from django.test import TransactionTestCase
from pytest_django.plugin import blocking_manager_key

from tests import browsers, services
from tests.client_sessions import write_sessions_only
from tests.planner_knowledge import forget_looks
from tests.static_files import remember_what_is_found
from tests.triggers import empty_after_test

# Playwright's synchronous interface keeps an event loop in the main thread once it has run, and
# Django would then refuse every query there. No test queries from within a coroutine.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

# Two busy cores: neither a slow example is a failure nor that examples are slow to draw. The CI
# profile draws the same examples each time.
hypothesis.settings.register_profile(
    "local", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.register_profile(
    "ci",
    hypothesis.settings.get_profile("local"),
    derandomize=True,
    database=None,
    print_blob=True,
)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Hide Playwright's loop from tests without a browser: what they call may run one of its own.

    A worker that has done its browser tests takes over others from a worker that is behind.
    """
    if item.get_closest_marker("browser") is not None:
        return (yield)
    loop = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    try:
        return (yield)
    finally:
        asyncio._set_running_loop(loop)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Leave nothing in the planner's notes, once the rows of a test are gone."""
    try:
        return (yield)
    finally:
        if item.get_closest_marker("database") is not None and not connection.in_atomic_block:
            with item.config.stash[blocking_manager_key].unblock():
                forget_looks(connection)


# Of threads on SQLite; below the one of the threads themselves.
LOCK_TIMEOUT_S = 120

# New objects before a look at them, such looks before one at the survivors, and those before one at
# all. Python's own 700, 10 and 10 suit programs that have little and keep little.
GARBAGE_THRESHOLDS = (10_000, 20, 50)

pytest_plugins = ["tests.skips"]


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Look for garbage only in what the tests make.

    Modules and thousands of collected tests stay to the end. Looking through them again and again
    took seven hundredths of the whole run, and through what loads with the first requests a tenth.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(*GARBAGE_THRESHOLDS)
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what touches the database, so that CI can run just that on PostgreSQL."""
    needs = {"db", "transactional_db", "live_server", "django_db_reset_sequences"}
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if fixtures & needs or item.get_closest_marker("django_db"):
            item.add_marker(pytest.mark.database)


def own_limit(item: pytest.Item) -> float:
    """The seconds that a test may take where it names them; 0 for the others."""
    marker = item.get_closest_marker("timeout")
    return float(marker.args[0]) if marker is not None else 0.0


# The function of the same name marks items before others sort them; this comes after all.
class LongestFirst:
    """Start the tests that need limits of their own before all others.

    Else one worker now and then ends with a minute's test while the others have nothing to do.
    """

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=own_limit, reverse=True)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(LongestFirst())


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
    options = database["OPTIONS"]
    # Nothing here has to survive a power cut. Who waits has no place in a queue: threads that write
    # without a pause keep one out for as long as a busy machine lets them.
    options["timeout"] = LOCK_TIMEOUT_S
    options["init_command"] = (
        options["init_command"]
        .replace("synchronous=FULL", "synchronous=OFF")
        .replace("busy_timeout=20000", f"busy_timeout={LOCK_TIMEOUT_S * 1000}")
    )


@pytest.fixture(scope="session", autouse=True)
def tables_are_emptied_past_triggers() -> Generator[None]:
    """Let what follows a transactional test, and nothing else, pass the append-only triggers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_after_test)
        yield


@pytest.fixture(scope="session", autouse=True)
def static_files_are_found_once() -> Generator[None]:
    """Each `Client()` loads the middleware anew, and thousands of tests make several."""
    with pytest.MonkeyPatch.context() as patch:
        remember_what_is_found(patch)
        yield


@pytest.fixture(scope="session", autouse=True)
def clients_are_signed_in_by_one_row() -> Generator[None]:
    """Thousands of tests sign somebody in, and a few dozen are about how that is done."""
    with pytest.MonkeyPatch.context() as patch:
        write_sessions_only(patch)
        yield


@pytest.fixture(autouse=True)
def rubrics_of_this_test_alone() -> None:
    """Forget the rubrics that the process remembers: another test's versions had the same keys."""
    from annotation.voting.rubrics import remembered_form

    remembered_form.cache_clear()


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    """Forget what the process remembers of other tests' rows, which had the same keys.

    These are figures of studies, cells to draw from, when a study was steered, and what was taken
    of an endpoint's limits.
    """
    from django.core.cache import cache

    from annotation.queue import known_cells
    from judging import limits
    from reports import tasks
    from reports.steering import Pace

    cache.clear()
    known_cells._known.clear()
    tasks.pace = Pace()
    limits._of_this_process._levels.clear()


@pytest.fixture(scope="session")
def redis_url(worker_id: str) -> Generator[str]:
    """A Redis database of this worker's own: $REDIS_URL's server, or one started here."""
    with ExitStack() as stack:
        url = os.environ.get("REDIS_URL") or stack.enter_context(services.redis())
        yield services.redis_database(url, services.RedisUse.TEST, worker_id)


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
