"""The profiles of a load run: which steps are asked of which server, and the gates on them."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from django.core.management import call_command
from django.db import connection

from annotation.models import Study
from tests.chaos.seeding import TEXT_SIZE, seed_study
from tests.live_site import Site
from tests.services import Server
from tests.signed_in import SignedIn, sign_in, sign_in_annotators

from .bare import make_tables
from .measuring import Bench, Target, bare, product
from .plans import plans_of_claim
from .results import GATED, HEADER, Result, Step, line, shortfalls
from .rows import make_big_study

PACED = (
    Step("200 people, think 5 s", 200, 5.0, 100.0),
    Step("500 people, think 10 s", 500, 10.0, 150.0),
)
SATURATION = Step("32 people, never thinking", 32, 0.0)
WARM_UP = Step("warm-up", 16, 0.0)
WARM_UP_S = 3.0
# On two processors, the client's included.
LEAST_RATE = 100.0
LEAST_RATIO = 0.5

SMOKE = Step("20 people, think 0.3 s", 20, 0.3)
SMOKE_S = 3.0
SMOKE_ROWS = 1_200
SMOKE_VETERAN = 200

# The same in a small study and in a big one; its people and its veteran, twice in turn.
SMALL_COMPARISONS = 600
CROWD = Step("50 people, think 2 s", 50, 2.0, 100.0)
ALONE = Step("1 person, never thinking", 1, 0.0, 100.0, votes_each=150)
# What the processes remember of a study they have when it is measured, of a small one too.
ACQUAINTANCE = Step("warm-up", 2, 0.0, votes_each=10)
MOST_GROWTH = 1.5
TURNS = 2

OVERLAP = 3
# More votes a second than any step takes, so that none runs dry.
RATE_BOUND = 400


@dataclass(frozen=True, slots=True)
class Plan:
    """Which profiles, seconds a step, and the size of the big study with its veteran's votes."""

    profiles: tuple[str, ...]
    seconds: float
    rows: int
    veteran: int


@dataclass(slots=True)
class Report:
    """What a run found; lines are said as they come."""

    say: Callable[[str], None]
    results: list[tuple[str, Result]] = field(default_factory=list)
    ratios: dict[str, float] = field(default_factory=dict)
    plans: list[dict[str, str]] = field(default_factory=list)
    seeding: dict[str, Any] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)

    def add(self, profile: str, result: Result, *, gated: bool = True) -> Result:
        self.results.append((profile, result))
        self.say(line(result))
        self.missed += [f"{profile}: {fault}" for fault in shortfalls(result) if gated]
        return result

    def ratio(self, name: str, value: float, *, least: float = 0.0, most: float = 1e9) -> None:
        self.ratios[name] = value
        self.say(f"{name}: {value:.2f}")
        if not least <= value <= most:
            limit = f"below {least}" if value < least else f"above {most}"
            self.missed.append(f"{name} is {value:.2f}, {limit}")

    def as_json(self) -> dict[str, Any]:
        return {
            "results": [{"profile": name, **result.as_json()} for name, result in self.results],
            "ratios": self.ratios,
            "plans": self.plans,
            "seeding": self.seeding,
            "missed": self.missed,
        }


@dataclass(frozen=True, slots=True)
class Run:
    """The servers, the study that most steps are in, and its people."""

    plan: Plan
    bench: Bench
    site: Site
    floor: Site
    study: Study
    people: list[SignedIn]
    report: Report

    def ours(self, *, shows: bool = True) -> Target:
        return product(self.site, self.study.slug, shows=shows)


def measure_all(
    plan: Plan, stack: ExitStack, database: Server, sites: tuple[Site, Site], report: Report
) -> None:
    """Seed, start both servers, and run the profiles."""
    call_command("migrate", verbosity=0)
    study, _ = seed_study(
        "middle",
        comparisons=max(2000, round(plan.seconds * RATE_BOUND / OVERLAP)),
        overlap=OVERLAP,
        systems=4,
        text_size=TEXT_SIZE,
    )
    most = max(step.people for step in (*PACED, SATURATION)) if "paced" in plan.profiles else 64
    people = sign_in_annotators(study, most)
    make_tables(study.pk)
    connection.close()
    for site in sites:
        stack.callback(site.stop)
        site.start()
        site.wait_until_it_answers()
    run = Run(plan, Bench(database), *sites, study, people, report)
    # Both processes load what they only load when asked, and open their connections.
    for target in (run.ours(), bare(run.floor)):
        run.bench.run(WARM_UP, target, people, WARM_UP_S)
    report.say(HEADER)
    for name in plan.profiles:
        PROFILES[name](run)


