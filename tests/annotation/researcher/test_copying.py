"""Clones, and challengers whose report counts the votes of both studies."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.db.models import Model, QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotation.importing.transfer import import_files
from annotation.importing.writers import responses
from annotation.lifecycle import cloning
from annotation.lifecycle.cloning import challenge_study, clone_study
from annotation.lifecycle.generation import generate_comparisons
from annotation.lifecycle.opening import open_study
from annotation.lifecycle.readiness import list_faults
from annotation.lifecycle.refusals import LifecycleError
from annotation.models import (
    AuditEntry,
    Choice,
    Comparison,
    Prompt,
    Response,
    Study,
    StudyState,
    System,
)
from annotation.pairing import Design, DesignError
from reports import analysis, records
from tests import factories
from tests.annotation.researcher.studio import Studio
from tests.annotation.researcher.test_pages import filled

pytestmark = pytest.mark.django_db


def finished(tmp_path, prompts: int = 4) -> Studio:
    """A closed, unblinded study of north and south with a vote on each pair."""
    studio = filled(tmp_path, prompts)
    open_study(studio.study)
    for comparison in Comparison.objects.filter(study=studio.study).order_by("pk"):
        factories.make_vote(comparison)
    Study.objects.filter(pk=studio.study.pk).update(
        state=StudyState.CLOSED, closed_at=timezone.now(), unblinded_at=timezone.now()
    )
    studio.study.refresh_from_db()
    return studio


def add_system(study: Study, tmp_path, name: str, prompts: int) -> None:
    path = tmp_path / f"{study.slug}-{name}.jsonl"
    path.write_text(
        "\n".join(
            f'{{"prompt_id": "q{n}", "prompt": "Question {n}?", "system": "{name}", '
            f'"response": "Of {name}, {n}."}}'
            for n in range(prompts)
        )
    )
    import_files(study.slug, [path], responses.PLAN, say=lambda text: None)


def test_a_clone_has_settings_rubric_and_content_and_no_pair_or_vote(tmp_path):
    studio = finished(tmp_path)
    studio.study.rules = {"checks": {"gold_share": 0.1}}
    studio.study.save()
    studio.post("clone", {"title": "Once more", "with_content": "on"})
    made = Study.objects.get(slug="once-more")
    assert (made.state, made.rules, made.continues) == ("draft", studio.study.rules, None)
    assert made.prompts.count() == 4
    assert list(made.systems.order_by("name").values_list("name", flat=True)) == ["north", "south"]
    assert not Comparison.objects.filter(study=made).exists()
    assert not made.systems.exclude(code="").exists()


# What a copy has of its own: keys, its study, and where the handing out of pairs stands.
OWN: dict[type[Model], set[str]] = {
    Prompt: {"id", "study"},
    System: {"id", "study", "code"},
    Response: {"id", "prompt", "system"},
    Comparison: {
        "id",
        "study",
        "prompt",
        "response_a",
        "response_b",
        "system_a",
        "system_b",
        "cell",
        "open",
        "taken",
        "open_seq",
        "first_swapped",
    },
}
COPIED: dict[type[Model], tuple[str, ...]] = {
    Prompt: cloning.COPIED_OF_PROMPTS,
    System: ("name",),
    Response: cloning.COPIED_OF_RESPONSES,
    Comparison: cloning.COPIED_OF_CHECKS,
}


@pytest.mark.parametrize("model", COPIED, ids=lambda model: model.__name__)
def test_every_field_of_content_is_copied_or_a_copys_own(model: type[Model]):
    fields = sorted(field.name for field in model._meta.concrete_fields)
    assert sorted([*COPIED[model], *OWN[model]]) == fields


@pytest.mark.parametrize("model", COPIED, ids=lambda model: model.__name__)
def test_the_world_that_is_copied_has_a_value_in_every_field(model: type[Model]):
    study_with_everything()
    rows = list(model._default_manager.all())
    bare = [
        field.name
        for field in model._meta.concrete_fields
        if field.name in COPIED[model]
        and all(getattr(row, field.name) in (field.get_default(), "", None) for row in rows)
    ]
    assert bare == []


def content_of(study: Study) -> dict[str, list[tuple[object, ...]]]:
    """All of a draft's content, by names instead of keys, whatever fields the models have."""

    def rows(found: QuerySet[Any], *names: str) -> list[tuple[object, ...]]:
        model = found.model
        fields = [field.name for field in model._meta.concrete_fields]
        plain = [name for name in fields if name not in OWN[model]]
        return list(found.order_by("pk").values_list(*names, *plain))

    sides = [f"response_{side}__{name}" for side in "ab" for name in ("system__name", "sample")]
    return {
        "prompts": rows(Prompt.objects.filter(study=study)),
        "systems": rows(System.objects.filter(study=study)),
        "responses": rows(
            Response.objects.filter(prompt__study=study), "prompt__prompt_id", "system__name"
        ),
        "checks": rows(
            Comparison.objects.filter(study=study, kind__in=["gold", "training"]),
            "prompt__prompt_id",
            "system_a__name",
            "system_b__name",
            *sides,
        ),
    }


