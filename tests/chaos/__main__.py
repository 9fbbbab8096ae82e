"""Rate a study while everything it stands on is killed, then check it: `make chaos`.

It starts PostgreSQL, Redis, gunicorn and a Celery worker of its own on free ports of the
loopback. It ends when both the seconds and the kills are reached, with 1 if a rule was broken.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests import services


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="how long at least")
    parser.add_argument("--kills", type=int, default=0, help="how many kills at least")
    parser.add_argument("--annotators", type=int, default=24)
    parser.add_argument("--comparisons", type=int, help="default: enough for the time")
    parser.add_argument("--overlap", type=int, default=3)
    parser.add_argument("--systems", type=int, default=4)
    parser.add_argument(
        "--gap", type=float, nargs=2, default=(3.0, 8.0), metavar="S", help="between two faults"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="keep history and logs in this folder")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    chosen = parse(arguments)

    def leave(number: int, frame: object) -> None:
        sys.exit(128 + number)

    # The default action would end this process without stopping what it started.
    signal.signal(signal.SIGTERM, leave)
    with (
        services.postgresql_server() as database,
        services.redis_server() as broker,
        tempfile.TemporaryDirectory(prefix="evalsite-chaos-") as temporary,
    ):
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
        os.environ["DATABASE_URL"] = database.url
        os.environ["REDIS_URL"] = broker.url
        # Settings read the environment when they are first asked.
        import django

        django.setup()
        from tests.chaos.run import Options, run

        folder = chosen.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        options = Options(
            seconds=chosen.seconds,
            kills=chosen.kills,
            annotators=chosen.annotators,
            comparisons=chosen.comparisons,
            overlap=chosen.overlap,
            systems=chosen.systems,
            gap=tuple(chosen.gap),
            seed=chosen.seed,
        )
        loads = [f"{os.getloadavg()[0]:.1f}"]
        started = time.monotonic()
        outcome = run(options, database, broker, folder)
        loads.append(f"{os.getloadavg()[0]:.1f}")
        print(
            f"[chaos] {options.annotators} annotators, {options.size} comparisons wanted, overlap "
            f"{options.overlap}, seed {options.seed}; {os.cpu_count()} processors, load "
            f"{' → '.join(loads)}; {time.monotonic() - started:.0f} s in all"
        )
        for line in outcome.report():
            print(f"[chaos] {line}")
        return 1 if outcome.violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
