"""Rate studies while everything they stand on is killed, then check them: `make chaos`.

It starts PostgreSQL, Redis, gunicorn and a Celery worker of its own on free ports of the
loopback. A long run is made of several, each with a study of its own that must fill and that is
checked; with --output it can be ended at any time and gone on with. It ends when both the seconds
and the kills are reached, with 1 if a rule was broken or something promised never occurred.
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

# What one study bears.
MOST_KILLS = 100
MOST_SECONDS = 600.0
# A run as long as this meets every kind of bad network.
LONG_S = 120.0


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, help="how long at least (600 without --kills)")
    parser.add_argument("--kills", type=int, default=0, help="how many kills at least")
    parser.add_argument("--annotators", type=int, default=24)
    parser.add_argument("--comparisons", type=int, help="of each study; default: enough")
    parser.add_argument("--overlap", type=int, default=3)
    parser.add_argument("--systems", type=int, default=4)
    parser.add_argument(
        "--gap", type=float, nargs=2, default=(0.5, 2.5), metavar="S", help="between two faults"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="keep histories and logs in this folder")
    parser.add_argument("--output", type=Path, help="JSON of the summary; goes on with what it has")
    chosen = parser.parse_args(arguments)
    if chosen.seconds is None:
        chosen.seconds = 0.0 if chosen.kills else 600.0
    return chosen


def say(text: str) -> None:
    print(f"[chaos] {text}", flush=True)


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
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.chaos.settings"
        os.environ["DATABASE_URL"] = database.url
        os.environ["REDIS_URL"] = broker.url
        # Settings read the environment when they are first asked.
        import django

        django.setup()
        folder = chosen.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        return rounds(chosen, database, broker, folder)


def rounds(
    chosen: argparse.Namespace, database: services.Server, broker: services.Server, folder: Path
) -> int:
    """One study after the other until enough was killed for long enough."""
    from tests.chaos.faults import Faults
    from tests.chaos.run import Options, run
    from tests.chaos.summary import Summary, read_summary, write_summary

    settings = {
        name: value
        for name, value in vars(chosen).items()
        if name not in ("keep", "output", "seconds", "kills")
    }
    settings["gap"] = list(chosen.gap)
    summary = read_summary(chosen.output, settings) if chosen.output else Summary()
    began = time.monotonic()
    while summary.seconds < chosen.seconds or summary.kills < chosen.kills:
        number = summary.runs + 1
        options = Options(
            seconds=min(max(chosen.seconds - summary.seconds, 0.0), MOST_SECONDS),
            kills=min(max(chosen.kills - summary.kills, 0), MOST_KILLS),
            annotators=chosen.annotators,
            comparisons=chosen.comparisons,
            overlap=chosen.overlap,
            systems=chosen.systems,
            gap=tuple(chosen.gap),
            seed=chosen.seed + number,
        )
        say(
            f"run {number}: {options.annotators} annotators, {options.size} comparisons wanted, "
            f"overlap {options.overlap}, seed {options.seed}; {os.cpu_count()} processors, load "
            f"{os.getloadavg()[0]:.1f}"
        )
        found = run(f"chaos-{number}", options, database, broker, folder, say)
        summary.add(found)
        if chosen.output:
            write_summary(chosen.output, settings, summary)
        say(
            f"run {number}: {found.kills} kills in {found.seconds:.0f} s, "
            f"{found.counted_votes} counted votes, full {found.fills[0]:.1f} s after the last "
            f"fault, {len(found.violations)} violations"
        )
    for line in summary.lines():
        say(line)
    missing = summary.missing(Faults.KINDS, is_long=summary.seconds >= LONG_S)
    for name in missing:
        say(f"never occurred: {name}")
    say(f"{time.monotonic() - began:.0f} s in all, load {os.getloadavg()[0]:.1f}")
    return 1 if summary.violations or missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
