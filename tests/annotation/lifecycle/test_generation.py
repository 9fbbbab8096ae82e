from __future__ import annotations

from collections import Counter
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from annotation.lifecycle import generation
from annotation.lifecycle.generation import generate_comparisons
from annotation.lifecycle.refusals import StudyFrozenError
from annotation.models import AuditEntry, Comparison, ComparisonKind, Study, StudyState, System
from annotation.pairing import DesignError
from tests.factories import (
    make_comparison,
    make_prompt,
    make_response,
    make_study,
    make_system,
    make_user,
)

pytestmark = pytest.mark.django_db


def study_with_responses(
    prompts: int = 3, systems: str = "abc", samples: int = 1, slug: str | None = None
) -> Study:
    study = make_study(slug)
    made = [make_system(study, name) for name in reversed(systems)]
    for _ in range(prompts):
        prompt = make_prompt(study)
        for system in made:
            for sample in range(samples):
                make_response(prompt, system, sample=sample)
    return study


def generate_by_command(*arguments: str) -> str:
    out, err = StringIO(), StringIO()
    call_command("generate_comparisons", *arguments, stdout=out, stderr=err)
    assert out.getvalue() == ""
    return err.getvalue()


def test_all_writes_each_pair_of_systems_on_each_prompt_and_sample():
    study = study_with_responses(samples=2)
    summary = generate_comparisons(study, overlap=2)
    assert (summary.created, summary.skipped) == (18, 0)
    assert [
        (pair.system_a, pair.system_b, pair.comparisons, pair.votes) for pair in summary.study.pairs
    ] == [
        ("a", "b", 6, 12),
        ("a", "c", 6, 12),
        ("b", "c", 6, 12),
    ]
    assert summary.study.is_connected
    for row in Comparison.objects.select_related("response_a", "response_b"):
        assert row.kind == ComparisonKind.WORK
        assert row.overlap == 2
        assert row.response_a.sample == row.response_b.sample
        assert (row.open, row.taken, row.open_seq) == (False, 0, None)


def test_running_it_again_adds_nothing():
    study = study_with_responses()
    generate_comparisons(study, design="balanced", seed=4)
    again = generate_comparisons(study, design="balanced", seed=4)
    assert again.created == 0
    assert again.skipped == again.study.comparisons == 3


def test_a_pair_that_exists_in_any_kind_or_order_is_skipped():
    study = study_with_responses(prompts=1)
    prompt = study.prompts.get()
    responses = {row.system.name: row for row in prompt.responses.select_related("system")}
    make_comparison(
        study,
        prompt=prompt,
        response_a=responses["b"],
        response_b=responses["a"],
        kind=ComparisonKind.GOLD,
        gold={"overall": ["a"]},
    )
    summary = generate_comparisons(study)
    assert (summary.created, summary.skipped) == (2, 1)
    # Gold is no work: a and b meet through c.
    assert [(pair.system_a, pair.system_b) for pair in summary.study.pairs] == [
        ("a", "c"),
        ("b", "c"),
    ]


def test_designs_pass_through_to_the_plan():
    study = study_with_responses(systems="abcd", prompts=2)
    assert generate_comparisons(study, design="anchor", anchor="b").created == 6
    study = study_with_responses(systems="abcd", prompts=2)
    assert generate_comparisons(study, design="focused", systems=["b", "c"]).created == 10
    study = study_with_responses(systems="abcd", prompts=2)
    assert generate_comparisons(study, design="balanced", rounds=2).created == 8


def test_item_ids_tell_nothing_of_the_systems():
    study, twin = (study_with_responses(prompts=20) for _ in range(2))
    generate_comparisons(study, seed=0)
    generate_comparisons(twin, seed=0)
    ids = set(Comparison.objects.filter(study=study).values_list("item_id", flat=True))
    # The same content and seed gives other ids: nobody can recompute them from the names.
    assert ids.isdisjoint(Comparison.objects.filter(study=twin).values_list("item_id", flat=True))
    assert all(len(item_id) == 16 and int(item_id, 16) >= 0 for item_id in ids)


