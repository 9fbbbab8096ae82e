"""Fixtures of the tests in a real browser."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect
from pytest_django.live_server_helper import LiveServer

from annotation.models import Study
from tests.browser.rating_desk import Desk, open_desk

# A page of a busy machine may take long; five seconds, as given, are near on two cores.
expect.set_options(timeout=30_000)

# How long requests that are on their way may take when their page is closed.
PATIENCE_S, LOOK_S = 60, 0.01
# The server's threads, one a connection.
SERVING = "process_request_thread"


@pytest.fixture(autouse=True)
def nothing_goes_on(
    transactional_db: None, live_server: LiveServer, browser: Browser
) -> Generator[None]:
    """Leave no page open and no request unanswered when the tables are emptied.

    Pages send in the background what nobody waits for: that a pair is shown, a draft, a question
    whether there is news. Such a request would write into the tables of the next test.
    """
    yield
    for context in browser.contexts:
        context.close()
    deadline = time.monotonic() + PATIENCE_S
    while serving := [thread.name for thread in threading.enumerate() if SERVING in thread.name]:
        assert time.monotonic() < deadline, f"The server still answers: {serving}"
        time.sleep(LOOK_S)


@pytest.fixture
def desk_for(browser: Browser, live_server: LiveServer) -> Generator[Callable[..., Desk]]:
    """Opens the rating page of a study, as often as wanted."""
    contexts: list[BrowserContext] = []

    def open_one(study: Study, **options: Any) -> Desk:
        return open_desk(browser, live_server.url, study, on_close=contexts.append, **options)

    yield open_one
    for context in contexts:
        context.close()
