"""Judges beside people in a real browser: every state, the way to a pair, a sample out and back."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Any, Literal

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from annotation.models import Role, Study, Vote, VoteNote
from judging.models import JudgeVersion
from reports import analysis
from reports.models import AnalysisRequest, RequestState, Revalidation
from reports.tasks import make_requested_report
from tests.browser.test_report import PHONE, Reader
from tests.browser.watching import (
    PATIENCE_MS,
    accessibility_faults,
    keep_picture,
    pixels_beyond_the_window,
    resize,
)
from tests.factories import make_membership, make_user
from tests.reports.planted import JUDGES, make_planted_study
from tests.reports.test_planted_judges import CONFIGS, FAULTS
from tests.reports.test_revalidation import judged_study
from tests.reports.voted import make_voted_study

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    # Each looks at up to sixteen pages, through axe.
    pytest.mark.timeout(900),
]

LAPTOP = {"width": 1280, "height": 800}
WINDOWS = {"laptop": LAPTOP, "phone": PHONE}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
HOSTILE = "<img src=x onerror=window.ran=1><script>window.ran=1</script>"


@pytest.fixture
def readers(browser: Browser, live_server: LiveServer) -> Generator[Any]:
    opened: list[Reader] = []

    def open_one(study: Study, role: Role = Role.RESEARCHER, **options: Any) -> Reader:
        reader = Reader(browser, live_server.url, **{"viewport": LAPTOP, **options})
        opened.append(reader)
        user = make_user()
        make_membership(study, role, user)
        reader.sign_in(user.username)
        return reader

    yield open_one
    for reader in opened:
        reader.context.close()


def go(reader: Reader, study: Study, rest: str = "") -> Page:
    reader.page.goto(f"{reader.origin}/study/{study.slug}/alignment/{rest}")
    return reader.page


def key_of(study: Study, judge: str) -> int:
    return JudgeVersion.objects.get(judge__study=study, judge__judge_id=judge).pk


def seen_everywhere(
    readers: Any, study: Study, paths: dict[str, str], *, refused: bool = False
) -> None:
    """Each page in both windows and both themes: nothing beyond the window, nothing for axe.

    A page that is `refused` has a status for it, which the console holds for an error.
    """
    reader = readers(study)
    for window, size in WINDOWS.items():
        resize(reader.page, size)
        for theme in THEMES:
            reader.page.emulate_media(color_scheme=theme)
            for name, path in paths.items():
                page = go(reader, study, path)
                expect(page.locator("h1")).to_be_visible()
                keep_picture(page, f"{name}-{window}-{theme}")
                assert pixels_beyond_the_window(page) <= 0, (name, window)
                assert accessibility_faults(page) == [], (name, window, theme)
            if refused:
                assert all("403" in error for error in reader.watch.errors)
                reader.watch.errors.clear()
            reader.watch.assert_clean()


def test_planted_judges_are_named_and_lead_to_the_pairs(readers: Any) -> None:
    study = make_planted_study()
    result = analysis.run(study).result
    reader = readers(study)
    page = go(reader, study)
    answers = page.locator(".alignment-answers li")
    expect(answers).to_have_count(len(JUDGES))
    for judge in JUDGES:
        answer = answers.filter(has_text=re.compile(rf"\b{judge} "))
        expect(answer).to_have_count(1)
        expect(answer).to_contain_text(FAULTS.get(judge, "may stand in"))
    # By a click to the judge, and on to the worst of its disagreements.
    page.locator("#judges").get_by_role("link", name="obeying").click()
    expect(page.locator(".report-headline")).to_contain_text(FAULTS["obeying"])
    entry = next(one for one in result["alignment"] if one["judge"] == "obeying")
    worst = entry["disagreements"][0]
    page.locator("#disagreements").get_by_role("link", name=worst["item"], exact=True).click()
    expect(page.get_by_role("heading", name=f"Comparison {worst['item']}")).to_be_visible()
    people = page.locator("section[aria-labelledby=people-heading] li")
    expect(people).to_have_count(sum(worst["votes"].values()))
    expect(page.locator("section[aria-labelledby=judge-heading] li")).to_have_count(2)
    reader.watch.assert_clean()


def test_full_pages_are_clean_in_every_window_and_theme(readers: Any) -> None:
    names = ("honest", "obeying", "silent-where-a-wins")
    study = make_planted_study(
        n=120,
        judges={name: JUDGES[name] for name in names},
        configs=CONFIGS,
        title=f"Title {HOSTILE}",
    )
    (entry, *_) = analysis.run(study).result["alignment"]
    item = study.comparisons.get(item_id=entry["disagreements"][0]["item"])
    vote = Vote.objects.filter(comparison=item).earliest("pk")
    VoteNote.objects.create(vote=vote, rationale=HOSTILE)
    judge = f"{key_of(study, 'honest')}/"
    silent = f"{key_of(study, 'silent-where-a-wins')}/"
    paths = {"judges": "", "judge": silent, "pair": f"{judge}pair/{item.pk}/"}
    seen_everywhere(readers, study, paths)


@pytest.mark.parametrize(("n", "words"), [(20, "Counts only."), (60, "Provisional.")])
def test_few_data_are_said_on_both_pages(n: int, words: str, readers: Any) -> None:
    study = make_planted_study(n=n, judges={name: JUDGES[name] for name in ("honest", "obeying")})
    analysis.run(study)
    reader = readers(study)
    page = go(reader, study)
    said = "Too little is known of honest" if n < 30 else "is not decided: people voted on 60"
    expect(page.locator(".alignment-answers")).to_contain_text(said)
    judge = f"{key_of(study, 'honest')}/"
    page = go(reader, study, judge)
    expect(page.locator(".notice").filter(has_text=words)).to_be_visible()
    agreement = page.locator("#beside tbody tr").first.locator("td").first
    if n < 30:
        expect(agreement).to_contain_text("fewer than 30")
    else:
        expect(agreement).to_contain_text("%")
    seen_everywhere(readers, study, {f"few-{n}": "", f"few-{n}-judge": judge})


def test_from_nothing_to_a_report_and_past_one_that_failed(readers: Any) -> None:
    empty = make_voted_study("empty", prompts=2)
    expect(go(readers(empty), empty).locator(".empty")).to_contain_text(
        "No judge has judged anything yet"
    )
    seen_everywhere(readers, empty, {"empty": ""})
    study = make_voted_study("fresh", prompts=12, judge="gpt")
    reader = readers(study)
    page = go(reader, study)
    page.get_by_role("button", name="Compute the report").click()
    expect(page.get_by_text("A report was asked for.")).to_be_visible()
    assert page.url.endswith("/alignment/")
    # One that fails says so here, and can be asked for again.
    AnalysisRequest.objects.filter(study=study).update(
        state=RequestState.FAILED, problem="fault", finished_at=timezone.now()
    )
    expect(page.get_by_role("alert")).to_contain_text(
        "The report could not be made.", timeout=PATIENCE_MS
    )
    seen_everywhere(readers, study, {"failed": "", "failed-judge": f"{key_of(study, 'gpt')}/"})
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("A report was asked for.")).to_be_visible()
    seen_everywhere(readers, study, {"waiting": ""})
    assert make_requested_report() == "done"
    # The page that waits shows it by itself; by now it asks every ten seconds only.
    expect(page.locator(".alignment-answers li")).to_have_count(1, timeout=PATIENCE_MS)
    reader.watch.assert_clean()


def test_a_sample_is_sent_and_withdrawn_by_one_click_each(readers: Any) -> None:
    study = judged_study(8)
    judge = f"{key_of(study, 'gpt')}/"
    reader = readers(study)
    page = go(reader, study, judge)
    expect(page.get_by_role("heading", name="The results are sealed")).to_be_visible()
    page.get_by_label("Comparisons").fill("5")
    page.get_by_role("button", name="Send a random sample").click()
    expect(page.get_by_text("5 comparisons of 8 were drawn.")).to_be_visible()
    expect(page.get_by_text("0 of 5 comparisons have their vote")).to_be_visible()
    sample = Revalidation.objects.get()
    assert (len(sample.sample), sample.withdrawn_at) == (5, None)
    seen_everywhere(readers, study, {"sealed": "", "sealed-judge": judge}, refused=True)
    page.get_by_role("button", name="Withdraw the sample").click()
    expect(page.get_by_text("The sample is withdrawn.")).to_be_visible()
    sample.refresh_from_db()
    assert sample.withdrawn_at is not None
    expect(page.get_by_role("button", name="Send a random sample")).to_be_visible()
    page.get_by_label("Comparisons").fill("9")
    page.get_by_role("button", name="Send a random sample").click()
    expect(page.locator(".notice, .message").filter(has_text="Only 8 comparisons")).to_be_visible()
    assert Revalidation.objects.count() == 1
