"""What a figure was measured on, and what the servers' processors spent on it."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.db import connection

from tests.live_site import children_of

PROC = Path("/proc")
# Of PostgreSQL, what decides how fast it is.
SERVER_SETTINGS = (
    "server_version",
    "shared_buffers",
    "effective_cache_size",
    "work_mem",
    "random_page_cost",
    "jit",
    "fsync",
    "synchronous_commit",
    "max_connections",
)


def describe(web: dict[str, str]) -> dict[str, Any]:
    """The machine, the servers and how they are set, as one flat object."""
    with connection.cursor() as cursor:
        shown = {}
        for name in SERVER_SETTINGS:
            cursor.execute(f"SHOW {name}")
            shown[name] = cursor.fetchone()[0]
    return {
        "machine": platform.platform(),
        "processor": processor_name(),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "web": web,
        "postgresql": shown,
        "load": os.getloadavg()[0],
    }


def processor_name() -> str:
    try:
        lines = (PROC / "cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def processor_seconds(roots: Iterable[int]) -> float | None:
    """User and system time of processes, their children, and the children that ended.

    Other work on the machine makes waiting times longer, but hardly this. None where the system
    does not tell it.
    """
    try:
        return sum(own_seconds(pid) for root in roots for pid in (root, *children_of(root))) + sum(
            ended_seconds(root) for root in roots
        )
    except (OSError, IndexError):
        return None


def times_of(pid: int) -> list[int]:
    # The name of the process, in brackets, may hold anything.
    return [
        int(field)
        for field in (PROC / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()[11:15]
    ]


def own_seconds(pid: int) -> float:
    user, system, _, _ = times_of(pid)
    return (user + system) / os.sysconf("SC_CLK_TCK")


def ended_seconds(pid: int) -> float:
    _, _, user, system = times_of(pid)
    return (user + system) / os.sysconf("SC_CLK_TCK")
