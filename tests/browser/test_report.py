"""The report in a real browser: no violation, both themes, sorting, small windows, the file."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from annotation.models import Role
from reports import analysis
from reports.exports import report_html
from reports.tasks import make_requested_report
from tests.browser.watching import (
    PATIENCE_MS,
    Watch,
    accessibility_faults,
    pixels_beyond_the_window,
)
from tests.factories import PASSWORD, make_membership, make_open_study, make_user
from tests.reports.voted import make_rich_study

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Theme = Literal["light", "dark"]
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 360, "height": 780}

# Markup in every name that the page shows; `window.ran` betrays one that ran.
HOSTILE = "<img src=x onerror=window.ran=1><script>window.ran=1</script>"
# Long without a place to break.
ENDLESS = "system_" + "x" * 120


class Reader:
    """A researcher's browser."""

    def __init__(self, browser: Browser, origin: str, **options: Any) -> None:
        self.origin = origin
        self.context = browser.new_context(**options)
        self.page: Page = self.context.new_page()
        self.watch = Watch(self.page, origin)

    def sign_in(self, name: str) -> None:
        self.page.goto(f"{self.origin}/sign-in/")
        self.page.fill("#id_username", name)
        self.page.fill("#id_password", PASSWORD)
        self.page.click("main button[type=submit]")
        expect(self.page.get_by_role("heading", name="My studies")).to_be_visible()

    def open(self, slug: str) -> None:
        self.page.goto(f"{self.origin}/study/{slug}/report/")


@pytest.fixture
def readers(browser: Browser, live_server: LiveServer) -> Generator[Any]:
    opened: list[Reader] = []

    def open_one(**options: Any) -> Reader:
        reader = Reader(browser, live_server.url, **options)
        opened.append(reader)
        return reader

    yield open_one
    for reader in opened:
        reader.context.close()


def researcher_of(study: Any) -> str:
    user = make_user()
    make_membership(study, Role.RESEARCHER, user)
    return user.username


def hostile_study() -> Any:
    study = make_rich_study(
        systems=(HOSTILE, ENDLESS, "gamma"),
        title=f"Title {HOSTILE}",
        notice=f"Simulated. {HOSTILE}",
    )
    analysis.run(study)
    return study


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
def test_the_page_is_clean_in_every_window_and_theme(
    readers: Any, window: dict[str, int], theme: Theme
) -> None:
    name = researcher_of(hostile_study())
    reader = readers(viewport=window, color_scheme=theme)
    reader.sign_in(name)
    reader.open("rich")
    reader.page.locator("summary").first.click()
    reader.watch.assert_clean()
    assert pixels_beyond_the_window(reader.page) <= 0
    assert accessibility_faults(reader.page) == []


def color_of(page: Page, selector: str, paint: str) -> str:
    shown: str = page.locator(selector).first.evaluate(
        "(element, paint) => getComputedStyle(element)[paint]", paint
    )
    return shown


def test_charts_are_drawn_in_the_ink_of_the_theme(readers: Any) -> None:
    study = make_rich_study()
    analysis.run(study)
    name = researcher_of(study)
    shown = {}
    for theme in ("light", "dark"):
        reader = readers(viewport=DESK, color_scheme=theme)
        reader.sign_in(name)
        reader.open("rich")
        pictures = reader.page.locator(".chart__wide svg")
        assert pictures.count() == 6
        for number in range(6):
            expect(pictures.nth(number)).to_be_visible()
        expect(reader.page.locator(".chart__narrow svg").first).to_be_hidden()
        shown[theme] = color_of(reader.page, ".chart__wide text.fill-ink", "fill")
        assert shown[theme] == color_of(reader.page, "body", "color")
    assert shown["light"] != shown["dark"]


def test_a_phone_gets_pictures_of_its_own(readers: Any) -> None:
    study = make_rich_study()
    analysis.run(study)
    reader = readers(viewport=PHONE)
    reader.sign_in(researcher_of(study))
    reader.open("rich")
    expect(reader.page.locator(".chart__narrow svg").first).to_be_visible()
    expect(reader.page.locator(".chart__wide svg").first).to_be_hidden()


def column(page: Page, table: str, number: int) -> list[str]:
    texts: list[str] = page.locator(f"{table} tbody tr > :nth-child({number})").all_inner_texts()
    return texts


