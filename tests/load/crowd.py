"""People who rate for a while, and how long they waited for each answer."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.loopback import Connection, NoAnswer, Reply
from tests.signed_in import SignedIn

# Above every limit of the server's: who waits for longer has lost the answer.
PATIENCE_S = 120.0
# As reliability's load script has it.
SENDS_TWICE = 0.01
ABANDONS = 0.01


@dataclass
class Measured:
    """Waiting times in seconds by action, votes taken in, and what went wrong."""

    waits: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    votes: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def requests(self) -> int:
        return sum(map(len, self.waits.values()))

    def percentile(self, action: str, share: float) -> float:
        """Milliseconds that this share of the requests did not exceed; 0 without requests."""
        waits = sorted(self.waits[action])
        return 1000 * waits[min(len(waits) - 1, int(share * len(waits)))] if waits else 0.0


class Rater(Protocol):
    """One person: claims a pair, says whether there was one, and votes on it."""

    async def claim(self) -> bool: ...

    async def vote(self) -> None: ...

    async def close(self) -> None: ...


@dataclass
class Page:
    """What both kinds of raters do: send, time, and count what fails."""

    port: int
    person: SignedIn
    measured: Measured
    dice: random.Random
    connection: Connection = field(init=False)

    def __post_init__(self) -> None:
        self.connection = Connection(self.port, self.person.headers, PATIENCE_S)

    async def send(
        self, action: str, path: str, body: object, connection: Connection | None = None
    ) -> Reply | None:
        started = time.perf_counter()
        try:
            reply = await (connection or self.connection).post(path, body)
        except NoAnswer as fault:
            self.measured.faults[f"{action}: {fault}"] += 1
            return None
        self.measured.waits[action].append(time.perf_counter() - started)
        if reply.status != 200:
            self.measured.faults[f"{action}: {reply.status}"] += 1
            return None
        return reply

    async def close(self) -> None:
        await self.connection.close()


@dataclass
class ProductRater(Page):
    """Does what the page does: two pairs in hand, the shown one told to the server.

    A stored vote comes back with the pairs; they are asked for alone at the start, and where an
    answer was lost.
    """

    path: str = ""
    shows: bool = True
    held: list[str] = field(default_factory=list)
    is_full: bool = False

    async def claim(self) -> bool:
        if not self.is_full:
            reply = await self.send("next", self.path + "next", self.wish)
            if reply is None:
                return False
            self.take(reply.json())
        if self.held and self.shows:
            await self.send(
                "renew", self.path + "renew", {"held": self.held, "displayed": self.held[0]}
            )
        return bool(self.held)

    @property
    def wish(self) -> dict[str, object]:
        return {"want": 2, "have": self.held}

    def take(self, claim: dict[str, Any]) -> None:
        self.held = [pair["id"] for pair in claim["pairs"]]
        self.is_full = len(self.held) == 2

    async def vote(self) -> None:
        self.is_full = False
        body = {
            "assignment": self.held.pop(0),
            "answers": {"overall": {"choice": self.dice.choice(("left", "right", "tie"))}},
            "key": str(uuid.uuid4()),
            "timing": {"active_ms": 1000, "elapsed_ms": 1200},
            "next": self.wish,
        }
        if self.dice.random() < SENDS_TWICE:
            other = Connection(self.port, self.person.headers, PATIENCE_S)
            reply, _ = await asyncio.gather(
                self.send("submit", self.path + "vote", body),
                self.send("submit", self.path + "vote", body, other),
            )
            await other.close()
        else:
            reply = await self.send("submit", self.path + "vote", body)
        self.measured.votes += reply is not None
        brought = None if reply is None else reply.json()["next"]
        if brought is not None:
            self.take(brought)


@dataclass
class BareRater(Page):
    """The same against the bare handlers, which hold one pair and know nothing of pages."""

    after: int = -1
    assignment: int | None = None

    async def claim(self) -> bool:
        asked = {"annotator": self.person.annotator, "after": self.after}
        reply = await self.send("next", "/next", asked)
        pair: dict[str, Any] | None = None if reply is None else reply.json()["pair"]
        if pair is None:
            return False
        self.after, self.assignment = pair["place"], pair["id"]
        return True

    async def vote(self) -> None:
        body = {
            "annotator": self.person.annotator,
            "assignment": self.assignment,
            "choice": self.dice.choice(("left", "right", "tie")),
            "key": str(uuid.uuid4()),
        }
        reply = await self.send("submit", "/vote", body)
        self.measured.votes += reply is not None


async def rate(
    rater: Rater, think_s: float, until: float, dice: random.Random, most: int | None = None
) -> None:
    """Claim, think, vote, until the time is over; now and then walk away from a pair.

    Everybody asks for one pair at least, however late the machine lets them begin.
    """
    voted, begun = 0, False
    try:
        # Not all at the same moment.
        await asyncio.sleep(dice.uniform(0, think_s))
        while not begun or (time.perf_counter() < until and (most is None or voted < most)):
            begun = True
            found = await rater.claim()
            if think_s or not found:
                await asyncio.sleep(dice.expovariate(1 / think_s) if think_s else 0.1)
            if found and not (think_s and dice.random() < ABANDONS):
                await rater.vote()
                voted += 1
    finally:
        await rater.close()


async def measure(
    raters: list[Rater],
    measured: Measured,
    think_s: float,
    seconds: float,
    votes_each: int | None = None,
) -> Measured:
    """Let all rate for the time, after which each finishes the pair in hand."""
    started = time.perf_counter()
    await asyncio.gather(
        *(
            rate(rater, think_s, started + think_s + seconds, random.Random(number), votes_each)
            for number, rater in enumerate(raters)
        )
    )
    measured.seconds = time.perf_counter() - started
    return measured
