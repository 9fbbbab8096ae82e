"""What the page is to show must be there, and must not tell more than is meant."""

from __future__ import annotations

import pytest

from annotation.lifecycle.readiness import list_faults, list_warnings
from annotation.models import Prompt, Response, Study
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def study() -> Study:
    study = factories.make_study(rules={"answering": {"show_reference": True}})
    for _ in range(2):
        factories.make_comparison(study)
    return study


def about_reference(sentences: list[str]) -> list[str]:
    return [sentence for sentence in sentences if "reference" in sentence]


def test_a_reference_cannot_be_shown_where_there_is_none(study: Study) -> None:
    factories.make_prompt(study, reference="Nobody rates this prompt.")
    [fault] = about_reference(list_faults(study))
    assert fault.startswith("answering.show_reference")
    Prompt.objects.update(reference="A good answer.")
    assert about_reference(list_faults(study)) == []
    assert about_reference(list_warnings(study)) == []


def test_prompts_without_one_are_counted(study: Study) -> None:
    Prompt.objects.filter(pk=Prompt.objects.earliest("pk").pk).update(reference="A good answer.")
    assert about_reference(list_faults(study)) == []
    assert about_reference(list_warnings(study)) == [
        "1 of 2 prompts have no reference answer to show."
    ]


def test_a_response_that_is_the_reference_is_told_of(study: Study) -> None:
    Prompt.objects.update(reference="A good answer.")
    Response.objects.filter(pk=Response.objects.earliest("pk").pk).update(text="A good answer.")
    [warning] = about_reference(list_warnings(study))
    assert warning.startswith("1 response is the reference answer word for word")


def test_a_study_that_shows_none_is_not_asked(study: Study) -> None:
    study.rules = {}
    study.save()
    assert about_reference([*list_faults(study), *list_warnings(study)]) == []
