"""What a rule is shown, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .history import History
from .records import Manifest, Records

HOLDS_SLOT = ("reserved", "submitted")
ANSWERED = ("submitted", "late_surplus")


@dataclass(frozen=True, slots=True)
class Evidence:
    history: History
    records: Records
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule by name, and what broke it."""

    rule: str
    what: str


Rule = Callable[[Evidence], Iterator[str]]
