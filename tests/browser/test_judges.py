"""The pages of judges in a real browser, from an empty study to runs that are done or have failed.

Every state is looked at wide and narrow, light and dark: without what is wider than the window, and
without what axe finds.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator, Iterator
from decimal import Decimal
from typing import Any, Literal

import pytest
from django.conf import settings as django_settings
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from annotation.models import Role, Study
from judging.models import (
    Endpoint,
    JudgeAttempt,
    JudgeRun,
    JudgeTrial,
    JudgeVersion,
    Judgment,
    RunState,
    StudyBudget,
)
from judging.runs.conducting import pause
from judging.runs.starting import start_run
from judging.runs.study_budget import set_study_budget
from judging.runs.working import work
from judging.simulator import Simulator
from tests import factories
from tests.browser.watching import (
    PATIENCE_MS,
    Watch,
    accessibility_faults,
    keep_picture,
    next_document,
    pixels_beyond_the_window,
    resize,
    settled,
)
from tests.judging.asked import add as add_judge
from tests.judging.asked import make_judged_study, simulating

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(1200),
]

KEY = "sk-canary-0123456789-abcdef"
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 780}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


class Desk:
    """A researcher's browser on the pages of judges."""

    def __init__(self, page: Page, origin: str, study: Study) -> None:
        self.page, self.origin, self.study = page, origin, study
        self.watch = Watch(page, origin)
        self.faults: list[str] = []

    def open(self, name: str, **kwargs: object) -> None:
        self.page.goto(self.origin + reverse(name, kwargs={"slug": self.study.slug, **kwargs}))

    def look(self, what: str) -> None:
        """See the state in both sizes and themes; what is wrong fails the test in its end."""
        self.page.wait_for_load_state()
        for theme in THEMES:
            self.page.emulate_media(color_scheme=theme)
            for size in (DESK, PHONE):
                resize(self.page, size)
                where = f"{what}-{theme}-{size['width']}"
                keep_picture(self.page, f"judges-{where}")
                if (beyond := pixels_beyond_the_window(self.page)) > 0:
                    self.faults.append(f"{where}: {beyond} pixels beyond the window")
            self.faults += [f"{what}-{theme}: {one}" for one in accessibility_faults(self.page)]
        resize(self.page, DESK)
        # A form that was refused is no fault of the page, though the browser notes its status.
        self.watch.errors[:] = [one for one in self.watch.errors if "status of 422" not in one]
        self.watch.assert_clean()

    def press(self, name: str) -> None:
        with next_document(self.page):
            self.page.get_by_role("button", name=name, exact=True).first.click()

    def follow(self, name: str) -> None:
        link = self.page.locator("#content").get_by_role("link", name=name, exact=True).first
        with next_document(self.page):
            link.click()

    def sees(self, text: str) -> None:
        expect(self.page.get_by_text(text).first).to_be_visible(timeout=PATIENCE_MS)

    def fill(self, **fields: str) -> None:
        for name, value in fields.items():
            self.page.fill(f"#id_{name}", value)


