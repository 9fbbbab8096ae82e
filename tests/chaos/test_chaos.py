"""A short chaos run: half a minute of faults, each kind once, then every rule of the checker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.live_site import PROJECT_ROOT

# Start, faults, filling and checking on two busy cores.
TIMEOUT_S = 800


# Faults come close together, so that each kind comes at least once.
SHORT = ("--seconds=30", "--gap", "0.3", "1.5")


# In processes of its own: it crashes the database that it stands on.
@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.timeout(TIMEOUT_S + 20)
def test_no_acknowledged_vote_is_lost_while_everything_is_killed(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", *SHORT, f"--keep={tmp_path}"],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
    assert "violations: 0" in done.stdout
    assert "never occurred" not in done.stdout
