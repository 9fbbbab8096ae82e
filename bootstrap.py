"""The front door: build `.venv` from the hashed lock and run one of the project's commands.

Standard library only, so that a machine with nothing but Python 3.11 or newer can start::

    python3 bootstrap.py run        # demo study, served on 127.0.0.1
    python3 bootstrap.py test       # every test that this machine can run
    python3 bootstrap.py test-slow  # the simulations, which `test` leaves out

`make` calls the same file. The environment is built once and again only when the lock changes.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
VAR = ROOT / "var"
STAMP = VENV / "evalsite.lock.sha256"
MINIMUM = (3, 11)
COMMANDS = ("install", "install-dev", "run", "test", "test-slow", "check")
LOCKS = {"run": "requirements.txt", "dev": "requirements-dev.txt"}

# Newest first; `python3` last because it may be any version.
CANDIDATES = ("python3.14", "python3.13", "python3.12", "python3.11", "python3")

PROBE = "import sys, venv; print('%d %d' % sys.version_info[:2])"


def say(message: str) -> None:
    print(f"[setup] {message}", file=sys.stderr, flush=True)


def venv_python() -> Path:
    if os.name == "nt":
        return VENV / "Scripts" / "python.exe"
    return VENV / "bin" / "python"


def works(command: str) -> bool:
    """Whether `command` starts and is new enough. It is run, because a version manager's
    shim may be on the path and still exit with 127."""
    try:
        done = subprocess.run(
            [command, "-c", PROBE], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    if done.returncode != 0:
        return False
    try:
        major, minor = done.stdout.split()
    except ValueError:
        return False
    return (int(major), int(minor)) >= MINIMUM


def find_python() -> str:
    """The interpreter to build the environment with: $PYTHON, this one, then the path."""
    wanted = os.environ.get("PYTHON")
    if wanted:
        if not works(wanted):
            sys.exit(f"PYTHON={wanted} does not start or is older than Python 3.11.")
        return wanted
    # A virtual environment's interpreter is as good as the one it was made from.
    for candidate in (sys.executable, *CANDIDATES):
        path = candidate if os.path.isabs(candidate) else shutil.which(candidate)
        if path and works(path):
            return path
    sys.exit("evalsite needs Python 3.11 or newer, and none was found on the path.")


def has_ensurepip(python: str) -> bool:
    done = subprocess.run([python, "-c", "import ensurepip"], capture_output=True, check=False)
    return done.returncode == 0


def create_venv(python: str) -> list[str]:
    """Make an empty `.venv` and return the pip command that installs into it."""
    if VENV.exists():
        shutil.rmtree(VENV)
    if has_ensurepip(python):
        subprocess.run([python, "-m", "venv", str(VENV)], check=True)
        return [str(venv_python()), "-m", "pip"]
    # Debian's python3 without python3-venv: the system pip can install into a bare venv.
    subprocess.run([python, "-m", "venv", "--without-pip", str(VENV)], check=True)
    system_pip = [python, "-m", "pip"]
    if subprocess.run([*system_pip, "--version"], capture_output=True, check=False).returncode:
        sys.exit(
            f"{python} has neither ensurepip nor pip. Install python3-venv (Debian, Ubuntu) "
            "or set PYTHON to another interpreter."
        )
    return [*system_pip, "--python", str(venv_python())]


def lock_hash(kind: str, python_version: str) -> str:
    content = (ROOT / LOCKS[kind]).read_bytes()
    return hashlib.sha256(content + kind.encode() + python_version.encode()).hexdigest()


def stamped() -> set[str]:
    return set(STAMP.read_text().split()) if STAMP.exists() else set()


def install(kind: str) -> None:
    """Bring `.venv` up to the lock; does nothing when its stamp already says so."""
    if venv_python().exists() and works(str(venv_python())):
        done = subprocess.run(
            [str(venv_python()), "-c", PROBE], capture_output=True, text=True, check=True
        )
        stamp = lock_hash(kind, done.stdout)
        if stamp in stamped():
            return
    python = find_python()
    started_new = not (venv_python().exists() and works(str(venv_python())) and STAMP.exists())
    if started_new:
        say(f"creating .venv with {python}")
        pip = create_venv(python)
    elif has_ensurepip(str(venv_python())):
        pip = [str(venv_python()), "-m", "pip"]
    else:
        pip = [python, "-m", "pip", "--python", str(venv_python())]
    say(f"installing {LOCKS[kind]} (hashes checked, wheels only)")
    done_install = subprocess.run(
        [
            *pip,
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
            "--require-hashes",
            # The lock is complete, so nothing is left to resolve. With resolving, a package
            # that somebody asks for with an extra (`coverage[toml]`) is looked for anew, and
            # the install breaks on the day that a release newer than the lock's appears.
            "--no-deps",
            "--only-binary",
            ":all:",
            "-r",
            str(ROOT / LOCKS[kind]),
        ],
        check=False,
    )
    if done_install.returncode != 0:
        sys.exit("Installing the packages failed; the lines above say why. Nothing was started.")
    version = subprocess.run(
        [str(venv_python()), "-c", PROBE], capture_output=True, text=True, check=True
    ).stdout
    stamps = {lock_hash(kind, version)}
    if kind == "dev":  # the development lock contains everything of the other
        stamps.add(lock_hash("run", version))
    else:
        # An updated run lock leaves an older development stamp behind on purpose: it is
        # of another lock content and will simply not match.
        stamps |= stamped()
    STAMP.write_text("\n".join(sorted(stamps)) + "\n")


def ensure_secret_key() -> None:
    """Write a random key for this machine to `var/secret_key`, once."""
    VAR.mkdir(exist_ok=True)
    path = VAR / "secret_key"
    if path.exists():
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(64) + "\n")


def prepare(kind: str) -> None:
    install(kind)
    ensure_secret_key()


def call(*arguments: str) -> int:
    """Run the environment's Python and return its exit status.

    On POSIX it takes the place of this process, so that whoever ends this process ends the
    command as well.
    """
    command = [str(venv_python()), *arguments]
    os.chdir(ROOT)
    if os.name != "nt":
        sys.stdout.flush()
        sys.stderr.flush()
        os.execv(command[0], command)  # noqa: S606
    return subprocess.call(command)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    if options.command == "install":
        prepare("run")
        return 0
    if options.command == "install-dev":
        prepare("dev")
        return 0
    if options.command == "run":
        prepare("run")
        return call("manage.py", "demo", *options.arguments)
    prepare("dev")
    if options.command == "check":
        return call("-m", "tests.checks", *options.arguments)
    selection = ["--slow"] if options.command == "test-slow" else []
    return call("-m", "tests.run", *selection, *options.arguments)


if __name__ == "__main__":
    sys.exit(main())
