"""The site as it is served in production: gunicorn's processes, to be started and killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from tests.services import HOST, START_TIMEOUT_S, ServiceError, free_port, stop, wait_for_port

# Loading the application takes seconds, and more on a busy machine.
BOOT_TIMEOUT_S = 120.0
# How long workers without a master go on before the supervisor ends them too.
ORPHANS_S = 1.0

PROJECT_ROOT = Path(__file__).resolve().parent.parent


# What pages are given in production; the tests' own settings are more patient.
PAGES_LIMITS = {
    "DATABASE_STATEMENT_TIMEOUT_MS": "5000",
    "DATABASE_LOCK_TIMEOUT_MS": "2000",
    "DATABASE_IDLE_TRANSACTION_TIMEOUT_MS": "15000",
}


def environment(database_url: str, redis_url: str, **more: str) -> dict[str, str]:
    """What the site's processes are told, whatever this process was."""
    return {
        **os.environ,
        **PAGES_LIMITS,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "WEB_CONCURRENCY": "2",
        "WEB_THREADS": "4",
        **more,
    }


@dataclass
class Site:
    """Gunicorn with two processes of four threads, as in production."""

    environment: Mapping[str, str]
    folder: Path
    application: str = "evalsite.wsgi:application"
    port: int = field(default_factory=free_port)
    master: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.folder / f"gunicorn-{self.port}.log"

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.master = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "gunicorn",
                    "--config",
                    "python:evalsite.gunicorn_conf",
                    self.application,
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=PROJECT_ROOT,
                env={**self.environment, "BIND": f"{HOST}:{self.port}"},
            )
        wait_for_port(self.master, self.port, "Gunicorn", self.log)

    def wait_until_it_answers(self) -> None:
        """The port is open before the first worker has loaded the application."""
        deadline = time.monotonic() + BOOT_TIMEOUT_S
        while time.monotonic() < deadline:
            try:
                with urlopen(f"http://{HOST}:{self.port}/healthz", timeout=BOOT_TIMEOUT_S):
                    return
            except HTTPError:
                # An application without that page.
                return
            except OSError:
                time.sleep(0.05)
        raise ServiceError(f"The site did not answer:\n{self.log.read_text()[-2000:]}")

    def workers(self) -> list[int]:
        """The processes that answer; none while the master is starting or gone."""
        if self.master is None or self.master.poll() is not None:
            return []
        return children_of(self.master.pid)

    def kill_worker(self, dice: random.Random) -> bool:
        """Kill one process at random; False if there was none to kill."""
        workers = self.workers()
        return bool(workers) and kill(dice.choice(workers))

    def kill_master(self) -> None:
        """Kill the master, and what is left of its workers after a moment, as a supervisor does.

        They notice by themselves and go on serving what they have for up to `graceful_timeout`,
        with the port in their hands.
        """
        if self.master is not None:
            workers = self.workers()
            self.master.kill()
            self.master.wait()
            time.sleep(ORPHANS_S)
            for worker in workers:
                kill(worker)
            wait_until_gone(workers)

    def stop(self) -> None:
        if self.master is not None:
            workers = self.workers()
            stop(self.master, signal.SIGTERM)
            for worker in workers:
                kill(worker)


def children_of(pid: int) -> list[int]:
    """The living child processes, by the process table."""
    return [child for child, parent in parents() if parent == pid]


def parents() -> Iterator[tuple[int, int]]:
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,stat="], capture_output=True, text=True, check=True
    )
    for line in listed.stdout.splitlines():
        pid, parent, state = line.split()
        if not state.startswith("Z"):
            yield int(pid), int(parent)


def kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def wait_until_gone(pids: list[int]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if not {pid for pid, _ in parents()} & set(pids):
            return
        time.sleep(0.05)
    raise ServiceError(f"The processes {pids} outlived their master by {START_TIMEOUT_S:.0f} s.")
