"""Thin and odd data give a typed error or an explained null, never a number that looks fine.

Each case goes through the whole report, so that every method meets it.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from django.conf import settings
from django.utils import timezone

from annotation.models import Study
from reports import analysis
from reports.presentation.report import view
from reports.records import CAUSES, CriterionRecords, JudgmentRecords, StudyRecords
from reports.stats.alignment import Judgments
from reports.stats.ratings import ratings
from reports.stats.results import NonFiniteInput, StatsError, UnknownVerdict
from reports.stats.votes import Votes
from reports.style_records import StyleRecords
from tests.reports import results

SCHEMA = json.loads((Path(settings.BASE_DIR) / "docs" / "report.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

A, TIE, B, BAD = range(4)
Cell = tuple[int, int, int, int, int]
"""prompt, system a, system b, annotator, verdict"""

Says = Callable[[int, int, int, int], int | None]


def cells(says: Says, *, systems: int = 3, prompts: int = 12, annotators: int = 4) -> list[Cell]:
    """Each annotator on each pair on each prompt, where `says` gives a verdict."""
    return [
        (p, a, b, who, verdict)
        for p in range(prompts)
        for a, b in combinations(range(systems), 2)
        for who in range(annotators)
        if (verdict := says(p, a, b, who)) is not None
    ]


def mixed(p: int, a: int, b: int, who: int) -> int:
    return (A, A, TIE, B, A, B, BAD)[(3 * p + 5 * a + 2 * b + 4 * who) % 7]


def islands(p: int, a: int, b: int, who: int) -> int | None:
    return mixed(p, a, b, who) if (a, b) in ((0, 1), (2, 3)) else None


CASES: dict[str, tuple[list[Cell], int]] = {
    "no votes": ([], 3),
    "no systems": ([], 0),
    "one system": ([], 1),
    "a single vote": ([(0, 0, 1, 0, A)], 2),
    "a single tie": ([(0, 0, 1, 0, TIE)], 2),
    "two votes that differ": ([(0, 0, 1, 0, A), (1, 0, 1, 1, B)], 2),
    "unanimous": (cells(lambda *_: A), 3),
    "unanimous, two systems": (cells(lambda *_: B, systems=2), 2),
    "all ties": (cells(lambda *_: TIE), 3),
    "all both bad": (cells(lambda *_: BAD), 3),
    "disconnected": (cells(islands, systems=4), 4),
    "one annotator": (cells(mixed, annotators=1), 3),
    "one prompt": (cells(mixed, prompts=1), 3),
    "one prompt, one annotator": (cells(mixed, prompts=1, annotators=1), 3),
    "an annotator with one vote": ([*cells(mixed), (0, 0, 1, 4, A)], 3),
    "only annotators with one vote": (
        [(p, 0, 1, p, (A, B, A, TIE)[p % 4]) for p in range(40)], 2,
    ),
    "unequal raters": (
        cells(lambda p, a, b, who: mixed(p, a, b, who) if who <= (p + a + b) % 4 else None), 3,
    ),
    "a system that lost everything": (
        cells(lambda p, a, b, who: A if b == 2 else mixed(p, a, b, who)), 3,
    ),
    "a system without votes": (cells(mixed, systems=3), 4),
    "a perfect mirror": (cells(lambda p, a, b, who: A if (p + who) % 2 else B), 3),
}  # fmt: skip


def records(votes: list[Cell], systems: int) -> StudyRecords:
    """With grades, weights, categories, styles, sides and judges, so that all methods run."""
    table = np.array(votes, dtype=np.int64).reshape(-1, 5)
    prompts = int(table[:, 0].max(initial=-1)) + 1
    annotators = int(table[:, 3].max(initial=-1)) + 1
    items = [(p, a, b) for p in range(prompts) for a, b in combinations(range(systems), 2)]
    number = {item: code for code, item in enumerate(items)}
    item = np.array([number[int(p), int(a), int(b)] for p, a, b, _, _ in table], dtype=np.int64)
    counted = Votes.from_arrays(
        table[:, 1],
        table[:, 2],
        table[:, 4],
        prompt=table[:, 0],
        annotator=table[:, 3],
        item=item,
        side=np.where(np.arange(len(table)) % 2, 1, -1),
        n_systems=systems,
        n_prompts=prompts,
        n_annotators=annotators,
        n_items=len(items),
    )
    decisive = np.isin(table[:, 4], (A, B))
    margin = np.where(decisive, 1 + np.arange(len(table)) % 2, 0).astype(np.int8)
    overall = CriterionRecords("overall", "five", True, counted, margin)
    clarity = CriterionRecords("clarity", "ternary", True, counted, np.zeros_like(margin))
    frame = np.array(items, dtype=np.int64).reshape(-1, 3)
    looks = np.random.default_rng(1).integers(1, 200, (2, len(items), 4)).astype(np.float64)
    return StudyRecords(
        systems=tuple(f"s{k}" for k in range(systems)),
        prompts=tuple(f"p{k:03}" for k in range(prompts)),
        prompt_weight=1.0 + np.arange(prompts) % 3,
        prompt_category=tuple("xy"[k % 2] for k in range(prompts)),
        prompt_tags=tuple(("t",) if k % 2 else () for k in range(prompts)),
        annotators=tuple(f"ann-{k}" for k in range(annotators)),
        items=tuple(f"i{k:04}" for k in range(len(items))),
        item_system_a=frame[:, 1],
        item_system_b=frame[:, 2],
        item_prompt=frame[:, 0],
        overall=overall,
        criteria=(clarity,),
        judgments=tuple(judge(name, len(items), says) for name, says in JUDGES.items()),
        style=StyleRecords(looks[0], looks[1]),
        sampling=None,
        adjudication=None,
        repeats=0,
        input_sha256="0" * 64,
    )


JUDGES: dict[str, Callable[[int], int]] = {
    "always a": lambda item: A,
    "turns": lambda item: (A, B, TIE)[item % 3],
    "silent": lambda item: -1,
}


def judge(name: str, items: int, says: Callable[[int], int]) -> JudgmentRecords:
    """Both orders of every item."""
    item = np.tile(np.arange(items), 2)
    verdict = np.array([says(int(code)) for code in item], dtype=np.int8)
    return JudgmentRecords(
        judge=name,
        judge_version=1,
        item=item.astype(np.int32),
        order=np.repeat([0, 1], items).astype(np.int8),
        replicate=np.zeros(2 * items, dtype=np.int16),
        verdict=verdict,
        margin=np.zeros(2 * items, dtype=np.int8),
        cause=np.where(verdict < 0, 0, -1).astype(np.int8),
        causes=CAUSES,
        inconsistent=np.zeros(2 * items, dtype=bool),
    )


@pytest.fixture(scope="module", params=list(CASES))
def case(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    votes, systems = CASES[request.param]
    chosen = copy.deepcopy(results.report([], [])["settings"]) | {"diagnostics": True}
    study = Study(slug="thin", title="", notice="")
    found = analysis.report(study, None, records(votes, systems), chosen, 1)
    return request.param, json.loads(json.dumps(found, allow_nan=False))


def walk(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of the report, with its place."""
    if isinstance(node, dict):
        yield path, node
        for key, value in node.items():
            yield from walk(value, f"{path}/{key}")
    elif isinstance(node, list):
        for place, value in enumerate(node):
            yield from walk(value, f"{path}/{place}")


