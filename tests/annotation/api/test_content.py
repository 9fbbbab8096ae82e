"""What is compared, as lists: while a study is sealed their order tells no name."""

from __future__ import annotations

from typing import Any

import pytest

from annotation.models import Prompt, Role, System
from tests import factories
from tests.annotation.api.calling import Caller, member

pytestmark = pytest.mark.django_db

NAMES = ("alpha", "beta", "gamma")


def rows_of(key: Caller, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while path:
        page = key.get(path).json()
        found += page["results"]
        path = page["next"].split("/api/v1/")[1] if page["next"] else ""
    return found


@pytest.fixture
def sealed():
    """A study whose pairs and files are in the order of names, and whose codes are in another."""
    study = factories.make_open_study()
    for name, code in zip(NAMES, ("A3", "A1", "A2"), strict=True):
        factories.make_system(study, name, code=code)
    systems = [System.objects.get(study=study, name=name) for name in NAMES]
    for _ in range(3):
        prompt = factories.make_prompt(study)
        rows = [
            factories.make_response(prompt, system, sample=number)
            for number, system in enumerate(systems)
        ]
        for first, second in ((0, 1), (0, 2), (1, 2)):
            factories.make_comparison(
                study, prompt=prompt, response_a=rows[first], response_b=rows[second]
            )
    return study


def test_the_order_of_codes_says_nothing_while_a_study_is_sealed(sealed):
    key = member(sealed, Role.OWNER)
    one = f"studies/{sealed.slug}"
    pairs = rows_of(key, f"{one}/comparisons?page_size=2")
    assert len(pairs) == 9
    sides = {(row["system_a"], row["sample_a"], row["system_b"], row["sample_b"]) for row in pairs}
    # The samples went with their systems.
    assert sides == {("A1", 1, "A3", 0), ("A2", 2, "A3", 0), ("A1", 1, "A2", 2)}
    responses = rows_of(key, f"{one}/responses?page_size=2")
    assert len(responses) == 9
    for prompt in Prompt.objects.filter(study=sealed):
        codes = [row["system"] for row in responses if row["prompt_id"] == prompt.prompt_id]
        assert codes == ["A1", "A2", "A3"]


def test_systems_are_listed_by_name():
    study = factories.make_open_study()
    for name in ("gamma", "alpha", "beta"):
        factories.make_system(study, name)
    listed = rows_of(member(study, Role.OWNER), f"studies/{study.slug}/systems?page_size=1")
    assert [row["name"] for row in listed] == list(NAMES)
