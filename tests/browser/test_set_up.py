"""A study's set-up in a real browser: from New study to open, in both themes and small windows."""

from __future__ import annotations

import csv
import io
import json
import re
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, Literal

import pytest
from django.db import connection
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from annotation import tasks
from annotation.models import Comparison, Response, Role, Study, StudyState, Upload, User, Vote
from annotation.researcher.steps import STEPS
from tests.annotation.researcher.studio import DEMO, make_studio
from tests.browser.watching import (
    PATIENCE_MS,
    Watch,
    accessibility_faults,
    keep_picture,
    next_document,
    pixels_beyond_the_window,
)
from tests.factories import PASSWORD, make_comparison, make_membership, make_user

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    # From a new study to its end are some forty pages, through axe.
    pytest.mark.timeout(900),
]

Theme = Literal["light", "dark"]
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 360, "height": 780}


class Desk:
    """A researcher's browser."""

    def __init__(self, browser: Browser, origin: str, user: User, **options: Any) -> None:
        self.origin, self.user = origin, user
        self.context = browser.new_context(**options)
        self.page: Page = self.context.new_page()
        self.watch = Watch(self.page, origin)
        self.name = f"{options.get('color_scheme', 'light')}-{options['viewport']['width']}"
        self.faults: list[str] = []
        self.sign_in()

    def sign_in(self) -> None:
        self.page.goto(f"{self.origin}/sign-in/")
        self.page.fill("#id_username", self.user.username)
        self.page.fill("#id_password", PASSWORD)
        self.page.click("main button[type=submit]")
        expect(self.page.get_by_role("heading", name="My studies")).to_be_visible()

    def look(self, what: str) -> None:
        """Keep a picture, and note what is wrong with the page; `desks` fails with all of it."""
        self.page.wait_for_load_state()
        keep_picture(self.page, f"{what}-{self.name}")
        self.watch.assert_clean()
        if beyond := max(0, pixels_beyond_the_window(self.page)):
            self.faults.append(f"{what}: {beyond} pixels beyond the window")
        self.faults += [f"{what}: {fault}" for fault in accessibility_faults(self.page)]

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def send(self, name: str) -> None:
        """Press what sends a form, and wait for the page that answers it."""
        with next_document(self.page):
            self.press(name)

    def follow(self, name: str) -> None:
        link = self.page.locator("#content").get_by_role("link", name=name, exact=True).first
        with next_document(self.page):
            link.click()

    def heading(self, text: str | re.Pattern[str]) -> None:
        """Wait for the page of this heading, and until its scripts answer: nobody types sooner."""
        expect(self.page.get_by_role("heading", level=1, name=text)).to_be_visible()
        self.page.wait_for_load_state()


@pytest.fixture
def desks(browser: Browser, live_server: LiveServer) -> Generator[Callable[..., Desk]]:
    opened: list[Desk] = []

    def open_one(**options: Any) -> Desk:
        options.setdefault("viewport", DESK)
        user = options.pop("user", None) or make_user(is_staff=True)
        desk = Desk(browser, live_server.url, user, **options)
        opened.append(desk)
        return desk

    yield open_one
    for desk in opened:
        desk.context.close()
    assert [fault for desk in opened for fault in desk.faults] == []


