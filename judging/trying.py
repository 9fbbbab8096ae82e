"""One question to a judge, now: the connection test, and the try-out on one pair.

Nothing is stored but what it cost, of a test when it was and with which class of result, and that
somebody looked at what a judge says of a sealed study's pair.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TypeVar

from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from annotation import audit
from annotation.models import Comparison, User
from judging.clients import Reply, Target
from judging.endpoints.saving import EndpointFault, target_of
from judging.grades import Grade, to_grade
from judging.judges import endpoint_of
from judging.limits import LimiterUnavailableError, bucket_of, make_limiter
from judging.models import Endpoint, JudgeVersion, TrialPurpose
from judging.outcomes import Outcome
from judging.parsing import Envelope, Missing, Parsed, parse, read_envelope
from judging.probing import DEADLINE_SECONDS, Probed, probe
from judging.prompts import LADDER, Message
from judging.runs.asking import Asking
from judging.runs.money import StudyBudgetFault
from judging.runs.opening import rates_of, reach, remember_rung
from judging.runs.trials import PayingAsker
from judging.runs.turns import PATIENCE_OF_A_PERSON, NoTurnError, Turns

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Tried:
    """A question as it was sent, and what came back.

    Attributes
    ----------
    outcome
        The class of the request's result.
    reply
        The text of the reply; empty where there was none. Never an error's body.
    """

    messages: list[Message]
    rung: str
    outcome: Outcome
    reply: str = ""
    answer: Parsed | Missing | None = None
    grade: Grade | None = None
    latency_ms: float = 0.0


async def in_this_thread(act: Callable[[], object]) -> object:
    """Do what touches the tables in the thread that waits for the loop."""
    return await sync_to_async(act)()


async def open_asker(
    version: JudgeVersion,
    endpoint: Endpoint,
    target: Target,
    purpose: TrialPurpose,
    stack: AsyncExitStack,
) -> PayingAsker:
    """Who asks for a person: an open client, with turns from the endpoint's limits.

    A test goes on without room once its first request has left, as a run's probe does: it asks
    several times, and where little is allowed it would be charged each time and never end.
    """
    client = await reach(target, stack, 1)
    limiter = make_limiter(settings.REDIS_URL)
    stack.push_async_callback(limiter.close)
    turns = Turns(
        limiter,
        bucket_of(endpoint.pk),
        rates_of(endpoint),
        PATIENCE_OF_A_PERSON,
        owes=purpose is TrialPurpose.PROBE,
    )
    return PayingAsker(client, version, Asking.of(version), purpose, in_this_thread, turns)


def as_a_person(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """Ask, and say in a sentence why nothing could be asked.

    Raises
    ------
    EndpointFault
    """
    # Not `asyncio.run`: what a request costs is written between requests, in this thread.
    try:
        return async_to_sync(ask)()
    except (StudyBudgetFault, NoTurnError) as fault:
        raise EndpointFault(str(fault)) from None
    except LimiterUnavailableError:
        raise EndpointFault(
            "The limits of this endpoint are kept in Redis, which is out of reach. Nothing was "
            "sent: try again when it is back, which the operator's health checks say."
        ) from None


def check_connection(version: JudgeVersion) -> Outcome:
    """Find out how the endpoint wants to be asked, and remember it; the class of the result.

    Raises
    ------
    EndpointFault
        Also where the study's budget or the endpoint's limits have no room for it.
    """
    endpoint, asking = endpoint_of(version), Asking.of(version)
    target = target_of(endpoint)

    async def ask() -> Probed:
        async with AsyncExitStack() as stack:
            asker = await open_asker(version, endpoint, target, TrialPurpose.PROBE, stack)
            return await probe(asker, asking)

    found = as_a_person(ask)
    if found.rung:
        remember_rung(endpoint, asking.model, found.rung)
    else:
        Endpoint.objects.filter(pk=endpoint.pk).update(
            tested_at=timezone.now(), test_result=found.outcome.value
        )
    return found.outcome


def note_look(version: JudgeVersion, comparison: Comparison, actor: User) -> None:
    """Write down that somebody asked a judge about a pair of a sealed study.

    Which of two responses wins is an outcome, though only a judge's. Called when the question was
    sent and before anything of the answer is shown.
    """
    study = version.judge.study
    if study.is_sealed:
        with transaction.atomic():
            audit.record(
                study,
                actor,
                "look",
                {"how": "judge try-out", "comparison": comparison.pk, "judge": version.pk},
            )


def try_out(version: JudgeVersion, comparison: Comparison, order: str) -> Tried:
    """Ask a judge about one pair in one order.

    Raises
    ------
    EndpointFault
        Also where the study's budget or the endpoint's limits have no room for it.
    """
    endpoint, asking = endpoint_of(version), Asking.of(version)
    target = target_of(endpoint)
    rung = endpoint.rungs.get(asking.model)
    if rung not in LADDER:
        rung = LADDER[0]
    messages = asking.messages(asking.pair_of(comparison), order, rung)

    async def ask() -> Reply:
        async with AsyncExitStack() as stack:
            asker = await open_asker(version, endpoint, target, TrialPurpose.TRY_OUT, stack)
            await asker.take_turn(messages)
            async with asyncio.timeout(DEADLINE_SECONDS):
                return await asker.ask(messages, rung)

    try:
        reply = as_a_person(ask)
    except TimeoutError:
        reply = Reply(Outcome.TIMEOUT, None, DEADLINE_SECONDS * 1000)
    if reply.outcome is not Outcome.OK:
        return Tried(messages, rung, reply.outcome, latency_ms=reply.latency_ms)
    envelope = read_envelope(reply.body)
    answer: Parsed | Missing = (
        parse(envelope.content, asking.rubric) if isinstance(envelope, Envelope) else envelope
    )
    grade = to_grade(answer.answer, order) if isinstance(answer, Parsed) else None
    return Tried(messages, rung, reply.outcome, envelope.content, answer, grade, reply.latency_ms)
