"""Finds the strictest form of answer that an endpoint takes for a model, by a few tiny requests.

Servers reject a schema or silently ignore it, so the reply decides, read as every other is. Only
what says something of a form steps down from it: a rejection, or replies that cannot be read. Any
other fault passes, and would be taken for a form that the server does not know. The requests are at
most eight, of a pair of a few words; whoever sends them pays for them, and waits for their turns.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from judging.outcomes import Outcome
from judging.parsing import Envelope, Parsed, parse, read_envelope
from judging.prompts import LADDER, Pair
from judging.runs.asking import Asking
from judging.runs.trials import Asker, wait_for_turn

TRIES_PER_RUNG = 2
# For all of it. A page may wait for it, and a worker's shift has more to do.
DEADLINE_SECONDS = 40.0
TINY = Pair("What is two and two?", "Four.", "Five.")


@dataclass(frozen=True, slots=True)
class Probed:
    """What a probe came to.

    Attributes
    ----------
    rung
        One of `prompts.LADDER`; empty where it was not found.
    outcome
        The class of what kept it from being found, or OK.
    wait
        Seconds that the server asks to wait; None where it does not say.
    """

    rung: str
    outcome: Outcome = Outcome.OK
    wait: float | None = None


async def probe(asker: Asker, asking: Asking) -> Probed:
    """The rung to ask on, or what kept it from being found; within `DEADLINE_SECONDS` of asking.

    Raises
    ------
    runs.trials.NoRoomError
        There is no money left to ask.
    runs.turns.NoTurnError, limits.LimiterUnavailableError
        The limits leave no room, or cannot be kept.
    """
    try:
        async with asyncio.timeout(DEADLINE_SECONDS) as deadline:
            return await _step_down(asker, asking, deadline)
    except TimeoutError:
        return Probed("", Outcome.TIMEOUT)


async def _step_down(asker: Asker, asking: Asking, deadline: asyncio.Timeout) -> Probed:
    last = Outcome.OK
    for rung in LADDER:
        for _ in range(TRIES_PER_RUNG):
            messages = asking.messages(TINY, "ab", rung)
            await wait_for_turn(asker, messages, deadline)
            reply = await asker.ask(messages, rung)
            last = reply.outcome
            if last is Outcome.REJECTED:
                break
            if last is Outcome.OVERSIZED:
                continue
            if last is not Outcome.OK:
                return Probed("", last, reply.wait)
            envelope = read_envelope(reply.body)
            if isinstance(envelope, Envelope) and isinstance(
                parse(envelope.content, asking.rubric), Parsed
            ):
                return Probed(rung)
    # It answers and cannot be read: the run will say how often, and pause where it is always so.
    return Probed(LADDER[-1]) if last is Outcome.OK else Probed("", last)
