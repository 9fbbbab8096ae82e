"""One step asked of one server: who is sent, and what it cost."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.live_site import Site
from tests.services import Server
from tests.signed_in import SignedIn

from .crowd import BareRater, Measured, ProductRater, Rater, measure
from .machine import processor_seconds
from .results import ACTIONS, SHARES, Result, Step


@dataclass(frozen=True, slots=True)
class Target:
    """A server to measure: its name and how to make a rater of it."""

    name: str
    site: Site
    rater: Callable[[SignedIn, Measured, int], Rater]


def product(site: Site, slug: str, *, shows: bool = True, name: str = "product") -> Target:
    def rater(person: SignedIn, measured: Measured, number: int) -> Rater:
        path = f"/study/{slug}/rate/"
        return ProductRater(site.port, person, measured, dice_of(number), path=path, shows=shows)

    return Target(name, site, rater)


def bare(site: Site) -> Target:
    def rater(person: SignedIn, measured: Measured, number: int) -> Rater:
        return BareRater(site.port, person, measured, dice_of(number))

    return Target("bare", site, rater)


def dice_of(number: int) -> random.Random:
    return random.Random(1_000_000 + number)


@dataclass(frozen=True, slots=True)
class Bench:
    """What every step runs on."""

    database: Server

    def run(self, step: Step, target: Target, people: list[SignedIn], seconds: float) -> Result:
        """Send the step's people to the target for the time."""
        measured = Measured()
        raters = [
            target.rater(person, measured, number)
            for number, person in enumerate(people[: step.people])
        ]
        load = os.getloadavg()[0]
        web, database = self.spent(target)
        asyncio.run(measure(raters, measured, step.think_s, seconds, step.votes_each))
        web_after, database_after = self.spent(target)
        return Result(
            step=step,
            server=target.name,
            seconds=measured.seconds,
            votes=measured.votes,
            requests=measured.requests,
            waits={
                action: tuple(measured.percentile(action, share) for share in SHARES)
                for action in ACTIONS
            },
            faults=measured.faults,
            web_ms=each(web, web_after, measured.requests),
            database_ms=each(database, database_after, measured.requests),
            load_before=load,
            load_after=os.getloadavg()[0],
        )

    def spent(self, target: Target) -> tuple[float | None, float | None]:
        master, postgres = target.site.master, self.database.process
        return (
            None if master is None else processor_seconds([master.pid]),
            None if postgres is None else processor_seconds([postgres.pid]),
        )


def each(before: float | None, after: float | None, requests: int) -> float | None:
    """Milliseconds a request."""
    if before is None or after is None or not requests:
        return None
    return 1000 * (after - before) / requests