@pytest.fixture(autouse=True)
def worker(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """The bell starts the task at once, in a thread of its own, as a worker does it."""
    settings.VAR_DIR = tmp_path
    threads: list[threading.Thread] = []

    def ring() -> None:
        def work() -> None:
            try:
                tasks.work_on_upload()
            finally:
                connection.close()

        threads.append(threading.Thread(target=work))
        threads[-1].start()

    monkeypatch.setattr("annotation.researcher.content.ring_for_uploads", ring)
    yield
    for thread in threads:
        thread.join(PATIENCE_MS / 1000)
    assert not any(thread.is_alive() for thread in threads), "an import goes on"


def demo_as_csv() -> bytes:
    """The demo's responses under the names that another tool gives its columns."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["question_id", "question", "model_name", "output"])
    for line in DEMO.read_text().splitlines():
        row = json.loads(line)
        prompt = row["prompt"]
        if not isinstance(prompt, str):
            prompt = prompt[-1]["content"]
        writer.writerow([row["prompt_id"], prompt, row["system"], row["response"]])
    return text.getvalue().encode()


def upload(desk: Desk, *files: tuple[str, bytes]) -> None:
    desk.page.set_input_files(
        "input[type=file]",
        [{"name": name, "mimeType": "text/plain", "buffer": body} for name, body in files],
    )
    desk.press("Upload and check")


def begin(desk: Desk, name: str = "Everyday work") -> Study:
    desk.page.goto(f"{desk.origin}/studies/new/")
    desk.page.fill("#id_title", name)
    desk.send("Begin the study")
    desk.heading("Name and instructions")
    return Study.objects.latest("pk")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
def test_from_new_study_to_open(
    desks: Callable[..., Desk], window: dict[str, int], theme: Theme
) -> None:
    desk = desks(viewport=window, color_scheme=theme)
    desk.look("home-empty")
    desk.follow("New study")
    desk.look("new")
    study = begin(desk)
    desk.page.fill("#id_instructions", "Which would you rather get?\n\n- be **kind**\n- be brief")
    expect(desk.page.locator("#preview strong")).to_have_text("kind")
    desk.look("basics")
    desk.send("Save and continue")
    desk.heading("Content")
    desk.look("content-empty")
    upload(desk, ("responses.jsonl", DEMO.read_bytes()))
    desk.heading("responses.jsonl")
    expect(desk.page.get_by_text("96 rows were read")).to_be_visible(timeout=PATIENCE_MS)
    desk.look("checked")
    desk.send("Store 96 rows")
    expect(desk.page.get_by_text("96 rows are stored")).to_be_visible(timeout=PATIENCE_MS)
    desk.look("stored")
    desk.follow("Add files")
    desk.look("content")
    desk.follow("Continue")
    desk.heading("Rubric")
    with next_document(desk.page):
        desk.page.locator("button[value=helpful]").click()
    desk.look("rubric")
    desk.page.get_by_role("link", name="Which is easier to follow?").click()
    expect(desk.page.get_by_role("button", name="Save the question")).to_be_visible()
    desk.look("criterion")
    desk.send("Save the question")
    desk.follow("Continue")
    desk.heading("Design")
    expect(desk.page.locator("#plan .plan-figures")).to_be_visible()
    desk.send("Generate pairs")
    expect(desk.page.get_by_text("144").first).to_be_visible()
    expect(desk.page.locator("#plan .plan-figures")).to_be_visible()
    desk.look("design")
    desk.follow("Continue")
    desk.look("checks")
    desk.send("Save and continue")
    desk.look("asking")
    desk.send("Save and continue")
    desk.look("quality")
    desk.send("Save and continue")
    desk.heading("Who rates, who decides")
    desk.look("routing")
    desk.send("Save and continue")
    desk.heading("People")
    desk.look("people")
    desk.follow("Continue")
    desk.heading("Dry run")
    desk.send("Simulate")
    expect(desk.page.get_by_text("All 432 votes come in")).to_be_visible()
    desk.look("dry-run")
    desk.follow("Continue")
    desk.heading("Open the study")
    desk.look("open")
    desk.send("Open the study")
    desk.heading(re.compile("^Open$"))
    desk.look("running")
    study.refresh_from_db()
    assert study.state == StudyState.OPEN
    for step in STEPS[:-1]:
        desk.page.goto(f"{desk.origin}/study/{study.slug}/set-up/{step.key.replace('_', '-')}/")
        desk.look(f"frozen-{step.key}")
    desk.page.goto(f"{desk.origin}/study/{study.slug}/set-up/running/change/")
    desk.look("change")
    desk.page.goto(f"{desk.origin}/study/{study.slug}/set-up/running/close/")
    desk.look("act")
    desk.send("Close the study")
    desk.heading("Closed")
    desk.follow("Unblind the study")
    desk.look("unblind")
    desk.send("Unblind the study")
    expect(desk.page.get_by_text("Give a reason; it is recorded.").first).to_be_visible()
    desk.watch.errors.clear()  # the console notes the 422
    desk.page.fill("#id_reason", "All votes are in.")
    desk.send("Unblind the study")
    desk.look("unblinded")
    study.refresh_from_db()
    assert study.unblinded_at is not None


def test_a_broken_file_says_each_line_and_stores_nothing(desks: Callable[..., Desk]) -> None:
    desk = desks()
    study = begin(desk)
    desk.page.goto(f"{desk.origin}/study/{study.slug}/set-up/content/")
    rows = DEMO.read_text().splitlines()[:8]
    rows[3] = rows[3][:40]
    rows[5] = '{"prompt_id": "x", "prompt": "y", "system": "z"}'
    upload(desk, ("broken.jsonl", "\n".join(rows).encode()))
    expect(desk.page.get_by_text("2 of them are bad")).to_be_visible(timeout=PATIENCE_MS)
    expect(desk.page.get_by_role("cell", name="response is missing")).to_be_visible()
    desk.look("broken")
    with desk.page.expect_download() as download:
        desk.page.get_by_role("link", name="Download all 2 as CSV").click()
    with download.value.path().open(newline="") as listed:
        header, *faults = csv.reader(listed)
    assert header == ["file", "line", "reason"]
    assert ["broken.jsonl", "4"] in [fault[:2] for fault in faults]
    desk.send("Store 6 rows")
    expect(desk.page.get_by_text("Nothing was saved yet")).to_be_visible()
    desk.watch.errors.clear()  # the console notes the 422
    assert not Response.objects.filter(prompt__study=study).exists()
    desk.page.get_by_label("Skip the bad rows").check()
    desk.send("Store 6 rows")
    expect(desk.page.get_by_text("6 rows are stored")).to_be_visible(timeout=PATIENCE_MS)
    assert Response.objects.filter(prompt__study=study).count() == 6


def test_what_is_no_file_of_rows_is_told_beside_the_form(desks: Callable[..., Desk]) -> None:
    desk = desks(viewport=PHONE)
    study = begin(desk)
    desk.page.goto(f"{desk.origin}/study/{study.slug}/set-up/content/")
    upload(desk, ("table.xlsx", b"PK\x03\x04"))
    expect(desk.page.locator("#errors")).to_contain_text("must end in .jsonl, .csv")
    desk.watch.errors.clear()  # the console notes the 422
    desk.look("refused")
    assert not Upload.objects.exists()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_csv_with_other_columns_is_mapped(desks: Callable[..., Desk], theme: Theme) -> None:
    desk = desks(color_scheme=theme)
    study = begin(desk)
    desk.page.goto(f"{desk.origin}/study/{study.slug}/set-up/content/")
    upload(desk, ("export.csv", demo_as_csv()))
    desk.heading("Which column is which?")
    expect(desk.page.get_by_label("prompt_id")).to_have_value("question_id")
    expect(desk.page.get_by_label("response", exact=True)).to_have_value("output")
    desk.look("columns")
    desk.send("Check the rows")
    expect(desk.page.get_by_text("96 rows were read")).to_be_visible(timeout=PATIENCE_MS)
    desk.send("Store 96 rows")
    expect(desk.page.get_by_text("96 rows are stored")).to_be_visible(timeout=PATIENCE_MS)
    assert study.systems.count() == 4


@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
def test_the_dry_run_shows_the_real_page_and_stores_nothing(
    desks: Callable[..., Desk], window: dict[str, int]
) -> None:
    studio = make_studio()
    for _ in range(2):
        make_comparison(studio.study)
    desk = desks(user=studio.user, viewport=window)
    desk.page.goto(desk.origin + studio.url("dry_rate"))
    expect(desk.page.get_by_role("heading", name="Response 1")).to_be_visible()
    expect(desk.page.get_by_text("Dry run: nothing is stored")).to_be_visible()
    desk.look("dry-welcome")
    desk.press("Start rating")
    desk.look("dry-rate")
    for number in (1, 2):
        expect(desk.page.locator("#prompt-heading")).to_contain_text(f"Pair {number}")
        expect(desk.page.locator("#decision")).to_have_attribute("aria-busy", "false")
        desk.page.keyboard.press("1")
    expect(desk.page.get_by_role("heading", name="That was the dry run")).to_be_visible()
    desk.watch.assert_clean()
    assert Comparison.objects.filter(study=studio.study).count() == 2
    assert not Vote.objects.exists()


OUT_OF_SIGHT = """() => [
    ...document.querySelectorAll(".steps [aria-current], .parts [aria-current]")
  ]
  .filter((here) => {
    const strip = here.closest(".parts") ?? here.closest("ol");
    const [at, room] = [here.getBoundingClientRect(), strip.getBoundingClientRect()];
    return at.left < room.left - 1 || at.right > room.right + 1;
  })
  .map((here) => here.textContent.trim())"""


@pytest.mark.parametrize("address", ["people/", "open/", "design/routing/"])
def test_the_current_step_is_in_sight_on_a_phone(desks: Callable[..., Desk], address: str) -> None:
    studio = make_studio()
    desk = desks(user=studio.user, viewport=PHONE)
    desk.page.goto(f"{desk.origin}/study/{studio.study.slug}/set-up/{address}")
    desk.page.wait_for_load_state()
    assert desk.page.evaluate(OUT_OF_SIGHT) == []


@pytest.mark.parametrize(("window", "theme"), [(DESK, "light"), (PHONE, "dark")])
def test_two_people_at_one_page_see_what_each_of_them_wants(
    desks: Callable[..., Desk], window: dict[str, int], theme: Theme
) -> None:
    mine = desks(viewport=window, color_scheme=theme)
    study = begin(mine)
    colleague = make_user()
    make_membership(study, Role.RESEARCHER, colleague)
    theirs = desks(user=colleague)
    address = f"/study/{study.slug}/set-up/basics/"
    long = "Read both answers to the end. " * 40
    for desk in (mine, theirs):
        desk.page.goto(f"{desk.origin}{address}")
    theirs.page.fill("#id_instructions", f"{long}\n\nThen choose.")
    theirs.page.fill("#id_notice", "A rehearsal.")
    theirs.send("Save and continue")
    theirs.heading("Content")
    mine.page.fill("#id_instructions", "Choose what you would rather get.")
    mine.page.fill("#id_title", "Everyday questions")
    mine.send("Save and continue")
    expect(mine.page.get_by_role("alert")).to_contain_text("Theirs stands beside yours below")
    mine.watch.errors.clear()  # the console notes the 422
    told = mine.page.get_by_role("region", name="Changed by somebody else meanwhile")
    expect(told).to_contain_text("Then choose.")
    expect(mine.page.locator("#id_instructions")).to_have_value("Choose what you would rather get.")
    # Nobody touched it here.
    expect(mine.page.locator("#id_notice")).to_have_value("A rehearsal.")
    mine.look("moved")
    mine.send("Save and continue")
    mine.heading("Content")
    study.refresh_from_db()
    assert study.instructions == "Choose what you would rather get."
    assert (study.title, study.notice) == ("Everyday questions", "A rehearsal.")
