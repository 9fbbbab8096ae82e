"""How fast an endpoint is asked: two token buckets, shared by all who ask it.

Requests and tokens are taken together or not at all. With Redis the buckets are shared by every
worker on every machine, on Redis's own clock; without it they live in the one process.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import redis.asyncio
from redis.exceptions import RedisError

# A bucket holds what ten seconds bring: a burst of that size; the average stays at the limit.
BURST_SHARE = 10 / 60


@dataclass(frozen=True, slots=True)
class Rates:
    """What an endpoint allows in a minute; None: no limit."""

    requests: int | None = None
    tokens: int | None = None

    @property
    def are_limited(self) -> bool:
        return self.requests is not None or self.tokens is not None

    @property
    def burst(self) -> int | None:
        """Requests that can leave together; more would only wait. None: no limit."""
        return None if self.requests is None else max(1, int(self.requests * BURST_SHARE))


class LimiterUnavailableError(RuntimeError):
    """The shared limits cannot be reached: nobody may ask until they can."""


class Limiter(Protocol):
    """Two buckets for each key."""

    async def take(self, key: str, rates: Rates, tokens: int, *, owing: bool = False) -> float:
        """Take one request and so many tokens: 0, or the seconds to wait, and nothing taken.

        Parameters
        ----------
        owing : bool
            Take them in any case; what is not there is owed, and who comes after waits longer.
        """
        ...

    async def give_back(self, key: str, rates: Rates, tokens: int, requests: int = 0) -> None:
        """Return tokens that a request did not need, and requests that never left."""
        ...

    async def close(self) -> None: ...


class ProcessLimiter:
    """Buckets of this process.

    Parameters
    ----------
    clock : callable
        Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._levels: dict[tuple[str, str], tuple[float, float]] = {}

    async def take(self, key: str, rates: Rates, tokens: int, *, owing: bool = False) -> float:
        wanted = [
            (kind, rate, amount)
            for kind, rate, amount in (("r", rates.requests, 1), ("t", rates.tokens, tokens))
            if rate is not None
        ]
        with self._lock:
            now = self._clock()
            levels, wait = {}, 0.0
            for kind, rate, amount in wanted:
                most = max(1.0, rate * BURST_SHARE)
                level, at = self._levels.get((key, kind), (most, now))
                level = min(most, level + (now - at) * rate / 60)
                # A request larger than the bucket waits for a full one and leaves a debt.
                wait = max(wait, (min(amount, most) - level) * 60 / rate)
                levels[key, kind] = (level - amount, now)
            if wait > 0 and not owing:
                return wait
            self._levels |= levels
            return 0.0

    async def give_back(self, key: str, rates: Rates, tokens: int, requests: int = 0) -> None:
        with self._lock:
            for kind, amount in _returned(rates, tokens, requests):
                level, at = self._levels.get((key, kind), (0.0, self._clock()))
                self._levels[key, kind] = (level + amount, at)

    async def close(self) -> None:
        return None


TAKE = """
local now = redis.call('TIME')
now = now[1] + now[2] / 1000000
local levels, wait = {}, 0
for i = 1, 2 do
  local rate, amount = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  if rate > 0 then
    local most = math.max(1, rate * tonumber(ARGV[5]))
    local held = redis.call('HMGET', KEYS[i], 'level', 'at')
    local level = tonumber(held[1]) or most
    level = math.min(most, level + math.max(0, now - (tonumber(held[2]) or now)) * rate / 60)
    wait = math.max(wait, (math.min(amount, most) - level) * 60 / rate)
    levels[i] = level - amount
  end
end
if wait > 0 and ARGV[6] == '0' then return tostring(wait) end
for i = 1, 2 do
  if levels[i] then
    redis.call('HSET', KEYS[i], 'level', tostring(levels[i]), 'at', string.format('%.6f', now))
    redis.call('EXPIRE', KEYS[i], 3600)
  end
end
return '0'
"""


class RedisLimiter:
    """Buckets of every worker, in one script that runs whole or not at all."""

    def __init__(self, url: str) -> None:
        self._redis = redis.asyncio.from_url(url, socket_connect_timeout=3, socket_timeout=5)
        self._script = self._redis.register_script(TAKE)

    async def take(self, key: str, rates: Rates, tokens: int, *, owing: bool = False) -> float:
        try:
            wait = await self._script(
                keys=[_name(key, "r"), _name(key, "t")],
                args=[rates.requests or 0, 1, rates.tokens or 0, tokens, BURST_SHARE, int(owing)],
            )
        except RedisError as fault:
            raise LimiterUnavailableError(type(fault).__name__) from None
        return float(wait)

    async def give_back(self, key: str, rates: Rates, tokens: int, requests: int = 0) -> None:
        try:
            for kind, amount in _returned(rates, tokens, requests):
                await self._redis.hincrbyfloat(_name(key, kind), "level", amount)
        except RedisError as fault:
            raise LimiterUnavailableError(type(fault).__name__) from None

    async def close(self) -> None:
        await self._redis.aclose()


def bucket_of(endpoint_id: int) -> str:
    """The key of an endpoint's two buckets, for everybody who asks it."""
    return f"endpoint-{endpoint_id}"


def _returned(rates: Rates, tokens: int, requests: int) -> list[tuple[str, int]]:
    """What flows back into which bucket, of those that are kept."""
    given = (("r", rates.requests, requests), ("t", rates.tokens, tokens))
    return [(kind, amount) for kind, rate, amount in given if rate is not None and amount > 0]


def _name(key: str, kind: str) -> str:
    # The braces keep both buckets on one node of a cluster.
    return f"evalsite:judge:{{{key}}}:{kind}"


def are_reachable(redis_url: str) -> bool:
    """Whether the limits can be kept now; those of one process always can."""
    if not redis_url:
        return True
    try:
        with redis.Redis.from_url(redis_url, socket_connect_timeout=3, socket_timeout=5) as shared:
            return bool(shared.ping())
    except RedisError:
        return False


_of_this_process = ProcessLimiter()


def make_limiter(redis_url: str) -> Limiter:
    """The shared limits where there is Redis, else those of this process."""
    return RedisLimiter(redis_url) if redis_url else _of_this_process
