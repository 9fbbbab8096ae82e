"""The demo study's texts and settings hold to the contract and show what they are meant to show."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter, defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from annotation.importing.formats import RESPONSES, ResponseRow
from annotation.importing.formats import read_rows as read_import_rows
from evalsite.demo.cast import (
    ANNOTATORS,
    CATEGORY_OFFSET,
    CRITERION_OFFSET,
    JUDGES,
    RESPONSE_OFFSET,
    SYSTEM_QUALITY,
)

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "demo"
CATEGORIES = {
    "instructions",
    "code",
    "summaries",
    "reasoning",
    "support mail",
    "conversation",
}
PROMPT_ATTRIBUTES = ("prompt", "category", "tags", "weight", "reference", "created_at")
ROW_KEYS = {
    *PROMPT_ATTRIBUTES,
    "prompt_id",
    "system",
    "response",
    "latency_ms",
    "ttft_ms",
    "input_tokens",
    "output_tokens",
    "cost",
}


def read_rows() -> list[dict[str, Any]]:
    lines = (FOLDER / "responses.jsonl").read_text(encoding="utf-8").split("\n")
    assert lines.pop() == "", "the file ends with a line feed"
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return read_rows()


@pytest.fixture(scope="module")
def study() -> dict[str, Any]:
    return tomllib.loads((FOLDER / "study.toml").read_text(encoding="utf-8"))


def by_prompt(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    grouped = defaultdict(list)
    for row in rows:
        grouped[row["prompt_id"]].append(row)
    return grouped


def test_every_row_has_the_keys_and_types_of_the_contract(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        assert set(row) == ROW_KEYS
        assert all(isinstance(row[key], str) for key in ("prompt_id", "system", "response"))
        assert row["reference"].strip()
        assert row["category"] in CATEGORIES
        assert row["tags"]
        assert not any("|" in tag for tag in row["tags"])
        assert row["weight"] > 0
        assert datetime.fromisoformat(row["created_at"]).utcoffset() is not None


def test_the_importer_takes_every_row(rows: list[dict[str, Any]]) -> None:
    parsed = [read.row for read in read_import_rows(FOLDER / "responses.jsonl", RESPONSES)]
    assert [row for row in parsed if not isinstance(row, ResponseRow)] == []
    assert len(parsed) == len(rows)


def test_every_prompt_is_a_text_or_a_conversation_that_ends_with_the_user(
    rows: list[dict[str, Any]],
) -> None:
    for row in rows:
        if isinstance(row["prompt"], str):
            assert row["prompt"].strip()
            continue
        assert all(set(message) == {"role", "content"} for message in row["prompt"])
        assert {m["role"] for m in row["prompt"]} <= {"system", "user", "assistant"}
        assert row["prompt"][-1]["role"] == "user"


def test_latency_tokens_and_cost_are_plausible(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        assert 0 < row["ttft_ms"] <= row["latency_ms"] < 60_000
        assert row["input_tokens"] > 0
        assert (row["output_tokens"] == 0) == (row["response"] == "")
        assert 0 < row["cost"] < 0.05
    mean_cost = {
        system: sum(row["cost"] for row in rows if row["system"] == system)
        for system in SYSTEM_QUALITY
    }
    assert mean_cost["cedar-large"] > mean_cost["aster-medium"]
    assert mean_cost["aster-medium"] > mean_cost["dune-small"] > mean_cost["birch-mini"]


def test_attributes_of_one_prompt_are_equal_in_all_its_rows(rows: list[dict[str, Any]]) -> None:
    for group in by_prompt(rows).values():
        for key in PROMPT_ATTRIBUTES:
            assert all(row[key] == group[0][key] for row in group)


def test_every_system_answers_every_prompt_once_in_sorted_order(
    rows: list[dict[str, Any]],
) -> None:
    keys = [(row["prompt_id"], row["system"]) for row in rows]
    assert keys == sorted(set(keys))
    assert len(by_prompt(rows)) >= 24
    for group in by_prompt(rows).values():
        assert {row["system"] for row in group} == set(SYSTEM_QUALITY)


def test_each_of_the_six_categories_has_at_least_four_prompts(rows: list[dict[str, Any]]) -> None:
    counts = Counter(group[0]["category"] for group in by_prompt(rows).values())
    assert set(counts) == CATEGORIES
    assert min(counts.values()) >= 4


def test_no_two_responses_to_a_prompt_are_equal(rows: list[dict[str, Any]]) -> None:
    for group in by_prompt(rows).values():
        assert len({row["response"] for row in group}) == len(group)


def test_exactly_one_response_is_empty(rows: list[dict[str, Any]]) -> None:
    assert [row["system"] for row in rows if not row["response"].strip()] == ["birch-mini"]


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param(r"^## ", id="heading"),
        pytest.param(r"^- \S", id="bullet list"),
        pytest.param(r"^1\. ", id="numbered list"),
        pytest.param(r"^\|(?: ?:?-+:? ?\|)+$", id="table"),
        pytest.param(r"^```python$", id="python block"),
        pytest.param(r"^```sql$", id="sql block"),
        pytest.param(r"^- \[ \] ", id="open task"),
        pytest.param(r"^- \[x\] ", id="done task"),
        pytest.param(r"^> ", id="quotation"),
        pytest.param(r"\$\$[^$]+\$\$", id="displayed formula"),
        pytest.param(r"(?<!\$)\$[^$\d][^$\n]*\$(?!\$)", id="formula in a line"),
        pytest.param(r"\$54 .*\$2\b", id="two dollar amounts in a line"),
        pytest.param(r"(?<!`)<noinput>(?!`)", id="text that looks like a tag"),
        pytest.param(r"(?<![`:])vector<int>", id="text that looks like a generic type"),
        pytest.param("[\u3040-\u30ff\u4e00-\u9fff]", id="Japanese"),
    ],
)
def test_some_response_shows(rows: list[dict[str, Any]], pattern: str) -> None:
    assert any(re.search(pattern, row["response"], re.MULTILINE) for row in rows)


def test_lengths_run_from_one_line_to_more_than_thirty(rows: list[dict[str, Any]]) -> None:
    lines = [row["response"].count("\n") + 1 for row in rows if row["response"]]
    assert min(lines) == 1
    assert max(lines) > 30


def test_the_verbose_system_writes_far_more_than_the_others(rows: list[dict[str, Any]]) -> None:
    words: Counter[str] = Counter()
    for row in rows:
        words[row["system"]] += len(row["response"].split())
    assert words["aster-medium"] > 2 * max(words["cedar-large"], words["dune-small"])
    assert words["birch-mini"] < min(words["cedar-large"], words["dune-small"]) / 3


def test_no_prompt_reference_or_response_names_a_system_or_a_maker(
    rows: list[dict[str, Any]],
) -> None:
    words = {part for system in SYSTEM_QUALITY for part in (system, system.split("-")[0])}
    words |= {"language model", "as an AI", "OpenAI", "Anthropic", "Google", "GPT", "Claude"}
    words |= {"Gemini", "Llama", "Mistral", "Qwen", "DeepSeek"}
    pattern = re.compile("|".join(rf"\b{re.escape(word)}\b" for word in words), re.IGNORECASE)
    for row in rows:
        seen = " ".join((json.dumps(row["prompt"]), row["reference"], row["response"]))
        assert not pattern.search(seen), (row["prompt_id"], row["system"])


def test_the_leader_keeps_the_limits_that_can_be_counted(rows: list[dict[str, Any]]) -> None:
    texts = {row["prompt_id"]: row["response"] for row in rows if row["system"] == "cedar-large"}
    bullets = texts["ins-01"].split("\n")
    assert len(bullets) == 3
    assert all(len(bullet.removeprefix("- ").split()) <= 12 for bullet in bullets)
    assert 40 <= len(texts["ins-02"].split()) <= 50
    assert texts["ins-02"].endswith("?")
    packing = json.loads(texts["ins-03"])
    assert set(packing) == {"days", "items", "total_grams"}
    assert packing["total_grams"] == sum(item["grams"] for item in packing["items"])
    assert len(texts["sum-02"].split()) <= 60


def test_the_code_of_the_leader_does_what_its_prompt_asks(rows: list[dict[str, Any]]) -> None:
    outcomes = {}
    for row in rows:
        block = re.search(r"```python\n(.*?)```", row["response"], re.DOTALL)
        if row["prompt_id"] != "cod-01" or block is None:
            continue
        names: dict[str, Any] = {}
        exec(block[1], names)  # noqa: S102 - the project's own text, read from its fixtures
        outcomes[row["system"]] = names["merge"]([(5, 6), (1, 10), (2, 3), (10, 11)])
    assert outcomes["cedar-large"] == outcomes["aster-medium"] == [(1, 11)]
    assert outcomes["dune-small"] != [(1, 11)]
    assert outcomes["birch-mini"] != [(1, 11)]


def test_the_settings_are_those_of_an_open_study_with_work_left(study: dict[str, Any]) -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", study["slug"])
    assert study["results"] == "open"
    assert study["design"] == "all"
    assert study["overlap"] >= 2
    assert 0.5 < study["simulation"]["completed"] < 1
    assert "simulated" in study["notice"]
    assert study["instructions"].strip()


def test_the_cast_of_the_settings_and_of_the_simulation_are_the_same(
    study: dict[str, Any],
) -> None:
    assert study["simulation"]["annotators"] == [annotator.key for annotator in ANNOTATORS]
    assert study["simulation"]["judges"] == [judge.key for judge in JUDGES]


def test_the_rubric_is_overall_and_three_criteria_with_levels(
    study: dict[str, Any], rows: list[dict[str, Any]]
) -> None:
    criteria = study["criteria"]
    assert criteria[0]["key"] == "overall"
    assert len({c["key"] for c in criteria}) == 4
    assert (criteria[0]["scale"], criteria[0]["both_bad"]) == ("ternary", True)
    assert sum(c["weight"] for c in criteria[1:]) == pytest.approx(1.0)
    responses = {row["response"].strip() for row in rows}
    for criterion in criteria:
        assert criterion["question"].endswith("?")
        assert criterion["scale"] in {"binary", "ternary", "five", "seven"}
        assert 3 <= len(criterion["levels"]) <= 5
        for level in criterion["levels"]:
            assert all(level[key].strip() for key in ("id", "description", "example", "reason"))
            assert level["example"].strip() not in responses


def test_offsets_name_only_what_the_demo_holds(
    study: dict[str, Any], rows: list[dict[str, Any]]
) -> None:
    assert set(CATEGORY_OFFSET) == set(CRITERION_OFFSET) == set(SYSTEM_QUALITY)
    assert {category for offsets in CATEGORY_OFFSET.values() for category in offsets} <= CATEGORIES
    keys = {criterion["key"] for criterion in study["criteria"]}
    assert {key for offsets in CRITERION_OFFSET.values() for key in offsets} <= keys
    assert set(RESPONSE_OFFSET) <= {(row["system"], row["prompt_id"]) for row in rows}
