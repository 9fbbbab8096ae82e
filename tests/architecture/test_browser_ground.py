"""A real browser meets the live server and the database behind it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from tests import factories


@pytest.mark.browser
def test_a_browser_reaches_the_live_server(live_server: LiveServer, page: Page) -> None:
    response = page.goto(f"{live_server.url}/no-such-page")
    assert response is not None
    assert response.status == 404


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_queries_still_work_while_a_browser_is_open(page: Page) -> None:
    page.set_content("<p>here</p>")
    study = factories.make_study()
    assert type(study).objects.filter(pk=study.pk).exists()
    assert page.inner_text("p") == "here"
