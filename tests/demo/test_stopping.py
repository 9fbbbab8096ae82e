"""Stopping the demo: a signal to the first process ends all of them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from evalsite.management.commands.demo import HOST

SERVE = """
import django
django.setup()
from evalsite.management.commands.demo import serve
serve({port})
"""
# The bootstrap of `make run`, with the environment that runs this test.
RUN = """
import bootstrap, sys
bootstrap.venv_python = lambda: sys.executable
sys.exit(bootstrap.call("-c", {serve!r}))
"""


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_every_process(tmp_path: Path, ending: signal.Signals) -> None:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if name != "REDIS_URL"} | {
        "DJANGO_SETTINGS_MODULE": "evalsite.settings",
        "DATABASE_URL": f"sqlite:///{tmp_path}/demo.sqlite3",
        "EVALSITE_VAR": str(tmp_path),
        "SECRET_KEY": "x" * 60,
        "LOG_LEVEL": "WARNING",
        "EVALSITE_INSECURE_LOCAL": "1",
    }
    log = tmp_path / "log"
    with log.open("wb") as output:
        started = subprocess.Popen(
            [sys.executable, "-c", RUN.format(serve=SERVE.format(port=port))],
            cwd=settings.BASE_DIR,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        while started.poll() is None:
            try:
                with socket.create_connection((HOST, port)) as client:
                    client.sendall(b"GET /sign-in/ HTTP/1.0\r\n\r\n")
                    assert client.recv(5) == b"HTTP/"
                break
            except ConnectionRefusedError:
                continue
        assert started.poll() is None, log.read_text()
        started.send_signal(ending)
        started.wait(60)
        with pytest.raises(ProcessLookupError):
            os.killpg(started.pid, 0)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        started.wait()
