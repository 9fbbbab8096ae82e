"""Run by test_embedded_worker in a process of its own: Celery knows one current application."""

import sys
import threading

import structlog
from celery import Celery

from evalsite.embedded_worker import EmbeddedWork

# A busy machine: the worker itself is ready within a quarter of a second.
PATIENCE = 60

# Lines of the log, from other threads, must not fall into the answers below.
structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))

app = Celery("alone", broker="memory://localhost//")
app.conf.update(
    task_ignore_result=True,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    broker_connection_retry_on_startup=True,
    beat_schedule={"tick": {"task": "tick", "schedule": 0.2}},
)
rung, scheduled = threading.Event(), threading.Event()


@app.task(name="ring")
def ring() -> None:
    rung.set()


@app.task(name="tick")
def tick() -> None:
    scheduled.set()


def say(what: str, happened: bool) -> None:
    sys.stdout.write(f"{what} {happened}\n")


work = EmbeddedWork(app)
work.start()
say("ready", work.worker.ready.wait(PATIENCE))
ring.delay()
say("rung", rung.wait(PATIENCE))
say("scheduled", scheduled.wait(PATIENCE))
work.stop(PATIENCE)
say("stopped", not work.worker_thread.is_alive() and not work.beat.is_alive())
