"""The load steps, each asked of the product and of the bare handlers in the same run."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from django.core.management import call_command
from django.db import connection

from tests.chaos.seeding import TEXT_SIZE, seed_study
from tests.live_site import Site
from tests.signed_in import SignedIn, sign_in, sign_in_annotators

from .bare import make_tables
from .crowd import BareRater, Measured, ProductRater, Rater, measure
from .rows import make_big_study

ACTIONS = ("next", "submit")
SHARES = (0.50, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class Step:
    """So many people who think for so long on average; `limit_ms` is the gate on both p95."""

    name: str
    people: int
    think_s: float
    limit_ms: float | None


STEPS = (
    Step("200 people, think 5 s", 200, 5.0, 100.0),
    Step("500 people, think 10 s", 500, 10.0, 150.0),
)
SATURATION = Step("32 people, never thinking", 32, 0.0, None)
WARM_UP = Step("warm-up", 16, 0.0, None)
WARM_UP_S = 3.0
# On two processors.
LEAST_RATE = 100.0
LEAST_RATIO = 0.5

# With a million comparisons, against the same step before.
ALONE = Step("1 person, never thinking", 1, 0.0, None)
MOST_GROWTH = 1.5

OVERLAP = 3
# More votes a second than any step takes, so that none runs dry.
RATE_BOUND = 400


@dataclass(frozen=True, slots=True)
class Plan:
    """Seconds a step, the size of the big study (0: none), its veteran's votes, which steps."""

    seconds: float
    rows: int
    veteran: int
    only: str


@dataclass(frozen=True, slots=True)
class Target:
    """A server to measure: its name and how to make a rater of it."""

    name: str
    rater: Callable[[SignedIn, Measured, int], Rater]


def product(port: int, slug: str, *, shows: bool) -> Target:
    def rater(person: SignedIn, measured: Measured, number: int) -> Rater:
        path = f"/study/{slug}/rate/"
        return ProductRater(port, person, measured, dice_of(number), path=path, shows=shows)

    return Target("product", rater)


def bare(port: int) -> Target:
    return Target(
        "bare", lambda person, measured, number: BareRater(port, person, measured, dice_of(number))
    )


def dice_of(number: int) -> random.Random:
    return random.Random(1_000_000 + number)


def run_step(step: Step, target: Target, people: list[SignedIn], seconds: float) -> Measured:
    measured = Measured()
    raters = [
        target.rater(person, measured, number)
        for number, person in enumerate(people[: step.people])
    ]
    return asyncio.run(measure(raters, measured, step.think_s, seconds))


HEADER = (
    f"{'step':<28} {'server':<8} {'votes/s':>8}  "
    f"{'next p50/p95/p99 ms':>22}  {'submit p50/p95/p99 ms':>22}  {'faults':>6}  load"
)


def line(step: str, target: str, measured: Measured) -> str:
    waits = [
        "/".join(f"{measured.percentile(action, share):.0f}" for share in SHARES)
        for action in ACTIONS
    ]
    return (
        f"{step:<28} {target:<8} {measured.rate:>8.1f}  {waits[0]:>22}  {waits[1]:>22}  "
        f"{measured.faults.total():>6}  {os.getloadavg()[0]:.1f}"
    )


def shortfalls(step: Step, measured: Measured) -> Iterator[str]:
    """What of the gate is missed."""
    if step.limit_ms is not None:
        for action in ACTIONS:
            found = measured.percentile(action, 0.95)
            if found > step.limit_ms:
                yield f"{step.name}: p95 of {action} is {found:.0f} ms, above {step.limit_ms:.0f}"
    for fault, count in measured.faults.most_common(5):
        yield f"{step.name}: {count} × {fault}"


# A line to print, and what it shows to be missed.
Said = tuple[str, list[str]]


def measure_all(plan: Plan, stack: ExitStack, product_site: Site, floor: Site) -> Iterator[Said]:
    """Seed, start both servers, and measure every step of the plan."""
    call_command("migrate", verbosity=0)
    study, _ = seed_study(
        "small",
        comparisons=max(2000, round(plan.seconds * RATE_BOUND / OVERLAP)),
        overlap=OVERLAP,
        systems=4,
        text_size=TEXT_SIZE,
    )
    people = sign_in_annotators(study, max(step.people for step in STEPS))
    make_tables(study.pk)
    connection.close()
    for site in (product_site, floor):
        stack.callback(site.stop)
        site.start()
        site.wait_until_it_answers()
    port = product_site.port
    # Both processes load what they only load when asked, and open their connections.
    for target in (product(port, study.slug, shows=True), bare(floor.port)):
        run_step(WARM_UP, target, people, WARM_UP_S)
    for step in STEPS:
        if plan.only in step.name:
            measured = run_step(step, product(port, study.slug, shows=True), people, plan.seconds)
            yield line(step.name, "product", measured), list(shortfalls(step, measured))
            yield (
                line(step.name, "bare", run_step(step, bare(floor.port), people, plan.seconds)),
                [],
            )
    if plan.only in SATURATION.name:
        yield from saturate(plan, product(port, study.slug, shows=False), bare(floor.port), people)
    if plan.rows:
        yield from grow(plan, port, study.slug, people)


def saturate(plan: Plan, ours: Target, theirs: Target, people: list[SignedIn]) -> Iterator[Said]:
    """Claims and votes without a pause; the two in turn, twice, since the machine is not alone."""
    rates: dict[str, list[float]] = {ours.name: [], theirs.name: []}
    for target in (ours, theirs, ours, theirs):
        measured = run_step(SATURATION, target, people, plan.seconds / 2)
        rates[target.name].append(measured.rate)
        faults = list(shortfalls(SATURATION, measured)) if target is ours else []
        yield line(SATURATION.name, target.name, measured), faults
    rate, floor = (sum(rates[target.name]) / 2 for target in (ours, theirs))
    missed = []
    if rate < LEAST_RATE:
        missed.append(f"saturation: {rate:.0f} votes/s, below {LEAST_RATE:.0f}")
    if rate / floor < LEAST_RATIO:
        missed.append(f"saturation: {rate / floor:.2f} of the bare handlers, below {LEAST_RATIO}")
    yield f"saturation: product/bare = {rate:.0f}/{floor:.0f} = {rate / floor:.2f}", missed


def grow(plan: Plan, port: int, small: str, people: list[SignedIn]) -> Iterator[Said]:
    """The same step in the small study and in the big one, there also by its veteran."""
    big = make_big_study("big", plan.rows, plan.veteran)
    newcomers = sign_in_annotators(big.study, STEPS[0].people)
    veteran = sign_in(big.veteran)
    connection.close()
    yield (
        f"big study: {big.comparisons} comparisons, {big.votes} votes, {big.by_veteran} of one",
        [],
    )
    for step, crowd in ((STEPS[0], newcomers), (ALONE, [veteran])):
        before = run_step(step, product(port, small, shows=True), people, plan.seconds)
        yield line(step.name, "small", before), []
        after = run_step(step, product(port, big.study.slug, shows=True), crowd, plan.seconds)
        yield line(step.name, "big", after), list(shortfalls(step, after))
        for action in ACTIONS:
            growth = after.percentile(action, 0.95) / before.percentile(action, 0.95)
            said = f"{step.name}: p95 of {action} grew {growth:.2f} times"
            yield said, [said] if growth > MOST_GROWTH else []
