"""Fixtures of the tests in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext
from pytest_django.live_server_helper import LiveServer

from annotation.models import Study
from tests.browser.rating_desk import Desk, open_desk


@pytest.fixture
def desk_for(browser: Browser, live_server: LiveServer) -> Generator[Callable[..., Desk]]:
    """Opens the rating page of a study, as often as wanted."""
    contexts: list[BrowserContext] = []

    def open_one(study: Study, **options: Any) -> Desk:
        return open_desk(browser, live_server.url, study, on_close=contexts.append, **options)

    yield open_one
    for context in contexts:
        context.close()
