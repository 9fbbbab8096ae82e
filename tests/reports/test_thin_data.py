"""Thin and odd data give a typed error or an explained null, never a number that looks fine.

Each case goes through the whole report, so that every method meets it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.conf import settings
from django.utils import timezone

from reports.presentation.report import view
from reports.stats.alignment import Judgments
from reports.stats.ratings import ratings
from reports.stats.results import NonFiniteInput, StatsError, UnknownVerdict
from reports.stats.votes import Votes
from tests.reports.made_records import BAD, TIE, A, B, Cell, cells, mixed, report_of

SCHEMA = json.loads((Path(settings.BASE_DIR) / "docs" / "report.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


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


@pytest.fixture(scope="module", params=list(CASES))
def case(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    found = report_of(*CASES[request.param])
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


def of(name: str) -> dict[str, Any]:
    return report_of(*CASES[name])


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
