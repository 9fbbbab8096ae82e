"""One shift of a worker on one run: claims ahead, asks many at once, stores what arrives together.

The same code runs in a Celery task, in the embedded worker and in the terminal. Requests live in
one event loop with one client; the tables are touched by one thread beside it, so that nothing
waits for a commit but the results that it stores. No transaction is open while a request is.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections import deque
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TypeVar

import structlog
from django.conf import settings
from django.db import OperationalError, connections

from judging.clients import Client, Reply
from judging.limits import Limiter, LimiterUnavailableError, bucket_of, make_limiter
from judging.models import JudgeRun
from judging.outcomes import Outcome
from judging.parsing import Envelope, Missing, Parsed, parse, read_envelope
from judging.prompts import LADDER
from judging.runs import waits
from judging.runs.asking import Asking
from judging.runs.breaking import Breaker
from judging.runs.claiming import LEASE, Claim, Claimed, claim, renew
from judging.runs.opening import (
    Opened,
    Tables,
    find_rung,
    open_run,
    pause_if_running,
    reach,
)
from judging.runs.recording import Result, record
from judging.runs.trials import tokens_used

log = structlog.get_logger(__name__)

SHIFT_SECONDS = 60.0
# With nothing due for so long a shift ends; the sweep rings when something is.
IDLE_SECONDS = 3.0
IDLE_POLL_SECONDS = 0.25
# A longer wait gives back what is lent.
MOST_HELD_SECONDS = 30.0
ANSWERS_PER_STEP_UP = 10
# Before each further try to store what arrived; the sum is far below a lease.
RETRY_SECONDS = (0.5, 3.0)

Found = TypeVar("Found")


async def work(run_id: int, *, at_once: int, seconds: float = SHIFT_SECONDS) -> int:
    """Work on a run until it is over, nothing is due, or the time is up.

    Parameters
    ----------
    at_once : int
        Most requests in flight.
    seconds : float
        After these nothing more is sent; what is in flight is still awaited.

    Returns
    -------
    int
        Results stored, of what was sent.
    """
    tables = Tables()
    try:
        opened = await tables(lambda: open_run(run_id))
        if opened is None:
            return 0
        async with AsyncExitStack() as stack:
            client = await reach(opened.target, stack, at_once)
            limiter = make_limiter(settings.REDIS_URL)
            stack.push_async_callback(limiter.close)
            rung = opened.endpoint.rungs.get(opened.asking.model)
            if rung not in LADDER:
                rung = await find_rung(opened, client, tables, limiter)
                if not rung:
                    return 0
            shift = Shift(opened, rung, client, limiter, tables, at_once, seconds)
            return await shift.run()
    finally:
        await tables.close()


def persistently(act: Callable[[], Found]) -> Found:
    """Do it again where the database was busy or away for a moment; each act can be repeated.

    What is paid for and not stored yet would be lost otherwise.
    """
    for wait in RETRY_SECONDS:
        try:
            return act()
        except OperationalError as fault:
            log.warning("judging.tables_unavailable", fault=type(fault).__name__)
            connections.close_all()
            time.sleep(wait)
    return act()


@dataclass(slots=True)
class Window:
    """How many requests may be in flight: halved by a rate limit, grown by answers."""

    most: int
    size: float = 0.0
    answers: int = 0

    def __post_init__(self) -> None:
        self.size = float(self.most)

    def note(self, outcome: Outcome) -> None:
        if outcome is Outcome.RATE_LIMITED:
            self.size, self.answers = max(1.0, self.size / 2), 0
        elif outcome is Outcome.OK:
            self.answers += 1
            if self.answers >= ANSWERS_PER_STEP_UP:
                self.size, self.answers = min(float(self.most), self.size + 1), 0


@dataclass(slots=True)
class Shift:
    """The state of one shift; `run` works through it."""

    opened: Opened
    rung: str
    client: Client
    limiter: Limiter
    tables: Tables
    at_once: int
    seconds: float
    token: uuid.UUID = field(default_factory=uuid.uuid4)
    stored: int = 0
    _ready: deque[Claimed] = field(default_factory=deque)
    _asking: set[asyncio.Task[Result]] = field(default_factory=set)
    _done: list[Result] = field(default_factory=list)
    _is_over: bool = False
    _pause: str = ""
    _closed_until: float = 0.0

    async def run(self) -> int:
        burst = self.opened.rates.burst
        # What is claimed and only waits for the limits is lent for nothing.
        at_once = self.at_once if burst is None else min(self.at_once, burst)
        window = Window(at_once)
        if self.opened.endpoint.rate_limits:
            # The last that was heard of it: begin as that ended.
            window.size = 1.0
        breaker, closed_for = await self.tables(self._begin)
        self._pause_for(breaker.cause)
        self._leave_alone(closed_for)
        until = time.monotonic() + self.seconds
        ahead = max(1, at_once // 4)
        exchange: asyncio.Task[Claim] | None = None
        renewed = last_due = time.monotonic()
        next_claim = 0.0
        while True:
            now = time.monotonic()
            if now >= until or self._pause:
                self._is_over = True
            if self._closed_until - now > MOST_HELD_SECONDS and not self._asking:
                # Its calls wait as rows; the sweep rings when it may be asked again.
                self._is_over = True
            if self._is_over:
                # What was claimed ahead was never sent: it goes back as if it had not been.
                self._done += [Result(claimed, None) for claimed in self._ready]
                self._ready.clear()
            is_closed = now < self._closed_until
            while self._ready and not is_closed and len(self._asking) < int(window.size):
                self._asking.add(asyncio.create_task(self._ask(self._ready.popleft())))
            if exchange is None:
                free = int(window.size) + ahead - len(self._asking) - len(self._ready)
                wanted = 0 if self._is_over or is_closed or now < next_claim else free
                is_renewal = now - renewed > LEASE.total_seconds() / 3
                if self._done or wanted >= min(ahead, free + 1) or (wanted and not self._asking):
                    batch, self._done = self._done, []
                    held = len(self._asking) + len(self._ready)
                    exchange = asyncio.create_task(self._exchange(batch, max(wanted, 0), held))
                elif is_renewal and (self._asking or self._ready):
                    exchange = asyncio.create_task(self._exchange([], 0, 0))
                if is_renewal:
                    renewed = now
            waiting: set[asyncio.Task[Result] | asyncio.Task[Claim]] = set(self._asking)
            if exchange is not None:
                waiting.add(exchange)
            if not waiting:
                if is_closed:
                    last_due = now
                if self._is_over or now - last_due > IDLE_SECONDS:
                    break
                await asyncio.sleep(IDLE_POLL_SECONDS)
                continue
            await asyncio.wait(
                waiting, timeout=IDLE_POLL_SECONDS * 4, return_when=asyncio.FIRST_COMPLETED
            )
            for task in [task for task in self._asking if task.done()]:
                self._asking.discard(task)
                result = task.result()
                self._done.append(result)
                if result.reply is not None:
                    self.stored += 1
                    window.note(result.reply.outcome)
                    if result.reply.outcome is Outcome.RATE_LIMITED:
                        self._leave_alone(result.reply.wait or 0.0)
                self._pause_for(breaker.note(result))
            if exchange is not None and exchange.done():
                claimed = exchange.result()
                exchange = None
                if claimed.calls:
                    self._ready.extend(claimed.calls)
                    last_due = time.monotonic()
                elif not self._asking:
                    next_claim = time.monotonic() + IDLE_POLL_SECONDS
                else:
                    last_due = time.monotonic()
                    next_claim = last_due + IDLE_POLL_SECONDS
        return self.stored

    async def _exchange(self, batch: list[Result], wanted: int, held: int) -> Claim:
        """Store a batch and claim more, in the thread of the tables."""
        opened, token, rung, pause = self.opened, self.token, self.rung, self._pause

        def act() -> tuple[Claim, float]:
            is_over = False
            if batch:
                is_over = record(opened.run_id, token, opened.asking, rung, batch).is_over
            if pause:
                pause_if_running(opened.run_id, pause)
                is_over = True
            if held or batch:
                renew(opened.run_id, token)
            closed_for = waits.note_replies(
                opened.endpoint.pk, [one.reply for one in batch if one.reply is not None]
            )
            if is_over or not wanted or closed_for:
                return Claim([], is_over=is_over), closed_for
            found = claim(opened.run_id, token, opened.asking, rung, wanted, held=held)
            return found, closed_for

        found, closed_for = await self.tables(lambda: persistently(act))
        self._leave_alone(closed_for)
        self._is_over = self._is_over or found.is_over
        return found

    def _begin(self) -> tuple[Breaker, float]:
        """What the shifts before this one leave to it."""
        run = JudgeRun.objects.get(pk=self.opened.run_id)
        breaker = Breaker.of(run)
        if breaker.cause:
            pause_if_running(run.pk, breaker.cause)
        return breaker, waits.note_replies(self.opened.endpoint.pk, [])

    def _pause_for(self, cause: str) -> None:
        self._pause = self._pause or cause

    def _leave_alone(self, seconds: float) -> None:
        self._closed_until = max(self._closed_until, time.monotonic() + seconds)

    async def _ask(self, claimed: Claimed) -> Result:
        """Wait for the limits, send one request, and read what comes back."""
        opened, key = self.opened, bucket_of(self.opened.endpoint.pk)
        if opened.rates.are_limited:
            try:
                while wait := await self.limiter.take(key, opened.rates, claimed.likely_tokens):
                    if self._is_over or self._pause:
                        return Result(claimed, None)
                    await asyncio.sleep(min(wait, 1.0))
            except LimiterUnavailableError as fault:
                if not self._pause:
                    log.warning("judging.limits_unavailable", fault=str(fault))
                self._pause_for("limits")
                return Result(claimed, None)
        reply = await self.client.ask(claimed.payload)
        result = read(claimed, reply, opened.asking)
        if opened.rates.tokens is not None:
            used = tokens_used(reply, result.usage, claimed.likely_tokens)
            with contextlib.suppress(LimiterUnavailableError):
                await self.limiter.give_back(key, opened.rates, claimed.likely_tokens - used)
        return result


def read(claimed: Claimed, reply: Reply, asking: Asking) -> Result:
    """Read what came back, as far as it is a reply at all."""
    if reply.outcome is not Outcome.OK:
        return Result(claimed, reply)
    envelope = read_envelope(reply.body)
    if not isinstance(envelope, Envelope):
        return Result(
            claimed,
            reply,
            envelope,
            envelope.usage,
            envelope.content,
            envelope.finish_reason,
        )
    answer: Parsed | Missing = parse(envelope.content, asking.rubric)
    return Result(
        claimed,
        reply,
        answer,
        envelope.usage,
        envelope.content,
        envelope.finish_reason,
        envelope.model,
    )
