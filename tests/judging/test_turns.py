"""Probes and try-outs take from an endpoint's limits as calls do, and wait a bounded while."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from annotation.models import Comparison
from judging import trying
from judging.clients import Client, Reply
from judging.endpoints.saving import EndpointFault
from judging.limits import ProcessLimiter, Rates, RedisLimiter, bucket_of
from judging.models import Endpoint, JudgeTrial, RunState, TrialPurpose
from judging.outcomes import Outcome
from judging.probing import DEADLINE_SECONDS, TINY, probe
from judging.runs import trials, waits
from judging.runs.asking import Asking
from judging.runs.money import standing_of
from judging.runs.opening import Tables, reach
from judging.runs.starting import start_run
from judging.runs.study_budget import set_study_budget
from judging.runs.trials import PayingAsker
from judging.runs.turns import NoTurnError, Turns
from judging.runs.working import work
from judging.trying import check_connection, try_out
from tests.judging.asked import PATIENCE_S, add, let_pass, make_judged_study, simulating
from tests.services import free_port

pytestmark = pytest.mark.django_db(transaction=True)


class Clock:
    """Time that passes where somebody sleeps."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0

        async def sleep(seconds: float, *_: object) -> None:
            self.now += seconds

        monkeypatch.setattr("judging.runs.turns.asyncio.sleep", sleep)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def limiter(monkeypatch: pytest.MonkeyPatch, settings) -> ProcessLimiter:
    """Buckets of this test alone, that nothing flows into."""
    settings.REDIS_URL = ""
    own = ProcessLimiter(lambda: 0.0)
    monkeypatch.setattr("judging.limits._of_this_process", own)
    return own


def bucket(endpoint: Endpoint, limiter: ProcessLimiter) -> dict[str, float]:
    key = bucket_of(endpoint.pk)
    return {kind: level for (own, kind), (level, _) in limiter._levels.items() if own == key}


@pytest.mark.parametrize("kind", ["process", pytest.param("redis", marks=pytest.mark.redis)])
def test_what_is_owed_is_waited_for_by_the_next(kind, request) -> None:
    rates = Rates(requests=1)

    async def asked() -> list[float]:
        limiter = (
            ProcessLimiter(lambda: 0.0)
            if kind == "process"
            else RedisLimiter(request.getfixturevalue("redis_url"))
        )
        took = [await limiter.take("owing", rates, 1) for _ in range(2)]
        owed = [await limiter.take("owing", rates, 1, owing=True) for _ in range(3)]
        last = await limiter.take("owing", rates, 1)
        await limiter.close()
        return [*took, *owed, last]

    begun = time.monotonic()
    first, second, *owed, last = asyncio.run(asked())
    # Redis has a clock of its own, which goes on while the machine is busy.
    lasted = time.monotonic() - begun
    assert (first, owed) == (0, [0] * 3)
    assert 59.9 - lasted <= second <= 60
    assert 239.9 - lasted <= last <= 240


def test_a_turn_is_waited_for_as_long_as_patience_lasts(monkeypatch) -> None:
    clock = Clock(monkeypatch)
    turns = Turns(ProcessLimiter(clock), "e", Rates(requests=6), patience=25)

    async def take_all() -> None:
        # The burst is one request; each further one comes after ten seconds.
        for _ in range(3):
            await turns.take(1)
        await turns.take(1)

    with pytest.raises(NoTurnError, match=r"\(6 requests a minute\) .* about 10 seconds"):
        asyncio.run(take_all())
    assert clock.now == pytest.approx(20)


def test_who_owes_goes_on_after_the_first_and_never_begins_without_room(monkeypatch) -> None:
    clock = Clock(monkeypatch)
    limiter, rates = ProcessLimiter(clock), Rates(requests=1)

    async def take(turns: Turns, times: int) -> None:
        for _ in range(times):
            await turns.take(1)

    asyncio.run(take(Turns(limiter, "e", rates, 30, owes=True), 4))
    assert clock.now == 0
    with pytest.raises(NoTurnError, match="240 seconds"):
        asyncio.run(take(Turns(limiter, "e", rates, 30, owes=True), 1))


def test_a_test_and_a_try_out_take_from_the_buckets_and_give_back_what_was_too_much(
    limiter,
) -> None:
    study = make_judged_study(1)
    version = add(
        study,
        "simulator://built-in/v1",
        "fair:delay=0",
        endpoint={"requests_per_minute": 120, "tokens_per_minute": 60_000},
    )
    endpoint = Endpoint.objects.get()
    assert check_connection(version) is Outcome.OK
    once = bucket(endpoint, limiter)
    assert once["r"] == 19
    # Ten seconds of 60,000 a minute, less what the simulator says it used.
    assert 9_000 < once["t"] < 10_000 - 100
    assert try_out(version, Comparison.objects.get(), "ab").outcome is Outcome.OK
    twice = bucket(endpoint, limiter)
    assert twice["r"] == 18
    assert 8_000 < twice["t"] < once["t"] - 100


