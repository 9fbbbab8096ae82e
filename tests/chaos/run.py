"""A chaos run from the first pair to the verdict of the checker."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from django.core.management import call_command
from django.db import connection

from tests.live_site import Site, environment
from tests.services import Server
from tests.signed_in import SignedIn, sign_in_annotators

from .acts import Acts
from .annotators import Annotator, Stage
from .background import BackgroundWorker
from .checker import ALWAYS, check
from .evidence import Evidence
from .faults import Faults, supervise, weather
from .history import History, Kind, Op
from .leases import LEASE
from .operators import Operators
from .proxy import Proxy, proxy_to
from .reading import read_records, with_analysis
from .records import Manifest
from .seeding import seed_study
from .summary import Summary, answers_of

SETTINGS = "tests.chaos.settings"

# Beyond the lease, so long after the last vote every place must have come back: how fast the votes
# themselves come is the machine's affair.
FILL_S = 60.0
# The people's pace: votes a second of all together, below what the site can take. The study is made
# for what a busy machine takes; where that is too little, new versions want more.
VOTES_PER_SECOND = 6.0
PLANNED_VOTES_PER_SECOND = 2.0
# Of the time between two faults, the share that faults themselves take.
FAULT_S = 2.0
POLL_S = 0.5
# More than are given between two faults.
WANTING = 60
PROGRESS_S = 15.0
THREADS = 32

# Checks come often, since a person of a short run is handed some dozen pairs. Nothing is looked at:
# people who choose at random would all be paused.
RULES = {
    "checks": {
        "gold_share": 0.12,
        "repeat_share": 0.12,
        "identical_share": 0.08,
        "repeat_gap": 3,
    },
    "quality": dict.fromkeys(
        (
            "gold_accuracy",
            "repeat_consistency",
            "agreement",
            "side_share",
            "speed",
            "straight_lining",
            "skips",
        )
    ),
    "limits": {"skips_per_hour": None},
}


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
        """Four of five faults are kills."""
        return max(self.seconds, self.kills * 1.25 * (sum(self.gap) / 2 + FAULT_S))

    @property
    def size(self) -> int:
        """So many comparisons that a busy machine does not fill them long before the last fault."""
        if self.comparisons is not None:
            return self.comparisons
        votes = self.likely_seconds * PLANNED_VOTES_PER_SECOND
        return max(60, round(votes / self.overlap))


@dataclass(frozen=True, slots=True)
class Ground:
    """Everything that a run stands on."""

    options: Options
    site: Site
    database: Server
    broker: Server
    worker: BackgroundWorker
    history: History
    operators: Operators


def run(
    slug: str,
    options: Options,
    database: Server,
    broker: Server,
    folder: Path,
    tell: Callable[[str], None],
) -> Summary:
    """Migrate, seed, rate under faults, fill, check. Django is set up on `database`."""
    call_command("migrate", verbosity=0)
    study, manifest = seed_study(
        slug,
        comparisons=options.size,
        overlap=options.overlap,
        systems=options.systems,
        checks=max(6, options.size // 40),
        rules=RULES,
    )
    people = sign_in_annotators(study, options.annotators)
    connection.close()
    told = environment(
        database.url,
        broker.url,
        LOG_LEVEL="ERROR",
        EVALSITE_VAR=str(folder),
        DJANGO_SETTINGS_MODULE=SETTINGS,
    )
    site = Site(told, folder)
    worker = BackgroundWorker(told, folder)
    with ExitStack() as stack:
        history = History(stack.enter_context((folder / f"{slug}.jsonl").open("w")))
        stack.callback(site.stop)
        site.start()
        site.wait_until_it_answers()
        stack.callback(worker.stop)
        worker.start()
        operators = Operators(study)
        stack.callback(operators.close)
        ground = Ground(options, site, database, broker, worker, history, operators)
        return asyncio.run(play(ground, people, manifest, tell))


async def play(
    ground: Ground, people: list[SignedIn], manifest: Manifest, tell: Callable[[str], None]
) -> Summary:
    options, operators, history = ground.options, ground.operators, ground.history
    # Probes of a site that is down take a thread each.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))
    stage = Stage(options.annotators / VOTES_PER_SECOND)
    async with proxy_to(ground.site.port, random.Random(options.seed + 2)) as proxy:
        crowd = [
            Annotator(
                person,
                f"/study/{operators.study.slug}/rate/",
                proxy.port,
                history,
                random.Random(f"{options.seed} {number}"),
                stage,
            )
            for number, person in enumerate(people)
        ]
        rating = [asyncio.create_task(annotator.rate()) for annotator in crowd]
        summary = await strike(ground, proxy, tell)
        # What holds always must hold now, in the midst of it.
        midway = await operators.insist(lambda: read_records(operators.study))
        violations = check(Evidence(history, midway, manifest), ALWAYS)
        await operators.insist(operators.refuse_long_leases)
        wanting = await operators.insist(operators.votes_wanting)
        ended = time.monotonic()
        stage.calm.set()
        filled = await fill(ground, stage, rating)
    records = await operators.insist(lambda: read_records(operators.study))
    records = await operators.insist(lambda: with_analysis(operators.study, records))
    violations += check(Evidence(history, records, manifest))
    summary.violations = [f"{found.rule}: {found.what}" for found in violations]
    summary.fills = [filled - ended]
    summary.wanting = [wanting]
    if not wanting:
        summary.violations.append(
            "filled: the study was full before the last fault; ask for more comparisons"
        )
    summary.runs = 1
    summary.counted_votes = len(records.counted)
    summary.answers = answers_of(history, records)
    summary.acts = Counter(
        line.op.value
        for line in history.lines
        if line.kind == Kind.OK and line.op not in (Op.NEXT, Op.VOTE, Op.FAULT, Op.CONFLICT)
    )
    summary.statuses = sum((Counter(annotator.statuses) for annotator in crowd), Counter())
    summary.network = proxy.hits
    summary.requests = Counter(
        {
            "sent": sum(annotator.sent for annotator in crowd),
            "without an answer": sum(annotator.lost for annotator in crowd),
        }
    )
    return summary


async def strike(ground: Ground, proxy: Proxy, tell: Callable[[str], None]) -> Summary:
    """One fault after the other, acts of operators and bad weather all the while; then calm."""
    options = ground.options
    dice = random.Random(options.seed)
    faults = Faults(
        ground.site, ground.database, ground.broker, ground.worker, ground.history, dice
    )
    acts = Acts(ground.operators, ground.history, random.Random(options.seed + 3))
    over = asyncio.Event()
    beside = [
        asyncio.create_task(acts.act(over)),
        asyncio.create_task(weather(proxy, random.Random(options.seed + 4), over)),
    ]
    settled = asyncio.Event()
    supervisor = asyncio.create_task(supervise(ground.worker, settled))
    started = told = time.monotonic()
    while (
        time.monotonic() - started < options.seconds
        or faults.kills < options.kills
        or any(name not in faults.done for name in faults.KINDS)
        or not acts.met_all.is_set()
    ):
        await asyncio.sleep(dice.uniform(*options.gap))
        await faults.strike()
        lasted = time.monotonic() - started
        wanting = await ground.operators.insist(ground.operators.votes_wanting)
        if wanting < WANTING:
            await acts.want_more(WANTING)
        if time.monotonic() - told > PROGRESS_S:
            told = time.monotonic()
            tell(f"{lasted:4.0f} s: {faults.kills} kills, {wanting} votes wanting")
        for task in beside:
            if task.done():
                # Only a fault in this harness, or an act that was refused, ends one of them.
                task.result()
    over.set()
    await asyncio.gather(*beside)
    await faults.settle()
    settled.set()
    await supervisor
    ground.worker.start_if_ended()
    lasted = time.monotonic() - started
    await acts.heal()
    faults.done["(Celery ended by itself and was started)"] += ground.worker.gave_up
    return Summary(
        seconds=lasted, kills=faults.kills, faults=faults.done, recoveries=dict(faults.recoveries)
    )


async def fill(ground: Ground, stage: Stage, rating: list[asyncio.Task[None]]) -> float:
    """Let the people go on until all are told that nothing is left; when the study was full.

    A place that does not come back shows as a standstill: then all are sent home, and the checker
    tells what lacks.
    """
    operators = ground.operators
    patience = LEASE.total_seconds() + FILL_S
    moved, wanting = time.monotonic(), -1
    while wanting and time.monotonic() < moved + patience:
        found = await operators.insist(operators.votes_wanting)
        if found != wanting:
            moved, wanting = time.monotonic(), found
        await asyncio.sleep(POLL_S)
    stage.full.set()
    _, late = await asyncio.wait(rating, timeout=patience)
    for task in late:
        task.cancel()
    for result in await asyncio.gather(*rating, return_exceptions=True):
        if isinstance(result, Exception):
            raise result
    return moved
