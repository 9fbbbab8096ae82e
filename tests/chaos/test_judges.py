"""A short run of judges under faults, in processes of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.live_site import PROJECT_ROOT

TIMEOUT_S = 800


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.timeout(TIMEOUT_S + 20)
def test_every_call_is_answered_once_or_fails_visibly_while_workers_are_killed() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.chaos.judges",
            "--pairs=40",
            "--gap=6",
            "--faults-for=45",
            "--limit=300",
        ],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
    assert "violations: 0" in done.stdout
    for kind in ("child", "main", "redis"):
        assert f"'{kind}'" in done.stdout