class Workers:
    """Does in a thread what a worker does when it is rung for; a bell is heard when let."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []
        self.at_once = 2

    def ring(self, run_id: int) -> None:
        def shifts() -> None:
            try:
                while asyncio.run(work(run_id, at_once=self.at_once, seconds=20)):
                    pass
            finally:
                connections.close_all()

        thread = threading.Thread(target=shifts)
        self.threads.append(thread)
        thread.start()

    def wait(self) -> None:
        for thread in self.threads:
            thread.join(PATIENCE_MS / 1000)
        assert not any(thread.is_alive() for thread in self.threads), "a worker goes on"
        self.threads.clear()


@pytest.fixture
def study(request: pytest.FixtureRequest) -> Study:
    return make_judged_study(getattr(request, "param", 6), title="Everyday mails")


@pytest.fixture
def simulator(settings: Any) -> Iterator[Simulator]:
    with simulating() as simulator:
        settings.JUDGE_LOCAL_ENDPOINTS = {f"127.0.0.1:{simulator.port}"}
        yield simulator


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Workers]:
    workers = Workers()
    monkeypatch.setattr("judging.pages.acts.ring", workers.ring)
    monkeypatch.setattr("judging.runs.working.IDLE_SECONDS", 0.5)
    yield workers
    workers.wait()


@pytest.fixture
def desk(browser: Browser, live_server: LiveServer, study: Study) -> Generator[Desk]:
    client = Client()
    client.force_login(factories.make_membership(study, Role.RESEARCHER).user)
    context = browser.new_context(viewport=DESK, reduced_motion="reduce")
    cookie = django_settings.SESSION_COOKIE_NAME
    context.add_cookies(
        [{"name": cookie, "value": client.cookies[cookie].value, "url": live_server.url}]
    )
    desk = Desk(context.new_page(), live_server.url, study)
    yield desk
    context.close()
    assert desk.faults == []


def add(desk: Desk, url: str, model: str, name: str = "careful", **more: str) -> None:
    desk.open("judges:add")
    stated = {"name": name, "base_url": url, "endpoint": "main", "model": model}
    desk.fill(**stated, max_tokens="400", price_input="2", price_output="8", **more)
    desk.press("Add the judge")


def test_a_judge_is_added_tested_tried_out_and_quoted(
    desk: Desk, simulator: Simulator, workers: Workers
) -> None:
    desk.open("judges:overview")
    desk.sees("There is no judge yet")
    desk.look("empty")
    desk.follow("Add a judge")
    desk.look("form")
    add(desk, "http://10.0.0.1/v1", "fair", key=KEY)
    desk.sees("Only https is called")
    desk.look("form-refused")
    assert not JudgeVersion.objects.exists()
    desk.fill(base_url=simulator.url, key=KEY)
    desk.press("Add the judge")
    desk.sees("Version 1 is added.")
    version = JudgeVersion.objects.get()
    assert Endpoint.objects.get().has_key
    desk.sees("ends in cdef")
    assert KEY not in desk.page.content()
    desk.look("judge")

    desk.press("Test the connection")
    desk.sees("The endpoint answers, and its replies can be read.")
    assert Endpoint.objects.get().rungs == {"fair": "strict_schema"}

    desk.follow("Try it on a pair")
    desk.look("try")
    desk.page.select_option("#order", "ba")
    desk.press("Ask the judge")
    desk.sees("that is a, clearly better")
    sent = desk.page.locator("section", has=desk.page.get_by_role("heading", name="What was sent"))
    expect(sent).to_contain_text("Question 0?")
    expect(sent).to_contain_text("You are an impartial assessor.")
    reply = desk.page.locator("section", has=desk.page.get_by_role("heading", name="The reply"))
    expect(reply).to_contain_text("This judge is simulated.")
    desk.look("tried")
    assert sorted(JudgeTrial.objects.values_list("purpose", flat=True)) == ["probe", "try_out"]
    assert {entry.key for entry in simulator.log} == {KEY}

    desk.open("judges:judge", version=version.pk)
    desk.press("Quote a run")
    desk.sees("6, each in both orders")
    desk.look("quoted")
    assert not JudgeRun.objects.exists()
    assert len(simulator.log) == 2, "a quote sends nothing"
    desk.fill(budget="0")
    desk.press("Start the run")
    desk.sees("greater than or equal to 0.0001")
    assert not JudgeRun.objects.exists()
    # What stands in a field that was refused is not lost, and the next try starts.
    desk.fill(budget="1")
    desk.press("Start the run")
    desk.sees("The run has started.")
    settled(lambda: JudgeRun.objects.get().state == RunState.FINISHED, desk.page)
    # Both places, without a load.
    desk.sees("12 of 12 done")
    expect(desk.page.locator(f"#tally-{version.pk}")).to_have_text(
        "12 answered", timeout=PATIENCE_MS
    )
    assert Judgment.objects.count() == 12


def test_a_panel_is_added_in_one_form(desk: Desk, simulator: Simulator) -> None:
    desk.open("judges:add")
    desk.page.get_by_label("Reader", exact=True).check()
    desk.page.get_by_label("My own, below").check()
    add_more = {"model": "fair\nnoisy, 3", "own_instruction": "Say which of them is shorter."}
    desk.fill(name="careful", base_url=simulator.url, key=KEY, **add_more)
    desk.press("Add the judge")
    desk.sees("Line 2: write the model alone")
    desk.look("panel-refused")
    assert not JudgeVersion.objects.exists()
    expect(desk.page.get_by_label("Reader", exact=True)).to_be_checked()
    desk.fill(model="fair\nnoisy, 3, 12", key=KEY)
    desk.look("panel-form")
    desk.press("Add the judge")
    desk.sees("6 judges of the panel careful are added.")
    desk.sees("careful/noisy/own")
    desk.look("panel")
    assert JudgeVersion.objects.count() == 6
    # Prices were given for one model alone.
    desk.fill(budget="1")
    desk.press("Start a run of each")
    desk.sees("No run was started.")
    desk.sees("has no price card")
    desk.look("panel-not-started")
    desk.fill(budget="")
    desk.press("Quote a run of each")
    desk.sees("costs what nobody knows here")
    desk.look("panel-quoted-unknown")
    assert not JudgeRun.objects.exists()


def test_a_panel_is_quoted_started_together_and_shown_while_it_is_prepared(
    desk: Desk, simulator: Simulator, workers: Workers
) -> None:
    models = {"model": "fair\nnoisy:noise=0.4, 30, 120"}
    desk.open("judges:add")
    desk.page.get_by_label("Reader", exact=True).check()
    stated = {"base_url": simulator.url, "endpoint": "main", "price_input": "2"}
    desk.fill(name="careful", price_output="8", max_tokens="400", key=KEY, **models, **stated)
    desk.press("Add the judge")
    desk.sees("4 judges of the panel careful are added.")
    set_study_budget(desk.study, None, Decimal("0.9"))
    desk.fill(budget="0.5")
    # What Enter does sends and starts nothing.
    with next_document(desk.page):
        desk.page.press("#id_budget", "Enter")
    desk.sees("All 4 together")
    desk.sees("Together they could cost more than this budget.")
    desk.look("panel-quoted")
    assert not JudgeRun.objects.exists()
    assert simulator.log == []
    desk.press("Start a run of each")
    desk.sees("4 runs have started.")
    workers.wait()
    JudgeRun.objects.filter(pk=JudgeRun.objects.latest("pk").pk).update(
        state=RunState.DRAFT, pause_cause="", finished_at=None, prepared_until=timezone.now()
    )
    desk.open("judges:overview")
    desk.sees("Being prepared")
    desk.look("panel-prepared")


# So many that it still goes on when all has been looked at.
@pytest.mark.parametrize("study", [60], indirect=True)
def test_a_run_is_watched_paused_resumed_cancelled_and_done(
    desk: Desk, simulator: Simulator, workers: Workers
) -> None:
    add(desk, simulator.url, "fair:delay=4")
    desk.press("Start the run")
    desk.sees("The run has started.")
    run = JudgeRun.objects.get()
    desk.page.evaluate("window.stayed = true")
    settled(lambda: run.calls.filter(state="succeeded").count() >= 2, desk.page)
    expect(desk.page.locator("#runs dl").first).to_contain_text("in flight", timeout=PATIENCE_MS)
    desk.look("running")
    assert desk.page.evaluate("window.stayed") is True, "the page was not loaded anew"
    expect(desk.page.locator(f"#tally-{run.version.pk}")).not_to_contain_text(
        "0 answered,", timeout=PATIENCE_MS
    )
    desk.press(f"Pause {run.version.judge.judge_id}")
    desk.sees("Somebody paused it.")
    run.refresh_from_db()
    assert (run.state, run.pause_cause) == (RunState.PAUSED, "person")
    desk.look("paused")
    workers.wait()
    desk.open("judges:overview")
    desk.press(f"Resume {run.version.judge.judge_id}")
    desk.sees("The run goes on.")
    desk.press(f"Cancel the run of {run.version.judge.judge_id}")
    desk.sees("The run is cancelled. What it has answered stays.")
    run.refresh_from_db()
    assert run.state == RunState.CANCELLED
    workers.wait()
    desk.open("judges:overview")
    desk.look("cancelled")
    answered = Judgment.objects.count()
    desk.sees(f"{answered} of 120 done, {120 - answered} cancelled")
    assert 0 < answered < 120

    # A further run asks the rest alone.
    workers.at_once = 64
    desk.follow(f"Open {run.version.judge.judge_id}")
    desk.press("Start the run")
    settled(lambda: JudgeRun.objects.latest("pk").state == RunState.FINISHED, desk.page)
    newest = desk.page.locator("#runs article").first
    expect(newest).to_contain_text("120 of 120 done", timeout=PATIENCE_MS)
    expect(newest).to_contain_text(f"of which {answered} reused from an earlier run")
    expect(desk.page.locator(f"#tally-{run.version.pk}")).to_have_text("120 answered")
    desk.look("done")
    assert JudgeRun.objects.latest("pk").calls.filter(state="succeeded").count() == 120


@pytest.mark.parametrize("moves", [True, False], ids=["moves elements", "takes them out"])
def test_a_budget_that_is_being_typed_stays_when_the_runs_are_shown_anew(
    desk: Desk, simulator: Simulator, moves: bool
) -> None:
    if not moves:
        # As browsers do that have no such method yet.
        desk.page.add_init_script("delete Element.prototype.moveBefore;")
    paused, running = (
        start_run(add_judge(desk.study, simulator.url, name=name), actor=None, budget=Decimal(1))
        for name in ("careful", "quick")
    )
    pause(paused, None)
    desk.open("judges:overview")
    field = desk.page.get_by_label("New budget in US dollars")
    field.fill("2.7")
    field.press("ArrowLeft")
    pause(running, None)
    # The page hears of it by itself.
    expect(desk.page.get_by_role("button", name="Resume quick")).to_be_visible(timeout=PATIENCE_MS)
    mine = desk.page.locator(f"#budget-{paused.pk}")
    expect(mine).to_have_value("2.7")
    expect(mine).to_be_focused()
    desk.page.keyboard.type("5")
    expect(mine).to_have_value("2.57")
    desk.watch.assert_clean()


def test_failures_are_shown_by_their_cause_and_money_by_its_cap(
    desk: Desk, simulator: Simulator, workers: Workers
) -> None:
    add(desk, simulator.url, "refusal", "silent")
    Endpoint.objects.update(rungs={"refusal": "text", "401": "text"})
    desk.press("Start the run")
    settled(lambda: JudgeRun.objects.get().state == RunState.FINISHED, desk.page)
    desk.open("judges:overview")
    desk.sees("No answer: 12 calls failed")
    desk.sees("12 refused by the model")
    desk.sees("More than 2 % of the answers are missing")

    add(desk, simulator.url, "401", "locked out")
    desk.press("Start the run")
    settled(lambda: JudgeRun.objects.latest("pk").state == RunState.PAUSED, desk.page)
    desk.open("judges:overview")
    desk.sees("The endpoint refused the key.")
    run = JudgeRun.objects.get(state=RunState.FINISHED)
    flagged = JudgeAttempt.objects.filter(call__run=run).first()
    assert flagged is not None
    flagged.usage = {
        "flag": "usage_above_worst_case",
        "input_tokens": 9,
        "cached_tokens": 0,
        "output_tokens": 10**6,
    }
    flagged.save()
    desk.open("judges:overview")
    desk.sees("1 reply told more tokens than the request can have had.")
    desk.look("failed")

    desk.fill(amount="0")
    desk.press("Store the budget")
    desk.sees("greater than or equal to 0.0001")
    desk.look("budget-refused")
    desk.fill(amount="2.5")
    desk.press("Store the budget")
    desk.sees("The budget for all judges is stored.")
    assert StudyBudget.objects.get().amount == 2.5
    desk.look("budget")

    desk.press("Ask again what is missing of silent")
    desk.sees("Calls without an answer are asked again.")
    settled(lambda: JudgeAttempt.objects.filter(call__run=run).count() >= 24, desk.page)
    workers.wait()


def test_a_key_of_the_site_that_was_taken_back_is_told_of(
    desk: Desk, simulator: Simulator, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVALSITE_JUDGE_KEY_MAIN", KEY)
    monkeypatch.setenv("EVALSITE_JUDGE_ORIGIN_MAIN", f"http://127.0.0.1:{simulator.port}")
    monkeypatch.setenv("EVALSITE_JUDGE_STUDIES_MAIN", desk.study.slug)
    add(desk, simulator.url, "fair:delay=0", key_variable="MAIN")
    desk.sees("the operator's MAIN")
    monkeypatch.delenv("EVALSITE_JUDGE_STUDIES_MAIN")
    desk.press("Start the run")
    workers.wait()
    desk.open("judges:judge", version=JudgeVersion.objects.get().pk)
    desk.sees("which this study may not use any more")
    desk.sees("look at its key on the judge's page")
    desk.look("key-taken-back")