def study_with_everything() -> Study:
    """Prompts of both kinds, samples, costs, metadata and checks in either order of systems."""
    study = factories.make_study("everything")
    north, south = (factories.make_system(study, name) for name in ("north", "south"))
    talk = [{"role": "user", "content": "Grüezi?"}, {"role": "assistant", "content": "Hoi."}]
    prompts = [
        factories.make_prompt(
            study,
            "p1",
            text="",
            messages=talk,
            reference="So.",
            category="law",
            tags=["a", "ü"],
            weight=0.3,
            checks=[{"type": "json"}],
            created_at=timezone.now(),
            metadata={"n": 1.5},
        ),
        factories.make_prompt(study, "p2", text="100 % \\ 'quoted'\n?"),
    ]
    for number, prompt in enumerate(prompts):
        made = {
            (system.name, sample): factories.make_response(
                prompt,
                system,
                sample=sample,
                text=f"{SENTINEL} {number}",
                latency_ms=12.5,
                ttft_ms=3.25,
                input_tokens=7,
                output_tokens=11,
                cost=Decimal("0.0000012345"),
                metadata={"seed": number},
            )
            for system in (south, north)
            for sample in (0, 1)
        }
        for kind, first, second in (
            ("gold", ("south", 1), ("north", 1)),
            ("training", ("north", 0), ("south", 0)),
            ("work", ("north", 1), ("south", 0)),
        ):
            factories.make_comparison(
                study,
                prompt=prompt,
                response_a=made[first],
                response_b=made[second],
                kind=kind,
                gold=None if kind == "work" else {"overall": ["a", "tie"]},
                explanation="" if kind == "work" else "Because.",
                overlap=2,
                metadata={"kind": kind},
            )
    return study


SENTINEL = "Never read by the program"


def test_all_of_the_content_is_copied_and_by_the_database_itself(monkeypatch):
    monkeypatch.setattr(cloning, "PROMPTS_AT_ONCE", 1)
    source = study_with_everything()
    told: list[int] = []
    with CaptureQueriesContext(connection) as seen:
        made = clone_study(
            source,
            "copy",
            factories.make_user(),
            title="Copy",
            with_content=True,
            progress=told.append,
        )
    assert told == [4, 8]
    expected, found = content_of(source), content_of(made)
    assert len(expected["checks"]) == 4
    assert found == expected
    assert not Comparison.objects.filter(study=made, kind="work").exists()
    # Ten thousand texts that go through the program hold SQLite's writer for seconds.
    assert not [query for query in seen.captured_queries if SENTINEL in query["sql"]]


def test_a_clone_without_content_has_none(tmp_path):
    studio = finished(tmp_path)
    made = clone_study(studio.study, "bare", studio.user, title="Bare")
    assert not made.prompts.exists()
    assert made.criteria.count() == 1


def test_the_content_of_a_sealed_study_is_not_cloned(tmp_path):
    studio = filled(tmp_path, 4)
    open_study(studio.study)
    studio.study.refresh_from_db()
    assert studio.study.is_sealed
    assert 'name="with_content"' not in studio.get("clone").content.decode()
    with pytest.raises(LifecycleError, match="sealed"):
        clone_study(studio.study, "names", studio.user, title="Names", with_content=True)
    assert not Study.objects.filter(slug="names").exists()
    studio.post("clone", {"title": "Once more", "with_content": "on"})
    made = Study.objects.get(slug="once-more")
    assert not made.systems.exists()
    assert not made.prompts.exists()


def test_the_log_of_a_cloned_study_says_who_took_what(tmp_path):
    studio = finished(tmp_path)
    clone_study(studio.study, "again", studio.user, title="Again", with_content=True)
    entry = AuditEntry.objects.get(study=studio.study, action="study.copied")
    assert (entry.actor, entry.detail) == (studio.user, {"to": "again", "with_content": True})


def test_only_a_finished_and_unblinded_study_is_continued(tmp_path):
    studio = finished(tmp_path)
    for state, unblinded in ((StudyState.OPEN, timezone.now()), (StudyState.CLOSED, None)):
        Study.objects.filter(pk=studio.study.pk).update(state=state, unblinded_at=unblinded)
        studio.study.refresh_from_db()
        with pytest.raises(LifecycleError):
            challenge_study(studio.study, "next", studio.user, title="Next")
    assert not Study.objects.filter(slug="next").exists()


