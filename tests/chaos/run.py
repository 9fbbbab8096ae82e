"""A chaos run from the first pair to the verdict of the checker."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from django.core.management import call_command
from django.db import connection

from tests.live_site import Site, environment
from tests.services import Server
from tests.signed_in import SignedIn, sign_in_annotators

from .annotators import Annotator
from .checker import ALWAYS, Evidence, Violation, check
from .faults import BackgroundWorker, Faults
from .history import History, Kind, Op
from .operators import LAST_LEASE, Operators
from .proxy import proxy_to
from .reading import read_records, with_analysis
from .records import Manifest
from .seeding import seed_study

# So long after the last fault, beyond the lease, every place must have come back.
FILL_S = 60.0
# Operators' acts come between the faults.
ACT_GAP_S = (0.5, 2.0)
# The people's pace: votes a second of all together, below what the site can take.
VOTES_PER_SECOND = 10.0
# Of the time between two faults, the share that faults themselves take.
FAULT_S = 2.0
POLL_S = 0.5


@dataclass(frozen=True, slots=True)
class Options:
    """How long, how hard, how many; a run ends when `seconds` and `kills` are both reached."""

    seconds: float = 30.0
    kills: int = 0
    annotators: int = 24
    comparisons: int | None = None
    overlap: int = 3
    systems: int = 4
    gap: tuple[float, float] = (3.0, 8.0)
    seed: int = 1

    @property
    def likely_seconds(self) -> float:
        """Two of three faults are kills."""
        return max(self.seconds, self.kills * 1.5 * (sum(self.gap) / 2 + FAULT_S))

    @property
    def size(self) -> int:
        """So many comparisons that the study is not full before the last fault."""
        if self.comparisons is not None:
            return self.comparisons
        return max(60, round(self.likely_seconds * VOTES_PER_SECOND / self.overlap))


@dataclass(frozen=True, slots=True)
class Outcome:
    violations: list[Violation]
    faults: Counter[str]
    kills: int
    history: History
    statuses: Counter[int]
    sent: int
    lost: int
    hits: int
    seconds: float
    fill_seconds: float
    filled_early: bool
    counted: int

    def report(self) -> Iterator[str]:
        """The figures of a run, a line each."""
        told: Counter[str] = Counter()
        for line in self.history.of(Op.VOTE, Kind.OK):
            if not line.data["replayed"]:
                told[line.data["received"] + (", late" if line.data["late"] else "")] += 1
                told["revisions"] += line.data["revision"] > 0
            told["replays"] += line.data["replayed"]
        yield f"faults for {self.seconds:.0f} s, of them kills: {self.kills}"
        for name, count in sorted(self.faults.items()):
            yield f"  {count:4d}  {name}"
        yield f"requests sent {self.sent}, without an answer {self.lost}, hit by proxy {self.hits}"
        yield "  answers " + ", ".join(
            f"{status}: {n}" for status, n in sorted(self.statuses.items())
        )
        yield "votes acknowledged: " + ", ".join(f"{name} {n}" for name, n in sorted(told.items()))
        yield "history: " + ", ".join(
            f"{name} {n}" for name, n in sorted(self.history.counts().items())
        )
        yield f"counted votes {self.counted}; full {self.fill_seconds:.1f} s after the last fault"
        if self.filled_early:
            yield "NOTE: the study was full before the last fault; ask for more comparisons"
        yield f"violations: {len(self.violations)}"
        for violation in self.violations[:50]:
            yield f"  {violation.rule}: {violation.what}"


def run(options: Options, database: Server, broker: Server, folder: Path) -> Outcome:
    """Migrate, seed, rate under faults, fill, check. Django is set up on `database`."""
    call_command("migrate", verbosity=0)
    study, manifest = seed_study(
        "chaos", comparisons=options.size, overlap=options.overlap, systems=options.systems
    )
    people = sign_in_annotators(study, options.annotators)
    connection.close()
    told = environment(database.url, broker.url, LOG_LEVEL="ERROR", EVALSITE_VAR=str(folder))
    site = Site(told, folder)
    worker = BackgroundWorker(told, folder)
    with ExitStack() as stack:
        history = History(stack.enter_context((folder / "history.jsonl").open("w")))
        stack.callback(site.stop)
        site.start()
        site.wait_until_it_answers()
        stack.callback(worker.stop)
        worker.start()
        operators = Operators(study, history, random.Random(options.seed + 1))
        stack.callback(operators.close)
        stage = Stage(options, site, database, broker, worker, history, operators)
        return asyncio.run(play(stage, people, manifest))


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that a run stands on."""

    options: Options
    site: Site
    database: Server
    broker: Server
    worker: BackgroundWorker
    history: History
    operators: Operators


