"""One measurement as a line of the table and as an object of the JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

ACTIONS = ("next", "submit", "renew")
# Those that the gates are about; `renew` is told beside them.
GATED = ("next", "submit")
SHARES = (0.50, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class Step:
    """So many people who think for so long on average; `limit_ms` is the gate on both p95.

    `votes_each` ends the step for a person who has voted so often.
    """

    name: str
    people: int
    think_s: float
    limit_ms: float | None = None
    votes_each: int | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What one step on one server gave."""

    step: Step
    server: str
    seconds: float
    votes: int
    requests: int
    # Milliseconds at 50, 95 and 99 %, by action.
    waits: dict[str, tuple[float, ...]]
    faults: Counter[str] = field(default_factory=Counter)
    # Processor milliseconds a request: the site's processes, the database's.
    web_ms: float | None = None
    database_ms: float | None = None
    load_before: float = 0.0
    load_after: float = 0.0

    @property
    def rate(self) -> float:
        return self.votes / self.seconds

    def p95(self, action: str) -> float:
        return self.waits[action][1]

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "faults": dict(self.faults), "rate": self.rate}


HEADER = (
    f"{'step':<28} {'server':<8} {'votes/s':>8}  {'next p50/95/99 ms':>18} "
    f"{'submit p50/95/99 ms':>20}  {'renew p95':>9}  {'faults':>6}  "
    f"{'web ms/req':>10} {'db ms/req':>9}  load"
)


def line(result: Result) -> str:
    next_, submit = ("/".join(f"{wait:.0f}" for wait in result.waits[name]) for name in GATED)
    spent = [
        "-" if spent is None else f"{spent:.2f}" for spent in (result.web_ms, result.database_ms)
    ]
    return (
        f"{result.step.name:<28} {result.server:<8} {result.rate:>8.1f}  {next_:>18} "
        f"{submit:>20}  {result.p95('renew'):>9.0f}  {result.faults.total():>6}  "
        f"{spent[0]:>10} {spent[1]:>9}  {result.load_before:.1f}-{result.load_after:.1f}"
    )


def shortfalls(result: Result) -> Iterator[str]:
    """What of the step's gate is missed."""
    step = result.step
    if step.limit_ms is not None:
        for action in GATED:
            found = result.p95(action)
            if found > step.limit_ms:
                yield f"{step.name}: p95 of {action} is {found:.0f} ms, above {step.limit_ms:.0f}"
    for fault, count in result.faults.most_common(5):
        yield f"{step.name}: {count} × {fault}"
