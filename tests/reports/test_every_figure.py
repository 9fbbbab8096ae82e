"""Every figure of the JSON schema is on the page, with its method, its assumption and its guide."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from annotation.models import Role
from reports import analysis
from reports.pages.guide import guide_as_html
from reports.presentation.details import pair_details, system_details
from reports.presentation.judges import judge_rows
from reports.wording.figures import FIGURES, NO_FIGURES
from tests.factories import make_membership
from tests.reports import results
from tests.reports.voted import make_rich_study

SCHEMA = json.loads((Path(settings.BASE_DIR) / "docs" / "report.schema.json").read_text())
# Figures that stand deeper than a key of a part.
DEEPER = {"leaderboard/strength/simultaneous"}


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node and "properties" not in node:
        node = SCHEMA["$defs"][node["$ref"].rsplit("/", 1)[1]]
    return resolved(node["items"]) if "items" in node else node


def places() -> Iterator[str]:
    """Each key of the report's object, and each key of its parts."""
    for name, node in SCHEMA["properties"].items():
        inside = resolved(node).get("properties")
        if not inside or name in NO_FIGURES:
            yield name
            continue
        yield from (f"{name}/{key}" for key in inside)


def test_every_place_of_the_schema_is_a_figure_or_is_said_to_be_none() -> None:
    known = set(FIGURES) | NO_FIGURES
    assert set(places()) - known == set()
    assert known - set(places()) == DEEPER
    assert not set(FIGURES) & NO_FIGURES


def test_a_figure_says_what_it_assumes_in_one_line_and_where_it_is_explained() -> None:
    anchors = set(re.findall(r'<a id="([^"]+)"', guide_as_html()))
    for place, figure in FIGURES.items():
        assert figure.anchor in anchors, place
        assert 0 < len(figure.assumes) < 140, place
        assert figure.assumes.endswith("."), place
    assert len({figure.name for figure in FIGURES.values()}) == len(FIGURES)


@pytest.mark.django_db
def test_the_page_and_its_file_show_every_figure_with_its_method() -> None:
    study = make_rich_study()
    user = make_membership(study, Role.RESEARCHER).user
    analysis.run(study, thorough=True)
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    page = html.unescape(client.get(f"/study/{study.slug}/report/").content.decode())
    response = client.get(f"/study/{study.slug}/report/files/report.html")
    file = html.unescape(b"".join(response.streaming_content).decode())  # type: ignore[attr-defined]
    for place, figure in FIGURES.items():
        method = figure.method[0].upper() + figure.method[1:]
        for text in (page, file):
            row = text[text.index(f">{figure.name}<", text.index("figures-and-methods")) :][:600]
            assert f"<td>{method}</td><td>{figure.assumes}</td>" in row, place
        assert f'#{figure.anchor}">{figure.name}</a>' in page, place


@pytest.mark.django_db
def test_what_stands_behind_the_tables_is_on_the_page() -> None:
    result = analysis.run(make_rich_study()).result
    (first, *_) = system_details(result)
    rating = result["leaderboard"][0]["rating"]
    together = rating["simultaneous"]
    assert first.together == f"[{together['low']:,.0f}, {together['high']:,.0f}]".replace("-", "−")
    assert first.design_effect != "–"
    (pair, *_) = pair_details(result)
    assert pair.of_votes_sort == result["head_to_head"][0]["p_value_votes"]
    assert pair.in_general_sort == result["head_to_head"][0]["p_value_two_way"]


def test_a_judge_that_stands_in_for_a_person_is_said_to_pass() -> None:
    tested = results.figure(0.6, method="alt_test", passed=True)
    passed, without = judge_rows(
        results.clear_report(
            "x",
            "y",
            alignment=[results.alignment("a", alt_test=tested), results.alignment("b")],
        )
    )
    assert (passed.stands_in.text, passed.passed) == ("60.0 %".replace(" ", "\u00a0"), "passed")
    assert without.passed == ""
