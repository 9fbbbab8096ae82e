"""What is killed, stopped and cut, one thing after the other, each soon healed."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import redis

from tests.live_site import PROJECT_ROOT, Site, children_of, kill
from tests.services import Server, stop

from .history import History, Kind, Op
from .proxy import STORMS, Proxy, Weather

STORM_S = 2.0
STANDSTILL_S = 3.0
# Down for none, some or many requests.
DOWN_S = (0.0, 3.0)


# Does the damage, heals it and says what it was.
Fault = Callable[[], Awaitable[str]]


@dataclass
class BackgroundWorker:
    """Celery with its clock, which takes lapsed leases back while claims do the same."""

    environment: Mapping[str, str]
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "celery.log").open("ab") as output:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "celery",
                    "--app=evalsite.celery",
                    "worker",
                    "--beat",
                    f"--schedule={self.folder / 'celerybeat-schedule'}",
                    "--concurrency=1",
                    "--loglevel=warning",
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=PROJECT_ROOT,
                env=dict(self.environment),
            )

    def kill(self) -> None:
        if self.process is not None:
            children = children_of(self.process.pid)
            self.process.kill()
            self.process.wait()
            for child in children:
                kill(child)

    def stop(self) -> None:
        if self.process is not None:
            children = children_of(self.process.pid)
            stop(self.process, signal.SIGQUIT)
            for child in children:
                kill(child)


@dataclass
class Faults:
    """Does one fault after the other; each kind comes early, so that a short run has all."""

    site: Site
    database: Server
    broker: Server
    worker: BackgroundWorker
    proxy: Proxy
    history: History
    dice: random.Random
    done: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    cards: list[Fault] = field(default_factory=list)

    def deck(self) -> list[Fault]:
        """Faults to come, the last first: each once, and from then on by their weights."""
        weighted: list[tuple[int, Fault]] = [
            (6, self.kill_web_worker),
            (2, self.kill_web_master),
            (2, self.crash_database),
            (1, self.stop_redis),
            (1, self.wipe_redis),
            (1, self.kill_background_worker),
            (1, self.stand_still),
            (4, self.storm),
        ]
        once = not self.done
        cards = [fault for weight, fault in weighted for _ in range(1 if once else weight)]
        self.dice.shuffle(cards)
        return cards

    async def strike(self) -> None:
        """One fault, healed before the next."""
        if not self.cards:
            self.cards = self.deck()
        name = await self.cards.pop()()
        self.done[name] += 1
        self.history.add(Kind.OK, Op.FAULT, name=name)

    async def wait_down(self) -> None:
        await asyncio.sleep(self.dice.uniform(*DOWN_S))

    async def kill_web_worker(self) -> str:
        if not self.site.kill_worker(self.dice):
            return "no web worker to kill"
        self.kills += 1
        return "kill -9 of a web worker"

    async def kill_web_master(self) -> str:
        self.kills += 1
        await asyncio.to_thread(self.site.kill_master)
        await asyncio.to_thread(self.site.start)
        return "kill -9 of the web master"

    async def crash_database(self) -> str:
        """SIGQUIT: PostgreSQL's immediate shutdown, from which it recovers by its log."""
        self.kills += 1
        await asyncio.to_thread(self.database.stop, signal.SIGQUIT)
        await self.wait_down()
        await asyncio.to_thread(self.database.start)
        return "PostgreSQL immediate restart"

    async def stop_redis(self) -> str:
        self.kills += 1
        await asyncio.to_thread(self.broker.stop, signal.SIGKILL)
        await self.wait_down()
        await asyncio.to_thread(self.broker.start)
        return "kill -9 of Redis, which comes back empty"

    async def wipe_redis(self) -> str:
        with redis.Redis.from_url(self.broker.url) as client:
            await asyncio.to_thread(client.flushall)
        return "Redis wiped"

    async def kill_background_worker(self) -> str:
        self.kills += 1
        await asyncio.to_thread(self.worker.kill)
        self.worker.start()
        return "kill -9 of the background worker"

    async def stand_still(self) -> str:
        """A web worker that stops, as under a swapping machine, and goes on."""
        workers = self.site.workers()
        if not workers:
            return "no web worker to stop"
        chosen = self.dice.choice(workers)
        os.kill(chosen, signal.SIGSTOP)
        await asyncio.sleep(STANDSTILL_S)
        os.kill(chosen, signal.SIGCONT)
        return "web worker stopped for 3 s"

    async def storm(self) -> str:
        weather = self.dice.choice(STORMS)
        self.proxy.weather = weather
        await asyncio.sleep(STORM_S)
        self.proxy.weather = Weather.FAIR
        return f"network: {weather}"