def estimates(result: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, node in walk(result):
        if {"estimate", "low", "high", "method"} <= node.keys():
            yield path, node


# The range over splits is no interval: every halving may order the systems alike.
MAY_BE_A_POINT = ("split_half",)
# Of these annotators, not of others: a share with a verdict and no interval.
HAS_NO_INTERVAL = ("alt_test",)


def test_every_figure_is_sound_or_an_explained_null(case: tuple[str, dict[str, Any]]) -> None:
    name, result = case
    faults = []
    for path, figure in estimates(result):
        estimate, low, high = (figure[key] for key in ("estimate", "low", "high"))
        if estimate is None:
            if (low, high) != (None, None):
                faults.append(f"{path}: an interval of nothing")
            if not figure["warnings"] and not figure.get("reason"):
                faults.append(f"{path}: null without a reason")
            continue
        if figure["n"] == 0:
            faults.append(f"{path}: a number from nothing")
        if (low is None) != (high is None):
            faults.append(f"{path}: half an interval")
        if low is None:
            if path.endswith(HAS_NO_INTERVAL):
                continue
            if not figure["warnings"] and not figure.get("reason"):
                faults.append(f"{path}: no interval, and no reason")
            continue
        if not low <= estimate <= high:
            faults.append(f"{path}: {estimate} outside [{low}, {high}]")
        if not low < high and not path.endswith(MAY_BE_A_POINT):
            faults.append(f"{path}: zero width at {estimate}")
        if abs(estimate) > 1e6 or max(abs(low), abs(high)) > 1e6:
            faults.append(f"{path}: beyond every scale, {estimate} [{low}, {high}]")
    assert not faults, f"{name}: {faults}"


def test_every_p_value_is_one(case: tuple[str, dict[str, Any]]) -> None:
    name, result = case
    for path, node in walk(result):
        for key, value in node.items():
            if key.startswith(("p_value", "p_adjusted", "q_value")) and value is not None:
                assert 0 < value <= 1, f"{name}: {path}/{key}"
            assert not isinstance(value, float) or math.isfinite(value), f"{path}/{key}"


def test_the_report_fits_its_schema_and_can_be_shown(case: tuple[str, dict[str, Any]]) -> None:
    _, result = case
    assert [fault.message for fault in VALIDATOR.iter_errors(result)] == []
    assert view(result, {"evalsite": "0"}, timezone.now()).headline


def found_in(result: dict[str, Any], name: str) -> dict[str, Any]:
    return dict(estimates(result))[name]


def of(name: str) -> dict[str, Any]:
    votes, systems = CASES[name]
    chosen = copy.deepcopy(results.report([], [])["settings"]) | {"diagnostics": True}
    return analysis.report(Study(slug="thin"), None, records(votes, systems), chosen, 1)


def test_nothing_comes_of_nothing() -> None:
    result = of("no votes")
    assert all(figure["estimate"] is None for _, figure in estimates(result))
    assert all(pair["p_value"] is None for pair in result["head_to_head"])
    assert all(row["rank"] is None for row in result["leaderboard"])
    assert all(board["rows"] is None and board["reason"] for board in result["boards"].values())


def test_unanimous_votes_are_separated_and_agree_without_a_coefficient() -> None:
    result = of("unanimous")
    assert "separated" in result["warnings"]
    for row in result["leaderboard"]:
        assert row["strength"]["method"].startswith("bt_ridge")
    for name in ("krippendorff_alpha", "fleiss_kappa", "conger_kappa"):
        figure = result["agreement"][name]
        assert (figure["estimate"], "degenerate_scale" in figure["warnings"]) == (None, True), name
    assert result["agreement"]["percent"]["estimate"] == 1.0
    pair = result["head_to_head"][0]["win_rate_a"]
    assert pair["low"] < 1.0


def test_ties_alone_rank_nobody() -> None:
    for name in ("all ties", "all both bad"):
        result = of(name)
        assert {row["rank"] for row in result["leaderboard"]} == {1}
        assert {row["rank_high"] for row in result["leaderboard"]} == {3}
        assert {pair["p_value"] for pair in result["head_to_head"]} == {1.0}
        assert result["boards"]["davidson"]["rows"] is None
        assert not any(pair["enough"] for pair in result["head_to_head"])
        assert not any(pair["sequential"]["decided"] for pair in result["head_to_head"])


def test_islands_have_no_common_scale() -> None:
    result = of("disconnected")
    assert "disconnected" in result["warnings"]
    assert {row["component"] for row in result["leaderboard"]} == {1, 2}
    assert {row["rank"] for row in result["leaderboard"]} == {1, 2}


def test_one_annotator_agrees_with_nobody_and_speaks_for_nobody_else() -> None:
    result = of("one annotator")
    for name in ("percent", "krippendorff_alpha", "gwet_ac1", "conger_kappa"):
        figure = result["agreement"][name]
        assert (figure["estimate"], figure["warnings"]) == (None, ["single_annotator"]), name
    assert "single_annotator" in result["leaderboard"][0]["strength"]["warnings"]
    assert result["leaderboard"][0]["strength"]["method"].startswith("bt_half_prompt")


def test_an_annotator_with_one_vote_moves_little() -> None:
    with_one, without = of("an annotator with one vote"), of("one annotator")
    assert with_one["counts"]["annotators"] == 5
    assert without["counts"]["annotators"] == 1
    (reliability,) = [
        row
        for row in with_one["diagnostics"]["annotator_reliability"]
        if row["annotator"] == "ann-4"
    ]
    assert not reliability["flagged"]
    assert not reliability["suspicious"]


@pytest.mark.parametrize(
    "build",
    [
        lambda bad: Votes.from_arrays([0], [1], [bad], prompt=[0], annotator=[0]),
        lambda bad: Votes.from_arrays([0], [1], [0], prompt=[bad], annotator=[0]),
        lambda bad: Votes.from_arrays([0], [1], [0], prompt=[0], annotator=[0], weight=[bad]),
        lambda bad: Votes.from_arrays([bad], [1], [0], prompt=[0], annotator=[0]),
        lambda bad: Judgments.from_arrays([0], [0], [bad]),
        lambda bad: ratings([0], [0], [bad], n_categories=3),
    ],
)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused_by_name(build: Callable[[float], object], bad: float) -> None:
    with pytest.raises(StatsError):
        build(bad)


def test_an_unknown_verdict_is_refused_by_name() -> None:
    for verdict in (4, -1, 99):
        with pytest.raises(UnknownVerdict, match=str(verdict)):
            Votes.from_arrays([0], [1], [verdict], prompt=[0], annotator=[0])
    with pytest.raises(UnknownVerdict):
        Judgments.from_arrays([0], [0], [7])
    with pytest.raises(NonFiniteInput):
        Votes.from_arrays([0], [1], [0], prompt=[0], annotator=[0], weight=[math.nan])
