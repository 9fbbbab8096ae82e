"""Measure how fast pairs and votes are served: `make load`.

PostgreSQL (durable), Redis, gunicorn with two processes of four threads, and the people, all on
this machine: what the people cost is in the figures. Each step is measured on the product and on
bare claim-and-insert handlers, one after the other; only the ratios travel. Exits with 1 where a
gate is missed.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests import services
from tests.live_site import Site, environment


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each step")
    parser.add_argument(
        "--rows", type=int, default=0, help="also a study of so many comparisons (1000000)"
    )
    parser.add_argument(
        "--veteran", type=int, default=50_000, help="votes of one annotator in that study"
    )
    parser.add_argument("--only", help="only the steps with this in their name")
    return parser.parse_args(arguments)


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
        from tests.load import measuring

        # With the log that production writes.
        told = environment(
            database.url, broker.url, EVALSITE_VAR=str(folder), LOG_LEVEL="INFO", LOG_JSON="1"
        )
        product = Site(told, folder)
        floor = Site(
            {**told, "DJANGO_SETTINGS_MODULE": "tests.load.bare_settings"},
            folder,
            application="tests.load.bare:application",
        )
        plan = measuring.Plan(chosen.seconds, chosen.rows, chosen.veteran, chosen.only or "")
        print(f"[load] {os.cpu_count()} processors; {chosen.seconds:.0f} s a step")
        print(f"[load] {measuring.HEADER}", flush=True)
        missed = []
        for said, faults in measuring.measure_all(plan, stack, product, floor):
            print(f"[load] {said}", flush=True)
            missed += faults
        for fault in missed:
            print(f"[load] MISSED {fault}")
        return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
