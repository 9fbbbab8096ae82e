"""Lends calls to whoever asks next, and reserves what they can cost before they leave."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Max, Q
from django.utils import timezone

from judging.budget import DUST
from judging.models import CallState, JudgeAttempt, JudgeCall, JudgeRun, RunState
from judging.runs.asking import TEXTS, Asking
from judging.runs.conducting import pause_locked
from judging.runs.money import locked, standing_under

# Renewed by whoever asks, every third of it; a killed worker's calls are free after it.
LEASE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A call that is lent, with what is sent for it."""

    call_id: int
    comparison_id: int
    order: str
    replicate: int
    attempt_id: int
    attempts_made: int
    failure_before: str
    reserved: Decimal
    payload: dict[str, Any]
    likely_tokens: int


@dataclass(frozen=True, slots=True)
class Claim:
    """What a claim gave.

    Attributes
    ----------
    calls
    is_over
        The run is not running any more, or somebody else is at it: stop asking.
    """

    calls: list[Claimed]
    is_over: bool = False


def claim(
    run_id: int, token: uuid.UUID, asking: Asking, rung: str, most: int, *, held: int = 0
) -> Claim:
    """Take up to `most` due calls of the run, with their attempts and reservations.

    All of it is committed when this returns, before any request leaves.

    Parameters
    ----------
    token : uuid.UUID
        Of the worker; results are only taken from the one that holds a call.
    held : int
        How many calls the worker holds already.
    """
    now = timezone.now()
    with transaction.atomic():
        run = JudgeRun.objects.select_for_update(no_key=True).get(pk=run_id)
        if run.state != RunState.RUNNING or (not settings.REDIS_URL and others_ask(run, token)):
            return Claim([], is_over=True)
        # What an earlier run has answered is copied, and never sent.
        due = run.calls.filter(state=CallState.PENDING, reused_from__isnull=True).filter(
            Q(not_before__isnull=True) | Q(not_before__lte=now)
        )
        if connection.features.has_select_for_update_skip_locked:
            due = due.select_for_update(no_key=True, skip_locked=True, of=("self",))
        calls = list(
            due.select_related(*(f"comparison__{text}" for text in TEXTS)).order_by("pk")[:most]
        )
        if not calls:
            return Claim([])
        asked = [_with_price(call, asking, rung) for call in calls]
        prices = [price for *_, price in asked]
        affordable = fitting(prices, room_of(run))
        if not affordable:
            if not held and not run.calls.filter(state=CallState.LEASED).exists():
                pause_locked(run, "budget")
                return Claim([], is_over=True)
            # What is in flight may give some of its reservation back.
            return Claim([])
        # From here on nobody else reserves of the study's budget until this is committed.
        amount = locked(run.study_id).amount
        if amount is not None:
            study = standing_under(run.study_id, amount)
            affordable = fitting(prices[:affordable], study.left)
            if not affordable:
                if not study.reserved:
                    pause_locked(run, "study_budget")
                    return Claim([], is_over=True)
                return Claim([])
        asked = asked[:affordable]
        ids = [call.pk for call, *_ in asked]
        won = set(
            run.calls.filter(pk__in=ids, state=CallState.PENDING).values_list("pk", flat=True)
        )
        asked = [entry for entry in asked if entry[0].pk in won]
        run.calls.filter(pk__in=won).update(
            attempts_made=F("attempts_made") + 1,
            state=CallState.LEASED,
            lease_token=token,
            lease_expires_at=now + LEASE,
            not_before=None,
        )
        numbers = dict(
            JudgeAttempt.objects.filter(call__in=won)
            .values_list("call")
            .annotate(newest=Max("number"))
        )
        attempts = JudgeAttempt.objects.bulk_create(
            JudgeAttempt(
                call=call, number=numbers.get(call.pk, 0) + 1, reserved=price, started_at=now
            )
            for call, *_, price in asked
        )
        run.reserved += sum((price for *_, price in asked), Decimal(0))
        run.save(update_fields=["reserved"])
    return Claim(
        [
            Claimed(
                call_id=call.pk,
                comparison_id=call.comparison_id,
                order=call.order,
                replicate=call.replicate,
                attempt_id=attempt.pk,
                attempts_made=call.attempts_made + 1,
                failure_before=call.failure,
                reserved=price,
                payload=payload,
                likely_tokens=tokens,
            )
            for (call, payload, tokens, price), attempt in zip(asked, attempts, strict=True)
        ]
    )


def _with_price(
    call: JudgeCall, asking: Asking, rung: str
) -> tuple[JudgeCall, dict[str, Any], int, Decimal]:
    pair = asking.pair_of(call.comparison)
    messages = asking.messages(pair, call.order, rung)
    return (
        call,
        asking.payload(messages, rung),
        asking.likely_tokens(messages),
        asking.worst_case(messages, rung),
    )


def room_of(run: JudgeRun) -> Decimal | None:
    """What the run's own budget has left; None: it has none."""
    return None if run.budget is None else run.budget - run.spent - run.reserved


def fitting(prices: Sequence[Decimal], room: Decimal | None) -> int:
    """How many of these, from the first, there is room for; None: for all."""
    if room is None:
        return len(prices)
    room, number = room - DUST, 0
    for price in prices:
        room -= price
        if room < 0:
            break
        number += 1
    return number


def others_ask(run: JudgeRun, token: uuid.UUID) -> bool:
    """Whether another worker holds calls of the run.

    Without Redis limits are kept by one process, so only one at a time works on a run.
    """
    return (
        run.calls.filter(state=CallState.LEASED, lease_expires_at__gt=timezone.now())
        .exclude(lease_token=token)
        .exists()
    )


def renew(run_id: int, token: uuid.UUID) -> int:
    """Keep what the worker holds for another lease; the number of calls."""
    with transaction.atomic():
        # As everybody who writes calls: else this and `take_back_lapsed` could wait for each other.
        JudgeRun.objects.select_for_update(no_key=True).get(pk=run_id)
        return _renewed(run_id, token)


def _renewed(run_id: int, token: uuid.UUID) -> int:
    return JudgeCall.objects.filter(
        run_id=run_id, state=CallState.LEASED, lease_token=token
    ).update(lease_expires_at=timezone.now() + LEASE)
