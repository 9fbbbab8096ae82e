"""The Celery application: the doorbell and the worker pool, never the queue.

The tables hold all work (assignments, judge calls), so a broker may lose every message without
losing a vote or a job: periodic sweeps ring again.
"""

from __future__ import annotations

import os
from typing import Any

from celery import Celery, Task

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evalsite.settings")

# Below the time limit of a task, so that PostgreSQL ends a stuck statement before Celery the task.
TASK_STATEMENT_TIMEOUT_MS = 60_000


class LimitedTask(Task):  # type: ignore[type-arg]  # not generic when it runs
    """A task whose statements have the time of a worker, also in a process that serves pages."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from django.db import connection

        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT set_config(name, %s, false) "
                    "FROM unnest(ARRAY['statement_timeout', 'lock_timeout']) AS name",
                    [f"{TASK_STATEMENT_TIMEOUT_MS}ms"],
                )
        return super().__call__(*args, **kwargs)


app = Celery("evalsite", task_cls=LimitedTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
