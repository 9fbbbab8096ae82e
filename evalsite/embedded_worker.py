"""Celery's worker and beat as threads of the one web process: the default without Redis.

The tasks are those that production runs on its own machines. Two hooks are private to Celery
5.7 (`on_consumer_ready`, `_set_task_join_will_block`), which is why that version is pinned and
tests/evalsite/test_embedded_worker.py starts a real one.
"""

from __future__ import annotations

import threading
from typing import Any

import structlog
from celery import Celery, _state
from celery.beat import EmbeddedService
from celery.worker import WorkController

log = structlog.get_logger(__name__)

# Background work must leave the processors to the pages.
CONCURRENCY = 2


class EmbeddedWorker(WorkController):
    """A worker that says when it is ready, without signals or a process of its own."""

    def __init__(self, app: Celery[Any], **options: Any) -> None:
        self.ready = threading.Event()
        super().__init__(app=app, **options)

    def on_consumer_ready(self, consumer: Any) -> None:
        # In this process a task may look at another's result row; nothing here joins.
        _state._set_task_join_will_block(False)  # type: ignore[attr-defined]  # private
        self.ready.set()
        log.info("embedded_worker.ready", concurrency=CONCURRENCY)


class EmbeddedWork:
    """The running pair of threads; `stop` ends them when the process does."""

    def __init__(self, app: Celery[Any]) -> None:
        self.worker = EmbeddedWorker(
            app,
            pool_cls="threads",
            concurrency=CONCURRENCY,
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        )
        # A thread here, a process elsewhere: its type says neither.
        self.beat: Any = EmbeddedService(
            app, max_interval=5, thread=True, scheduler_cls="celery.beat.Scheduler"
        )
        self.worker_thread = threading.Thread(
            target=self.worker.start, name="embedded-worker", daemon=True
        )

    def start(self) -> None:
        self.worker_thread.start()
        self.beat.daemon = True
        self.beat.start()

    def stop(self, timeout: float = 10.0) -> None:
        self.beat.stop()
        self.worker.stop(in_sighandler=False)
        self.worker_thread.join(timeout)


def refuse_more_than_one_process(workers: int) -> None:
    """The in-memory broker lives in one process; a second would ring a bell nobody hears.

    Raises
    ------
    SystemExit
    """
    if workers > 1:
        raise SystemExit(
            f"{workers} web processes were asked for, but without REDIS_URL the background worker "
            "lives inside the single web process. Set REDIS_URL and start Celery workers, or use "
            "one process (WEB_CONCURRENCY=1)."
        )
