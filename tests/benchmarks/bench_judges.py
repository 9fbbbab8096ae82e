"""How fast judges are asked, beside bare httpx against the same server in the same run.

``python -m tests.benchmarks.bench_judges [--calls 5000] [--at-once 64] [--delay 0.5] [--json]``

The server is the simulator in a process of its own. Bare httpx sends the same requests and keeps
nothing. `DATABASE_URL` names the database; without it a SQLite file in a folder that goes.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.processes import PROJECT_ROOT
from tests.benchmarks.table import Line, report

CHUNK = 500


@contextmanager
def simulator(delay: float) -> Iterator[str]:
    """Its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "judging.simulator", f"--delay={delay}"],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def megabytes_now() -> float:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def set_up(folder: Path, url: str) -> None:
    os.environ.setdefault("DATABASE_URL", f"sqlite:///{folder}/judges.sqlite3")
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    os.environ["JUDGE_LOCAL_ENDPOINTS"] = url.removeprefix("http://").removesuffix("/v1")
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def prepare(url: str, calls: int) -> tuple[int, list[dict[str, object]]]:
    """A run of so many calls, and the requests that it will send."""
    from judging.judges import newest_versions
    from judging.prompts import LADDER
    from judging.runs.asking import TEXTS, Asking
    from judging.runs.starting import start_run
    from tests.judging.asked import add, make_judged_study

    study = make_judged_study(calls // 2)
    add(study, url)
    version = newest_versions(study)[0]
    endpoint = study.judge_endpoints.get()
    endpoint.rungs = {version.config["model"]: LADDER[0]}
    endpoint.save()
    asking = Asking.of(version)
    payloads = []
    for comparison in study.comparisons.select_related(*TEXTS)[: calls // 2]:
        for order in ("ab", "ba"):
            messages = asking.messages(asking.pair_of(comparison), order, LADDER[0])
            payloads.append(asking.payload(messages, LADDER[0]))
    return start_run(version, actor=None, fresh=True).pk, payloads


async def bare(url: str, payloads: list[dict[str, object]], at_once: int) -> float:
    """Seconds of httpx alone, with as many requests in flight."""
    import httpx

    rest = iter(payloads)
    limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once)
    async with httpx.AsyncClient(timeout=90, trust_env=False, limits=limits) as client:

        async def ask() -> None:
            for payload in rest:
                response = await client.post(f"{url}/chat/completions", json=payload)
                response.json()

        began = time.perf_counter()
        await asyncio.gather(*(ask() for _ in range(at_once)))
        return time.perf_counter() - began


async def ours(run_id: int, at_once: int) -> tuple[float, list[float]]:
    """Seconds until the run has ended, and the memory meanwhile."""
    from judging.runs.working import work

    memory: list[float] = []

    async def watch() -> None:
        while True:
            memory.append(megabytes_now())
            await asyncio.sleep(1)

    watching = asyncio.create_task(watch())
    began = time.perf_counter()
    await work(run_id, at_once=at_once, seconds=3600)
    seconds = time.perf_counter() - began
    watching.cancel()
    return seconds, memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=5_000)
    parser.add_argument("--at-once", type=int, default=64)
    parser.add_argument("--delay", type=float, default=0.5)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="evalsite-judges-") as folder,
        simulator(given.delay) as url,
    ):
        set_up(Path(folder), url)
        from judging.models import JudgeRun, Judgment

        run_id, payloads = prepare(url, given.calls)
        least = asyncio.run(bare(url, payloads, given.at_once))
        del payloads
        processor = time.process_time()
        seconds, memory = asyncio.run(ours(run_id, given.at_once))
        processor = time.process_time() - processor
        run = JudgeRun.objects.get(pk=run_id)
        stored = Judgment.objects.filter(call__run=run).count()
        engine = "SQLite" if "sqlite" in os.environ["DATABASE_URL"] else "PostgreSQL"
        name = f"{stored:,} judgments, {given.at_once} at once, {engine}"
        early = memory[min(5, len(memory) - 1)]
        report(
            [
                Line(name, seconds, processor, None, "bare httpx", least, 1 / 0.9),
                Line("memory in the end", memory[-1], None, None, "after 5 s", early, 1.1, "MB"),
            ],
            as_json=given.json,
        )
        if run.state != "finished":
            raise SystemExit(f"The run is {run.state} ({run.pause_cause}).")


if __name__ == "__main__":
    main()