class Picky:
    """A client of an endpoint that takes no schemas."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def ask(self, payload: dict[str, Any]) -> Reply:
        if payload.get("response_format", {}).get("type") == "json_schema":
            return Reply(Outcome.REJECTED, 400, 1.0)
        return await self.client.ask(payload)


def test_a_test_that_has_begun_ends_where_little_is_allowed(limiter, monkeypatch) -> None:
    monkeypatch.setattr(trying, "PATIENCE_OF_A_PERSON", 0.1)

    async def reach_picky(*given):
        return Picky(await reach(*given))

    monkeypatch.setattr(trying, "reach", reach_picky)
    version = add(
        make_judged_study(1),
        "simulator://built-in/v1",
        "fair:delay=0",
        endpoint={"requests_per_minute": 3},
    )
    assert check_connection(version) is Outcome.OK
    endpoint = Endpoint.objects.get()
    asked = JudgeTrial.objects.count()
    assert asked > 1
    # The bucket holds one; the others are owed, by all who ask after it.
    assert bucket(endpoint, limiter)["r"] == 1 - asked
    with pytest.raises(EndpointFault, match="leave no room"):
        try_out(version, Comparison.objects.get(), "ab")
    assert JudgeTrial.objects.count() == asked


@pytest.mark.parametrize("ask", ["test", "try_out"])
def test_where_judges_take_all_a_person_is_told_and_nothing_is_sent(
    ask, limiter, settings, monkeypatch
) -> None:
    monkeypatch.setattr("judging.trying.PATIENCE_OF_A_PERSON", 0.2)
    with simulating() as simulator:
        settings.JUDGE_LOCAL_ENDPOINTS = {f"127.0.0.1:{simulator.port}"}
        version = add(make_judged_study(1), simulator.url, endpoint={"requests_per_minute": 3})
        endpoint, clock = Endpoint.objects.get(), Clock(monkeypatch)
        key = bucket_of(endpoint.pk)
        asyncio.run(limiter.take(key, Rates(requests=3), 1))
        asks = {
            "test": check_connection,
            "try_out": lambda one: try_out(one, Comparison.objects.get(), "ab"),
        }
        with pytest.raises(EndpointFault, match=r"\(3 requests a minute\) leave no room"):
            asks[ask](version)
        assert clock.now <= 0.2
        assert not simulator.log
    assert not JudgeTrial.objects.exists()


def test_limits_out_of_reach_are_told_of_and_nothing_is_sent(settings) -> None:
    version = add(
        make_judged_study(1),
        "simulator://built-in/v1",
        "fair:delay=0",
        endpoint={"requests_per_minute": 60},
    )
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    for ask in (check_connection, lambda one: try_out(one, Comparison.objects.get(), "ab")):
        with pytest.raises(EndpointFault, match="Redis, which is out of reach"):
            ask(version)
    assert not JudgeTrial.objects.exists()

    run = start_run(version, actor=None)
    asyncio.run(work(run.pk, at_once=2, seconds=2))
    run.refresh_from_db()
    assert (run.state, run.pause_cause) == (RunState.PAUSED, "limits")
    assert not JudgeTrial.objects.exists()


def test_a_runs_probe_comes_back_when_there_is_room(limiter, settings, monkeypatch) -> None:
    monkeypatch.setattr("judging.runs.opening.PATIENCE_OF_A_RUN", 0.2)
    with simulating() as simulator:
        settings.JUDGE_LOCAL_ENDPOINTS = {f"127.0.0.1:{simulator.port}"}
        version = add(make_judged_study(1), simulator.url, endpoint={"requests_per_minute": 3})
        run = start_run(version, actor=None)
        endpoint = Endpoint.objects.get()
        asyncio.run(limiter.take(bucket_of(endpoint.pk), Rates(requests=3), 1))
        begun = timezone.now()
        asyncio.run(work(run.pk, at_once=2, seconds=2))
        ended = timezone.now()
        run.refresh_from_db()
        assert run.state == RunState.RUNNING
        assert not simulator.log
        endpoint.refresh_from_db()
        until = waits.left_alone_until(run)
        assert until is not None
        assert begun + timedelta(seconds=15) < until <= ended + timedelta(seconds=20)
        # It is no fault of the endpoint's.
        assert (endpoint.failed_probes, endpoint.rate_limits) == (0, 0)


class Silent:
    """A client that is never reached."""

    async def ask(self, payload: dict[str, object]) -> Reply:
        raise AssertionError("It must not be sent.")


def test_a_probe_that_never_left_costs_nothing(limiter, monkeypatch) -> None:
    """The deadline comes while the row is written in a thread, which goes on and commits it."""
    version = add(make_judged_study(1), "simulator://built-in/v1", "fair:delay=0")
    asking = Asking.of(version)
    run = start_run(version, actor=None, budget=Decimal(1))
    rates = Rates(requests=60, tokens=600_000)
    begin, too_late = trials.begin_trial, threading.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    def deadline_comes() -> None:
        let_pass(2 * DEADLINE_SECONDS, loops[0])
        # After whatever was due before.
        loops[0].call_later(0, too_late.set)

    def slowly(*given):
        loops[0].call_soon_threadsafe(deadline_comes)
        assert too_late.wait(PATIENCE_S)
        return begin(*given)

    monkeypatch.setattr(trials, "begin_trial", slowly)

    async def probed():
        loops.append(asyncio.get_running_loop())
        tables, turns = Tables(), Turns(limiter, "e", rates, 1)
        asker = PayingAsker(Silent(), version, asking, TrialPurpose.PROBE, tables, turns, run.pk)
        try:
            return await probe(asker, asking)
        finally:
            await tables.close()

    assert asyncio.run(probed()).outcome is Outcome.TIMEOUT
    trial = JudgeTrial.objects.get()
    assert (trial.status_class, trial.cost) == (trials.NEVER_SENT, Decimal(0))
    run.refresh_from_db()
    assert (run.spent, run.reserved) == (Decimal(0), Decimal(0))
    assert standing_of(version.judge.study_id).spent == 0
    assert limiter._levels["e", "t"][0] == 100_000, "its tokens are given back"
    assert limiter._levels["e", "r"][0] == 10, "and its turn"


def test_a_probe_without_money_takes_no_turns_from_others(limiter) -> None:
    study = make_judged_study(1)
    limits = {"requests_per_minute": 60, "tokens_per_minute": 600_000}
    version = add(study, "simulator://built-in/v1", "fair:delay=0", endpoint=limits)
    endpoint, full = Endpoint.objects.get(), {"r": 10, "t": 100_000}
    run = start_run(version, actor=None, budget=Decimal("0.0000001"))
    asyncio.run(work(run.pk, at_once=2, seconds=2))
    run.refresh_from_db()
    assert (run.state, run.pause_cause) == (RunState.PAUSED, "budget")
    assert bucket(endpoint, limiter) == full
    set_study_budget(study, None, Decimal("0.0000001"))
    for ask in (check_connection, lambda one: try_out(one, Comparison.objects.get(), "ab")):
        with pytest.raises(EndpointFault, match="To ask could cost"):
            ask(version)
    assert bucket(endpoint, limiter) == full


def test_waiting_for_a_turn_does_not_use_up_the_time_to_ask(limiter) -> None:
    asked = []

    class Patient:
        async def take_turn(self, messages) -> None:
            let_pass(2 * DEADLINE_SECONDS, asyncio.get_running_loop())
            # Whatever is due by now has its turn.
            await asyncio.sleep(0.01)

        async def ask(self, messages, rung) -> Reply:
            asked.append(rung)
            return Reply(Outcome.REJECTED, 400, 1.0)

    version = add(make_judged_study(1), "simulator://built-in/v1", "fair:delay=0")
    asking = Asking.of(version)
    assert asking.messages(TINY, "ab", "text")
    found = asyncio.run(probe(Patient(), asking))
    assert (found.outcome, len(asked)) == (Outcome.REJECTED, 4)


def test_the_page_says_that_there_is_no_room(limiter, monkeypatch) -> None:
    monkeypatch.setattr(trying, "PATIENCE_OF_A_PERSON", 0.1)
    version = add(
        make_judged_study(1),
        "simulator://built-in/v1",
        "fair:delay=0",
        endpoint={"tokens_per_minute": 600},
    )
    endpoint = Endpoint.objects.get()
    asyncio.run(limiter.take(bucket_of(endpoint.pk), Rates(tokens=600), 5_000))
    with pytest.raises(EndpointFault) as told:
        check_connection(version)
    assert str(told.value) == (
        "The limits of this endpoint (600 tokens a minute) leave no room for another request now. "
        "Try again in about 500 seconds, or raise them."
    )
