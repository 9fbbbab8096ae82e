"""A message to an annotator: sent on one page, read on another, and told as read on the first."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotation.models import Annotator, Message, Role
from tests.annotation.api.calling import Caller, caller
from tests.annotation.quality.world import make_rater
from tests.factories import make_membership, make_open_study, make_user
from tests.pages import text_of

pytestmark = pytest.mark.django_db

TEXT = "Please read both responses to the end."


@pytest.fixture
def rater() -> Annotator:
    return make_rater(make_open_study())


class Researcher:
    """Somebody who runs the study: the page of an annotator, and the same through the API."""

    def __init__(self, rater: Annotator) -> None:
        user = make_membership(rater.study, Role.RESEARCHER, user=make_user()).user
        self.client = Client()
        self.client.force_login(user)
        self.api: Caller = caller(user)
        self.kwargs: dict[str, Any] = {"slug": rater.study.slug, "annotator": rater.pk}
        self.path = f"studies/{rater.study.slug}/annotators/{rater.external_id}/messages"

    def page(self) -> str:
        return text_of(self.client.get(reverse("annotators:one", kwargs=self.kwargs)))

    def write(self, text: str) -> None:
        url = reverse("annotators:act", kwargs={**self.kwargs, "act": "message"})
        assert self.client.post(url, {"text": text}).status_code == 302

    def listed(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api.get(self.path).json()["results"]
        return found


def read_the_letter(rater: Annotator) -> None:
    """As the annotator does: by the button below the message."""
    client = Client()
    client.force_login(rater.user)
    page = client.get(reverse("rating:page", kwargs={"slug": rater.study.slug})).content.decode()
    assert TEXT in page
    (button,) = re.findall(r'<form method="post" action="([^"]*/messages/[^"]*)"', page)
    assert client.post(button).status_code == 302


@pytest.mark.parametrize("by", ["page", "api"])
def test_whoever_wrote_sees_when_it_was_read(rater: Annotator, by: str) -> None:
    researcher = Researcher(rater)
    if by == "page":
        researcher.write(TEXT)
    else:
        assert researcher.api.post(researcher.path, {"text": TEXT}).status_code == 201
    assert TEXT in researcher.page()
    assert "· unread" in researcher.page()
    assert [(one["text"], one["read_at"]) for one in researcher.listed()] == [(TEXT, None)]
    read_the_letter(rater)
    read_at = Message.objects.get().read_at
    assert read_at is not None
    assert f"· read {read_at:%-d %b %Y, %H:%M}" in researcher.page()
    assert "unread" not in researcher.page()
    (listed,) = researcher.listed()
    assert listed["read_at"] == read_at.isoformat().replace("+00:00", "Z")
