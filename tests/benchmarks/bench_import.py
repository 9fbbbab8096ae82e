"""Imports of 100,000 rows through the real commands, and through the page, against reading and
parsing alone.

Run with ``python -m tests.benchmarks.bench_import``. Each import is a process of its own on a
fresh database, so that its peak memory is its own; the floor reads the same file line by line and
parses the JSON. Aims: 60 s and 300 MB at most. DATABASE_URL chooses another database than a new
SQLite file. Nothing fails here: absolute times do not travel.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.processes import measure

MANAGE = [sys.executable, "manage.py"]
AIM_SECONDS = 60
AIM_MEGABYTES = 300
SYSTEMS = 5

FLOOR = """
import json, sys
with open(sys.argv[1], "rb") as lines:
    for line in lines:
        json.loads(line)
"""

WORDS = ("model", "answer", "because", "therefore", "naïve", "函数", "the", "a", "of", "\n\n")


def text_of(source: random.Random, characters: int) -> str:
    words = source.choices(WORDS, k=characters // 5)
    return " ".join(words)[:characters]


def response_rows(rows: int) -> Iterator[dict[str, object]]:
    """About 1.5 KB each: a prompt with attributes, five systems, measures and metadata."""
    source = random.Random(1)
    prompt: dict[str, object] = {}
    for number in range(rows):
        if number % SYSTEMS == 0:
            prompt = {
                "prompt_id": f"p{number // SYSTEMS}",
                "prompt": f"{number} {text_of(source, 300)}",
                "category": source.choice(["code", "mail", "summary"]),
                "tags": ["a", "b"],
                "weight": source.random(),
            }
        yield prompt | {
            "system": f"system-{number % SYSTEMS}",
            "response": f"{number} {text_of(source, 1_000)}",
            "latency_ms": source.random() * 1000,
            "input_tokens": 100,
            "output_tokens": 300,
            "cost": 0.00123,
            "run": number,
        }


def comparison_rows(rows: int) -> Iterator[dict[str, object]]:
    """About 3 KB each, so that 100,000 are the 300 MB of the aim; ten pairs a prompt."""
    source = random.Random(2)
    pairs = [(a, b) for a in range(SYSTEMS) for b in range(a + 1, SYSTEMS)]
    texts: list[str] = []
    prompt = ""
    for number in range(rows):
        if number % len(pairs) == 0:
            prompt = f"{number} {text_of(source, 600)}"
            texts = [f"{number} {text_of(source, 1_050)}" for _ in range(SYSTEMS)]
        a, b = pairs[number % len(pairs)]
        yield {
            "item_id": f"i{number}",
            "prompt_id": f"p{number // len(pairs)}",
            "prompt": prompt,
            "system_a": f"system-{a}",
            "system_b": f"system-{b}",
            "response_a": texts[a],
            "response_b": texts[b],
        }


@contextmanager
def file_and_site(rows: Iterator[dict[str, object]]) -> Iterator[tuple[Path, dict[str, str]]]:
    """A file of rows, and the environment of a site whose tables are there."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        with path.open("w", encoding="utf-8") as stream:
            for row in rows:
                stream.write(json.dumps(row, ensure_ascii=False) + "\n")
        environment = {
            "DATABASE_URL": f"sqlite:///{folder}/bench.sqlite3",
            "SECRET_KEY": secrets.token_urlsafe(50),
            **os.environ,
        }
        measure([*MANAGE, "migrate", "--verbosity", "0"], environment)
        yield path, environment


def bench_page(count: int) -> None:
    """The same responses through the page: upload, check and storing, one process for all."""
    with file_and_site(response_rows(count)) as (path, environment):
        environment |= {
            "EVALSITE_VAR": str(path.parent),
            "DJANGO_SETTINGS_MODULE": "evalsite.settings",
        }
        sys.stdout.write(f"page: {count:,} responses, {path.stat().st_size / 1e6:.0f} MB\n")
        sys.stdout.flush()
        measure([sys.executable, "-m", "tests.benchmarks.page_import", str(path)], environment)


def bench(kind: str, rows: Callable[[int], Iterator[dict[str, object]]], count: int) -> None:
    with file_and_site(rows(count)) as (path, environment):
        floor = measure([sys.executable, "-c", FLOOR, str(path)], environment)
        study = f"bench-{secrets.token_hex(4)}"
        ours = measure([*MANAGE, f"import_{kind}", study, str(path)], environment)
        sys.stdout.write(
            f"{kind}: {count:,} rows, {path.stat().st_size / 1e6:.0f} MB: "
            f"{ours.seconds:.1f} s, {count / ours.seconds:,.0f} rows/s, "
            f"{ours.processor:.1f} s of one core, peak {ours.megabytes:.0f} MB "
            f"(aim {AIM_SECONDS} s, {AIM_MEGABYTES} MB); floor {floor.seconds:.1f} s, "
            f"{floor.megabytes:.0f} MB; {ours.seconds / floor.seconds:.1f} times the floor\n"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    count = parser.parse_args().rows
    bench("responses", response_rows, count)
    bench("comparisons", comparison_rows, count)
    bench_page(count)


if __name__ == "__main__":
    main()
