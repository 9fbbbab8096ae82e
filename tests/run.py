"""Run every test that this machine can run: `make test`, or `python -m tests.run [OPTION…]`.

--require-browser    fail where no Chromium can be had, instead of leaving its tests out
--slow               the simulations and long runs that are else left out, and nothing else
anything else        goes to pytest: `-k claim`, `-n 0`, `tests/stats`, …
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from tests import browsers

PROJECT_ROOT = Path(__file__).resolve().parent.parent

# As [tool.pytest.ini_options] has it; repeated here because a second -m replaces the first.
DEFAULT_SELECTION = "not slow and not postgres and not redis"
SLOW_SELECTION = "slow and not postgres and not redis"
# A simulation that hangs should end, one that a busy machine delays should not. Those that take
# longer carry a limit of their own, which outranks this one.
SLOW_TIMEOUT = "--timeout=1800"

NO_BROWSER = """
+----------------------------------------------------------------------------+
|  NO CHROMIUM: the browser tests were NOT run on this machine.              |
|  Install one (Debian: apt-get install chromium) or set CHROMIUM_PATH.      |
+----------------------------------------------------------------------------+
"""


def names_a_selection(arguments: list[str]) -> bool:
    return any(argument == "-m" or argument.startswith("-m=") for argument in arguments)


def names_workers(arguments: list[str]) -> bool:
    return any(argument.startswith(("-n", "--numprocesses")) for argument in arguments)


def pytest_command(arguments: list[str], browser: str | None, *, slow: bool = False) -> list[str]:
    """The command line, with our defaults where `arguments` do not decide otherwise."""
    command = [sys.executable, "-m", "pytest"]
    if not names_workers(arguments):
        command += ["-n", "logical", "--dist", "worksteal"]
    if slow:
        command += [SLOW_TIMEOUT, "--durations=0", "--durations-min=1"]
    if not names_a_selection(arguments) and (slow or browser is None):
        selection = SLOW_SELECTION if slow else DEFAULT_SELECTION
        command += ["-m", selection if browser else f"{selection} and not browser"]
    return [*command, *arguments]


def main(arguments: list[str]) -> int:
    started = time.monotonic()
    require_browser = "--require-browser" in arguments
    slow = "--slow" in arguments
    arguments = [word for word in arguments if word not in ("--require-browser", "--slow")]
    browser = browsers.find_or_install()
    # Each worker has a core: numpy's own threads would only get in each other's way.
    environment = {"OPENBLAS_NUM_THREADS": "1", **os.environ}
    # Else each worker and each command that a test starts would compile every module anew.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    if slow:
        print("[tests] simulations and long runs only", flush=True)
    if browser is not None:
        print(f"[tests] browser: {browser}", flush=True)
        environment["CHROMIUM_PATH"] = browser
    elif require_browser:
        print("[tests] no Chromium was found and none could be installed, but it is required.")
        return 1
    else:
        print(NO_BROWSER, flush=True)
    done = subprocess.run(
        pytest_command(arguments, browser, slow=slow),
        cwd=PROJECT_ROOT,
        env=environment,
        check=False,
    )
    if browser is None:
        print(NO_BROWSER, flush=True)
    print(f"[tests] took {time.monotonic() - started:.0f} s", flush=True)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
