"""What the people of a chaos run sent and were told, one line each, in order of time.

An operation begins with `invoke`. Each answer that settles it is an `ok` (a request that was sent
twice may have two) or a `fail` (surely not done). `info` ends an operation whose fate its owner
never learnt.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import IO, Any


class Kind(StrEnum):
    INVOKE = "invoke"
    OK = "ok"
    FAIL = "fail"
    INFO = "info"


class Op(StrEnum):
    NEXT = "next"
    VOTE = "vote"  # a first vote or, with `revises`, a revision
    CONFLICT = "conflict"  # a decision that must be refused, as another stands
    SKIP = "skip"
    # What the operators do.
    EXCLUDE = "exclude"
    LIFT = "lift"
    PAUSE = "pause"
    RESUME = "resume"
    REMOVE = "remove"
    STUDY_PAUSE = "study_pause"
    STUDY_RESUME = "study_resume"
    VERSION = "version"
    STOP = "stop"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `key` names the operation, `who` the annotator by external id."""

    kind: Kind
    op: Op
    who: str = ""
    key: str = ""
    assignment: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    # Seconds since the epoch, by the clock of the machine that the database shares.
    at: float = 0.0


@dataclass
class History:
    """The lines of a run, kept in memory and, if a file is given, written as they come."""

    file: IO[str] | None = None
    lines: list[Line] = field(default_factory=list)

    def add(
        self,
        kind: Kind,
        op: Op,
        *,
        who: str = "",
        key: str = "",
        assignment: str = "",
        **data: Any,
    ) -> None:
        line = Line(kind, op, who, key, assignment, data, time.time())
        self.lines.append(line)
        if self.file is not None:
            self.file.write(json.dumps(asdict(line), sort_keys=True) + "\n")

    def of(self, op: Op, *kinds: Kind) -> Iterator[Line]:
        return (line for line in self.lines if line.op == op and line.kind in kinds)

    def counts(self) -> Counter[str]:
        return Counter(f"{line.op} {line.kind}" for line in self.lines)


def read_history(path: Path) -> History:
    """The history that a run wrote, to be checked again."""
    history = History()
    with path.open(encoding="utf-8") as file:
        for raw in map(json.loads, file):
            history.lines.append(Line(**{**raw, "kind": Kind(raw["kind"]), "op": Op(raw["op"])}))
    return history
