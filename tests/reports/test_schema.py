"""docs/report.schema.json describes what analyses really give."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.core.management import call_command

from annotation.models import Study
from reports import analysis
from reports.presentation.notes import methods_in_words
from reports.stats.results import WarningCode
from tests.factories import make_study
from tests.reports import results
from tests.reports.voted import make_rich_study

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "report.schema.json").read_text(encoding="utf-8")
)


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    return jsonschema.Draft202012Validator(SCHEMA)


def faults(validator: jsonschema.Draft202012Validator, result: Any) -> list[str]:
    return [f"{list(fault.path)}: {fault.message}" for fault in validator.iter_errors(result)]


def test_the_warning_codes_are_exactly_those_that_figures_can_carry() -> None:
    assert set(SCHEMA["$defs"]["warning"]["enum"]) == {str(code) for code in WarningCode}


@pytest.mark.django_db
def test_a_study_with_everything_fits(validator: jsonschema.Draft202012Validator) -> None:
    result = analysis.run(make_rich_study()).result
    assert result["criteria"]
    assert result["alignment"]
    assert faults(validator, result) == []


@pytest.mark.django_db
def test_a_study_with_nothing_fits(validator: jsonschema.Draft202012Validator) -> None:
    assert faults(validator, analysis.run(make_study("empty")).result) == []


@pytest.mark.django_db
@pytest.mark.parametrize("data_set", ["pandalm", "mtbench_turn1", "rankgen", "llmbar"])
def test_real_results_fit(
    data_set: str, shared_data: Path, validator: jsonschema.Draft202012Validator
) -> None:
    folder = shared_data / data_set
    for kind, name in (("comparisons", "items"), ("votes", "human"), ("judgments", "judge")):
        file = folder / f"{name}.jsonl"
        if file.exists():
            call_command(f"import_{kind}", data_set, str(file))
    result = analysis.run(Study.objects.get(slug=data_set)).result
    assert faults(validator, result) == []
    assert [name for name, line in methods_in_words(result) if line == name] == []


def test_reports_written_by_hand_fit(validator: jsonschema.Draft202012Validator) -> None:
    written = results.clear_report("x", "y", "z", alignment=[results.alignment("judge")])
    assert faults(validator, written) == []


@pytest.mark.parametrize(
    "break_it",
    [
        lambda result: result["warnings"].append("unheard_of"),
        lambda result: result["leaderboard"][0].pop("rank_low"),
        lambda result: result["leaderboard"][0]["rating"].update(estimate="1000"),
        lambda result: result["leaderboard"][0]["rating"].update(surprise=1),
        lambda result: result["head_to_head"][0].update(p_value=1.5),
        lambda result: result["agreement"]["percent"].update(estimate=None, warnings=[]),
        lambda result: result.update(surprise=1),
    ],
)
def test_what_the_contract_does_not_know_is_refused(
    break_it: Any, validator: jsonschema.Draft202012Validator
) -> None:
    result = results.clear_report("x", "y")
    break_it(result)
    assert faults(validator, result)
