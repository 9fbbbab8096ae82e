"""A bad value stops the start and says which it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from celery import current_app
from django.conf import settings

ROOT = Path(__file__).resolve().parents[2]
KEY = "k" * 50
START = "import evalsite.settings"


def start(
    tmp_path: Path, code: str = START, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Load the settings in a fresh process that knows nothing but `environment`."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "EVALSITE_VAR": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_starts_with_nothing_but_a_key(tmp_path: Path) -> None:
    done = start(tmp_path, SECRET_KEY=KEY)
    assert done.returncode == 0, done.stderr


def test_a_key_from_the_file_of_this_machine_will_do(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text(KEY + "\n")
    assert start(tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "There is no secret key"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY is too weak"),
        ({"SECRET_KEY": "django-insecure-" + KEY}, "SECRET_KEY is too weak"),
        ({"SECRET_KEY": KEY, "DEBUG": "perhaps"}, "DEBUG='perhaps'"),
        ({"SECRET_KEY": KEY, "LOG_LEVEL": "loud"}, "LOG_LEVEL='LOUD'"),
        ({"SECRET_KEY": KEY, "SITE_URL": "evalsite.example.org"}, "SITE_URL='evalsite"),
        ({"SECRET_KEY": KEY, "REDIS_URL": "http://localhost"}, "REDIS_URL has the scheme 'http'"),
        ({"SECRET_KEY": KEY, "DATABASE_URL": "mysql://x/y"}, "the scheme 'mysql'"),
        ({"SECRET_KEY": KEY, "DATABASE_URL": "postgres://host"}, "names no database"),
        ({"SECRET_KEY": KEY, "DATABASE_URL": "postgres://h:port/x"}, "port that is no number"),
        ({"SECRET_KEY": KEY, "DATABASE_URL": "postgres://h/x?secret=1"}, "option 'secret'"),
        ({"SECRET_KEY": KEY, "DATABASE_URL": "sqlite://host/x"}, "DATABASE_URL for SQLite"),
        (
            {
                "SECRET_KEY": KEY,
                "DATABASE_URL": "postgres://h/x",
                "DATABASE_STATEMENT_TIMEOUT_MS": "soon",
            },
            "DATABASE_STATEMENT_TIMEOUT_MS='soon'",
        ),
        (
            {
                "SECRET_KEY": KEY,
                "DATABASE_URL": "postgres://h/x",
                "DATABASE_LOCK_TIMEOUT_MS": "-1",
            },
            "DATABASE_LOCK_TIMEOUT_MS=-1",
        ),
    ],
)
def test_a_bad_value_is_named(tmp_path: Path, environment: dict[str, str], said: str) -> None:
    done = start(tmp_path, **environment)
    assert done.returncode != 0
    assert said in done.stderr.splitlines()[-1]


def test_production_cookies_are_bound_to_the_host_and_https(tmp_path: Path) -> None:
    code = (
        "from evalsite import settings as s; "
        "print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.LANGUAGE_COOKIE_NAME, "
        "s.SESSION_COOKIE_SECURE, s.LANGUAGE_COOKIE_SECURE, s.SECURE_SSL_REDIRECT, s.DEBUG)"
    )
    done = start(tmp_path, code, SECRET_KEY=KEY)
    names = ["__Host-session", "__Host-csrf", "__Host-language"]
    assert done.stdout.split() == [*names, "True", "True", "True", "False"]


def test_the_demo_on_this_machine_uses_plain_http(tmp_path: Path) -> None:
    code = "from evalsite import settings as s; print(s.SESSION_COOKIE_NAME, s.SECURE_SSL_REDIRECT)"
    done = start(tmp_path, code, SECRET_KEY=KEY, EVALSITE_INSECURE_LOCAL="1")
    assert done.stdout.split() == ["session", "False"]


@pytest.mark.parametrize(
    ("code", "environment", "limits"),
    [
        ("", {}, (600_000, 600_000)),
        ("import evalsite.gunicorn_conf; ", {}, (5_000, 2_000)),
        (
            "import evalsite.gunicorn_conf; ",
            {"DATABASE_STATEMENT_TIMEOUT_MS": "7000", "DATABASE_LOCK_TIMEOUT_MS": "3000"},
            (7_000, 3_000),
        ),
    ],
    ids=["a command waits", "a page does not", "an operator decides"],
)
def test_postgresql_gives_up_on(
    tmp_path: Path, code: str, environment: dict[str, str], limits: tuple[int, int]
) -> None:
    code += (
        "from evalsite import settings as s; print(s.DATABASES['default']['OPTIONS']['options'])"
    )
    done = start(tmp_path, code, SECRET_KEY=KEY, DATABASE_URL="postgres://h/x", **environment)
    statement, lock = limits
    assert f"-c statement_timeout={statement}ms -c lock_timeout={lock}ms " in done.stdout


@pytest.mark.parametrize(
    ("name", "value"),
    [("WEB_CONCURRENCY", "two"), ("WEB_CONCURRENCY", "0"), ("WEB_THREADS", "1000")],
)
def test_a_bad_number_of_processes_or_threads_is_named(
    tmp_path: Path, name: str, value: str
) -> None:
    code = "import evalsite.gunicorn_conf"
    done = start(tmp_path, code, SECRET_KEY=KEY, REDIS_URL="redis://localhost", **{name: value})
    assert done.returncode != 0
    assert f"{name}={value!r} is not a whole number" in done.stderr


def test_an_empty_number_of_processes_is_the_default(tmp_path: Path) -> None:
    code = "from evalsite import gunicorn_conf as c; print(c.workers, c.threads)"
    done = start(tmp_path, code, SECRET_KEY=KEY, WEB_CONCURRENCY="", WEB_THREADS="")
    assert done.stdout.split() == ["1", "8"], done.stderr


def test_sums_are_not_split_over_the_cores_of_the_machine(tmp_path: Path) -> None:
    code = (
        "import os, evalsite.settings, numpy;"
        "m = numpy.random.default_rng(1).random((600, 600)); m @ m;"
        "print(os.environ['OPENBLAS_NUM_THREADS'], len(os.listdir('/proc/self/task')))"
        if Path("/proc/self/task").exists()
        else "import os, evalsite.settings; print(os.environ['OPENBLAS_NUM_THREADS'], 1)"
    )
    assert start(tmp_path, code, SECRET_KEY=KEY).stdout.split() == ["1", "1"]
    chosen = start(
        tmp_path,
        "import os, evalsite.settings; print(os.environ['OPENBLAS_NUM_THREADS'])",
        SECRET_KEY=KEY,
        OPENBLAS_NUM_THREADS="2",
    )
    assert chosen.stdout.split() == ["2"]


def test_no_message_is_delivered_again_while_its_task_still_runs(tmp_path: Path) -> None:
    code = (
        "from evalsite.settings import *;"
        "print(CELERY_BROKER_TRANSPORT_OPTIONS['visibility_timeout'], CELERY_VISIBILITY_TIMEOUT)"
    )
    done = start(tmp_path, code, SECRET_KEY=KEY, REDIS_URL="redis://localhost")
    visible, declared = map(int, done.stdout.split())
    assert visible == declared == settings.CELERY_VISIBILITY_TIMEOUT

    current_app.loader.import_default_modules()
    limits = {
        name: task.time_limit or settings.CELERY_TASK_TIME_LIMIT
        for name, task in current_app.tasks.items()
        if not name.startswith("celery.")
    }
    assert limits
    # Celery ends a task some seconds after its limit, and a worker that is told to stop later yet.
    room = 60 + settings.CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT
    assert {name for name, limit in limits.items() if limit + room > visible} == set()
