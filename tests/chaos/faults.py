"""What is killed, stopped and wiped, one thing after the other, each soon healed."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import ClassVar
from urllib.error import HTTPError
from urllib.request import urlopen

import psycopg
import redis

from tests.live_site import Site
from tests.services import HOST, Server

from .background import BackgroundWorker, has_nothing_left, ring
from .history import History, Kind, Op
from .proxy import STORMS, Proxy, Weather

STORM_S = (0.7, 2.0)
STANDSTILL_S = 5.0
READ_ONLY_S = 2.0
# Down for none, some or many requests.
DOWN_S = (0.0, 2.0)
# Orders that lie in the broker when a worker is killed: some are then being carried out.
TASKS = 40
PROBE_S = 0.05
# So long the next fault waits for a page, however busy the machine is.
PATIENCE_S = 4.0
PROBE_TIMEOUT_S = 5.0
# A recovery that takes longer is given up, and written down as so long.
RECOVERY_LIMIT_S = 30.0


@dataclass
class Faults:
    """Does one fault after the other; each kind comes early, so that a short run has all."""

    site: Site
    database: Server
    broker: Server
    worker: BackgroundWorker
    history: History
    dice: random.Random
    done: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    # Seconds from the end of the damage until a page, or the background, answers again.
    recoveries: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    cards: list[str] = field(default_factory=list)
    probing: set[asyncio.Task[None]] = field(default_factory=set)

    # By name how often a kind comes, of all, and what does it.
    KINDS: ClassVar[dict[str, tuple[int, str]]] = {
        "kill -9 of a web worker": (6, "kill_web_worker"),
        "kill -9 of the web master": (2, "kill_web_master"),
        "PostgreSQL immediate restart": (2, "crash_database"),
        "kill -9 of Redis, which comes back empty": (2, "stop_redis"),
        "kill -9 of the main Celery process": (1, "kill_background"),
        "kill -9 of a Celery child": (2, "kill_background_child"),
        "Redis wiped": (1, "wipe_redis"),
        "web worker stopped for 5 s": (1, "stand_still"),
        "database read-only for 2 s": (1, "read_only"),
    }

    async def strike(self) -> None:
        """One fault, healed before the next."""
        if not self.cards:
            once = not self.done
            self.cards = [
                name
                for name, (weight, _) in self.KINDS.items()
                for _ in range(1 if once else weight)
            ]
            self.dice.shuffle(self.cards)
        name = self.cards.pop()
        fault = getattr(self, self.KINDS[name][1])
        self.history.add(Kind.INVOKE, Op.FAULT, name=name)
        await fault()
        self.done[name] += 1
        self.kills += name.startswith(("kill", "PostgreSQL"))
        self.history.add(Kind.OK, Op.FAULT, name=name)
        if "Celery" in name or "Redis" in name:
            # People need none of it: the next fault does not wait.
            self.watch(self.background_works, name)
        else:
            await asyncio.wait({self.watch(self.page_answers, name)}, timeout=PATIENCE_S)

    def watch(self, probe: Callable[[], Awaitable[bool]], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(self.measure(probe, name))
        self.probing.add(task)
        task.add_done_callback(self.probing.discard)
        return task

    async def measure(self, probe: Callable[[], Awaitable[bool]], name: str) -> None:
        """Write down how long it takes until the probe succeeds."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while not await probe() and loop.time() < began + RECOVERY_LIMIT_S:
            await asyncio.sleep(PROBE_S)
        self.recoveries[name].append(loop.time() - began)

    async def settle(self) -> None:
        """Wait until everything that was measured has recovered."""
        while self.probing:
            await asyncio.gather(*self.probing)

    async def page_answers(self) -> bool:
        return await asyncio.to_thread(is_ready, self.site.port)

    async def background_works(self) -> bool:
        """The queue has an order at once, so that an empty one was emptied."""
        return await asyncio.to_thread(ring, self.broker.url, 1) and await self.is_worked_off()

    async def is_worked_off(self) -> bool:
        loop = asyncio.get_running_loop()
        until = loop.time() + RECOVERY_LIMIT_S
        while loop.time() < until:
            if await asyncio.to_thread(has_nothing_left, self.broker.url):
                return True
            await asyncio.sleep(PROBE_S)
        return False

    async def wait_down(self) -> None:
        await asyncio.sleep(self.dice.uniform(*DOWN_S))

    async def kill_web_worker(self) -> None:
        # None for a moment if one is just being started.
        while not self.site.kill_worker(self.dice):
            await self.wait_for_site()

    async def wait_for_site(self) -> None:
        """Between two looks for its workers; a master that ended is started, as by a supervisor."""
        if self.site.master is None or self.site.master.poll() is not None:
            self.done["(gunicorn ended by itself and was started)"] += 1
            await asyncio.to_thread(self.site.start)
        await asyncio.sleep(PROBE_S)

    async def kill_web_master(self) -> None:
        await asyncio.to_thread(self.site.kill_master)
        await asyncio.to_thread(self.site.start)

    async def crash_database(self) -> None:
        """SIGQUIT: PostgreSQL's immediate shutdown, from which it recovers by its log."""
        await asyncio.to_thread(self.database.stop, signal.SIGQUIT)
        await self.wait_down()
        await asyncio.to_thread(self.database.start)

    async def stop_redis(self) -> None:
        await asyncio.to_thread(self.broker.stop, signal.SIGKILL)
        await self.wait_down()
        await asyncio.to_thread(self.broker.start)

    async def wipe_redis(self) -> None:
        """With orders in it, which are lost."""
        await asyncio.to_thread(ring, self.broker.url, TASKS)
        with redis.Redis.from_url(self.broker.url) as client:
            await asyncio.to_thread(client.flushall)

    async def kill_background(self) -> None:
        await self.keep_busy()
        await asyncio.to_thread(self.worker.kill)

    async def kill_background_child(self) -> None:
        await self.keep_busy()
        while not self.worker.kill_child(self.dice):
            await asyncio.sleep(PROBE_S)

    async def keep_busy(self) -> None:
        await asyncio.to_thread(ring, self.broker.url, TASKS)
        await asyncio.sleep(self.dice.uniform(0, 0.5))

    async def stand_still(self) -> None:
        """A web worker that stops, as under a swapping machine, and goes on."""
        while not (workers := self.site.workers()):
            await self.wait_for_site()
        chosen = self.dice.choice(workers)
        os.kill(chosen, signal.SIGSTOP)
        await asyncio.sleep(STANDSTILL_S)
        os.kill(chosen, signal.SIGCONT)

    async def read_only(self) -> None:
        """A database that takes no writes, as after a failover or before a full disk."""
        await asyncio.to_thread(set_read_only, self.database.url, "on")
        await asyncio.sleep(READ_ONLY_S)
        await asyncio.to_thread(set_read_only, self.database.url, "off")


