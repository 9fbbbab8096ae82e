"""Each further method stands on the report's page with what it found, its name and its guide."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from annotation.models import Role, User
from reports import analysis
from reports.pages.guide import guide_as_html
from reports.presentation.fit import fit
from reports.presentation.influence import e_value, influence
from reports.presentation.other_boards import other_boards
from reports.presentation.slices import all_slices
from tests.factories import make_membership, make_user
from tests.reports.voted import make_rich_study, make_voted_study

SECTIONS = Path(settings.BASE_DIR) / "reports" / "templates" / "reports" / "sections"


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def result() -> dict[str, Any]:
    found = analysis.run(make_rich_study(), thorough=True).result
    assert isinstance(found, dict)
    return found


@pytest.mark.django_db
def test_the_page_has_a_section_for_each_further_method() -> None:
    study = make_rich_study()
    user = make_membership(study, Role.RESEARCHER).user
    analysis.run(study)
    page = client_of(user).get(f"/study/{study.slug}/report/").content.decode()
    for heading in (
        "The same votes by other methods",
        "What may be said however often somebody looked",
        "Categories, tags and people",
        "Does one number a system describe the votes?",
        "How much hangs on single people and votes",
    ):
        assert heading in page
    linked = set(re.findall(rf'href="{reverse("reports:statistics_guide")}#([a-z-]+)"', page))
    assert linked >= {"boards", "sequential", "slices", "fit", "diagnostics"}
    known = set(re.findall(r'<a id="([^"]+)"', guide_as_html()))
    assert linked <= known


@pytest.mark.django_db
def test_a_report_without_votes_has_no_empty_sections() -> None:
    study = make_voted_study(annotators=())
    user = make_membership(study, Role.RESEARCHER).user
    analysis.run(study)
    page = client_of(user).get(f"/study/{study.slug}/report/").content.decode()
    assert "by other methods" not in page
    assert 'href="#fit"' not in page


@pytest.mark.django_db
def test_the_guide_is_for_whoever_is_signed_in_and_runs_nothing() -> None:
    address = reverse("reports:statistics_guide")
    assert Client().get(address).status_code == 302
    page = client_of(make_user()).get(address).content.decode()
    assert "The figures of a report" in page
    article = page[page.index('<article class="guide">') : page.index("</article>")]
    assert "<script" not in article
    assert "<table" in article


def test_every_anchor_that_a_section_names_is_in_the_guide() -> None:
    named = {
        anchor
        for path in SECTIONS.glob("*.html")
        for anchor in re.findall(r'anchor="([a-z-]+)"', path.read_text())
    }
    assert len(named) == 10
    assert named <= set(re.findall(r'<a id="([^"]+)"', guide_as_html()))


@pytest.mark.django_db
def test_the_other_boards_put_every_system_in_every_column(result: dict[str, Any]) -> None:
    boards = other_boards(result)
    assert [system for system, _ in boards.rows] == [row["system"] for row in result["leaderboard"]]
    assert all(len(placings) == len(boards.columns) for _, placings in boards.rows)
    made = {key for key, board in result["boards"].items() if board["rows"] is not None}
    assert len(boards.columns) == 1 + len(made)
    assert len(boards.missing) == len(result["boards"]) - len(made)
    assert len(boards.sentences) == 3


def compared(**fields: Any) -> dict[str, Any]:
    return {
        "order_changed": False,
        "conclusions_changed": False,
        "n_moved": 0,
        "moved": [],
        "n_changes": 0,
        "changes": [],
        **fields,
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("other", "said"),
    [
        (None, "Without ties no board can be made of these votes."),
        (compared(), "Without ties the order and every conclusion stay the same."),
        (
            compared(
                order_changed=True, n_moved=1, moved=[{"system": "x", "rank": 2, "rank_there": 3}]
            ),
            "Without ties some ranks change, x (2 → 3), but nothing that is shown to be better is "
            "lost.",
        ),
        (
            compared(
                conclusions_changed=True,
                n_changes=5,
                changes=[{"better": "x", "worse": "y", "change": "lost"}] * 3,
            ),
            "and 2 more statements change.",
        ),
    ],
)
def test_what_another_treatment_of_ties_changes_is_said(
    result: dict[str, Any], other: dict[str, Any] | None, said: str
) -> None:
    result["sensitivity"]["drop_ties"] = other
    assert said in other_boards(result).sentences[0]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("p", "said"), [(0.001, "more than chance"), (0.5, "do not contradict"), (None, "no freedom")]
)
def test_a_test_of_fit_says_what_it_found(
    result: dict[str, Any], p: float | None, said: str
) -> None:
    assert result["fit"]["reason"] is None
    result["fit"]["test"]["p_value"] = p
    assert said in fit(result).sentences[0]


@pytest.mark.django_db
def test_a_slice_has_a_cell_for_each_system() -> None:
    study = make_voted_study(prompts=12)
    for prompt in study.prompts.all():
        prompt.category = "even" if int(prompt.prompt_id[1:]) % 2 == 0 else "odd"
        prompt.save()
    result = analysis.run(study).result
    part = all_slices(result)[0]
    assert part.rows
    assert all(len(row.cells) == len(part.systems) for row in part.rows)
    assert [row.name for row in part.rows] == [
        entry["name"] for entry in result["slices"]["category"]["slices"]
    ]


@pytest.mark.django_db
def test_a_coin_tosser_is_remarked_on(result: dict[str, Any]) -> None:
    assert influence(result).rows
    result["diagnostics"]["annotator_reliability"][0] |= {"suspicious": True, "flagged": True}
    result["diagnostics"]["annotator_reliability"][1] |= {"suspicious": False, "flagged": True}
    rows = influence(result).rows
    assert rows[0].remark == "answers as by the toss of a coin"
    assert rows[1].remark == "often against the others"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "–"),
        (0.0, "<\u00a00.1"),
        (0.25, "0.2"),
        (9.96, "10.0"),
        (20.4, "20"),
        (1e299, ">\u00a01,000"),
    ],
)
def test_an_e_value_is_said_as_far_as_it_matters(value: float | None, said: str) -> None:
    assert e_value(value) == said
