"""Boards beside the first, their comparison, tests of fit and slices in the report object."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from annotation.models import Criterion, Prompt, Response, Scale, Study, Verdict
from reports import analysis, beside, records
from reports.boards import BOARDS
from reports.exports.report_text import render
from reports.presentation.notes import warnings_in_words
from reports.presentation.people import agreement_rows
from reports.presentation.slices import all_slices
from tests.factories import (
    make_annotator,
    make_comparison,
    make_imported_vote,
    make_prompt,
    make_study,
)
from tests.reports.test_schema import SCHEMA
from tests.reports.voted import make_voted_study

pytestmark = pytest.mark.django_db


def result_of(study: Study, **options: Any) -> dict[str, Any]:
    return dict(analysis.run(study, **options).result)


@pytest.fixture
def study() -> Study:
    """Eight prompts with weights, categories and tags, and responses of different looks."""
    study = make_voted_study()
    for number, prompt in enumerate(Prompt.objects.filter(study=study).order_by("prompt_id")):
        prompt.weight = 1.0 + number
        prompt.category = ("code", "prose")[number % 2]
        prompt.tags = [["long"], ["long", "hard"], []][number % 3]
        prompt.save()
    for number, response in enumerate(Response.objects.order_by("pk")):
        response.text = "word " * (number % 5 + 1) + "\n- item" * (number % 3)
        response.save()
    return study


def test_every_board_is_there_or_says_why_not(study: Study) -> None:
    boards = result_of(study)["boards"]
    assert tuple(boards) == (*BOARDS, "with_excluded")
    for name in ("davidson", "drop_ties", "side_adjusted", "weighted", "style_controlled"):
        assert boards[name]["reason"] is None, name
        assert [row["system"] for row in boards[name]["rows"]] == sorted(
            (row["system"] for row in boards[name]["rows"]),
            key=lambda system: next(
                row["rank"] for row in boards[name]["rows"] if row["system"] == system
            ),
        )
    assert boards["graded"] == {"rows": None, "reason": "The scale has no grades."}


def test_each_board_names_its_scale_and_terms(study: Study) -> None:
    boards = result_of(study)["boards"]
    assert boards["davidson"]["scale"] == boards["drop_ties"]["scale"] == "win_odds"
    assert boards["weighted"]["scale"] == boards["style_controlled"]["scale"] == "expected_score"
    assert set(boards["davidson"]["terms"]) == {"log_nu"}
    assert set(boards["side_adjusted"]["terms"]) == {"side"}
    style = boards["style_controlled"]
    assert set(style["terms"]) == {"length", "headers", "list_items", "bold"}
    # No response has a header: its coefficient is empty with a reason, not 0.
    assert style["terms"]["headers"]["estimate"] is None
    assert style["terms"]["headers"]["warnings"] == ["degenerate_scale"]
    assert all(0 < row["controlled_win_rate"]["estimate"] < 1 for row in style["rows"])
    assert 0 < boards["weighted"]["kish_n"] < boards["weighted"]["n"]


def test_the_weighted_board_follows_the_heavy_prompts() -> None:
    study = make_study()
    for number in range(6):
        heavy = number < 2
        comparison = make_comparison(study, "alpha", "beta")
        comparison.prompt.weight = 10.0 if heavy else 0.1
        comparison.prompt.save()
        for _ in range(3):
            verdict = Verdict.A if heavy else Verdict.B
            make_imported_vote(comparison, verdict, annotator=make_annotator(study))
    result = result_of(study)
    assert result["leaderboard"][0]["system"] == "beta"
    assert result["boards"]["weighted"]["rows"][0]["system"] == "alpha"


def test_sensitivity_compares_ranks_and_conclusions(study: Study) -> None:
    sensitivity = result_of(study)["sensitivity"]
    assert set(sensitivity) == {"drop_ties", "davidson", "rao_kupper", "with_excluded"}
    assert sensitivity.pop("with_excluded") is None
    for found in sensitivity.values():
        assert found["order_changed"] == bool(found["n_moved"])
        assert len(found["moved"]) == found["n_moved"]


def test_fit_is_tested(study: Study) -> None:
    fit = result_of(study)["fit"]
    assert fit["reason"] is None
    assert fit["test"]["model"] == "davidson"
    assert fit["test"]["df"] == 2 * 3 - 3
    assert fit["cyclic_triads"]["triads"] == 1
    assert fit["cyclic_triads"]["draws"] == 500


def tagged_study(pairs: dict[str, list[tuple[str, str]]]) -> Study:
    """Three prompts of each tag, each with its pairs; and prompts without tags that join all."""
    study = make_study()
    people = [make_annotator(study) for _ in range(4)]
    joined = {**pairs, "": [("alpha", "beta"), ("beta", "gamma"), ("gamma", "delta")]}
    for tag, own in joined.items():
        for number in range(3):
            for a, b in own:
                prompt = make_prompt(study, f"{tag}-{number}-{a}-{b}", tags=[tag] if tag else [])
                comparison = make_comparison(study, a, b, prompt=prompt)
                for turn, person in enumerate(people):
                    verdict = (Verdict.A, Verdict.B, Verdict.TIE)[(number + turn) % 3]
                    make_imported_vote(comparison, verdict, annotator=person)
    return study


def test_tags_that_part_the_systems_say_which_can_be_compared() -> None:
    apart = [("alpha", "beta"), ("gamma", "delta")]
    kept = analysis.run(tagged_study({"one": apart, "two": apart}))
    jsonschema.validate(kept.result, SCHEMA)
    tags = kept.result["slices"]["tag"]
    groups = {row["system"]: row["strength"]["component"] for row in tags["slices"][0]["rows"]}
    assert groups["alpha"] == groups["beta"] != groups["gamma"] == groups["delta"]
    assert "disconnected" in tags["tau"]["warnings"]
    shown = next(part for part in all_slices(kept.result) if part.kind == "tag")
    assert shown.apart.startswith("Within them systems fall into groups that never meet")
    assert "alpha, beta; " in shown.apart or "; alpha, beta" in shown.apart
    assert "Compare strengths within a group only." in " ".join(render(kept).split())


def test_tags_without_a_common_difference_say_that_none_is_told() -> None:
    kept = analysis.run(
        tagged_study({"one": [("alpha", "beta")], "two": [("gamma", "delta")]}),
    )
    jsonschema.validate(kept.result, SCHEMA)
    tags = kept.result["slices"]["tag"]
    assert tags["tau"]["estimate"] is None
    assert tags["tau"]["warnings"] == ["degenerate_scale"]
    shown = next(part for part in all_slices(kept.result) if part.kind == "tag")
    assert shown.spread == (
        "How much a system's strength varies between them cannot be told: no two slices tell of "
        "the same difference between systems. So no strength within them is given."
    )
    assert {strength.text for row in shown.rows for _, strength in row.cells if strength} == {"–"}


def test_slices_by_category_and_tag(study: Study) -> None:
    slices = result_of(study)["slices"]
    assert [part["name"] for part in slices["category"]["slices"]] == ["code", "prose"]
    assert [part["name"] for part in slices["tag"]["slices"]] == ["hard", "long"]
    hard, long = slices["tag"]["slices"]
    assert hard["votes"] < long["votes"]
    assert hard["shrunk_only"]
    assert hard["rows"][0]["raw"] is None
    assert hard["rows"][0]["win_rate"]["n"] == 2 * hard["votes"] // 3
    assert slices["category"]["tau"]["n"] == 2


def test_graded_votes_get_a_board_and_a_test_of_margins() -> None:
    study = make_voted_study()
    Criterion.objects.filter(study=study, key="overall").update(scale=Scale.FIVE)
    result = result_of(study)
    assert result["boards"]["graded"]["reason"] == "Some decisive votes have no grade."
    study = make_study("graded")
    Criterion.objects.filter(study=study, key="overall").update(scale=Scale.FIVE)
    people = [make_annotator(study) for _ in range(3)]
    for number in range(12):
        comparison = make_comparison(study, *[("alpha", "beta"), ("beta", "gamma")][number % 2])
        for turn, person in enumerate(people):
            verdict = (Verdict.A, Verdict.B, Verdict.TIE)[(number + turn * turn) % 3]
            make_imported_vote(
                comparison,
                verdict,
                annotator=person,
                margin=None if verdict == Verdict.TIE else 1 + (number + turn) % 2,
            )
    graded = result_of(study)["boards"]["graded"]
    assert graded["reason"] is None
    assert graded["scale"] == "grade_odds"
    assert set(graded["terms"]) == {"threshold_0_1", "threshold_1_2"}
    assert [(pair["system_a"], pair["system_b"]) for pair in graded["pairs"]] == [
        ("alpha", "beta"),
        ("beta", "gamma"),
    ]


def test_an_empty_study_says_why_there_is_nothing() -> None:
    result = result_of(make_study())
    assert all(board["rows"] is None and board["reason"] for board in result["boards"].values())
    assert set(result["sensitivity"].values()) == {None}
    assert result["fit"]["test"]["warnings"] == ["no_votes"]
    assert result["slices"]["category"]["reason"] == "No prompt has a category."


def test_a_study_without_ties_or_sides_says_so() -> None:
    study = make_study()
    comparison = make_comparison(study, "alpha", "beta")
    for verdict in (Verdict.A, Verdict.B, Verdict.A):
        make_imported_vote(comparison, verdict, annotator=make_annotator(study))
    boards = result_of(study)["boards"]
    assert "No vote is a tie" in boards["davidson"]["reason"]
    assert "No vote is a tie" in boards["drop_ties"]["reason"]
    assert "left" in boards["side_adjusted"]["reason"]
    assert boards["weighted"]["reason"] == "All prompts have the same weight."


def test_large_studies_get_it_only_on_request(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "MORE_VOTES", 10)
    result = result_of(study)
    assert all("--diagnostics" in result["boards"][name]["reason"] for name in BOARDS)
    assert "--diagnostics" in result["fit"]["reason"]
    assert "--diagnostics" in result["slices"]["tag"]["reason"]
    halves = result["agreement"]["split_half"]
    assert (halves["estimate"], halves["warnings"]) == (None, ["on_request"])
    shown = {row.name: row.figure for row in agreement_rows(result["agreement"])}
    assert shown["Split-half reliability"].whole == (
        "not made: with so many votes it is made only on request, by analyze --diagnostics"
    )
    asked = result_of(study, thorough=True)
    assert asked["boards"]["davidson"]["reason"] is None
    assert "on_request" not in asked["agreement"]["split_half"]["warnings"]


def test_many_texts_are_read_only_on_request(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysis, "MORE_RESPONSES", 3)
    result = result_of(study)
    assert "--diagnostics" in result["boards"]["style_controlled"]["reason"]
    assert result["boards"]["davidson"]["reason"] is None
    assert result_of(study, thorough=True)["boards"]["style_controlled"]["reason"] is None


def test_warnings_of_other_boards_are_not_those_of_the_report(study: Study) -> None:
    result = result_of(study)
    assert "ties_dropped" in result["boards"]["drop_ties"]["warnings"]
    told = [short for short, _ in warnings_in_words(result)]
    assert not any("left out" in words or "dropped" in words for words in told)


def test_the_hash_tells_of_tags_and_of_looks(study: Study) -> None:
    plain = records.load(study)
    assert plain.style is None
    assert plain.prompt_tags[:3] == (("long",), ("hard", "long"), ())
    styled = records.load(study, style=True)
    assert styled.style is not None
    assert styled.style.a.shape == (len(plain.items), 4)
    assert styled.input_sha256 != plain.input_sha256
    prompt = Prompt.objects.filter(study=study).first()
    assert prompt is not None
    prompt.tags = ["new"]
    prompt.save()
    assert records.load(study).input_sha256 != plain.input_sha256


def test_looks_belong_to_the_response_of_their_system(study: Study) -> None:
    read = records.load(study, style=True)
    assert read.style is not None
    for place, name in enumerate(read.items[:5]):
        comparison = study.comparisons.get(item_id=name)
        assert read.style.a[place, 0] == len(comparison.response_a.text)
        assert read.style.b[place, 0] == len(comparison.response_b.text)