def set_read_only(url: str, value: str) -> None:
    """Let every session's next transaction be of this kind."""
    with psycopg.connect(url, autocommit=True) as session:
        session.execute("SET default_transaction_read_only = off")
        session.execute(f"ALTER SYSTEM SET default_transaction_read_only = {value}")  # type: ignore[arg-type]  # no parameters here
        session.execute("SELECT pg_reload_conf()")


def is_ready(port: int) -> bool:
    """Whether the site can do its work, asked without the bad network."""
    try:
        with urlopen(f"http://{HOST}:{port}/readyz", timeout=PROBE_TIMEOUT_S):
            return True
    except HTTPError as refused:
        refused.close()
        return False
    except OSError:
        return False


async def supervise(worker: BackgroundWorker, over: asyncio.Event) -> None:
    """Start the background again whenever it has ended."""
    while not over.is_set():
        worker.start_if_ended()
        await asyncio.sleep(PROBE_S)


async def weather(proxy: Proxy, dice: random.Random, over: asyncio.Event) -> None:
    """One storm after the other, with fair weather between; each kind comes early."""
    cards: list[Weather] = []
    while not over.is_set():
        if not cards:
            cards = dice.sample(STORMS, len(STORMS))
        proxy.weather = cards.pop()
        await asyncio.sleep(dice.uniform(*STORM_S))
        proxy.weather = Weather.FAIR
        await asyncio.sleep(dice.uniform(*STORM_S))
