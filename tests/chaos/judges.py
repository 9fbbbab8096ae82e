"""Judges under faults: ``python -m tests.chaos.judges [--pairs N] [--rate 0.2] [--seed N]``.

A server that fails one call in five, four judges (two models, two instructions) with a budget each,
and Celery workers whose children and main process are killed, and Redis with them, for a while:
nothing can end while its workers are killed faster than they take work up again. In the end every
call of every run must have an answer or a visible failure, none of them twice, and the money
and the server's own log must agree.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.chaos.background import BackgroundWorker
from tests.live_site import PROJECT_ROOT, environment
from tests.services import postgresql_server, redis_server

POLL_S = 1.0
KEY = "sk-chaos-canary-0123456789"
ENDED = ("finished", "cancelled")


@dataclass
class Story:
    """What happened, and what was found wrong in the end."""

    kills: Counter[str] = field(default_factory=Counter)
    counts: dict[str, Any] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)

    def demand(self, holds: bool, otherwise: str) -> None:
        if not holds:
            self.violations.append(otherwise)


def run(
    pairs: int,
    rate: float,
    seed: int,
    gap: float,
    faults_for: float,
    limit: float,
    folder: Path,
) -> Story:
    story, dice = Story(), random.Random(seed)
    with ExitStack() as stack:
        database = stack.enter_context(postgresql_server())
        broker = stack.enter_context(redis_server())
        log = folder / "simulator.jsonl"
        server = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "judging.simulator",
                f"--seed={seed}",
                "--delay=0.2",
                f"--log={log}",
            ],
            cwd=PROJECT_ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        stack.callback(server.kill)
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        local = url.removeprefix("http://").removesuffix("/v1")
        told = environment(
            database.url,
            broker.url,
            JUDGE_LOCAL_ENDPOINTS=local,
            JUDGE_CALLS_AT_ONCE="8",
            LOG_LEVEL="INFO",
        )
        os.environ.update(told)
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        runs = start(pairs, rate, url, seed)
        worker = BackgroundWorker(told, folder)
        worker.start()
        stack.callback(worker.stop)
        began = time.monotonic()
        acts = [("child", 3), ("main", 1), ("redis", 1)]
        next_act, last_act = began + gap, began
        while time.monotonic() - began < limit:
            time.sleep(POLL_S)
            worker.start_if_ended()
            if all(state_of(pk) in ENDED for pk in runs):
                break
            if not next_act <= time.monotonic() < began + faults_for:
                continue
            next_act = time.monotonic() + gap
            act = dice.choices([name for name, _ in acts], [weight for _, weight in acts])[0]
            # Each kind comes once before any comes again.
            missing = [name for name, _ in acts if not story.kills[name]]
            act = missing[0] if missing else act
            if act == "child" and not worker.kill_child(dice):
                continue
            if act == "main":
                worker.kill()
            if act == "redis":
                broker.stop()
                time.sleep(2)
                broker.start()
            story.kills[act] += 1
            last_act = time.monotonic()
        story.counts["seconds after the last kill"] = round(time.monotonic() - last_act)
        story.counts["seconds"] = round(time.monotonic() - began)
        check(story, runs, pairs, log)
        leaks = [
            path.name
            for path in folder.glob("*.log")
            if KEY in path.read_text(encoding="utf-8", errors="replace")
            or "canary-of-an-upstream-body" in path.read_text(encoding="utf-8", errors="replace")
        ]
        story.demand(not leaks, f"a key or an upstream body in {leaks}")
    return story


def start(pairs: int, rate: float, url: str, seed: int) -> list[int]:
    """Four judges of one panel, each with a run and a budget."""
    from judging.judge_files import read_draft
    from judging.judges import add_judges
    from judging.runs.planning import quote
    from judging.runs.starting import start_run
    from judging.runs.study_budget import set_study_budget
    from tests.judging.asked import PRICE, make_judged_study

    study = make_judged_study(pairs)
    draft = read_draft(
        {
            "name": "panel",
            "instructions": ["assessor", "reader"],
            "endpoint": {"name": "sim", "base_url": url, "requests_per_minute": 60_000},
            "models": [
                {"name": f"faulty:rate={rate},k={number}", "max_tokens": 300, "price": PRICE}
                for number in (1, 2)
            ],
        },
        "chaos",
    )
    added = add_judges(study, draft, actor=None, key=KEY)
    worst = sum((quote(one.version).worst_case for one in added), Decimal(0))
    # Never reached, but reserved of by every worker.
    set_study_budget(study, None, worst * Decimal(4))
    return [
        start_run(
            one.version, actor=None, budget=quote(one.version).worst_case * Decimal(4), seed=seed
        ).pk
        for one in added
    ]


def state_of(run_id: int) -> str:
    from judging.models import JudgeRun

    return str(JudgeRun.objects.get(pk=run_id).state)


def check(story: Story, runs: list[int], pairs: int, log: Path) -> None:
    """Hold the tables against what was planned, and against the server's log."""
    from django.db.models import Count, Sum

    from judging.models import Endpoint, JudgeAttempt, JudgeCall, JudgeRun, JudgeTrial, Judgment
    from judging.probing import TINY
    from judging.prompts import LADDER
    from judging.simulator.minds import Asked

    calls = JudgeCall.objects.filter(run__in=runs)
    states = Counter(calls.values_list("state", flat=True))
    judgments = Judgment.objects.filter(call__run__in=runs)
    planned = pairs * 2 * len(runs)
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    # How the endpoint wants to be asked is found out under the same faults, and paid by the runs.
    tiny = {
        Asked(entry["model"], "", TINY.response_a, TINY.response_b, {}, 0).question
        for entry in entries
    }
    probes = [entry for entry in entries if entry["question"] in tiny]
    entries = [entry for entry in entries if entry["question"] not in tiny]
    story.demand(len(probes) >= 2, "no model was probed")
    # Two replies that cannot be read are needed for each step down, and nothing else counts.
    unreadable = sum(entry["status"] == 200 and entry["did"] != "ok" for entry in probes)
    rungs = Endpoint.objects.values_list("rungs", flat=True).get()
    steps = sum(LADDER.index(rung) for rung in rungs.values())
    story.demand(steps <= unreadable // 2, f"a fault was taken for a form: {rungs}")
    attempts = JudgeAttempt.objects.filter(call__run__in=runs)
    missing = states["unparsed"] + states["refused"] + states["failed_permanent"]
    story.counts |= {
        "planned": planned,
        "states": dict(states),
        "judgments": judgments.count(),
        "requests at the server": len(entries),
        "attempts": attempts.count(),
        "probes": len(probes),
        "requests per answer": round(len(entries) / max(1, judgments.count()), 3),
        "most at once": max((entry["at_once"] for entry in entries), default=0),
        "faults": sum(entry["did"] != "ok" for entry in entries),
        "lost with a worker": attempts.filter(status_class="lost").count(),
        "runs": [state_of(pk) for pk in runs],
    }
    story.demand(calls.count() == planned, f"{calls.count()} calls, {planned} were planned")
    story.demand(
        states["succeeded"] + missing == planned,
        f"{planned - states['succeeded'] - missing} calls are neither answered nor failed visibly",
    )
    story.demand(
        judgments.count() == states["succeeded"],
        f"{judgments.count()} judgments of {states['succeeded']} succeeded calls",
    )
    twice = judgments.values("call").annotate(n=Count("pk")).filter(n__gt=1).count()
    story.demand(twice == 0, f"{twice} calls have two judgments")
    spent = Decimal(0)
    for run_row in JudgeRun.objects.filter(pk__in=runs):
        charged = sum(
            (
                rows.aggregate(n=Sum("cost"))["n"] or Decimal(0)
                for rows in (attempts.filter(call__run=run_row), run_row.trials)
            ),
            Decimal(0),
        )
        spent += run_row.spent
        story.demand(run_row.spent <= run_row.budget, f"run {run_row.pk} spent over its budget")
        story.demand(run_row.reserved == 0, f"run {run_row.pk} still reserves {run_row.reserved}")
        story.demand(
            run_row.spent == charged, f"run {run_row.pk}: {run_row.spent} is not {charged}"
        )
    # PRICE of tests.judging.asked: 2 and 8 dollars a million.
    billed = sum(
        Decimal(2 * entry["input_tokens"] + 8 * entry["output_tokens"]) / 1_000_000
        for entry in [*entries, *probes]
    )
    story.counts["spent"] = f"{spent:.4f}"
    story.counts["billed by the server's log"] = f"{billed:.4f}"
    story.demand(spent >= billed * Decimal("0.98"), "less was charged than the server billed")
    story.demand(
        len(entries) <= attempts.count(), "the server saw requests without a committed attempt"
    )
    story.demand(
        len(probes) <= JudgeTrial.objects.count(), "a probe was sent without a committed trial"
    )
    story.demand({entry["key"] for entry in entries} <= {KEY}, "a request without the key")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.judges", description=__doc__)
    parser.add_argument("--pairs", type=int, default=150)
    parser.add_argument("--rate", type=float, default=0.2, help="share of calls that fail")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--gap", type=float, default=10.0, help="seconds between two kills")
    parser.add_argument(
        "--faults-for", type=float, default=180.0, help="seconds in which something is killed"
    )
    parser.add_argument("--limit", type=float, default=420.0, help="seconds until it must be over")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="evalsite-judges-") as folder:
        story = run(
            given.pairs,
            given.rate,
            given.seed,
            given.gap,
            given.faults_for,
            given.limit,
            Path(folder),
        )
        if story.violations:
            log = Path(folder) / "celery.log"
            sys.stdout.write(log.read_text()[-4000:] + "\n")
    sys.stdout.write(f"killed: {dict(story.kills)}\n")
    for name, value in story.counts.items():
        sys.stdout.write(f"{name}: {value}\n")
    for violation in story.violations:
        sys.stdout.write(f"VIOLATION {violation}\n")
    sys.stdout.write(f"violations: {len(story.violations)}\n")
    sys.exit(1 if story.violations else 0)


if __name__ == "__main__":
    main()
