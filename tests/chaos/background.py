"""Celery as a chaos run starts, fills and kills it."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import redis
from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from tests.live_site import PROJECT_ROOT, children_of, kill
from tests.services import stop

SWEEP = "annotation.take_back_lapsed_leases"
REPORTS = "reports.refresh_open_reports"
# What a broker's absence looks like, at whatever moment it goes.
GONE = (OperationalError, RedisError, OSError)
# Where orders lie in the broker.
QUEUE = "celery"
# Processes that work, beside the main one.
CHILDREN = 2


@dataclass
class BackgroundWorker:
    """Celery, and its clock in a process of its own, as the operator's guide starts them.

    The clock rings for what takes lapsed leases back while claims do the same. Celery starts no
    new clock inside a worker where somebody kills the one that it had.
    """

    environment: Mapping[str, str]
    folder: Path
    process: subprocess.Popen[bytes] | None = None
    clock: subprocess.Popen[bytes] | None = None
    # How often it ended by itself, as it does when a child is killed before it has begun.
    gave_up: int = 0
    killed: bool = False

    @property
    def log(self) -> Path:
        return self.folder / "celery.log"

    def start(self) -> None:
        self.killed = False
        self.process = self._celery("worker", f"--concurrency={CHILDREN}")
        if self.clock is None or self.clock.poll() is not None:
            self._start_clock()

    def _start_clock(self) -> None:
        # A schedule that was being written when its clock was killed cannot be opened again.
        for file in self.folder.glob("celerybeat-schedule*"):
            file.unlink()
        self.clock = self._celery("beat", f"--schedule={self.folder / 'celerybeat-schedule'}")

    def _celery(self, *arguments: str) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as output:
            return subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "celery",
                    "--app=evalsite.celery",
                    *arguments,
                    "--loglevel=warning",
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=PROJECT_ROOT,
                env=dict(self.environment),
            )

    def start_if_ended(self) -> None:
        """As a supervisor does, whatever it ended of."""
        if self.process is not None and self.process.poll() is not None:
            self.gave_up += not self.killed
            self.start()
        if self.clock is not None and self.clock.poll() is not None:
            self._start_clock()

    def children(self) -> list[int]:
        return [] if self.process is None else children_of(self.process.pid)

    def kill(self) -> None:
        """Kill the main process and the clock, and what is left of its children as a supervisor
        does."""
        if self.process is not None:
            children = self.children()
            self.killed = True
            self.process.kill()
            self.process.wait()
            if self.clock is not None:
                self.clock.kill()
                self.clock.wait()
            for child in children:
                kill(child)

    def kill_child(self, dice: random.Random) -> bool:
        """Kill one of the processes that work; False if there is none."""
        children = self.children()
        return bool(children) and kill(dice.choice(children))

    def stop(self) -> None:
        if self.process is not None:
            children = self.children()
            stop(self.process, signal.SIGQUIT)
            for child in children:
                kill(child)
        if self.clock is not None:
            stop(self.clock, signal.SIGTERM)


def ring(broker_url: str, tasks: int) -> bool:
    """Give the background much to do at this moment; False if the broker took nothing."""
    with Celery(broker=broker_url) as application:
        application.conf.broker_connection_retry = False
        try:
            for number in range(tasks):
                application.send_task(REPORTS if number % 4 == 0 else SWEEP, retry=False)
        except GONE:
            return False
    return True


def has_nothing_left(broker_url: str) -> bool:
    """Whether every order was taken by a process that carries it out."""
    try:
        with redis.Redis.from_url(broker_url) as client:
            return bool(client.llen(QUEUE) == 0)
    except GONE:
        return False
