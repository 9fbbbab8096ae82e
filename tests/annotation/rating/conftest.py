"""A small open study and an annotator at its door."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotation.models import Annotator, Comparison, Study
from tests import factories


@dataclass
class Door:
    """The annotator's addresses, called as the page's script calls them."""

    client: Client
    annotator: Annotator

    def url(self, name: str) -> str:
        return reverse(f"rating:{name}", kwargs={"slug": self.annotator.study.slug})

    def post(self, name: str, body: object = None, **headers: Any) -> Any:
        raw = body if isinstance(body, (str, bytes)) else json.dumps({} if body is None else body)
        return self.client.post(
            self.url(name), raw, content_type="application/json", headers=headers or None
        )

    def next(self, **body: object) -> dict[str, Any]:
        answer: dict[str, Any] = self.post("next", body).json()
        return answer


@pytest.fixture
def study(db: None) -> Study:
    study = factories.make_open_study("small", title="A small study", instructions="Be **fair**.")
    for number in range(4):
        factories.make_comparison(
            study, open=True, open_seq=number + 1, first_swapped=bool(number % 2)
        )
    return study


@pytest.fixture
def open_door(client: Client) -> Callable[[Study], Door]:
    def open_for(study: Study) -> Door:
        user = factories.make_user()
        client.force_login(user)
        return Door(client, factories.make_annotator(study, user))

    return open_for


@pytest.fixture
def door(study: Study, open_door: Callable[[Study], Door]) -> Door:
    return open_door(study)


def texts_of(comparison: Comparison) -> set[str]:
    return {comparison.response_a.text, comparison.response_b.text}
