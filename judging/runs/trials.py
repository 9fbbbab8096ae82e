"""Requests that are no calls of a run: probes of an endpoint, and try-outs. They cost like any.

Each is a row with its worst case reserved before it leaves: of the run that needed it and of the
study's budget, or of the latter alone where a person asked. What was lost with its process is
charged by the sweep. Each takes its turn from the endpoint's limits before that.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Protocol

from django.db import transaction
from django.utils import timezone

from judging.budget import charge_for
from judging.clients import Reply
from judging.limits import LimiterUnavailableError
from judging.models import JudgeRun, JudgeTrial, JudgeVersion, RunState, TrialPurpose
from judging.outcomes import Outcome, is_billed
from judging.parsing import Usage, read_envelope
from judging.prompts import Message
from judging.runs.asking import Asking
from judging.runs.claiming import fitting, room_of
from judging.runs.money import StudyBudgetFault, check_price, locked, standing_under
from judging.runs.turns import Turns

# After this whoever sent it is gone: a probe and a try-out take 40 seconds at most.
LOST_AFTER = timedelta(seconds=60)
LOST = "lost"
NEVER_SENT = "never_sent"


class NoRoomError(StudyBudgetFault):
    """A trial could cost more than is left.

    Attributes
    ----------
    cause
        Why a run that needs it pauses: `budget` or `study_budget`; empty where what is in flight
        may still give room back, or the run does not go on anyway.
    """

    def __init__(self, cause: str, message: str) -> None:
        self.cause = cause
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial that may leave: its row is committed and its money reserved."""

    pk: int
    reserved: Decimal


def begin_trial(
    version: JudgeVersion,
    purpose: TrialPurpose,
    worst_case: Decimal,
    run_id: int | None = None,
) -> Trial:
    """Write a trial and reserve its worst case; committed when this returns.

    Raises
    ------
    NoRoomError, money.StudyBudgetFault
    """
    with transaction.atomic():
        run = None
        if run_id is not None:
            run = JudgeRun.objects.select_for_update(no_key=True).get(pk=run_id)
            if run.state != RunState.RUNNING:
                raise NoRoomError("", "The run does not go on.")
            if not fitting([worst_case], room_of(run)):
                raise NoRoomError(
                    "" if run.reserved else "budget",
                    "To ask the endpoint could cost more than the run's budget has left.",
                )
        study_id = version.judge.study_id
        amount = locked(study_id).amount
        if amount is not None:
            check_price(version)
            study = standing_under(study_id, amount)
            if not fitting([worst_case], study.left):
                raise NoRoomError(
                    "" if study.reserved else "study_budget",
                    f"To ask could cost {worst_case:.4f} US dollars. Of what all judges of the "
                    f"study may cost together {study.left:.4f} are left: raise it, or let what is "
                    "in flight end first.",
                )
        trial = JudgeTrial.objects.create(
            version=version, run=run, purpose=purpose, reserved=worst_case
        )
        if run is not None:
            run.reserved += worst_case
            run.save(update_fields=["reserved"])
    return Trial(trial.pk, worst_case)


def end_trial(pk: int, asking: Asking, reply: Reply) -> None:
    """Settle what a trial came to; what the sweep has charged meanwhile is corrected."""
    usage = usage_of(reply)
    with transaction.atomic():
        trial, run = held(pk)
        cost, _ = charge_for(asking.price, reply.outcome, reply.status, usage, trial.reserved)
        settle(trial, run, cost, reply.outcome.value, timezone.now())


def drop_trial(pk: int) -> None:
    """Give back the money of a trial that never left."""
    with transaction.atomic():
        trial, run = held(pk)
        settle(trial, run, Decimal(0), NEVER_SENT, timezone.now())


def usage_of(reply: Reply) -> Usage | None:
    return read_envelope(reply.body).usage if reply.outcome is Outcome.OK else None


def tokens_used(reply: Reply, usage: Usage | None, likely: int) -> int:
    """What a request takes of the bucket of tokens; where nobody says, all that was taken."""
    if usage is not None:
        return usage.input_tokens + usage.output_tokens
    return likely if is_billed(reply.outcome, reply.status) else 0


def held(pk: int) -> tuple[JudgeTrial, JudgeRun | None]:
    """A trial and its run, both locked, the run first as everybody does it."""
    run_id = JudgeTrial.objects.values_list("run", flat=True).get(pk=pk)
    run = None if run_id is None else JudgeRun.objects.select_for_update(no_key=True).get(pk=run_id)
    return JudgeTrial.objects.select_for_update(no_key=True).get(pk=pk), run


