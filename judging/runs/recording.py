"""Stores what requests came to: once per call, by the token of whoever holds it.

What arrived while the last results were being stored is stored together, in one transaction.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from annotation.models import Criterion
from judging.budget import charge_for
from judging.clients import Reply
from judging.grades import to_grade
from judging.models import (
    CallState,
    JudgeAttempt,
    JudgeCall,
    JudgeRun,
    Judgment,
    JudgmentCriterion,
    RunState,
)
from judging.outcomes import Outcome
from judging.parsing import Missing, Parsed, Usage
from judging.runs.asking import Asking
from judging.runs.claiming import Claimed
from judging.runs.conducting import finish_locked, pause_locked
from judging.runs.next_step import Step, step_for_failure, step_for_reply
from judging.runs.rows import update_each

MOST_KEPT_OF_A_REPLY = 16_384
# The class of an attempt whose worker went away, and of one that never left.
LOST, UNSENT = "lost", "unsent"

# Not secret: it only spreads retries.
jitter = random.Random()  # noqa: S311


@dataclass(frozen=True, slots=True)
class Result:
    """What a request came to, with what could be read of its reply.

    Attributes
    ----------
    reply
        None: it was never sent; the call goes back as if it had not been claimed.
    answer
        Of a reply that arrived whole; None otherwise.
    """

    claimed: Claimed
    reply: Reply | None
    answer: Parsed | Missing | None = None
    usage: Usage | None = None
    content: str = ""
    finish_reason: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """Whether the worker may go on."""

    is_over: bool


def record(
    run_id: int, token: uuid.UUID, asking: Asking, rung: str, results: Sequence[Result]
) -> Recorded:
    """Store results, settle their reservations, and say whether the run goes on."""
    now = timezone.now()
    with transaction.atomic():
        run = JudgeRun.objects.select_for_update(no_key=True).get(pk=run_id)
        calls = {
            call.pk: call
            for call in JudgeCall.objects.select_for_update(no_key=True)
            .filter(pk__in=[result.claimed.call_id for result in results])
            .order_by("pk")
        }
        attempts = {
            attempt.pk: attempt
            for attempt in JudgeAttempt.objects.filter(
                pk__in=[result.claimed.attempt_id for result in results]
            )
        }
        criteria = dict(Criterion.objects.filter(study_id=run.study_id).values_list("key", "pk"))
        limits = limits_before(
            [result.claimed.call_id for result in results if is_limited(result)], run.resumed_at
        )
        judged: list[tuple[Judgment, Parsed]] = []
        moved: list[JudgeCall] = []
        pauses: list[str] = []
        for result in results:
            call = calls[result.claimed.call_id]
            attempt = attempts[result.claimed.attempt_id]
            was_open = attempt.finished_at is None
            charged_before = attempt.cost or Decimal(0)
            cost, flag = cost_of_result(asking, result)
            fill_attempt(attempt, result, cost, flag, now)
            if was_open:
                run.reserved -= attempt.reserved
                run.spent += cost
            else:
                # The lease was lost and the worst case charged: now it is known better.
                run.spent += cost - charged_before
            holds = was_open and call.state == CallState.LEASED and call.lease_token == token
            if not holds:
                continue
            step = step_of(result, limits.get(call.pk, Limits(0, attempt.started_at)), now)
            apply(call, step, run, now)
            moved.append(call)
            if step.pause:
                pauses.append(step.pause)
            if call.state == CallState.SUCCEEDED and isinstance(result.answer, Parsed):
                judged.append((judgment_of(result, run, call, rung, cost, flag), result.answer))
        run.reserved = max(run.reserved, Decimal(0))
        update_each(list(attempts.values()), ATTEMPT_FIELDS)
        update_each(moved, CALL_FIELDS)
        Judgment.objects.bulk_create([judgment for judgment, _ in judged])
        JudgmentCriterion.objects.bulk_create(
            row
            for judgment, answer in judged
            for row in criteria_of(judgment, answer, asking, criteria)
        )
        run.save(update_fields=["reserved", "spent"])
        if pauses and run.state == RunState.RUNNING:
            pause_locked(run, pauses[0])
        finish_locked(run)
        return Recorded(is_over=run.state != RunState.RUNNING)


ATTEMPT_FIELDS = [
    "finished_at",
    "status_class",
    "http_status",
    "latency_ms",
    "usage",
    "cost",
    "provider_request_id",
    "finish_reason",
    "body",
]
CALL_FIELDS = [
    "state",
    "lease_token",
    "lease_expires_at",
    "not_before",
    "attempts_made",
    "failure",
]


def cost_of_result(asking: Asking, result: Result) -> tuple[Decimal, str]:
    """What is charged, and what is odd about it."""
    reply = result.reply
    if reply is None:
        return Decimal(0), ""
    return charge_for(
        asking.price, reply.outcome, reply.status, result.usage, result.claimed.reserved
    )


def fill_attempt(
    attempt: JudgeAttempt, result: Result, cost: Decimal, flag: str, now: datetime
) -> None:
    reply = result.reply
    attempt.finished_at = now
    attempt.cost = cost
    if reply is None:
        attempt.status_class = UNSENT
        return
    attempt.status_class = reply.outcome.value
    if isinstance(result.answer, Missing):
        attempt.status_class = result.answer.cause
    attempt.http_status = reply.status
    attempt.latency_ms = reply.latency_ms
    attempt.provider_request_id = reply.request_id
    attempt.finish_reason = result.finish_reason
    attempt.body = storable(result.content[:MOST_KEPT_OF_A_REPLY])
    usage: dict[str, Any] = {"flag": flag} if flag else {}
    if result.usage is not None:
        usage |= {
            "input_tokens": result.usage.input_tokens,
            "cached_tokens": result.usage.cached_tokens,
            "output_tokens": result.usage.output_tokens,
        }
    attempt.usage = usage


def storable(text: str) -> str:
    """A model's text as both databases take it."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def is_limited(result: Result) -> bool:
    return result.reply is not None and result.reply.outcome is Outcome.RATE_LIMITED