def test_a_challenger_makes_pairs_with_the_new_system_alone(tmp_path):
    studio = finished(tmp_path)
    made = challenge_study(studio.study, "next", studio.user, title="Next")
    add_system(made, tmp_path, "west", 4)
    for refused in (
        {"design": Design.ALL},
        {"design": Design.BALANCED},
        {"design": Design.FOCUSED, "systems": ["north", "west"]},
        {"design": Design.ANCHOR, "anchor": "south"},
    ):
        with pytest.raises(DesignError, match="continues another"):
            generate_comparisons(made, **refused)
    generate_comparisons(made, design=Design.FOCUSED, systems=["west"])
    pairs = {
        frozenset(pair)
        for pair in Comparison.objects.filter(study=made).values_list(
            "system_a__name", "system_b__name"
        )
    }
    assert pairs == {frozenset({"north", "west"}), frozenset({"south", "west"})}


def test_the_report_of_a_challenger_counts_the_votes_of_both_and_says_so(tmp_path):
    studio = finished(tmp_path)
    made = challenge_study(studio.study, "next", studio.user, title="Next")
    add_system(made, tmp_path, "west", 4)
    generate_comparisons(made, design=Design.FOCUSED, systems=["west"])
    open_study(made)
    for comparison in Comparison.objects.filter(study=made):
        factories.make_vote(comparison, Choice.RIGHT)
    Study.objects.filter(pk=made.pk).update(unblinded_at=timezone.now())
    made.refresh_from_db()
    read = records.load(made)
    assert read.systems == ("north", "south", "west")
    assert read.overall.votes.n == 12
    assert len(read.prompts) == 4
    result = analysis.run(made).result
    assert "pooled" in result["warnings"]
    assert result["settings"]["continues"] == studio.study.slug
    rows = {(row["system_a"], row["system_b"]): row for row in result["head_to_head"]}
    assert {pair: row["n"] for pair, row in rows.items()} == {
        ("north", "south"): 4,
        ("north", "west"): 4,
        ("south", "west"): 4,
    }
    # North beat south in the first study, west beats both in the second.
    assert rows["north", "south"]["wins_a"] == 4
    assert rows["north", "west"]["wins_b"] == rows["south", "west"]["wins_b"] == 4
    assert [row["system"] for row in result["leaderboard"]] == ["west", "north", "south"]
    alone = analysis.run(studio.study).result
    assert "pooled" not in alone["warnings"]
    assert alone["counts"]["votes"] == 4


@pytest.mark.parametrize("changed", [{"scale": "five"}, {"both_bad": False}])
def test_a_challenger_that_asks_otherwise_cannot_be_opened_nor_says_that_it_pools(
    tmp_path, changed
):
    studio = finished(tmp_path)
    made = challenge_study(studio.study, "next", studio.user, title="Next")
    add_system(made, tmp_path, "west", 4)
    generate_comparisons(made, design=Design.FOCUSED, systems=["west"])
    assert list_faults(made) == []
    made.criteria.filter(key="overall").update(**changed)
    assert "could not be counted together" in " ".join(list_faults(made))
    Study.objects.filter(pk=made.pk).update(unblinded_at=timezone.now())
    made.refresh_from_db()
    pools = "pooled" in analysis.run(made).result["warnings"]
    assert pools == ("scale" not in changed)


def test_a_challenger_with_a_pair_that_was_compared_before_cannot_be_opened(tmp_path):
    studio = finished(tmp_path)
    made = challenge_study(studio.study, "next", studio.user, title="Next")
    add_system(made, tmp_path, "west", 4)
    generate_comparisons(made, design=Design.FOCUSED, systems=["west"])
    old = {one.system.name: one for one in Response.objects.filter(prompt__study=made)[:2]}
    # As a file of comparisons would bring it.
    Comparison.objects.create(
        study=made,
        item_id="old",
        prompt=old["north"].prompt,
        response_a=old["north"],
        response_b=old["south"],
        system_a=old["north"].system,
        system_b=old["south"].system,
        overlap=1,
    )
    assert list_faults(made) == [
        f"1 pair has no new system: both were compared in {studio.study.slug}, which this study "
        "continues. Generate pairs with a new system alone."
    ]


def test_the_earlier_study_is_part_of_the_input_hash(tmp_path):
    studio = finished(tmp_path)
    made = challenge_study(studio.study, "next", studio.user, title="Next")
    before = records.load(made).input_sha256
    comparison = Comparison.objects.filter(study=studio.study).first()
    assert comparison is not None
    factories.make_vote(comparison, Choice.RIGHT)
    assert records.load(made).input_sha256 != before
