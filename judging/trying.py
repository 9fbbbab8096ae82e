"""One question to a judge, now: the connection test, and the try-out on one pair.

Nothing is stored but what it cost, of a test when it was and with which class of result, and that
somebody looked at what a judge says of a sealed study's pair.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from asgiref.sync import async_to_sync, sync_to_async
from django.db import transaction
from django.utils import timezone

from annotation import audit
from annotation.models import Comparison, User
from judging.clients import Reply
from judging.endpoints.saving import EndpointFault, target_of
from judging.grades import Grade, to_grade
from judging.judges import endpoint_of
from judging.models import Endpoint, JudgeVersion, TrialPurpose
from judging.outcomes import Outcome
from judging.parsing import Envelope, Missing, Parsed, parse, read_envelope
from judging.probing import DEADLINE_SECONDS, Probed, probe
from judging.prompts import LADDER, Message
from judging.runs.asking import Asking
from judging.runs.money import StudyBudgetFault
from judging.runs.opening import reach, remember_rung
from judging.runs.trials import PayingAsker, begin_trial, end_trial


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


def check_connection(version: JudgeVersion) -> Outcome:
    """Find out how the endpoint wants to be asked, and remember it; the class of the result.

    Raises
    ------
    EndpointFault
        Also where the study's budget has no room for it.
    """
    endpoint, asking = endpoint_of(version), Asking.of(version)
    target = target_of(endpoint)

    async def ask() -> Probed:
        async with AsyncExitStack() as stack:
            client = await reach(target, stack, 1)
            return await probe(
                PayingAsker(client, version, asking, TrialPurpose.PROBE, in_this_thread), asking
            )

    # Not `asyncio.run`: between its requests a probe writes what they cost, here.
    try:
        found = async_to_sync(ask)()
    except StudyBudgetFault as fault:
        raise EndpointFault(str(fault)) from None
    if found.rung:
        remember_rung(endpoint, asking.model, found.rung)
    else:
        Endpoint.objects.filter(pk=endpoint.pk).update(
            tested_at=timezone.now(), test_result=found.outcome.value
        )
    return found.outcome


def note_look(version: JudgeVersion, comparison: Comparison, actor: User) -> None:
    """Write down that somebody asks a judge about a pair of a sealed study.

    Which of two responses wins is an outcome, though only a judge's.
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
        Also where the study's budget has no room for it.
    """
    endpoint, asking = endpoint_of(version), Asking.of(version)
    target = target_of(endpoint)
    rung = endpoint.rungs.get(asking.model)
    if rung not in LADDER:
        rung = LADDER[0]
    messages = asking.messages(asking.pair_of(comparison), order, rung)
    payload = asking.payload(messages, rung)

    async def ask() -> Reply:
        async with AsyncExitStack() as stack:
            client = await reach(target, stack, 1)
            async with asyncio.timeout(DEADLINE_SECONDS):
                return await client.ask(payload)

    try:
        trial = begin_trial(version, TrialPurpose.TRY_OUT, asking.worst_case(messages, rung))
    except StudyBudgetFault as fault:
        raise EndpointFault(str(fault)) from None
    try:
        reply = asyncio.run(ask())
    except TimeoutError:
        reply = Reply(Outcome.TIMEOUT, None, DEADLINE_SECONDS * 1000)
    end_trial(trial.pk, asking, reply)
    if reply.outcome is not Outcome.OK:
        return Tried(messages, rung, reply.outcome, latency_ms=reply.latency_ms)
    envelope = read_envelope(reply.body)
    answer: Parsed | Missing = (
        parse(envelope.content, asking.rubric) if isinstance(envelope, Envelope) else envelope
    )
    grade = to_grade(answer.answer, order) if isinstance(answer, Parsed) else None
    return Tried(messages, rung, reply.outcome, envelope.content, answer, grade, reply.latency_ms)
