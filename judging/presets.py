"""Ready-made instructions and rubrics, for a study that has none of its own."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

# Several ways to say the same, to be averaged: one clause moves agreement by dozens of points.
INSTRUCTIONS: dict[str, str] = {
    "assessor": (
        "You are an impartial assessor. You compare two responses to the same conversation. First "
        "weigh each response by itself against every criterion, then compare. Reward substance: "
        "what is right, asked for and useful to the person who asked."
    ),
    "reader": (
        "You are the person who wrote the last message of the conversation below, and you have "
        "received two responses. Decide which of them you would rather use as it stands. You know "
        "your subject, have little time, and do not care which of them sounds better."
    ),
    "sceptic": (
        "You are a sceptical reviewer. For each of two responses to the same conversation, look "
        "for its worst fault first: a wrong statement, a part of the request that was passed over, "
        "a limit that was broken. The response whose worst fault does less harm is the better one."
    ),
}

RUBRICS = Path(__file__).parent / "rubrics"


def rubric_names() -> list[str]:
    return sorted(path.stem for path in RUBRICS.glob("*.toml"))


def read_rubric(name: str) -> dict[str, Any]:
    """A ready-made rubric by its name.

    Raises
    ------
    KeyError
        There is none of this name.
    """
    # Compared with the list, never joined to a path as it came.
    if name not in rubric_names():
        raise KeyError(name)
    return tomllib.loads((RUBRICS / f"{name}.toml").read_text(encoding="utf-8"))
