"""Commands as processes of their own: their times and the peak of their memory."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Measured:
    """Wall time, processor time and peak of resident memory of one process."""

    seconds: float
    processor: float
    megabytes: float


def measure(command: Sequence[str], environment: Mapping[str, str]) -> Measured:
    """Run a command to its end.

    Its peak counts from at least that of this process, of which it is born: whoever measures
    memory keeps small.
    """
    begun = time.perf_counter()
    process = subprocess.Popen(command, cwd=PROJECT_ROOT, env=dict(environment))
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{command} failed with exit {process.returncode}")
    processor = usage.ru_utime + usage.ru_stime
    return Measured(seconds, processor, peak_megabytes(usage))


def peak_megabytes(usage: resource.struct_rusage) -> float:
    """The largest resident memory."""
    # Linux counts kibibytes, macOS bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return usage.ru_maxrss * unit / 1e6
