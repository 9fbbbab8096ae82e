"""What a shift needs before its first request: the run, its endpoint, and how that is asked."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TypeVar

from django.db import connections, transaction
from django.utils import timezone

from judging.clients import Client, Target
from judging.endpoints.addresses import read_address
from judging.endpoints.saving import EndpointFault, target_of
from judging.judges import endpoint_of, is_outdated
from judging.limits import Limiter, LimiterUnavailableError, Rates, bucket_of
from judging.models import Endpoint, JudgeRun, JudgeVersion, RunState, TrialPurpose
from judging.outcomes import LASTING, PAUSING, Outcome
from judging.probing import probe
from judging.runs import conducting, waits
from judging.runs.asking import Asking
from judging.runs.reusing import reuse
from judging.runs.trials import NoRoomError, PayingAsker
from judging.runs.turns import PATIENCE_OF_A_RUN, NoTurnError, Turns
from judging.simulator import Simulator

Found = TypeVar("Found")


@dataclass(slots=True)
class Opened:
    """A run, ready to be worked on."""

    run_id: int
    version: JudgeVersion
    asking: Asking
    endpoint: Endpoint
    target: Target
    rates: Rates


def open_run(run_id: int) -> Opened | None:
    """Load what a shift needs; None where the run does not go on, which may be found out here."""
    run = JudgeRun.objects.select_related("version__judge").get(pk=run_id)
    if run.state != RunState.RUNNING:
        return None
    if is_outdated(run.version):
        pause_if_running(run.pk, "outdated")
        return None
    reuse(run)
    try:
        endpoint = endpoint_of(run.version)
        target = target_of(endpoint)
    except EndpointFault:
        with contextlib.suppress(conducting.ConductFault):
            conducting.pause(run, None, "endpoint")
        return None
    return Opened(
        run_id,
        run.version,
        Asking.of(run.version),
        endpoint,
        target,
        rates_of(endpoint),
    )


def rates_of(endpoint: Endpoint) -> Rates:
    return Rates(endpoint.requests_per_minute, endpoint.tokens_per_minute)


def pause_if_running(run_id: int, cause: str) -> None:
    with contextlib.suppress(conducting.ConductFault):
        conducting.pause(JudgeRun.objects.get(pk=run_id), None, cause)


class Tables:
    """The one thread of a shift that touches the tables."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="judge-tables")

    async def __call__(self, act: Callable[[], Found]) -> Found:
        return await asyncio.get_running_loop().run_in_executor(self._thread, act)

    async def close(self) -> None:
        await self(connections.close_all)
        self._thread.shutdown()


async def reach(target: Target, stack: AsyncExitStack, connections_at_once: int) -> Client:
    """An open client; for the built-in endpoint, of a server that lives as long as it does."""
    if target.address.is_simulator:
        simulator = await stack.enter_async_context(Simulator(delay=0.2, keep=False))
        entry = f"127.0.0.1:{simulator.port}"
        target = Target(read_address(f"http://{entry}/v1", {entry}), target.key)
    return await stack.enter_async_context(Client(target, connections=connections_at_once))


async def find_rung(opened: Opened, client: Client, tables: Tables, limiter: Limiter) -> str:
    """How the endpoint wants to be asked; empty where that is not found now.

    A fault that passes leaves the run running: it is rung for again when the next probe is due. One
    that does not, or that came too often, pauses it.
    """
    endpoint, model = opened.endpoint, opened.asking.model
    if not await tables(lambda: waits.begin_probe(endpoint.pk)):
        # Somebody is at it, or it is too early.
        return ""
    turns = Turns(limiter, bucket_of(endpoint.pk), opened.rates, PATIENCE_OF_A_RUN, owes=True)
    paying = PayingAsker(
        client, opened.version, opened.asking, TrialPurpose.PROBE, tables, turns, opened.run_id
    )

    def give_up(cause: str) -> None:
        waits.end_probe(endpoint.pk)
        if cause:
            pause_if_running(opened.run_id, cause)

    try:
        found = await probe(paying, opened.asking)
    except NoTurnError as fault:
        wait = fault.wait
        await tables(lambda: waits.leave_probe_for(endpoint.pk, wait))
        return ""
    except (NoRoomError, LimiterUnavailableError) as fault:
        cause = fault.cause if isinstance(fault, NoRoomError) else "limits"
        await tables(lambda: give_up(cause))
        return ""

    def keep() -> None:
        if found.rung:
            remember_rung(endpoint, model, found.rung)
        elif found.outcome in PAUSING or found.outcome in LASTING:
            pause_if_running(
                opened.run_id, found.outcome.value if found.outcome in PAUSING else "failing"
            )
        else:
            if waits.put_probe_off(endpoint.pk, found.outcome, found.wait):
                pause_if_running(opened.run_id, "failing")
            return
        waits.end_probe(endpoint.pk)

    await tables(keep)
    return found.rung


def remember_rung(endpoint: Endpoint, model: str, rung: str) -> None:
    with transaction.atomic():
        held = Endpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)
        held.rungs[model] = rung
        held.tested_at, held.test_result = timezone.now(), Outcome.OK.value
        held.save(update_fields=["rungs", "tested_at", "test_result"])
