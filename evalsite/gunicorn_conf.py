"""Gunicorn for the demo and for production; every limit is deliberate.

Without REDIS_URL one process serves and works in the background by itself.
"""

from __future__ import annotations

import os
from typing import Any

from evalsite.embedded_worker import EmbeddedWork, refuse_more_than_one_process


def env_whole_number(name: str, default: int, most: int) -> int:
    """The variable's value; a start with another one is refused by its name."""
    raw = os.environ.get(name, "")
    if not raw:
        return default
    if not raw.isascii() or not raw.isdigit() or not 1 <= int(raw) <= most:
        raise SystemExit(f"{name}={raw!r} is not a whole number from 1 to {most}.")
    return int(raw)


# Before the settings are read. A stuck statement must not hold a thread that serves pages, nor a
# page wait long for a command: both are far above any page's need.
os.environ.setdefault("DATABASE_STATEMENT_TIMEOUT_MS", "5000")
os.environ.setdefault("DATABASE_LOCK_TIMEOUT_MS", "2000")

_embedded = not os.environ.get("REDIS_URL")

bind = os.environ.get("BIND", "127.0.0.1:8000")
worker_class = "gthread"
workers = env_whole_number("WEB_CONCURRENCY", 1 if _embedded else 2, most=64)
threads = env_whole_number("WEB_THREADS", 8 if _embedded else 4, most=128)
# A page takes milliseconds; an analysis of millions of votes takes seconds.
timeout = 60
graceful_timeout = 25
# Longer than people think about a pair, and than proxies keep an idle connection (60 s): whoever
# closes first must not be this side, or a vote that is just being sent is lost and sent again.
keepalive = 75
# Fresh processes now and then, not all at once; the embedded one is never recycled. Each time the
# connections that wait in one are closed, and what is just being sent on them is sent again: so
# seldom, some hours of many people's work apart.
max_requests = 0 if _embedded else 100_000
max_requests_jitter = 0 if _embedded else 10_000
limit_request_line = 4094
limit_request_fields = 64
forwarded_allow_ips = "127.0.0.1"
accesslog = None
loglevel = "warning"
control_socket_disable = True

_work: EmbeddedWork | None = None

if _embedded:
    refuse_more_than_one_process(workers)


def post_worker_init(worker: Any) -> None:
    """Start the background threads once the application is loaded."""
    global _work
    if _embedded:
        from evalsite.celery import app

        _work = EmbeddedWork(app)
        _work.start()


def worker_exit(server: Any, worker: Any) -> None:
    if _work is not None:
        _work.stop()
