"""The shared sets of real preferences as the arrays that the statistics take."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reports.stats.alignment import MISSING, Comparisons, Judgments, Order
from reports.stats.votes import Votes

VERDICT = {"a": 0, "tie": 1, "b": 2, None: MISSING}
ORDER = {"ab": Order.AB, "ba": Order.BA, "both": Order.BOTH}


@dataclass(frozen=True)
class SharedSet:
    """One set; `annotators[code]` and `systems[code]` name the codes of `votes`."""

    items: list[dict[str, Any]]
    comparisons: Comparisons
    votes: Votes
    judgments: dict[str, Judgments]
    annotators: list[str]
    systems: list[str]
    expected: dict[str, Any]


def rows(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8", newline="\n") as lines:
        return [json.loads(line) for line in lines]


def load(folder: Path, *, annotators: str = "", repeats_as_raters: bool = False) -> SharedSet:
    """Read a set.

    `annotators` keeps only annotators whose name starts so. With `repeats_as_raters` a repeated
    label counts like one of a further rater, as expected.json counts it.
    """
    items = rows(folder / "items.jsonl")
    labels = [r for r in rows(folder / "human.jsonl") if r["annotator_id"].startswith(annotators)]
    item_code = {item["item_id"]: code for code, item in enumerate(items)}
    systems = sorted({item[key] for item in items for key in ("model_a", "model_b")})
    system_code = {name: code for code, name in enumerate(systems)}
    prompts = {name: code for code, name in enumerate(sorted({i["prompt_id"] for i in items}))}
    names = sorted({label["annotator_id"] for label in labels})
    rater_code = {name: code for code, name in enumerate(names)}
    prompt = np.array([prompts[item["prompt_id"]] for item in items])
    a = np.array([system_code[item["model_a"]] for item in items])
    b = np.array([system_code[item["model_b"]] for item in items])
    item = np.array([item_code[label["item_id"]] for label in labels])
    rater = np.array([rater_code[label["annotator_id"]] for label in labels])
    if repeats_as_raters:
        seen: set[tuple[int, int]] = set()
        for row, pair in enumerate(zip(item.tolist(), rater.tolist(), strict=True)):
            if pair in seen:
                names.append(f"{names[pair[1]]}, again")
                rater[row] = len(names) - 1
            seen.add(pair)
    votes = Votes.from_arrays(
        a[item],
        b[item],
        np.array([VERDICT[label["label"]] for label in labels]),
        prompt=prompt[item],
        annotator=rater,
        item=item,
        n_systems=len(systems),
        n_items=len(items),
        n_annotators=len(names),
    )
    judged = rows(folder / "judge.jsonl") if (folder / "judge.jsonl").exists() else []
    judgments = {}
    for judge in sorted({row["judge_id"] for row in judged}):
        own = [row for row in judged if row["judge_id"] == judge]
        judgments[judge] = Judgments.from_arrays(
            np.array([item_code[row["item_id"]] for row in own]),
            np.array([ORDER[row["order"]] for row in own]),
            np.array([VERDICT[row["label"]] for row in own]),
        )
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    comparisons = Comparisons.from_arrays(prompt, a, b, n_systems=len(systems))
    return SharedSet(items, comparisons, votes, judgments, names, systems, expected)


def references(shared_data: Path) -> dict[str, Any]:
    """The published and recomputed reference values."""
    values: dict[str, Any] = json.loads(
        (shared_data / "reference_values.json").read_text(encoding="utf-8")
    )
    return values
