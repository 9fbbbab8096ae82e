"""The Celery application: the doorbell and the worker pool, never the queue.

The tables hold all work (assignments, judge calls), so a broker may lose every message without
losing a vote or a job: periodic sweeps ring again.
"""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evalsite.settings")

app = Celery("evalsite")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
