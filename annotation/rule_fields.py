"""Fields of rules that carry their default and their limits. Pure."""

from __future__ import annotations

from dataclasses import field
from typing import Any


def share(default: float) -> float:
    return field(default=default, metadata={"least": 0.0, "most": 1.0})


def number(default: int | None, least: int) -> Any:
    return field(default=default, metadata={"least": least, "most": 1_000_000})