def test_row_numbers_do_not_follow_the_pairs():
    study = study_with_responses(prompts=30)
    generate_comparisons(study)
    names = Comparison.objects.order_by("pk").values_list("system_a__name", "system_b__name")
    in_plan_order = [("a", "b"), ("a", "c"), ("b", "c")] * 30
    assert list(names) != in_plan_order
    assert Counter(names) == Counter(in_plan_order)


def test_an_opened_study_is_refused_and_unchanged():
    study = study_with_responses()
    Study.objects.filter(pk=study.pk).update(state=StudyState.OPEN, opened_at=study.created_at)
    with pytest.raises(StudyFrozenError):
        generate_comparisons(study)
    assert not Comparison.objects.exists()


def test_what_cannot_be_designed_is_refused_and_nothing_is_written():
    study = study_with_responses()
    with pytest.raises(DesignError, match="no system 'x'"):
        generate_comparisons(study, design="anchor", anchor="x")
    with pytest.raises(DesignError, match="no design 'some'"):
        generate_comparisons(study, design="some")
    with pytest.raises(DesignError, match="overlap must be 1 to 1000, not 0"):
        generate_comparisons(study, overlap=0)
    assert not Comparison.objects.exists()
    assert not AuditEntry.objects.filter(study=study).exists()


def test_the_log_says_how_they_were_generated():
    study, actor = study_with_responses(), make_user()
    generate_comparisons(study, design="anchor", anchor="a", overlap=5, seed=9, actor=actor)
    entry = AuditEntry.objects.get(study=study, action="comparisons.generated")
    assert entry.actor == actor
    assert entry.detail == {
        "design": "anchor",
        "anchor": System.objects.get(study=study, name="a").pk,
        "systems": [],
        "rounds": 1,
        "seed": 9,
        "overlap": 5,
        "created": 6,
        "skipped": 0,
    }


def test_the_number_of_queries_does_not_grow_with_the_prompts(
    django_assert_max_num_queries,
):
    small, large = study_with_responses(prompts=2), study_with_responses(prompts=40)
    for study in (small, large):
        with django_assert_max_num_queries(20):
            generate_comparisons(study)


def test_batches_of_prompts_make_no_difference(monkeypatch):
    monkeypatch.setattr(generation, "PROMPTS_AT_ONCE", 2)
    study = study_with_responses(prompts=7, systems="abcd")
    summary = generate_comparisons(study, design="balanced", rounds=3, seed=1)
    assert summary.created == 42
    assert {pair.comparisons for pair in summary.study.pairs} == {7}


def test_the_command_summarises_on_stderr():
    study_with_responses(slug="demo")
    assert generate_by_command("demo", "--overlap", "2").splitlines() == [
        "demo: generated 9 comparisons; 0 existed before.",
        "In all 9 comparisons, which ask for 18 votes:",
        "  a and b: 3 comparisons, 6 votes",
        "  a and c: 3 comparisons, 6 votes",
        "  b and c: 3 comparisons, 6 votes",
        "The systems are connected: all can be ranked on one scale.",
    ]


def test_the_command_warns_of_systems_that_never_meet():
    study = study_with_responses(slug="split", systems="ab", prompts=1)
    other = make_prompt(study)
    for name in "cd":
        make_response(other, make_system(study, name))
    make_response(make_prompt(study), make_system(study, "e"))
    said = generate_by_command("split")
    assert "fall into 2 groups that never meet" in said
    assert "  1: a, b\n  2: c, d\n" in said
    assert "Warning: without any comparison: e." in said
    assert "connected: all" not in said


def test_the_command_takes_every_option():
    study_with_responses(slug="demo", systems="abcd")
    said = generate_by_command("demo", "--design", "focused", "--systems", "a, b", "--seed", "3")
    assert "generated 15 comparisons" in said
    said = generate_by_command("demo", "--design", "anchor", "--anchor", "c")
    assert "generated 3 comparisons; 6 existed before" in said
    said = generate_by_command("demo", "--design", "balanced", "--rounds", "2")
    assert "generated 0 comparisons" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["unknown"], "no study 'unknown'"),
        (["demo", "--design", "anchor"], "needs an anchor"),
        (["demo", "--overlap", "0"], "overlap must be"),
    ],
)
def test_the_command_says_what_is_wrong(arguments, message):
    study_with_responses(slug="demo")
    with pytest.raises(CommandError, match=message):
        generate_by_command(*arguments)
