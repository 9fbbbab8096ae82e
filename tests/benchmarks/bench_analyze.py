"""The product's own `analyze`, from tables to a file, in a process of its own.

Run with ``python -m tests.benchmarks.bench_analyze [usual] [large]``.

*usual*: six systems and 3,000 imported votes on SQLite, cold and once everything is imported,
beside the imports of Django, numpy and scipy alone.

*large*: 2,000,000 collected votes over 200 systems in a new PostgreSQL (some minutes to fill): the
whole report as JSON, with its memory; leaderboard and iid errors from cells that PostgreSQL
grouped, beside that query alone; and the fit after one more vote.

Nothing fails here: absolute times do not travel. This process stays small, as those it starts
count their memory from its own.
"""

from __future__ import annotations

import csv
import json
import os
import random
import secrets
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.processes import PROJECT_ROOT, Measured, measure
from tests.benchmarks.table import Line, report
from tests.services import postgresql

MANAGE = [sys.executable, "manage.py"]
ROUNDS = 5
LARGE_ROUNDS = 3
USUAL = (6, 3_000)
LARGE = (200, 2_000_000)
SLUG = "bench"
COLD_SECONDS, WARM_SECONDS = 2.5, 0.7
LARGE_SECONDS, LARGE_MEGABYTES = 8.0, 700.0
UPDATE_SECONDS = 0.005
CELLS_RATIO = 1.3

IMPORTS = "import django.db.models, django.core.management, numpy, scipy.stats, scipy.sparse"


def environment(database_url: str, folder: str) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": database_url,
        "EVALSITE_VAR": folder,
        "SECRET_KEY": secrets.token_urlsafe(50),
    }


def median_of(runs: list[Measured]) -> Measured:
    return Measured(
        *(
            statistics.median(values)
            for values in zip(
                *((run.seconds, run.processor, run.megabytes) for run in runs), strict=True
            )
        )
    )


