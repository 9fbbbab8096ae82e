"""The same votes in other clothes give the same report, by every method at once.

Other names for systems, prompts and annotators, another order of rows, every comparison the other
way round. The methods' own tests hold each of these to the last digit; what hangs on random draws
(whose streams follow the codes) is left out where codes change.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.reports.made_records import AS_IT_IS, Cell, Renamed, cells, mixed, report_of

SYSTEMS, PROMPTS, PEOPLE = 4, 14, 5


def uneven(p: int, a: int, b: int, who: int) -> int | None:
    return None if (p + 2 * who + b) % 5 == 0 else mixed(p, a, b, who)


VOTES: list[Cell] = cells(uneven, systems=SYSTEMS, prompts=PROMPTS, annotators=PEOPLE)


@pytest.fixture(scope="module")
def plain() -> dict[str, Any]:
    return report_of(VOTES, SYSTEMS)


def test_the_order_of_rows_changes_no_byte(plain: dict[str, Any]) -> None:
    shuffled = [VOTES[k] for k in np.random.default_rng(3).permutation(len(VOTES))]
    again = report_of(shuffled, SYSTEMS)
    assert json.dumps(again, sort_keys=True) == json.dumps(plain, sort_keys=True)


RANDOM = (
    "simultaneous", "rank_low", "rank_high", "split_half", "cyclic_triads", "against_one", "low",
    "high", "p_value", "draws", "multiplier_bootstrap",
)  # fmt: skip
"""Keys below which draws decide."""

# A figure's interval is compared by its error.
FIGURE = ("estimate", "se", "df")


def figures(node: Any, path: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(node, dict):
        if {"estimate", "method", "n"} <= node.keys():
            for key in FIGURE:
                if isinstance(node.get(key), int | float):
                    yield f"{path}/{key}", float(node[key])
        for key, value in node.items():
            if key not in RANDOM:
                yield from figures(value, f"{path}/{key}")
    elif isinstance(node, list):
        for place, value in enumerate(node):
            yield from figures(value, f"{path}/{label(value, place)}")


def label(value: Any, place: int) -> str:
    """Rows are known by what they are of."""
    if isinstance(value, dict):
        for key in ("system", "annotator", "criterion", "judge", "name", "rater"):
            if key in value:
                return f"{key}={value[key]}"
        if "system_a" in value:
            return f"{value['system_a']}-{value['system_b']}"
    return str(place)


def back(result: dict[str, Any], as_: Renamed) -> dict[str, float]:
    """Figures by the names of the plain report. Pairs are left to their own test: their order
    follows the names."""
    parts = {key: value for key, value in result.items() if key not in ("head_to_head", "settings")}
    parts["agreement"] = {k: v for k, v in result["agreement"].items() if k != "cohen_kappa"}
    for criterion in parts["criteria"]:
        criterion["agreement"].pop("cohen_kappa", None)
    names = {}
    for kind, given in (("s", as_.systems), ("ann-", as_.annotators)):
        for old, new in enumerate(given or ()):
            names[f"{kind}{new}"] = f"{kind}{old}"
    out = {}
    for path, value in figures(parts):
        steps = [
            f"{step.split('=')[0]}={names.get(step.split('=')[1], step.split('=')[1])}"
            if "=" in step
            else step
            for step in path.split("/")
        ]
        out["/".join(steps)] = value
    return out


@pytest.mark.parametrize(
    "as_",
    [
        Renamed(annotators=[3, 0, 4, 1, 2]),
        Renamed(prompts=[(5 * k + 2) % PROMPTS for k in range(PROMPTS)]),
        Renamed(systems=[2, 0, 3, 1]),
        Renamed(mirrored=True),
    ],
    ids=["annotators", "prompts", "systems", "mirrored"],
)
def test_other_names_and_mirrors_only_rename(plain: dict[str, Any], as_: Renamed) -> None:
    here = back(json.loads(json.dumps(plain)), AS_IT_IS)
    there = back(report_of(VOTES, SYSTEMS, as_), as_)
    assert len(here) > 400
    assert here.keys() == there.keys()
    apart = {
        path: (value, there[path])
        for path, value in here.items()
        if value != pytest.approx(there[path], rel=1e-6, abs=1e-7)
    }
    assert not apart
