"""People who rate through a bad network, and write down what they sent and were told."""

from __future__ import annotations

import asyncio
import random
import uuid
from dataclasses import dataclass, field
from typing import Any

from tests.loopback import Connection, NoAnswer, Reply
from tests.signed_in import SignedIn

from .history import History, Kind, Op
from .leases import LEASE

CHOICES = ("left", "right", "tie", "both_bad")
SKIP_REASONS = ("cannot_judge", "other")

# Between two tries; the page waits longer, but a chaos run is short.
RETRY_S = (0.2, 1.0)
# While others hold the rest, or a pause lasts.
ASK_AGAIN_S = 0.5
# Answers that another try will not change.
REFUSED = frozenset({400, 403, 404, 405, 413, 415})

# Shares of what people do besides rating pair after pair.
SENDS_TWICE = 0.05
UNDOES = 0.1
SKIPS = 0.03
LETS_LAPSE = 0.05
VOTES_VERY_LATE = 0.5  # of those: once the study is full
MOST_VERY_LATE = 3  # and no more people than these: others are to rate
ABANDONS = 0.03
CONTRADICTS = 0.05
FORGETS = 0.15  # of the votes whose answer is lost: the tab is closed and not opened again
SHOWS = 0.5
BRINGS_NEXT = 0.6  # of the votes: the page asks for the next pairs in the same request
# A refusal that is lost so often is given up.
MOST_TRIES = 5


@dataclass
class Stage:
    """What all people share: how fast they are, and how far the run is."""

    think_s: float
    # The faults are over: nobody leaves pairs lying any more.
    calm: asyncio.Event = field(default_factory=asyncio.Event)
    # The study has all its votes.
    full: asyncio.Event = field(default_factory=asyncio.Event)
    # People who sleep until then over a pair that is long taken back.
    very_late: int = 0