def smoke(run: Run) -> None:
    """Everything for a moment: what is measured is not judged, what fails is."""
    seconds = min(run.plan.seconds, SMOKE_S)
    run.report.add("smoke", run.bench.run(SMOKE, run.ours(), run.people, seconds))
    compare(run, "smoke", seconds, turns=1)
    grow(run, "smoke", SMOKE_ROWS, SMOKE_VETERAN, seconds, turns=1)


def paced(run: Run) -> None:
    """People who think."""
    for step in PACED:
        result = run.bench.run(step, run.ours(), run.people, run.plan.seconds)
        run.report.add("paced", result)


def saturation(run: Run) -> None:
    """Claims and votes without a pause; the two in turn, since the machine is not alone."""
    rate, ratio = compare(run, "saturation", run.plan.seconds / TURNS, turns=TURNS)
    run.report.ratio("saturation: votes a second", rate, least=LEAST_RATE)
    run.report.ratio("saturation: product by bare handlers", ratio, least=LEAST_RATIO)


def compare(run: Run, profile: str, seconds: float, *, turns: int) -> tuple[float, float]:
    """The product's votes a second, and by how much that is fewer than the bare handlers take."""
    rates: dict[str, list[float]] = {"product": [], "bare": []}
    for target in (run.ours(shows=False), bare(run.floor)) * turns:
        result = run.bench.run(SATURATION, target, run.people, seconds)
        run.report.add(profile, result, gated=target.name == "product")
        rates[target.name].append(result.rate)
    rate, floor = (sum(rates[name]) / turns for name in ("product", "bare"))
    return rate, rate / floor


def volume(run: Run) -> None:
    """What a study of a million comparisons costs its people and its most diligent one."""
    growth = grow(
        run,
        "volume",
        run.plan.rows,
        run.plan.veteran,
        min(run.plan.seconds, 30.0),
        turns=TURNS,
    )
    for name, value in growth.items():
        run.report.ratio(name, value, most=MOST_GROWTH)


def grow(
    run: Run, profile: str, rows: int, veteran: int, seconds: float, *, turns: int
) -> dict[str, float]:
    """Ratios of p95, big study to small one; both are asked in turn.

    Each turn has a small study of its own, in which work is left to the end: one that the turns
    before had filled would hand out nothing, and answer sooner or later than one with work.
    """
    started = time.monotonic()
    big = make_big_study(f"{profile}-big", rows, veteran)
    took = time.monotonic() - started
    run.report.seeding = {
        "comparisons": big.comparisons,
        "votes": big.votes,
        "by_veteran": big.by_veteran,
        "seconds": took,
    }
    run.report.say(
        f"big study: {big.comparisons} comparisons, {big.votes} votes, {big.by_veteran} of one; "
        f"seeded in {took:.0f} s"
    )
    for sql, plan in plans_of_claim(big.veteran):
        run.report.plans.append({"sql": sql, "plan": plan})
        if "SKIP LOCKED" in sql:
            run.report.say(f"the veteran's claim:\n{sql}\n{plan}")
    everybody = {CROWD: sign_in_annotators(big.study, CROWD.people), ALONE: [sign_in(big.veteran)]}
    guests = sign_in_annotators(big.study, ACQUAINTANCE.people)
    growth: dict[str, float] = {}
    for step, people in everybody.items():
        found: dict[str, list[Result]] = {"small": [], "big": []}
        for turn in range(turns):
            small = small_study(f"{profile}-small-{step.people}-{turn}")
            crowd = sign_in_annotators(small, step.people)
            strangers = sign_in_annotators(small, ACQUAINTANCE.people)
            connection.close()
            for name, study, asked, first in (
                ("small", small, crowd, strangers),
                ("big", big.study, people, guests),
            ):
                target = product(run.site, study.slug, name=name)
                run.bench.run(ACQUAINTANCE, target, first, WARM_UP_S)
                result = run.bench.run(step, target, asked, seconds)
                found[name].append(run.report.add(profile, result, gated=profile == "volume"))
        for action in GATED:
            p95 = {name: sum(one.p95(action) for one in of) for name, of in found.items()}
            growth[f"{step.name}: p95 of {action}, big by small"] = p95["big"] / p95["small"]
    return growth


def small_study(slug: str) -> Study:
    study, _ = seed_study(
        slug, comparisons=SMALL_COMPARISONS, overlap=OVERLAP, systems=4, text_size=TEXT_SIZE
    )
    return study


PROFILES: dict[str, Callable[[Run], None]] = {
    "smoke": smoke,
    "paced": paced,
    "saturation": saturation,
    "volume": volume,
}
