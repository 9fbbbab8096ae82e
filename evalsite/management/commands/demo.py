"""Seed the demo study, print its links and serve it on this machine."""

from __future__ import annotations

import os
import socket
import sys
from typing import Any, NoReturn

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from evalsite.demo.plan import read_plan
from evalsite.demo.seeding import seed
from evalsite.demo.visitors import issue_links

# Loopback only: the demo's cookies travel over plain HTTP.
HOST = "127.0.0.1"
FIRST_PORT = 8000
# With 8000 taken the next ones are tried, so that a second start does not fail.
PORTS_TRIED = 20


class Command(BaseCommand):
    help = "Seed the demo study, print single-use links for an annotator and a researcher, serve."
    # Migrations come first; checks run after them, in the server.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-serve", action="store_true", help="seed and print links only")
        parser.add_argument("--port", type=int, help=f"default: {FIRST_PORT} or the next free one")

    def handle(self, *args: Any, **options: Any) -> None:
        port = options["port"]
        if port is not None and not 1 <= port <= 65_535:
            raise CommandError(f"--port {port} is outside 1..65535.")
        if port is not None and not options["no_serve"] and not is_free(port):
            raise CommandError(
                f"Port {port} on {HOST} is in use. Leave --port out to take a free one."
            )
        if port is None:
            port = FIRST_PORT if options["no_serve"] else first_free_port()
        self.say("Preparing the database")
        call_command("migrate", verbosity=0, interactive=False)
        study = seed(read_plan(settings.BASE_DIR / "fixtures" / "demo"), self.say)
        links = issue_links(study, port)
        self.stdout.write(
            "\n".join(
                (
                    "",
                    "  Rate pairs as an annotator:   " + links["annotator"],
                    "  Read the researcher's report: " + links["researcher"],
                    "",
                    "  Each link works once, on this machine. Start again for new ones.",
                    *([] if options["no_serve"] else ["  Press Ctrl-C to stop."]),
                    "",
                )
            )
        )
        self.stdout.flush()
        if not options["no_serve"]:
            serve(port)

    def say(self, text: str) -> None:
        self.stderr.write(f"{text} …", style_func=str)


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # A server that stopped a moment ago must not keep its port taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def first_free_port() -> int:
    for port in range(FIRST_PORT, FIRST_PORT + PORTS_TRIED):
        if is_free(port):
            return port
    raise CommandError(
        f"Every port from {FIRST_PORT} to {FIRST_PORT + PORTS_TRIED - 1} is in use; "
        "name a free one with --port."
    )


def serve(port: int) -> NoReturn:
    """Become gunicorn on the loopback address.

    It takes the place of this process: a signal that ends the command (Ctrl-C, SIGTERM) reaches
    the server itself, which ends its workers before it exits.
    """
    environment = os.environ | {
        "BIND": f"{HOST}:{port}",
        "EVALSITE_INSECURE_LOCAL": "1",
        "LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING"),
    }
    connections.close_all()
    sys.stdout.flush()
    sys.stderr.flush()
    os.chdir(settings.BASE_DIR)
    os.execve(  # noqa: S606
        sys.executable,
        [
            sys.executable,
            "-m",
            "gunicorn",
            "--config",
            "python:evalsite.gunicorn_conf",
            "evalsite.wsgi:application",
        ],
        environment,
    )