def settle(
    trial: JudgeTrial, run: JudgeRun | None, cost: Decimal, status: str, now: datetime
) -> None:
    """Charge a trial whose row, and whose run's, the caller holds."""
    if run is not None:
        if trial.finished_at is None:
            run.reserved = max(run.reserved - trial.reserved, Decimal(0))
        run.spent += cost - (trial.cost or Decimal(0))
        run.save(update_fields=["reserved", "spent"])
    trial.finished_at, trial.status_class, trial.cost = now, status, cost
    trial.save(update_fields=["finished_at", "status_class", "cost"])


def charge_lost_trials() -> int:
    """Charge the worst case of trials that nobody waits for any more; the number of them."""
    now = timezone.now()
    lost = JudgeTrial.objects.filter(finished_at__isnull=True, started_at__lt=now - LOST_AFTER)
    charged = 0
    for pk in lost.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            trial, run = held(pk)
            if trial.finished_at is None:
                settle(trial, run, trial.reserved, LOST, now)
                charged += 1
    return charged


class Asker(Protocol):
    """Whoever sends a probe's requests."""

    async def take_turn(self, messages: list[Message]) -> None: ...

    async def ask(self, messages: list[Message], rung: str) -> Reply: ...


class Sender(Protocol):
    """What sends a request: a client."""

    async def ask(self, payload: dict[str, object]) -> Reply: ...


@dataclass(frozen=True, slots=True)
class PayingAsker:
    """Asks about a pair outside of a run's calls, and pays for each request.

    Attributes
    ----------
    tables
        Runs what touches the tables where that may be done, out of the event loop.
    """

    client: Sender
    version: JudgeVersion
    asking: Asking
    purpose: TrialPurpose
    tables: Callable[[Callable[[], object]], Awaitable[object]]
    turns: Turns
    run_id: int | None = None

    async def take_turn(self, messages: list[Message]) -> None:
        """Wait until the limits have room for the request, and take it.

        Raises
        ------
        turns.NoTurnError, limits.LimiterUnavailableError
        """
        await self.turns.take(self.asking.likely_tokens(messages))

    async def ask(self, messages: list[Message], rung: str) -> Reply:
        """Reserve, send, settle; its turn is taken already.

        Raises
        ------
        NoRoomError, money.StudyBudgetFault
        """
        asking, worst = self.asking, self.asking.worst_case(messages, rung)
        likely = asking.likely_tokens(messages)
        try:
            pk = await self._begin(worst)
        except (asyncio.CancelledError, StudyBudgetFault):
            with contextlib.suppress(LimiterUnavailableError):
                await self.turns.leave(likely)
            raise
        try:
            reply = await self.client.ask(asking.payload(messages, rung))
        except asyncio.CancelledError:
            # A deadline of the whole probe: the request may have been billed.
            late = Reply(Outcome.TIMEOUT, None, 0.0)
            await self.tables(lambda: end_trial(pk, asking, late))
            raise
        await self.tables(lambda: end_trial(pk, asking, reply))
        with contextlib.suppress(LimiterUnavailableError):
            await self.turns.give_back(likely - tokens_used(reply, usage_of(reply), likely))
        return reply

    async def _begin(self, worst: Decimal) -> int:
        """The row of a trial that may leave. Where a deadline comes meanwhile it is committed in
        its thread all the same: it never left, and costs nothing."""
        begun: list[Trial] = []
        beginning = asyncio.ensure_future(
            self.tables(
                lambda: begun.append(begin_trial(self.version, self.purpose, worst, self.run_id))
            )
        )
        try:
            await asyncio.shield(beginning)
        except asyncio.CancelledError:
            with contextlib.suppress(StudyBudgetFault):
                await beginning
            for trial in begun:
                await self.tables(partial(drop_trial, trial.pk))
            raise
        return begun[0].pk


async def wait_for_turn(asker: Asker, messages: list[Message], deadline: asyncio.Timeout) -> None:
    """Take a turn; the deadline, which is of asking, stands still meanwhile.

    Raises
    ------
    turns.NoTurnError, limits.LimiterUnavailableError
    """
    clock, end = asyncio.get_running_loop(), deadline.when()
    begun = clock.time()
    deadline.reschedule(None)
    await asker.take_turn(messages)
    deadline.reschedule(None if end is None else end + clock.time() - begun)
