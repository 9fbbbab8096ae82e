"""Finds the strictest form of answer that an endpoint takes for a model, by a few tiny requests.

Servers reject a schema or silently ignore it, so the reply decides, read as every other is. The
requests are billed by the provider and not part of a run's budget: at most eight, of a pair of a
few words.
"""

from __future__ import annotations

from judging.clients import Client
from judging.outcomes import PAUSING, Outcome
from judging.parsing import Envelope, Parsed, parse, read_envelope
from judging.prompts import LADDER, Pair
from judging.runs.asking import Asking

TRIES_PER_RUNG = 2
TINY = Pair("What is two and two?", "Four.", "Five.")


async def probe(client: Client, asking: Asking) -> str | Outcome:
    """The rung to ask on, or the class of what kept it from being found.

    Returns
    -------
    str
        One of `prompts.LADDER`.
    Outcome
        The endpoint cannot be used now.
    """
    last = Outcome.OK
    for rung in LADDER:
        for _ in range(TRIES_PER_RUNG):
            messages = asking.messages(TINY, "ab", rung)
            reply = await client.ask(asking.payload(messages, rung))
            last = reply.outcome
            if last in PAUSING:
                return last
            if last is Outcome.REJECTED:
                break
            if last is not Outcome.OK:
                continue
            envelope = read_envelope(reply.body)
            if isinstance(envelope, Envelope) and isinstance(
                parse(envelope.content, asking.rubric), Parsed
            ):
                return rung
    # It answers and cannot be read: the run will say how often, and pause where it is always so.
    return LADDER[-1] if last is Outcome.OK else last
