"""Judges with known faults, from rows to the pages: each fault in the sentence on top."""

from __future__ import annotations

import html
import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from annotation.models import Response, Role, Study
from judging.models import JudgeVersion
from reports import analysis
from reports.presentation.alignment import panel_section
from tests import pages
from tests.factories import make_membership
from tests.reports.planted import JUDGES, make_planted_study
from tests.reports.test_trust_in_words import WORDS

pytestmark = pytest.mark.django_db

CONFIGS = {
    "honest": {"model": "oak-1", "instruction": {"name": "brief", "text": "Judge."}},
    "first-shown": {"model": "oak-1", "instruction": {"name": "long", "text": "Judge well."}},
    "obeying": {"model": "elm-1", "instruction": {"name": "brief", "text": "Judge."}},
}
FAULTS = {name.replace(" ", "-"): words for name, words in WORDS.items()}


def reader(study: Study) -> Client:
    client = Client()
    user = make_membership(study, Role.RESEARCHER).user
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def page(client: Client, name: str, study: Study, **more: object) -> str:
    address = reverse(f"alignment:{name}", kwargs={"slug": study.slug, **more})
    return html.unescape(pages.text_of(client.get(address)))


def test_every_fault_is_in_the_sentence_on_top_of_both_pages() -> None:
    study = make_planted_study()
    analysis.run(study)
    client = reader(study)
    together = page(client, "judges", study)
    for name in JUDGES:
        words = FAULTS.get(name)
        version = JudgeVersion.objects.get(judge__study=study, judge__judge_id=name)
        alone = page(client, "judge", study, version=version.pk)
        if words is None:
            assert "honest may stand in for one of these annotators" in together
            assert not any(fault in alone.split("Beside people")[0] for fault in FAULTS.values())
        else:
            assert words in together, name
            assert words in alone.split("Beside people")[0], name


def test_what_was_asked_and_how_a_panel_lies_apart_are_in_the_json_and_on_the_pages() -> None:
    names = ("honest", "first-shown", "obeying", "silent-where-a-wins")
    study = make_planted_study(
        n=120, judges={name: JUDGES[name] for name in names}, configs=CONFIGS
    )
    out = StringIO()
    call_command("analyze", study.slug, format="json", stdout=out)
    result: dict[str, Any] = json.loads(out.getvalue())
    panel = result["panels"][0]
    assert panel["spread_templates"] > 0
    assert panel["spread_models"] > 0
    assert sum(panel["weighted"]["weights"]) == pytest.approx(1)
    for entry in result["alignment"]:
        for figure in ("spearman", "kendall", "gap"):
            found = entry["ranking"][figure]
            assert found["low"] <= found["estimate"] <= found["high"], figure
    client = reader(study)
    together = page(client, "judges", study)
    for words in (
        "weighted by kappa on other prompts",
        "the same between instructions of one model",
        "the same between models of one instruction",
        f"{panel['spread_templates']:.2f}",
    ):
        assert words in together, words
    version = JudgeVersion.objects.get(judge__study=study, judge__judge_id="silent-where-a-wins")
    alone = page(client, "judge", study, version=version.pk)
    entry = next(e for e in result["alignment"] if e["judge"] == "silent-where-a-wins")
    gone = entry["missing"]["unparsed"]
    assert f"Of 240 calls {240 - gone} gave a verdict ({gone} unparsed)." in alone
    for words in (
        "the same, with a tie where its orders disagree",
        "calls that go to the response shown first",
        "Left out one by one",
        "all together",
        "the same forecast (log loss)",
        "rank correlation (Kendall)",
    ):
        assert words in alone, words


def test_a_report_of_an_older_format_is_shown_without_what_it_lacks() -> None:
    study = make_planted_study(n=40, judges={name: JUDGES[name] for name in ("honest", "obeying")})
    result = analysis.run(study).result
    new = ("weighted", "spread_templates", "spread_models")
    kept = [{key: panel[key] for key in panel if key not in new} for panel in result["panels"]]
    rows = [row[0].text for row in panel_section({"panels": kept}).rows]
    assert "averaged, agrees with votes" in rows
    assert len(rows) == len(panel_section(result).rows) - len(new)
    assert panel_section({}).rows == []


def test_a_response_that_names_its_maker_stands_beside_the_judges_figures_without_the_name() -> (
    None
):
    study = make_planted_study(n=120, judges={"honest": JUDGES["honest"]})
    # The first system's name is a plain word, and no sign of a maker.
    for number, response in enumerate(
        Response.objects.filter(prompt__study=study).order_by("prompt__prompt_id", "pk")[:90]
    ):
        response.text = (
            "As ChatGPT, made by OpenAI, I say so. " if number % 2 else "The alder. "
        ) + response.text
        response.save()
    out = StringIO()
    call_command("analyze", study.slug, format="json", stdout=out)
    found = json.loads(out.getvalue())["alignment"][0]["maker_names"]
    assert (found["named"], found["n"]) == (45, 120)
    assert found["estimate"] == pytest.approx(45 / 120)
    assert found["agreement_named"]["n"] + found["agreement_others"]["n"] == 480
    assert 0.5 < found["agreement_named"]["estimate"] <= 1
    client = reader(study)
    version = JudgeVersion.objects.get(judge__study=study)
    alone = page(client, "judge", study, version=version.pk)
    assert "pairs in which a response names a maker" in alone
    assert "45 pairs; agrees in" in alone
    report = html.unescape(client.get(f"/study/{study.slug}/report/").content.decode())
    assert "a response names a maker in 45 pairs" in report
    for text in (alone, report):
        assert "ChatGPT" not in text
        assert "OpenAI" not in text