def write_usual(folder: Path) -> tuple[Path, Path]:
    """A thousand comparisons and three votes on each, of twelve people with their tastes."""
    systems, votes = USUAL
    source = random.Random(1)
    strength = [source.gauss(0, 0.5) for _ in range(systems)]
    pairs = [(a, b) for a in range(systems) for b in range(a + 1, systems)]
    comparisons, verdicts = folder / "comparisons.jsonl", folder / "votes.csv"
    with comparisons.open("w") as items, verdicts.open("w", newline="") as rows:
        table = csv.writer(rows)
        table.writerow(["item_id", "annotator_id", "verdict", "left"])
        for item in range(votes // 3):
            a, b = pairs[item % len(pairs)]
            prompt = item // len(pairs)
            row = {
                "item_id": f"i{item}",
                "prompt_id": f"p{prompt}",
                "prompt": f"Question {prompt}",
                "category": f"c{prompt % 4}",
                "system_a": f"system-{a}",
                "system_b": f"system-{b}",
                "response_a": f"Answer to {prompt} of {a}: " + "word " * (20 + 7 * a),
                "response_b": f"Answer to {prompt} of {b}: " + "word " * (20 + 7 * b),
            }
            items.write(json.dumps(row) + "\n")
            for person in source.sample(range(12), 3):
                lean = strength[a] - strength[b] + source.gauss(0, 1)
                verdict = source.choices(["tie", "a" if lean > 0 else "b", "both_bad"], [4, 15, 1])
                table.writerow([f"i{item}", f"r{person}", *verdict, source.choice("ab")])
    return comparisons, verdicts


def usual() -> Iterator[Line]:
    with tempfile.TemporaryDirectory() as folder:
        own = environment(f"sqlite:///{folder}/bench.sqlite3", folder)
        comparisons, votes = write_usual(Path(folder))
        for command in (
            ["migrate", "--verbosity", "0"],
            ["import_comparisons", SLUG, str(comparisons)],
            ["import_votes", SLUG, str(votes)],
        ):
            subprocess.run(
                [*MANAGE, *command],
                cwd=PROJECT_ROOT,
                env=own,
                check=True,
                stderr=subprocess.DEVNULL,
            )
        floors, whole = [], []
        for number in range(ROUNDS):
            floors.append(measure([sys.executable, "-c", IMPORTS], own))
            whole.append(measure(analyze(number, folder), own))
        floor, ours = median_of(floors), median_of(whole)
        name = "analyze, {} systems, {:,} votes".format(*USUAL)
        yield Line(f"{name}, cold", ours.seconds, ours.processor, COLD_SECONDS,
                   "imports of Django, numpy, scipy", floor.seconds)  # fmt: skip
        warm = inside("usual", own)
        yield Line(f"{name}, imported", warm["seconds"], warm["processor"], WARM_SECONDS)
        yield Line(f"{name}, memory", ours.megabytes, None, None,
                   "imports of Django, numpy, scipy", floor.megabytes, unit="MB")  # fmt: skip


def analyze(seed: int, folder: str) -> list[str]:
    """Another seed each time: an analysis of the same input and seed is only read."""
    output = str(Path(folder) / "report.json")
    quiet = ["--format", "json", "--output", output, "--seed", str(seed)]
    return [*MANAGE, "analyze", SLUG, *quiet]


def inside(what: str, own: dict[str, str]) -> dict[str, float]:
    """What a process that has imported everything measures of itself."""
    command = [sys.executable, "-m", "tests.benchmarks.in_process", what, SLUG]
    done = subprocess.run(
        command, cwd=PROJECT_ROOT, env=own, check=True, stdout=subprocess.PIPE, text=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def large() -> Iterator[Line]:
    systems, votes = LARGE
    with tempfile.TemporaryDirectory() as folder, postgresql() as url:
        own = environment(url, folder)
        subprocess.run(
            [*MANAGE, "migrate", "--verbosity", "0"], cwd=PROJECT_ROOT, env=own, check=True
        )
        fill = [
            sys.executable,
            "-m",
            "tests.benchmarks.voted_study",
            SLUG,
            str(votes),
            str(systems),
        ]
        subprocess.run(fill, cwd=PROJECT_ROOT, env=own, check=True)
        yield from measured_large(own, folder)


def measured_large(own: dict[str, str], folder: str) -> Iterator[Line]:
    """The lines of a large study that is already there."""
    grouped = inside("cells", own)
    runs = [measure(analyze(number, folder), own) for number in range(LARGE_ROUNDS)]
    # The best of all: what is aimed at is what the program takes, not what shared cores add.
    best, ours = min(runs, key=lambda run: run.seconds), median_of(runs)
    name = "analyze, {} systems, {:,} votes".format(*LARGE)
    beside = "GROUP BY of the counted votes alone"
    yield Line(f"{name}, whole", ours.seconds, ours.processor, LARGE_SECONDS,
               beside, grouped["query_seconds"])  # fmt: skip
    yield Line(f"{name}, best of {LARGE_ROUNDS}", best.seconds, best.processor, LARGE_SECONDS,
               beside, grouped["query_seconds"])  # fmt: skip
    yield Line(f"{name}, memory", ours.megabytes, None, LARGE_MEGABYTES, unit="MB")
    yield Line(
        "board and iid errors from PostgreSQL",
        grouped["seconds"],
        grouped["processor"],
        beside=beside,
        least=grouped["query_seconds"],
        aim=CELLS_RATIO,
    )
    yield Line(
        f"fit after one more vote, {LARGE[0]} systems",
        grouped["update_seconds"],
        grouped["update_processor"],
        UPDATE_SECONDS,
    )


def main(arguments: list[str]) -> None:
    parts = {"usual": usual, "large": large}
    chosen = [name for name in arguments if name in parts] or list(parts)
    report((line for name in chosen for line in parts[name]()), as_json="--json" in arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
