"""Several threads that do something at the same moment, each with a connection of its own.

Tests that use this need `transactional_db`: what a test's own transaction holds, a thread of its
own cannot see.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

Result = TypeVar("Result")

# Far above any lock's wait: a thread that hangs fails the test instead of blocking the run.
TIMEOUT_S = 180


def at_once(calls: Sequence[Callable[[], Result]]) -> list[Result | Exception]:
    """Start all calls together and return, in their order, what each gave or raised."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Result]) -> Result | Exception:
        try:
            barrier.wait(TIMEOUT_S)
            return call()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls, timeout=TIMEOUT_S))
