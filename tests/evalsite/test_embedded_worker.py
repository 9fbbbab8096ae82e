"""The worker inside the web process: a real one, since its two hooks are private to Celery."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.db import connection

from evalsite.celery import app
from evalsite.embedded_worker import refuse_more_than_one_process


def test_it_runs_what_is_rung_for_and_what_is_scheduled() -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DJANGO")}
    done = subprocess.run(
        [sys.executable, "-m", "tests.evalsite.embedded_worker_alone"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    said = dict(line.split() for line in done.stdout.splitlines())
    wanted = ("ready", "rung", "scheduled", "stopped")
    assert said == dict.fromkeys(wanted, "True"), done.stderr


def test_every_scheduled_task_exists() -> None:
    app.loader.import_default_modules()
    for name, entry in app.conf.beat_schedule.items():
        assert entry["task"] in app.tasks, name


def test_one_process_may_work_in_the_background_itself() -> None:
    refuse_more_than_one_process(1)


def test_more_than_one_process_is_refused_with_the_way_out() -> None:
    with pytest.raises(SystemExit, match="REDIS_URL"):
        refuse_more_than_one_process(2)


@pytest.mark.postgres
@pytest.mark.django_db
def test_a_task_has_a_workers_time_also_where_pages_have_less() -> None:
    def read_limits() -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('statement_timeout')")
            statement = cursor.fetchone()
            cursor.execute("SELECT current_setting('lock_timeout')")
            return [*statement, *cursor.fetchone()]

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 5000; SET LOCAL lock_timeout = 2000")
    assert read_limits() == ["5s", "2s"]
    limits = app.task(name="tests.limits")(read_limits)
    try:
        assert limits.apply().get() == ["1min", "1min"]
    finally:
        del app.tasks["tests.limits"]
