"""The demo study as `fixtures/demo/study.toml` states it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annotation.lifecycle.rubric import CriterionDraft

LEVEL_KEYS = ("id", "description", "example", "reason")


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """What is seeded, and how much of it the simulated people have done."""

    slug: str
    settings: dict[str, Any]
    criteria: list[CriterionDraft]
    design: str
    overlap: int
    completed: float
    annotators: tuple[str, ...]
    judges: tuple[str, ...]
    responses: Path


def read_plan(folder: Path) -> DemoPlan:
    """Read the study beside its responses.

    Raises
    ------
    FileNotFoundError, KeyError, tomllib.TOMLDecodeError
        The folder is not complete; the project ships it whole.
    """
    raw = tomllib.loads((folder / "study.toml").read_text(encoding="utf-8"))
    return DemoPlan(
        slug=raw["slug"],
        settings={
            "title": raw["title"],
            "seed": raw["seed"],
            "results": raw["results"],
            "target_votes": raw["target_votes"],
            "notice": " ".join(raw["notice"].split()),
            "instructions": raw["instructions"].strip(),
            "rules": raw["rules"],
        },
        criteria=[
            CriterionDraft(
                key=criterion["key"],
                question=criterion["question"],
                scale=criterion["scale"],
                both_bad=criterion["both_bad"],
                required=criterion["required"],
                levels=[
                    {key: level[key] for key in LEVEL_KEYS if key in level}
                    for level in criterion.get("levels", [])
                ],
            )
            for criterion in raw["criteria"]
        ],
        design=raw["design"],
        overlap=raw["overlap"],
        completed=raw["simulation"]["completed"],
        annotators=tuple(raw["simulation"]["annotators"]),
        judges=tuple(raw["simulation"]["judges"]),
        responses=folder / "responses.jsonl",
    )
