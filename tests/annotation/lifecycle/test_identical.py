"""Responses that meet themselves: drawn by the seed, outside the work, and none of them twice."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from annotation.lifecycle.identical import generate_identical
from annotation.lifecycle.refusals import StudyFrozenError
from annotation.models import Comparison, ComparisonKind, Study, StudyState
from annotation.pairing import DesignError
from tests.factories import make_prompt, make_response, make_study, make_system

pytestmark = pytest.mark.django_db


def study_with_responses(prompts: int = 4, slug: str | None = None) -> Study:
    study = make_study(slug)
    systems = [make_system(study, name) for name in "ab"]
    for number in range(prompts):
        prompt = make_prompt(study, f"p{number}")
        for system in systems:
            make_response(prompt, system)
    return study


def drawn_by(study: Study) -> set[tuple[str, str]]:
    rows = Comparison.objects.filter(study=study, kind=ComparisonKind.IDENTICAL)
    return set(rows.values_list("prompt__prompt_id", "system_a__name"))


def generate_by_command(*arguments: str) -> str:
    err = StringIO()
    call_command("generate_comparisons", *arguments, stderr=err)
    return err.getvalue()


def test_each_pair_is_one_response_with_itself() -> None:
    study = study_with_responses()
    summary = generate_identical(study, 3)
    assert (summary.created, summary.existing) == (3, 0)
    rows = Comparison.objects.filter(study=study)
    assert [row.kind for row in rows] == [ComparisonKind.IDENTICAL] * 3
    assert all(row.response_a_id == row.response_b_id for row in rows)
    entry = study.audit_entries.get(action="comparisons.generated")
    assert entry.detail == {"identical": 3, "seed": 0, "created": 3}


def test_the_same_call_adds_nothing_and_a_larger_number_adds_to_what_is_there() -> None:
    study = study_with_responses()
    generate_identical(study, 3, seed=5)
    before = drawn_by(study)
    assert generate_identical(study, 3, seed=5).created == 0
    summary = generate_identical(study, 5, seed=5)
    assert (summary.created, summary.existing) == (2, 3)
    assert before < drawn_by(study)


def test_the_draw_follows_the_seed_and_not_the_order_of_import() -> None:
    draws = []
    for seed in range(4):
        studies = [study_with_responses(10) for _ in range(2)]
        for study in studies:
            generate_identical(study, 4, seed=seed)
        assert drawn_by(studies[0]) == drawn_by(studies[1])
        draws.append(drawn_by(studies[0]))
    assert len({frozenset(pairs) for pairs in draws}) > 1


@pytest.mark.parametrize(("number", "message"), [(0, "1 or more"), (9, "has 8 responses")])
def test_a_number_that_cannot_be_drawn_is_refused(number: int, message: str) -> None:
    study = study_with_responses()
    with pytest.raises(DesignError, match=message):
        generate_identical(study, number)
    assert not Comparison.objects.exists()


def test_an_opened_study_gets_none() -> None:
    study = study_with_responses()
    Study.objects.filter(pk=study.pk).update(state=StudyState.OPEN, opened_at="2026-01-01T00:00Z")
    with pytest.raises(StudyFrozenError):
        generate_identical(study, 1)


def test_the_command_makes_identical_pairs_alone_unless_a_design_is_named() -> None:
    study = study_with_responses(slug="demo")
    said = generate_by_command("demo", "--identical", "2")
    assert "generated 2 identical pairs; 0 existed before" in said
    assert not study.comparisons.filter(kind=ComparisonKind.WORK).exists()
    said = generate_by_command("demo", "--identical", "2", "--design", "all")
    assert "0 identical pairs; 2 existed" in said
    assert study.comparisons.filter(kind=ComparisonKind.WORK).count() == 4
    with pytest.raises(CommandError, match="1 or more, not -1"):
        generate_by_command("demo", "--identical", "-1")
