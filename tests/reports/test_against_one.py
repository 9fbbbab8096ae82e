"""Several systems against one, from the tables to the page."""

from __future__ import annotations

import pytest
from django.template.loader import render_to_string

from annotation.models import Stopping, Study
from reports import against_one as room
from reports import analysis
from reports.presentation.against_one import against_one
from tests.factories import (
    make_annotator,
    make_comparison,
    make_prompt,
    make_response,
    make_study,
    make_system,
)
from tests.reports import results
from tests.reports.voted import make_rich_study, make_voted_study, vote


def anchored(prompts: int = 9, voted: int = 9) -> Study:
    """Two systems against one, never against each other."""
    study = make_study("anchored")
    names = ("base", "new", "other")
    systems = [make_system(study, name) for name in names]
    people = [make_annotator(study, external_id=f"ann-{n}") for n in range(3)]
    for number in range(prompts):
        prompt = make_prompt(study, f"p{number}")
        base, *others = [make_response(prompt, system) for system in systems]
        for place, response in enumerate(others):
            comparison = make_comparison(
                study,
                prompt=prompt,
                response_a=base,
                response_b=response,
                item_id=f"p{number}-{place}",
            )
            for turn, person in enumerate(people if number < voted else ()):
                vote(comparison, person, number, turn)
    return study


@pytest.mark.django_db
def test_each_system_is_tested_against_all_that_it_met() -> None:
    found = analysis.run(make_rich_study()).result["against_one"]
    assert found["reason"] is None
    assert found["anchor"] is None
    assert [row["system"] for row in found["rows"]] == ["alpha", "beta", "gamma"]
    for row in found["rows"]:
        assert {other["system"] for other in row["opponents"]} | {row["system"]} == {
            "alpha",
            "beta",
            "gamma",
        }
        assert row["method"] == "sign_flip_max_exact"


@pytest.mark.django_db
def test_the_anchor_is_what_every_comparison_shares() -> None:
    found = analysis.run(anchored()).result["against_one"]
    assert found["anchor"] == "base"
    # The others met one system each: that is the pair's own test.
    assert [row["system"] for row in found["rows"]] == ["base"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"stopping": Stopping.SEQUENTIAL}, room.SEQUENTIAL),
        ({"systems": ("alpha", "beta")}, room.FEW),
        ({"annotators": ()}, room.FEW),
    ],
)
def test_where_there_is_none_the_report_says_why(fields: dict[str, object], reason: str) -> None:
    found = analysis.run(make_voted_study(**fields)).result["against_one"]  # type: ignore[arg-type]
    assert (found["rows"], found["reason"]) == (None, reason)


@pytest.mark.django_db
def test_what_takes_long_is_made_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "CHEAP_TABLE", 10)
    study = make_voted_study()
    assert analysis.run(study).result["against_one"]["reason"] == room.ASK
    assert analysis.run(study, thorough=True).result["against_one"]["rows"]


@pytest.mark.django_db
def test_what_would_take_hours_is_not_made_on_request_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room, "LARGEST_TABLE", 10)
    study = make_voted_study()
    for thorough in (False, True):
        found = analysis.run(study, thorough=thorough).result["against_one"]
        assert (found["rows"], found["reason"]) == (None, room.TOO_LARGE)


@pytest.mark.django_db
def test_few_votes_on_many_planned_prompts_are_not_too_few_prompts() -> None:
    (row,) = analysis.run(anchored(9, voted=3)).result["against_one"]["rows"]
    assert row["prompts"] == 3
    assert "too_few_prompts" not in row["warnings"]


def opponent(name: str, mean: float, p: float) -> dict[str, object]:
    return {"system": name, "prompts": 20, "mean_score": mean, "p_adjusted": p}


def test_the_page_sorts_opponents_by_what_is_found_and_puts_the_anchor_first() -> None:
    rows = [
        {
            "system": name,
            "prompts": 20,
            "method": "sign_flip_max_draws",
            "opponents": [
                opponent("w", 0.7, 0.0004),
                opponent("x", 0.3, 0.03),
                opponent("y", 0.5, 1.0),
            ],
            "warnings": [],
        }
        for name in ("a", "base")
    ]
    result = results.clear_report(
        "a", "base", against_one={"anchor": "base", "rows": rows, "reason": None}
    )
    view = against_one(result)
    assert view is not None
    assert [row.system for row in view.rows] == ["base", "a"]
    first = view.rows[0]
    assert first.ahead_of == "w (p <\u00a00.001)"
    assert first.behind == "x (p = 0.03)"
    assert first.open == "y (p = 1.00)"
    page = render_to_string("reports/sections/against_one.html", {"report": {"against_one": view}})
    assert "All systems against base" in page
    assert "prompts are independent" in page


def test_a_report_of_an_older_format_has_no_such_section() -> None:
    result = results.clear_report("a", "b")
    del result["against_one"]
    assert against_one(result) is None
    assert render_to_string("reports/sections/against_one.html", {"report": {}}).strip() == ""
