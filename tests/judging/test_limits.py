"""Both limiters keep the same promise: requests and tokens together, or nothing."""

from __future__ import annotations

import asyncio
import time

import pytest

from judging.limits import (
    LimiterUnavailableError,
    ProcessLimiter,
    Rates,
    RedisLimiter,
)
from tests.services import free_port


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def run(coroutine):
    return asyncio.run(coroutine)


def test_an_hour_of_asking_stays_within_the_limit() -> None:
    clock = Clock()
    limiter, rates = ProcessLimiter(clock), Rates(requests=60, tokens=6_000)

    async def ask_all_the_time() -> int:
        asked = 0
        while clock.now < 3600:
            wait = await limiter.take("e", rates, 50)
            asked += wait == 0
            clock.now += max(wait, 0.0)
        return asked

    # A burst of ten seconds, and then one a second.
    assert 3600 <= run(ask_all_the_time()) <= 3611


def test_nothing_is_taken_where_one_of_the_two_is_short() -> None:
    clock = Clock()
    limiter = ProcessLimiter(clock)
    rates = Rates(requests=60, tokens=600)

    async def asked() -> list[float]:
        took = [await limiter.take("e", rates, 100)]
        for _ in range(20):
            took.append(await limiter.take("e", rates, 100))
        clock.now += 10
        return [*took, await limiter.take("e", rates, 100)]

    waits = run(asked())
    assert waits[0] == 0
    # Twenty refusals have not used up the ten requests of the burst.
    assert all(wait == pytest.approx(10) for wait in waits[1:-1])
    assert waits[-1] == 0


def test_a_request_larger_than_the_bucket_leaves_a_debt() -> None:
    clock = Clock()
    limiter, rates = ProcessLimiter(clock), Rates(tokens=600)

    async def asked() -> tuple[float, float]:
        return await limiter.take("e", rates, 1_000), await limiter.take("e", rates, 1)

    first, second = run(asked())
    assert first == 0
    assert second == pytest.approx(90.1)


def test_what_was_not_needed_is_given_back() -> None:
    clock = Clock()
    limiter, rates = ProcessLimiter(clock), Rates(tokens=600)

    async def asked() -> float:
        await limiter.take("e", rates, 100)
        await limiter.give_back("e", rates, 60)
        return await limiter.take("e", rates, 60)

    assert run(asked()) == 0


@pytest.mark.parametrize("kind", ["process", pytest.param("redis", marks=pytest.mark.redis)])
def test_a_request_that_never_left_is_given_back(kind, request) -> None:
    rates = Rates(requests=1, tokens=600)

    async def asked() -> list[float]:
        limiter = (
            ProcessLimiter(Clock())
            if kind == "process"
            else RedisLimiter(request.getfixturevalue("redis_url"))
        )
        waits = [await limiter.take("left", rates, 100)]
        await limiter.give_back("left", rates, 100)
        waits.append(await limiter.take("left", rates, 100))
        await limiter.give_back("left", rates, 0, requests=1)
        waits.append(await limiter.take("left", rates, 100))
        await limiter.close()
        return waits

    begun = time.monotonic()
    first, without, with_it = run(asked())
    assert (first, with_it) == (0, 0)
    # Redis has a clock of its own, which goes on while the machine is busy.
    assert 59.9 - (time.monotonic() - begun) <= without <= 60


@pytest.mark.redis
def test_workers_on_redis_share_one_limit(redis_url: str) -> None:
    rates = Rates(requests=60, tokens=60_000)

    async def asked() -> tuple[list[float], float, float]:
        limiters = [RedisLimiter(redis_url) for _ in range(4)]
        waits = await asyncio.gather(
            *(limiter.take("e", rates, 10) for limiter in limiters for _ in range(50))
        )
        await limiters[0].give_back("e", rates, 5)
        other = await limiters[1].take("another", rates, 10)
        for limiter in limiters:
            await limiter.close()
        return waits, other, max(waits)

    begun = time.monotonic()
    waits, other, longest = run(asked())
    # Ten seconds of 60 a minute, and what came while they were asking.
    assert 10 <= waits.count(0) <= 11 + (time.monotonic() - begun)
    assert other == 0
    assert 0 < longest <= 1


def test_lost_shared_limits_say_so() -> None:
    async def asked() -> None:
        limiter = RedisLimiter(f"redis://127.0.0.1:{free_port()}/0")
        try:
            await limiter.take("e", Rates(requests=1), 1)
        finally:
            await limiter.close()

    with pytest.raises(LimiterUnavailableError):
        run(asked())
