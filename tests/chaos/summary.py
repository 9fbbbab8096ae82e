"""What happened in a run, in counts that add up over several, and what it had promised."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .history import History, Kind, Op
from .proxy import STORMS
from .records import Records

# What a long run must have met, or its checker has shown nothing of it.
ANSWERS = (
    "counted",
    "counted, late",
    "surplus, late",
    "revised",
    "replayed",
    "409 already_voted",
    "409 idempotency_mismatch",
    "excluded",
    "excluded, back in",
    "gold",
    "identical",
    "repeat",
)
ACTS = (
    Op.PAUSE,
    Op.RESUME,
    Op.REMOVE,
    Op.STUDY_PAUSE,
    Op.STUDY_RESUME,
    Op.EXCLUDE,
    Op.LIFT,
    Op.VERSION,
    Op.STOP,
    Op.SKIP,
)
# In half a minute whatever is drawn may stay away; these do not hang on a draw.
SURE_ANSWERS = ("counted", "revised", "replayed", "gold")
MOST_SHOWN = 50


def answers_of(history: History, records: Records) -> Counter[str]:
    """How often each kind of answer occurred; a vote may be of several kinds."""
    told: Counter[str] = Counter()
    for line in history.of(Op.VOTE, Kind.OK):
        if line.data["replayed"]:
            told["replayed"] += 1
            continue
        received = {"late_surplus": "surplus"}.get(line.data["received"], line.data["received"])
        told[received + (", late" if line.data["late"] else "")] += 1
        told["revised"] += line.data["revision"] > 0
    for line in history.of(Op.CONFLICT, Kind.OK):
        told[f"409 {line.data['code']}"] += 1
    told["excluded"] = sum(1 for _ in history.of(Op.EXCLUDE, Kind.OK))
    told["of unknown fate"] = sum(1 for _ in history.of(Op.VOTE, Kind.INFO))
    for line in history.of(Op.LIFT, Kind.OK):
        told["excluded, back in" if line.data["restored"] else "excluded, back as surplus"] += 1
    kinds = {row.assignment: row for row in records.assignments}
    for vote in records.votes:
        row = kinds[vote.assignment]
        if vote.revision == 0 and not row.is_work:
            told["repeat" if row.pass_no else row.kind] += 1
    return told


@dataclass
class Summary:
    """Counts and times of one run, or of several together."""

    seconds: float = 0.0
    kills: int = 0
    runs: int = 0
    counted_votes: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    network: Counter[str] = field(default_factory=Counter)
    acts: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    # Seconds after each kind of fault, and from the last fault of a run until its study was full.
    recoveries: dict[str, list[float]] = field(default_factory=dict)
    fills: list[float] = field(default_factory=list)
    # Votes that a study lacked at its last fault.
    wanting: list[int] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def add(self, other: Summary) -> None:
        self.seconds += other.seconds
        self.kills += other.kills
        self.runs += other.runs
        self.counted_votes += other.counted_votes
        for name in ("faults", "network", "acts", "answers", "statuses", "requests"):
            getattr(self, name).update(getattr(other, name))
        for name, times in other.recoveries.items():
            self.recoveries.setdefault(name, []).extend(times)
        self.fills += other.fills
        self.wanting += other.wanting
        self.violations += other.violations

    def missing(self, faults: Iterable[str], *, is_long: bool) -> list[str]:
        """What was promised and never occurred: of a short run, every fault and what is sure."""
        network = [storm.value for storm in STORMS] if is_long else []
        promised: tuple[tuple[str, Iterable[str], Mapping[str, int]], ...] = (
            ("fault", faults, self.faults),
            ("network", network, self.network),
            ("act", ACTS if is_long else (), self.acts),
            ("answer", ANSWERS if is_long else SURE_ANSWERS, self.answers),
        )
        return [
            f"{what}: {name}"
            for what, names, found in promised
            for name in names
            if not found.get(name)
        ]

    def lines(self) -> Iterator[str]:
        """The table, a line each."""
        yield (
            f"faults for {self.seconds:.0f} s in {self.runs} runs, of them kills: {self.kills}; "
            "seconds until it answers again:"
        )
        for name, count in sorted(self.faults.items()):
            times = self.recoveries.get(name, [])
            told = f"median {statistics.median(times):5.2f}, max {max(times):5.2f}" if times else ""
            yield f"  {count:5d}  {name:45s} {told}"
        for title, counts in (
            ("requests", self.requests),
            ("hit by the network", self.network),
            ("answered", self.statuses),
            ("operators and people", self.acts),
            ("votes", self.answers),
        ):
            yield f"{title}:"
            for name, count in sorted(counts.items()):
                yield f"  {count:5d}  {name}"
        fills = ", ".join(
            f"{seconds:.1f} s ({wanting} votes)"
            for seconds, wanting in zip(self.fills, self.wanting, strict=True)
        )
        yield f"counted votes {self.counted_votes}; full after the last fault: {fills}"
        yield f"violations: {len(self.violations)}"
        for violation in self.violations[:MOST_SHOWN]:
            yield f"  {violation}"


def write_summary(path: Path, settings: Mapping[str, Any], summary: Summary) -> None:
    """Write it whole or not at all: a run may be ended at any time."""
    text = json.dumps({"settings": settings, "summary": vars(summary)}, indent=1, sort_keys=True)
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_text(text + "\n", encoding="utf-8")
    unfinished.replace(path)


def read_summary(path: Path, settings: Mapping[str, Any]) -> Summary:
    """What an earlier call with the same settings has written; an empty summary if there is none.

    Raises
    ------
    ValueError
        If the file is of other settings, or none of ours.
    """
    if not path.exists():
        return Summary()
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        if stored["settings"] != settings:
            raise ValueError("it is of other settings")
        counters = {
            name: Counter(value) if isinstance(value, dict) and name != "recoveries" else value
            for name, value in stored["summary"].items()
        }
        return Summary(**counters)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} cannot be gone on with: {error}. Name another file.") from error
