"""Measure how fast pairs and votes are served: `make load ARGS="paced saturation"`.

PostgreSQL (durable), Redis, gunicorn with two processes of four threads, and the people, all on
this machine: what the people cost is in the figures. `smoke` asks for everything for a moment;
`paced` is people who think; `saturation` is the most votes a second, beside bare claim-and-insert
handlers in the same run; `volume` is a study of a million comparisons beside a small one. The
ratios travel; so, nearly, does the processor time a request. Exits with 1 where a gate is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests import services
from tests.live_site import PAGES_LIMITS, Site, environment

NAMES = ("smoke", "paced", "saturation", "volume")
USUAL = ("paced", "saturation")

# Timings are not judged there: where the machine stands still for a moment, nobody is turned away.
PATIENT_PAGES = dict.fromkeys(PAGES_LIMITS, "60000")


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument(
        "profiles", nargs="*", help=f"of {', '.join(NAMES)}; without any: {' '.join(USUAL)}"
    )
    parser.add_argument("--minutes", type=float, default=1.0, help="of each step (1)")
    parser.add_argument(
        "--rows", type=int, default=1_000_000, help="comparisons of the big study (1000000)"
    )
    parser.add_argument(
        "--veteran", type=int, default=50_000, help="votes of one annotator there (50000)"
    )
    parser.add_argument("--output", type=Path, help="also write the results there, as JSON")
    chosen = parser.parse_args(arguments)
    for name in chosen.profiles:
        if name not in NAMES:
            parser.error(f"there is no profile {name!r}; there are {', '.join(NAMES)}")
    return chosen


def main(arguments: list[str]) -> int:
    chosen = parse(arguments)

    def leave(number: int, frame: object) -> None:
        sys.exit(128 + number)

    # The default action would end this process without stopping what it started.
    signal.signal(signal.SIGTERM, leave)
    with ExitStack() as stack:
        database = stack.enter_context(services.postgresql_server(durable=True))
        broker = stack.enter_context(services.redis_server())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="evalsite-load-")))
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
        os.environ["DATABASE_URL"] = database.url
        os.environ["REDIS_URL"] = broker.url
        # Settings read the environment when they are first asked.
        import django

        django.setup()
        from tests.load import machine, profiles

        # With the log that production writes.
        limits = PATIENT_PAGES if chosen.profiles == ["smoke"] else {}
        told = environment(
            database.url,
            broker.url,
            EVALSITE_VAR=str(folder),
            LOG_LEVEL="INFO",
            LOG_JSON="1",
            **limits,
        )
        sites = (
            Site(told, folder),
            Site(
                {**told, "DJANGO_SETTINGS_MODULE": "tests.load.bare_settings"},
                folder,
                application="tests.load.bare:application",
            ),
        )
        plan = profiles.Plan(
            tuple(chosen.profiles) or USUAL, 60 * chosen.minutes, chosen.rows, chosen.veteran
        )
        where = machine.describe(
            {name: told[name] for name in ("WEB_CONCURRENCY", "WEB_THREADS", "LOG_LEVEL")}
        )
        for name, value in where.items():
            say(f"{name}: {value}")
        report = profiles.Report(say)
        profiles.measure_all(plan, stack, database, sites, report)
        for fault in report.missed:
            say(f"MISSED {fault}")
        if chosen.output is not None:
            write(chosen.output, {"where": where, "seconds": plan.seconds, **report.as_json()})
        return 1 if report.missed else 0


def say(text: str) -> None:
    for line in text.splitlines():
        print(f"[load] {line}", flush=True)


def write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
