"""Our half-win fit and iid errors beside those of other programs, on the same votes.

Run with ``python -m tests.benchmarks.bench_rivals [b] [c]``; the cases are those of
:mod:`tests.benchmarks.bench_stats`. FastChat's method is written anew: L-BFGS on the distinct
results. The others run where they are installed, or by the interpreter that RIVALS_PYTHON names::

    python3 -m venv /tmp/rivals && /tmp/rivals/bin/pip install evalica arena-rank
    RIVALS_PYTHON=/tmp/rivals/bin/python python -m tests.benchmarks.bench_rivals b

All take codes, not names. How far their strengths lie from ours stands beside their name.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from reports.stats.bradley_terry import fit_bradley_terry
from reports.stats.cells import Cells
from reports.stats.strength_covariance import iid_covariance_from_cells
from reports.stats.votes import VERDICT_SCORE, FloatArray, Votes
from tests.benchmarks.bench_stats import CASES, draw
from tests.benchmarks.table import Line, report

SCRIPT = Path(__file__).with_name("rivals.py")
NAMES = ("evalica", "arena_rank")
ROUNDS = 5


def ours(votes: Votes) -> FloatArray:
    """Cells, fit and iid sandwich of votes that lie in arrays."""
    cells = Cells.from_votes(votes)
    fit = fit_bradley_terry(cells)
    for part in fit.components:
        iid_covariance_from_cells(cells, part)
    return fit.strengths


def fastchat(votes: Votes) -> FloatArray:
    """FastChat's arena ratings: distinct results with their counts, L-BFGS with a gradient."""
    rows = np.column_stack([votes.system_a, votes.system_b, 2 * VERDICT_SCORE[votes.verdict]])
    distinct, count = np.unique(rows.astype(np.int32), axis=0, return_counts=True)
    a, b, outcome = distinct[:, 0], distinct[:, 1], distinct[:, 2] / 2

    def loss(strengths: FloatArray) -> tuple[float, FloatArray]:
        gap = strengths[a] - strengths[b]
        value = -(count * (outcome * log_expit(gap) + (1 - outcome) * log_expit(-gap))).sum()
        slope = count * (expit(gap) - outcome)
        gradient = np.bincount(a, slope, votes.n_systems) - np.bincount(b, slope, votes.n_systems)
        return float(value), np.asarray(gradient, dtype=np.float64)

    start = np.zeros(votes.n_systems)
    found: Any = minimize(loss, start, jac=True, method="L-BFGS-B", options={"gtol": 1e-6})
    return np.asarray(found.x - found.x.mean())


def timed(work: Callable[[], FloatArray]) -> tuple[float, float, FloatArray]:
    """Medians of wall and processor time, and the strengths."""
    seconds, processor = [], []
    strengths = work()
    for _ in range(ROUNDS):
        wall, own = time.perf_counter(), time.process_time()
        work()
        seconds.append(time.perf_counter() - wall)
        processor.append(time.process_time() - own)
    return statistics.median(seconds), statistics.median(processor), strengths


def lines(case: str) -> Iterator[Line]:
    """Ours beside each rival."""
    systems, n = CASES[case]
    votes = draw(systems, n)
    title = f"fit and iid errors, {systems} systems, {n:,} votes"
    seconds, processor, strengths = timed(lambda: ours(votes))
    least, _, other = timed(lambda: fastchat(votes))
    yield Line(title, seconds, processor, beside=_named("FastChat's method", strengths, other),
               least=least, aim=1)  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "votes.npz"
        np.savez(path, a=votes.system_a, b=votes.system_b, verdict=votes.verdict)
        for name in NAMES:
            found = run_rival(name, path)
            if "missing" in found:
                told = f"{name} is not installed: pip install {name.replace('_', '-')}"
                yield Line(title, seconds, processor, beside=told)
                continue
            beside = _named(name, strengths, np.array(found["strengths"]))
            least = statistics.median(found["seconds"])
            yield Line(title, seconds, processor, beside=beside, least=least, aim=1)


def run_rival(name: str, path: Path) -> dict[str, Any]:
    """What the rival's own process measured."""
    python = os.environ.get("RIVALS_PYTHON", sys.executable)
    command = [python, str(SCRIPT), name, str(path), str(ROUNDS)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _named(name: str, ours: FloatArray, theirs: FloatArray) -> str:
    return f"{name} (largest difference {np.abs(ours - theirs).max():.1e})"


if __name__ == "__main__":
    chosen = [argument for argument in sys.argv[1:] if argument in CASES] or ["b"]
    report(
        (line for case in chosen for line in lines(case)),
        as_json="--json" in sys.argv,
    )