async def play(stage: Stage, people: list[SignedIn], manifest: Manifest) -> Outcome:
    options, operators = stage.options, stage.operators
    dice = random.Random(options.seed)
    calm = asyncio.Event()
    started = time.monotonic()
    async with proxy_to(stage.site.port, random.Random(options.seed + 2)) as proxy:
        faults = Faults(
            stage.site, stage.database, stage.broker, stage.worker, proxy, stage.history, dice
        )
        crowd = [
            Annotator(
                person,
                f"/study/{operators.study.slug}/rate/",
                proxy.port,
                stage.history,
                random.Random(f"{options.seed} {number}"),
                options.annotators / VOTES_PER_SECOND,
                operators.lapse,
                calm,
            )
            for number, person in enumerate(people)
        ]
        rating = [asyncio.create_task(annotator.rate()) for annotator in crowd]
        acting = asyncio.create_task(act(operators, random.Random(options.seed + 3)))
        while time.monotonic() - started < options.seconds or faults.kills < options.kills:
            await asyncio.sleep(dice.uniform(*options.gap))
            await faults.strike()
        ended = time.monotonic()
        acting.cancel()
        await asyncio.gather(acting, return_exceptions=True)
        # What holds always must hold now, in the midst of it.
        midway = await operators.insist(lambda: read_records(operators.study))
        violations = check(Evidence(stage.history, midway, manifest), ALWAYS)
        wanting = await operators.insist(operators.votes_wanting)
        await operators.resume_everybody()
        await operators.shorten_leases()
        calm.set()
        fill_seconds = await fill(stage, rating, ended)
    records = await operators.insist(lambda: read_records(operators.study))
    records = await operators.insist(lambda: with_analysis(operators.study, records))
    violations += check(Evidence(stage.history, records, manifest))
    return Outcome(
        violations=violations,
        faults=faults.done,
        kills=faults.kills,
        history=stage.history,
        statuses=sum((Counter(annotator.statuses) for annotator in crowd), Counter()),
        sent=sum(annotator.sent for annotator in crowd),
        lost=sum(annotator.lost for annotator in crowd),
        hits=proxy.hits,
        seconds=ended - started,
        fill_seconds=fill_seconds,
        filled_early=wanting == 0,
        counted=len(records.counted),
    )


async def act(operators: Operators, dice: random.Random) -> None:
    """Pause, exclude and remove people between the faults, until cancelled."""
    acts = [operators.exclude_something, operators.pause_somebody, operators.remove_somebody]
    while True:
        await asyncio.sleep(dice.uniform(*ACT_GAP_S))
        await dice.choices(acts, [8, 3, 1])[0]()


async def fill(stage: Stage, rating: list[asyncio.Task[None]], ended: float) -> float:
    """Let the people go on until all are told that nothing is left; how long the study took.

    A busy machine needs its time for the votes themselves. A place that does not come back shows
    as a standstill: then all are sent home, and the checker tells what lacks.
    """
    patience = LAST_LEASE.total_seconds() + FILL_S
    moved, wanting = time.monotonic(), -1
    while wanting and time.monotonic() < moved + patience:
        found = await stage.operators.insist(stage.operators.votes_wanting)
        if found != wanting:
            moved, wanting = time.monotonic(), found
        await asyncio.sleep(POLL_S)
    _, late = await asyncio.wait(rating, timeout=patience)
    for task in late:
        task.cancel()
    for result in await asyncio.gather(*rating, return_exceptions=True):
        if isinstance(result, Exception):
            raise result
    return moved - ended