def test_tables_sort_both_ways_by_mouse_and_key(readers: Any) -> None:
    study = make_rich_study()
    analysis.run(study)
    reader = readers(viewport=DESK)
    reader.sign_in(researcher_of(study))
    reader.open("rich")
    page, board = reader.page, "#leaderboard > .table-wrap table"
    ranked = column(page, board, 2)
    button = page.locator(f"{board} th").get_by_role("button", name="Rating", exact=True)
    button.click()
    assert column(page, board, 2) == ranked
    expect(page.locator(f"{board} th[aria-sort=descending]")).to_have_text("Rating")
    button.focus()
    page.keyboard.press("Enter")
    assert column(page, board, 2) == ranked[::-1]
    expect(page.locator(f"{board} th[aria-sort=ascending]")).to_have_text("Rating")
    page.locator(f"{board} th").get_by_role("button", name="System").click()
    assert column(page, board, 2) == sorted(ranked)
    assert page.locator(f"{board} th[aria-sort]").count() == 1


def test_a_report_is_computed_and_then_read(readers: Any) -> None:
    study = make_rich_study()
    reader = readers(viewport=DESK)
    reader.sign_in(researcher_of(study))
    reader.open("rich")
    reader.page.get_by_role("button", name="Compute the report").click()
    expect(reader.page.get_by_text("A report was asked for.")).to_be_visible()
    assert make_requested_report() == "done"
    # The page that waits finds it by itself; it asks the less often the longer it took.
    expect(reader.page.get_by_role("heading", name="Leaderboard")).to_be_visible(
        timeout=PATIENCE_MS
    )
    reader.watch.assert_clean()


def test_the_anchor_is_chosen_under_the_board_and_the_report_follows(readers: Any) -> None:
    study = make_rich_study()
    analysis.run(study)
    reader = readers(viewport=PHONE)
    reader.sign_in(researcher_of(study))
    reader.open("rich")
    reader.page.get_by_text("Choose what ratings are measured from").click()
    reader.page.get_by_label("Anchor").select_option("beta")
    reader.page.get_by_label("Stands at").fill("1250")
    reader.page.locator(".anchor-form").get_by_role("button", name="Save").click()
    expect(reader.page.get_by_text("A report was asked for.")).to_be_visible()
    assert make_requested_report() == "done"
    expect(reader.page.get_by_text("beta, which stands at 1,250")).to_be_visible(
        timeout=PATIENCE_MS
    )
    expect(reader.page.get_by_label("Anchor")).to_have_value("beta")
    row = reader.page.locator("#leaderboard tbody tr", has_text="the anchor")
    expect(row.locator("th")).to_have_text("beta")
    reader.watch.assert_clean()


def test_a_file_is_taken_away(readers: Any) -> None:
    study = make_rich_study()
    analysis.run(study)
    reader = readers(viewport=DESK)
    reader.sign_in(researcher_of(study))
    reader.open("rich")
    with reader.page.expect_download() as download:
        reader.page.get_by_role("link", name="Leaderboard as CSV").click()
    assert download.value.suggested_filename == "rich-leaderboard.csv"
    assert Path(download.value.path()).read_text().startswith('"criterion","component"')


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_calm_states_are_clean_too(readers: Any, theme: Theme) -> None:
    sealed = make_open_study("sealed")
    name = researcher_of(sealed)
    reader = readers(viewport=PHONE, color_scheme=theme)
    reader.sign_in(name)
    reader.open("sealed")
    expect(reader.page.get_by_role("heading", name="The results are sealed")).to_be_visible()
    assert pixels_beyond_the_window(reader.page) <= 0
    assert accessibility_faults(reader.page) == []
    assert reader.watch.violations == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_file_opens_without_a_network_and_obeys_its_own_policy(
    browser: Browser, tmp_path: Path, theme: Theme
) -> None:
    kept = analysis.run(hostile_study())
    file = tmp_path / "report.html"
    file.write_text(report_html.render(kept), encoding="utf-8")
    context = browser.new_context(viewport=DESK, color_scheme=theme, offline=True)
    page = context.new_page()
    watch = Watch(page, "file://")
    page.goto(file.as_uri())
    expect(page.get_by_role("heading", name="Leaderboard")).to_be_visible()
    assert page.locator(".chart__wide svg").count() == 6
    assert color_of(page, ".chart__wide text.fill-ink", "fill") == color_of(page, "body", "color")
    watch.assert_clean()
    assert accessibility_faults(page) == []
    context.close()


def test_printing_shows_the_whole_report_without_the_controls(
    browser: Browser, tmp_path: Path
) -> None:
    kept = analysis.run(make_rich_study())
    file = tmp_path / "report.html"
    file.write_text(report_html.render(kept), encoding="utf-8")
    page = browser.new_page(viewport=DESK)
    page.goto(file.as_uri())
    page.emulate_media(media="print")
    expect(page.locator(".report-contents")).to_be_hidden()
    expect(page.locator(".chart__wide svg").first).to_be_visible()
    page.close()