@dataclass
class Annotator:
    """One person at one page, from the first pair until there is nothing left for them."""

    person: SignedIn
    path: str
    port: int
    history: History
    dice: random.Random
    stage: Stage
    statuses: dict[str, int] = field(default_factory=dict)
    lost: int = 0
    sent: int = 0
    # What the last stored vote came back with, if it asked for pairs.
    brought: dict[str, Any] | None = None
    connection: Connection = field(init=False)
    second: Connection = field(init=False)

    def __post_init__(self) -> None:
        self.connection = Connection(self.port, self.person.headers)
        self.second = Connection(self.port, self.person.headers)

    @property
    def who(self) -> str:
        return self.person.annotator

    async def rate(self) -> None:
        try:
            while await self.turn():
                if not self.stage.calm.is_set():
                    await asyncio.sleep(self.dice.expovariate(1 / self.stage.think_s))
        finally:
            await self.connection.close()
            await self.second.close()

    async def turn(self) -> bool:
        """One pair, or a wait; False once there is nothing left, or no way in."""
        claim, self.brought = self.brought, None
        if claim is None:
            reply = await self.ask("next", {"want": self.dice.choice([1, 2, 2, 3])})
            if reply is None:
                await self.pause()
                return True
            if reply.status != 200:
                await self.pause()
                return reply.status not in REFUSED
            claim = reply.json()
            self.note_claim(claim)
        pairs = claim["pairs"]
        empty = claim["empty"]["code"] if claim["empty"] else None
        if not pairs:
            if empty in ("finished", "annotator_removed") and self.stage.calm.is_set():
                return False
            await asyncio.sleep(ASK_AGAIN_S)
            return True
        await self.deal_with(pairs)
        return True

    def note_claim(self, claim: dict[str, Any]) -> None:
        """Write down what was lent, when it was told."""
        self.history.add(
            Kind.OK,
            Op.NEXT,
            who=self.who,
            served=[self.as_served(pair) for pair in claim["pairs"]],
            empty=claim["empty"]["code"] if claim["empty"] else None,
        )

    @staticmethod
    def as_served(pair: dict[str, Any]) -> dict[str, str]:
        return {
            "id": pair["id"],
            "left": pair["left"]["source"],
            "right": pair["right"]["source"],
        }

    async def deal_with(self, pairs: list[dict[str, Any]]) -> None:
        assignment = pairs[0]["id"]
        if self.dice.random() < SHOWS:
            await self.ask("renew", {"held": [p["id"] for p in pairs], "displayed": assignment})
        drawn = self.dice.random()
        if not self.stage.calm.is_set():
            if drawn < ABANDONS:
                # Away without a word; the pairs come back to others.
                await asyncio.sleep(2 * LEASE.total_seconds())
                return
            if drawn < ABANDONS + LETS_LAPSE:
                await asyncio.sleep(LEASE.total_seconds() + self.dice.uniform(0, 4))
                if self.stage.very_late < MOST_VERY_LATE and self.dice.random() < VOTES_VERY_LATE:
                    self.stage.very_late += 1
                    await self.stage.full.wait()
            elif drawn < ABANDONS + LETS_LAPSE + SKIPS:
                await self.skip(assignment)
                return
        key, choice = str(uuid.uuid4()), self.dice.choice(CHOICES)
        if not await self.vote(assignment, key, choice, revises=False):
            return
        if self.dice.random() < CONTRADICTS:
            await self.contradict(assignment, key, choice)
        if self.dice.random() < UNDOES:
            await self.revise()

    async def skip(self, assignment: str) -> None:
        reason = self.dice.choice(SKIP_REASONS)
        reply = await self.ask("skip", {"assignment": assignment, "reason": reason})
        kind = Kind.INFO if reply is None else Kind.OK if reply.status == 200 else Kind.FAIL
        self.history.add(kind, Op.SKIP, who=self.who, assignment=assignment)

    async def revise(self) -> None:
        """Take the last vote back to the screen and decide again."""
        reply = await self.ask("undo", {})
        if reply is None or reply.status != 200 or reply.json()["pair"] is None:
            return
        pair = reply.json()["pair"]
        self.history.add(Kind.OK, Op.NEXT, who=self.who, served=[self.as_served(pair)], empty=None)
        await self.vote(pair["id"], str(uuid.uuid4()), self.dice.choice(CHOICES), revises=True)

    async def contradict(self, assignment: str, key: str, stands: str) -> None:
        """Send what must be refused: a second decision on a pair, or another one by its key."""
        same_key = self.dice.random() < 0.5
        other = self.dice.choice([choice for choice in CHOICES if choice != stands])
        body = {
            "assignment": assignment,
            "answers": {"overall": {"choice": other}},
            "key": key if same_key else str(uuid.uuid4()),
            "revises": False,
        }
        for _ in range(MOST_TRIES):
            reply = await self.ask("vote", body)
            if reply is None:
                await self.pause()
                continue
            told = reply.json()
            if reply.status in REFUSED:
                # Shut out meanwhile, before anything was looked at.
                return
            stored = told.get("answers", {}).get("overall", {}).get("choice")
            self.history.add(
                Kind.OK if reply.status == 409 else Kind.FAIL,
                Op.CONFLICT,
                who=self.who,
                assignment=assignment,
                code=told.get("error"),
                expected="idempotency_mismatch" if same_key else "already_voted",
                stored=stored,
                stands=stands,
            )
            return

    async def vote(self, assignment: str, key: str, choice: str, *, revises: bool) -> bool:
        """Send one decision until it is settled, as an outbox does; whether it is stored."""
        body: dict[str, Any] = {
            "assignment": assignment,
            "answers": {"overall": {"choice": choice}},
            "key": key,
            "revises": revises,
        }
        if not revises and self.dice.random() < BRINGS_NEXT:
            body["next"] = {"want": self.dice.choice([1, 2, 2, 3])}
        self.history.add(
            Kind.INVOKE,
            Op.VOTE,
            who=self.who,
            key=key,
            assignment=assignment,
            choice=choice,
            revises=revises,
        )
        unknown = False
        while True:
            tries = [self.ask("vote", body)]
            if self.dice.random() < SENDS_TWICE:
                tries.append(self.ask("vote", body, connection=self.second))
            replies = await asyncio.gather(*tries)
            settled = [
                self.note(reply, key, assignment, unknown or None in replies)
                for reply in replies
                if reply is not None
            ]
            if any(stored is not None for stored in settled):
                return True in settled
            unknown = True
            if not self.stage.calm.is_set() and self.dice.random() < FORGETS:
                self.history.add(Kind.INFO, Op.VOTE, who=self.who, key=key, assignment=assignment)
                return False
            await self.pause()

    def note(self, reply: Reply, key: str, assignment: str, unknown: bool) -> bool | None:
        """Write down an answer; whether the vote is stored, None if that is not settled."""
        body = reply.json()
        if body.get("received"):
            self.history.add(
                Kind.OK,
                Op.VOTE,
                who=self.who,
                key=key,
                assignment=body["assignment"],
                status=reply.status,
                received=body["received"],
                late=body["late"],
                revision=body["revision"],
                choice=body["answers"]["overall"]["choice"],
                replayed=reply.headers.get("idempotent-replayed") == "true",
            )
            if claim := body.get("next"):
                self.note_claim(claim)
                self.brought = claim
            return True
        if reply.status == 409 or reply.status in REFUSED:
            # Shut out after a try of unknown fate: that one may be stored.
            surely_not = reply.status == 409 or not unknown
            self.history.add(
                Kind.FAIL if surely_not else Kind.INFO,
                Op.VOTE,
                who=self.who,
                key=key,
                assignment=assignment,
                status=reply.status,
                code=body.get("error"),
            )
            return False
        return None

    async def ask(
        self,
        action: str,
        body: object,
        *,
        connection: Connection | None = None,
    ) -> Reply | None:
        """One request; None where no answer came or the server could not serve."""
        self.sent += 1
        try:
            reply = await (connection or self.connection).post(self.path + action, body)
        except NoAnswer:
            self.lost += 1
            return None
        name = f"{action} {reply.status}"
        self.statuses[name] = self.statuses.get(name, 0) + 1
        if reply.status >= 500 or reply.status == 429:
            return None
        return reply

    async def pause(self) -> None:
        await asyncio.sleep(self.dice.uniform(*RETRY_S))