@dataclass(frozen=True, slots=True)
class Limits:
    """Rate limits in a row, and when the request left that met the first of them."""

    number: int
    since: datetime


def limits_before(calls: Sequence[int], resumed_at: datetime | None) -> dict[int, Limits]:
    """The unbroken series of rate limits that each call has behind it, where there is one.

    Parameters
    ----------
    resumed_at : datetime, optional
        A series begins anew when people resume a run or ask again.
    """
    attempts = JudgeAttempt.objects.filter(call__in=calls, finished_at__isnull=False)
    if resumed_at is not None:
        attempts = attempts.filter(started_at__gte=resumed_at)
    found: dict[int, Limits] = {}
    ended = set()
    for call, what, at in (
        attempts.exclude(status_class__in=[LOST, UNSENT])
        .order_by("call", "-number")
        .values_list("call", "status_class", "started_at")
    ):
        if what != Outcome.RATE_LIMITED.value:
            ended.add(call)
        if call not in ended:
            before = found.get(call)
            found[call] = Limits(1 if before is None else before.number + 1, at)
    return found


def step_of(result: Result, limits: Limits, now: datetime) -> Step:
    claimed, reply = result.claimed, result.reply
    if reply is None:
        return Step(CallState.PENDING, claimed.failure_before, counts=False)
    if reply.outcome is Outcome.OK:
        missing = result.answer if isinstance(result.answer, Missing) else None
        return step_for_reply(
            missing.cause if missing else "",
            missing.detail if missing else "",
            claimed.attempts_made,
            claimed.failure_before,
        )
    return step_for_failure(
        reply.outcome,
        attempts_made=claimed.attempts_made,
        failure_before=claimed.failure_before,
        wait=reply.wait,
        waited=(now - limits.since).total_seconds(),
        limits_seen=limits.number + 1,
        chance=jitter.random(),
    )


def apply(call: JudgeCall, step: Step, run: JudgeRun, now: datetime) -> None:
    """Move a call that is held to where its result takes it."""
    call.state = CallState(step.state)
    call.failure = step.failure
    call.lease_token = call.lease_expires_at = None
    call.not_before = now + timedelta(seconds=step.delay) if step.delay > 0 else None
    if not step.counts:
        call.attempts_made -= 1
    if call.state == CallState.PENDING and run.state == RunState.CANCELLED:
        call.state = CallState.CANCELLED


def judgment_of(
    result: Result, run: JudgeRun, call: JudgeCall, rung: str, cost: Decimal, flag: str
) -> Judgment:
    answer, reply = result.answer, result.reply
    if not isinstance(answer, Parsed) or reply is None:
        raise TypeError("A judgment is made of an answer.")
    grade = to_grade(answer.answer, call.order)
    metadata: dict[str, Any] = {"form": rung}
    if answer.contradicts:
        metadata["contradicts"] = True
    if flag:
        metadata["usage"] = flag
    if result.model and result.model != result.claimed.payload["model"]:
        metadata["model"] = storable(result.model)
    return Judgment(
        version_id=run.version_id,
        comparison_id=call.comparison_id,
        order=call.order,
        call=call,
        verdict=grade.verdict,
        margin=grade.margin,
        confidence=answer.confidence,
        reason=storable(answer.reason),
        input_tokens=result.usage.input_tokens if result.usage else None,
        output_tokens=result.usage.output_tokens if result.usage else None,
        cost=cost,
        latency_ms=reply.latency_ms,
        metadata=metadata,
    )


def criteria_of(
    judgment: Judgment, answer: Parsed, asking: Asking, criteria: dict[str, int]
) -> list[JudgmentCriterion]:
    """The decision on each criterion that the study has, by the levels of the two responses."""
    found = []
    for criterion in asking.rubric.criteria:
        said, pk = answer.levels.get(criterion.key), criteria.get(criterion.key)
        if said is None or pk is None or criterion.key == Criterion.OVERALL:
            continue
        steps = {level.id: number for number, level in enumerate(criterion.levels)}
        first_is_a = judgment.order == "ab"
        a, b = ("first", "second") if first_is_a else ("second", "first")
        lead = steps[said[a]] - steps[said[b]]
        found.append(
            JudgmentCriterion(
                judgment=judgment,
                criterion_id=pk,
                verdict="a" if lead > 0 else "b" if lead < 0 else "tie",
                margin=min(abs(lead), 2) or None,
                levels={
                    "a": said[a],
                    "b": said[b],
                    "reason": storable(said.get("reason", "")),
                },
            )
        )
    return found
