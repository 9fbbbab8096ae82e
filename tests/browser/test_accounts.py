"""Coming in, in a real browser: forms pass the CSRF check, and links lead where they should.

The test client sends no Origin and runs no script, so that only a browser shows both.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Request, expect
from pytest_django.live_server_helper import LiveServer

from annotation import people
from annotation.models import Role, User
from tests import factories
from tests.browser.watching import accessibility_faults, pixels_beyond_the_window, resize

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# The narrowest phones, and a desk.
WIDTHS = (360, 1200)


@pytest.fixture
def complaints(page: Page) -> list[str]:
    """What the browser says of a page: blocked scripts and styles, script errors."""
    said: list[str] = []
    page.on(
        "console",
        lambda message: said.append(message.text) if "Content Security" in message.text else None,
    )
    page.on("pageerror", lambda error: said.append(str(error)))
    return said


def fill(page: Page, **fields: str) -> None:
    for name, value in fields.items():
        page.fill(f"#id_{name}", value)
    page.click("main button[type=submit]")


def test_a_person_joins_signs_out_and_comes_back(
    live_server: LiveServer, page: Page, complaints: list[str]
) -> None:
    study = factories.make_open_study(title="Support mail")
    issued = people.invite(study, Role.ANNOTATOR)[0]
    page.goto(f"{live_server.url}/invitation/{issued.token}/")
    fill(page, username="ines", password=factories.PASSWORD, repeated=factories.PASSWORD)
    expect(page.get_by_role("status")).to_have_text("You have joined Support mail as annotator.")
    expect(page.get_by_role("heading", name="Support mail")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{live_server.url}/sign-in/")
    fill(page, username="Ines", password=factories.PASSWORD)
    expect(page).to_have_url(f"{live_server.url}/")
    assert complaints == []


def test_a_sign_in_link_leads_straight_to_its_place(live_server: LiveServer, page: Page) -> None:
    study = factories.make_open_study()
    user = factories.make_user()
    factories.make_annotator(study, user)
    issued = people.issue_sign_in_link(user, next_path="/password/")
    page.goto(f"{live_server.url}/invitation/{issued.token}/")
    expect(page).to_have_url(f"{live_server.url}/password/")


def test_a_sign_in_link_waits_for_a_press_before_it_replaces_an_account(
    live_server: LiveServer, page: Page
) -> None:
    first, second = factories.make_user("first"), factories.make_user("second")
    for user in (first, second):
        issued = people.issue_sign_in_link(user)
        page.goto(f"{live_server.url}/invitation/{issued.token}/")
        if user == first:
            # The page sends its form by itself; what is opened before that has arrived stops it.
            expect(page.locator(".site-bar__name")).to_have_text("first")
    expect(page.get_by_role("heading")).to_have_text("Sign in as second")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".site-bar__name")).to_have_text("second")


def test_the_secret_of_a_link_is_never_sent_as_referrer(
    live_server: LiveServer, page: Page
) -> None:
    issued = people.invite(factories.make_open_study(), Role.ANNOTATOR)[0]
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))
    page.goto(f"{live_server.url}/invitation/{issued.token}/")
    fill(page, username="ines", password="short", repeated="short")
    expect(page.locator(".errorlist").first).to_be_visible()
    page.get_by_role("link", name="Sign in").click()
    expect(page).to_have_url(f"{live_server.url}/sign-in/")
    page.wait_for_load_state()
    seen = [request.all_headers().get("referer", "") for request in asked]
    assert any(seen)
    assert not [referrer for referrer in seen if issued.token in referrer]


def pages_of(user: User) -> dict[str, str]:
    """The pages before and after signing in, by what they are."""
    study = factories.make_open_study(title="A study with quite a long title, November 2026")
    factories.make_annotator(study, user)
    factories.make_comparison(study, open=True, open_seq=1, first_swapped=False)
    used = people.invite(study, Role.MONITOR)[0]
    people.accept_invitation_as(used.token, factories.make_user())
    return {
        "sign-in": "/sign-in/",
        "join": f"/invitation/{people.invite(study, Role.ANNOTATOR)[0].token}/",
        "used": f"/invitation/{used.token}/",
        "set password": f"/invitation/{people.issue_set_password_link(user).token}/",
        "home": "/",
        "change password": "/password/",
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_are_accessible_and_fit_every_width(
    live_server: LiveServer, page: Page, scheme: str
) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    user = factories.make_user("a.long.name@example.org")
    problems = []
    for name, path in pages_of(user).items():
        page.goto(live_server.url + path)
        if page.url.startswith(f"{live_server.url}/sign-in/") and name != "sign-in":
            fill(page, username=user.username, password=factories.PASSWORD)
            expect(page).to_have_url(live_server.url + path)
        for width in WIDTHS:
            resize(page, {"width": width, "height": 800})
            if pixels_beyond_the_window(page) > 0:
                problems.append(f"{name} overflows at {width}")
        problems += [f"{name}: {fault}" for fault in accessibility_faults(page)]
    assert problems == []
