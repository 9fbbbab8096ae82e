"""Every check but the tests themselves: `make check`, or `python -m tests.checks [NAME…]`.

One line for each; the output of a check is shown only where it fails.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = Path(sys.executable).parent

ROOMS = ("annotation", "judging", "reports", "evalsite")
PRODUCT = (*ROOMS, "manage.py", "bootstrap.py")


@dataclass(frozen=True)
class Check:
    """A command that must exit with 0."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)


def script(name: str, *arguments: str) -> list[str]:
    return [str(SCRIPTS / name), *arguments]


def manage(*arguments: str) -> list[str]:
    # Warnings of Python itself are errors here too.
    return [sys.executable, "-W", "error", "manage.py", *arguments]


def production_like(folder: str) -> dict[str, str]:
    """The environment of an installation behind https; nothing is connected to."""
    return {
        "SECRET_KEY": secrets.token_urlsafe(64),
        "DEBUG": "0",
        "ALLOWED_HOSTS": "evalsite.example.org",
        "CSRF_TRUSTED_ORIGINS": "https://evalsite.example.org",
        "DATABASE_URL": "postgres://evalsite@127.0.0.1:1/evalsite",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "EVALSITE_VAR": folder,
    }


def checks(folder: str) -> list[Check]:
    """All checks; `folder` is a place that they may write to."""
    local = {
        "SECRET_KEY": secrets.token_urlsafe(64),
        "DATABASE_URL": f"sqlite:///{folder}/check.sqlite3",
        "EVALSITE_VAR": folder,
    }
    return [
        Check("format", script("ruff", "format", "--check", ".")),
        Check("lint", script("ruff", "check", ".")),
        Check("imports", script("lint-imports", "--no-cache"), local),
        Check("types", script("mypy", *PRODUCT, "tests"), local),
        # Ruff's S rules hold the lesser findings, each exception beside its line.
        Check(
            "security",
            script(
                "bandit",
                "--quiet",
                "--recursive",
                "--severity-level=medium",
                "--configfile=pyproject.toml",
                *PRODUCT,
            ),
        ),
        Check("templates", script("djlint", "--quiet", "--lint", *ROOMS)),
        Check("migrations", manage("makemigrations", "--check", "--dry-run"), local),
        Check(
            "deployment",
            manage("check", "--deploy", "--fail-level", "WARNING"),
            production_like(folder),
        ),
    ]


def run(check: Check) -> bool:
    """Run one check, print its line, and say whether it passed."""
    started = time.monotonic()
    # What the caller has set must not decide how an installation is checked.
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("EVALSITE_") and name not in ("DEBUG", "REDIS_URL", "ALLOWED_HOSTS")
    }
    done = subprocess.run(
        check.command,
        cwd=PROJECT_ROOT,
        env={**inherited, **check.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    passed = done.returncode == 0
    seconds = time.monotonic() - started
    print(f"{'ok    ' if passed else 'FAILED'}  {check.name:<12} {seconds:5.1f} s", flush=True)
    if not passed:
        print(f"$ {' '.join(check.command)}\n{done.stdout}", flush=True)
    return passed


def main(names: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="evalsite-checks-") as folder:
        every = checks(folder)
        unknown = set(names) - {check.name for check in every}
        if unknown:
            known = ", ".join(check.name for check in every)
            sys.exit(f"No check is called {sorted(unknown)[0]!r}; there are: {known}.")
        chosen = [check for check in every if not names or check.name in names]
        failed = [check.name for check in chosen if not run(check)]
    print(f"{len(chosen) - len(failed)} of {len(chosen)} checks passed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
