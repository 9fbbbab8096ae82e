"""Whoever owns the study is told once, on the page on which they rate, that it does not count."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from annotation.models import Role
from tests import factories
from tests.annotation.queue.world import current_id, make_queue, vote
from tests.browser.test_people import SIZES, Sign, owner_of, url
from tests.browser.test_people import page_for as page_for
from tests.browser.watching import accessibility_faults, keep_picture
from tests.reports.watching.world import make_watched

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("size", SIZES)
def test_an_owner_is_told_until_they_say_that_they_know(page_for: Sign, size: str) -> None:
    world = make_watched()
    owner = world.people[2].user
    assert owner is not None
    factories.make_membership(world.study, Role.OWNER, owner)
    page = page_for(owner, viewport=SIZES[size])
    page.goto(url("rating:page", world.study))
    page.get_by_role("button", name="Start rating").click()
    note = page.get_by_role("region", name="This is your own study")
    expect(note).to_be_visible()
    expect(page.get_by_role("heading", name="Response 1")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size]["width"]
    assert accessibility_faults(page) == []
    keep_picture(page, f"own_votes_{size}")
    note.get_by_role("button", name="I see").click()
    expect(note).to_be_hidden()
    page.reload()
    expect(page.get_by_role("heading", name="Response 1")).to_be_visible()
    expect(note).to_be_hidden()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_the_role_of_owner_says_that_votes_leave_by_it(
    page_for: Sign, size: str, theme: str
) -> None:
    study = make_queue(2)
    rater = factories.make_annotator(study, factories.make_user())
    vote(rater, current_id(rater))
    page = page_for(owner_of(study), viewport=SIZES[size], color_scheme=theme)
    page.goto(url("people:member", study, account=rater.user_id))
    box = page.get_by_role("checkbox", name="Owner")
    expect(box).to_have_accessible_description(re.compile("leave it within a minute"))
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size]["width"]
    assert accessibility_faults(page) == []
    keep_picture(page, f"owner_role_{size}_{theme}")
