import pytest

from annotation.models import Prompt
from tests import factories
from tests.annotation.importing.running import run_import

pytestmark = pytest.mark.django_db


@pytest.fixture
def study():
    study = factories.make_study("mine")
    factories.make_prompt(study, "p1", text="Say p1")
    return study


@pytest.mark.usefixtures("study")
def test_attributes_are_added_to_prompts_that_are_there(write_rows) -> None:
    checks = [{"kind": "contains", "value": "x"}]
    row = {"prompt_id": "p1", "reference": "r", "weight": 0, "checks": checks, "origin": "logs"}

    said = run_import("prompts", "mine", write_rows(row))

    assert said.summary == "mine: 1 row of prompts; completed: 1"
    prompt = Prompt.objects.get()
    assert (prompt.text, prompt.reference, prompt.weight) == ("Say p1", "r", 0)
    assert (prompt.checks, prompt.metadata) == (checks, {"origin": "logs"})


@pytest.mark.usefixtures("study")
def test_equal_attributes_are_left_alone_and_different_ones_are_an_error(write_rows) -> None:
    row = {"prompt_id": "p1", "tags": ["a"], "metadata": {"x": 1}}
    run_import("prompts", "mine", write_rows(row, name="a.jsonl"))

    equal = run_import("prompts", "mine", write_rows(row, row, name="b.jsonl"))
    other = run_import("prompts", "mine", write_rows(row | {"tags": ["b"]}, name="c.jsonl"))

    assert equal.summary == "mine: 2 rows of prompts; already there: 2"
    assert other.code == 1
    assert "prompt 'p1' has another tags in what the study already holds" in other.err


@pytest.mark.usefixtures("study")
def test_an_unknown_prompt_needs_its_text(write_rows) -> None:
    path = write_rows({"prompt_id": "p2", "weight": 2})

    said = run_import("prompts", "mine", path)

    assert said.code == 1
    assert f"{path}:1: the study has no prompt 'p2'" in said.err
    assert "unmatched prompt ids: 1" in said.summary
    assert run_import("prompts", "mine", write_rows({"prompt_id": "p2", "prompt": "New"})).code == 0
    assert Prompt.objects.get(prompt_id="p2").text == "New"


@pytest.mark.usefixtures("study")
def test_a_prompt_cannot_be_given_another_text(write_rows) -> None:
    said = run_import("prompts", "mine", write_rows({"prompt_id": "p1", "prompt": "Changed"}))

    assert said.code == 1
    assert "prompt 'p1' has another text" in said.err
