"""Watching a study of real votes in a browser: what is shown, decided and stored, and live."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from annotation.lifecycle.opening import open_study
from annotation.models import (
    Annotator,
    Comparison,
    Exclusion,
    QualityReview,
    Role,
    Study,
)
from annotation.selectors import counted_votes, excluded_votes, repeated_votes
from reports.tasks import count_watched
from tests.annotation.importing.running import run_import
from tests.browser.test_report import DESK, PHONE, Reader
from tests.browser.test_watching import go
from tests.browser.watching import (
    PATIENCE_MS,
    accessibility_faults,
    keep_picture,
    pixels_beyond_the_window,
)
from tests.factories import make_annotator, make_membership, make_user
from tests.reports.watching.world import Watched, vote_on

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(900),
]

SET = "mtbench_turn1"


@pytest.fixture
def world(shared_data: Path) -> Watched:
    """MT-Bench's first turns with the labels of its experts, open for more votes."""
    for kind, file in (("comparisons", "items"), ("votes", "human")):
        assert run_import(kind, SET, shared_data / SET / f"{file}.jsonl").code == 0
    study = Study.objects.get(slug=SET)
    open_study(study)
    study.refresh_from_db()
    work = list(Comparison.objects.filter(study=study).order_by("pk")[:2])
    return Watched(study, work, list(Annotator.objects.filter(study=study).order_by("pk")))


def test_real_votes_are_watched_and_decided_about_from_click_to_database(
    world: Watched, browser: Browser, live_server: LiveServer
) -> None:
    study = world.study
    user = make_user()
    make_membership(study, Role.RESEARCHER, user)
    reader = Reader(browser, live_server.url, viewport=DESK)
    reader.sign_in(user.username)
    page = go(reader, world.url("progress:page"))

    # Every number is that of the rows.
    counted = counted_votes(study).count()
    figures = page.locator("#progress-head .figures")
    expect(figures).to_contain_text(f"{counted:,} of")
    repeats = repeated_votes(study).count()
    expect(page.locator(".apart div", has_text="Repeats").get_by_role("link")).to_have_text(
        str(repeats)
    )
    keep_picture(page, "real-progress")
    page.locator(".apart div", has_text="Repeats").get_by_role("link").click()
    expect(page.locator("tbody tr")).to_have_count(repeats)

    # One person more, and one vote more, without a reload.
    page = go(reader, world.url("progress:page"))
    page.evaluate("window.stays = true")
    vote_on(world.work[0], make_annotator(study, make_user()), 0)
    expect(figures).to_contain_text(f"{counted + 1:,} of", timeout=PATIENCE_MS)
    assert page.evaluate("window.stays") is True

    # Whoever gave most labels is rejected, and taken back.
    rater = max(world.people, key=lambda one: counted_votes(study).filter(annotator=one).count())
    theirs = counted_votes(study).filter(annotator=rater).count()
    go(reader, world.url("annotators:page") + "?sort=counted&way=down")
    # So many people are read in the background; the table comes by itself.
    expect(page.get_by_role("heading", name="The answers are being read")).to_be_visible()
    assert f"{SET}: people" in count_watched()
    expect(page.locator("table.people")).to_be_visible(timeout=PATIENCE_MS)
    first = page.locator("tbody tr").first
    expect(first.get_by_role("link", name=str(theirs), exact=True)).to_be_visible()
    keep_picture(page, "real-annotators")
    first.locator("th a").click()
    expect(page.locator("h1")).to_have_text(rater.external_id)
    keep_picture(page, "real-annotator")
    decide(page, "Reject", "The labels do not go with the texts.")
    assert not counted_votes(study).filter(annotator=rater).exists()
    assert excluded_votes(study).filter(annotator=rater).count() == theirs
    go(reader, world.url("progress:page"))
    expect(figures).to_contain_text(f"{counted + 1 - theirs:,} of", timeout=PATIENCE_MS)
    expect(page.locator(".apart div", has_text="Excluded").get_by_role("link")).to_have_text(
        str(theirs)
    )
    go(reader, world.url("annotators:one", annotator=rater.pk))
    decide(page, "Reinstate", "They do, read once more.")
    assert counted_votes(study).filter(annotator=rater).count() == theirs
    assert Exclusion.objects.filter(lifts__isnull=False).count() == theirs
    reviews = QualityReview.objects.filter(annotator=rater).order_by("pk")
    assert [(row.outcome, row.created_by) for row in reviews] == [
        ("reject", user),
        ("reinstate", user),
    ]
    reader.watch.assert_clean()
    reader.context.close()


def decide(page: Any, act: str, reason: str) -> None:
    page.get_by_role("link", name=act).click()
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name=act).click()
    expect(page.get_by_text(reason)).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
def test_real_names_and_texts_fit_every_window(
    world: Watched,
    browser: Browser,
    live_server: LiveServer,
    window: dict[str, int],
    theme: Any,
) -> None:
    user = make_user()
    make_membership(world.study, Role.RESEARCHER, user)
    reader = Reader(browser, live_server.url, viewport=window, color_scheme=theme)
    reader.sign_in(user.username)
    for number, path in enumerate(
        (
            world.url("progress:page"),
            world.url("progress:votes"),
            world.url("progress:pair", comparison=world.work[0].pk),
            world.url("annotators:page"),
            world.url("annotators:one", annotator=world.people[0].pk),
            world.url("people:invitations"),
        )
    ):
        page = go(reader, path)
        expect(page.locator("h1")).to_have_count(1)
        keep_picture(page, f"real-{number}-{window['width']}-{theme}")
        assert pixels_beyond_the_window(page) <= 0, path
        assert accessibility_faults(page) == [], path
    reader.watch.assert_clean()
    reader.context.close()
