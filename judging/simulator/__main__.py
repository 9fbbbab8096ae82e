"""Serve the simulator from a terminal: `python -m judging.simulator --help`."""

from __future__ import annotations

import argparse
import asyncio
import sys

import judging.simulator as package
from judging.simulator.server import Simulator


async def serve(port: int, seed: int, delay: float, log: str) -> None:
    """Serve until the process ends; the address goes to stdout."""
    log_to = open(log, "a", encoding="utf-8") if log else None  # noqa: SIM115
    simulator = Simulator(seed, delay=delay, log_to=log_to, keep=False)
    await simulator.start(port)
    sys.stdout.write(simulator.url + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m judging.simulator", description=package.__doc__
    )
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--log", default="", help="append a line of JSON for each request")
    given = parser.parse_args()
    asyncio.run(serve(given.port, given.seed, given.delay, given.log))


if __name__ == "__main__":
    main()
