"""`make test` and the services that CI starts do what they say."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests import browsers, run, services
from tests.architecture.sources import PROJECT_ROOT


def test_without_a_browser_its_tests_are_left_out() -> None:
    command = run.pytest_command([], browser=None)
    assert command[command.index("-m", 3) + 1].endswith("and not browser")


def test_with_a_browser_the_selection_is_the_projects_own() -> None:
    assert "-m" not in run.pytest_command([], browser="/usr/bin/chromium")[3:]


def test_arguments_reach_pytest_and_outrank_the_defaults() -> None:
    command = run.pytest_command(["-n", "0", "-m", "slow", "tests/stats"], browser=None)
    assert command[3:] == ["-n", "0", "-m", "slow", "tests/stats"]


def test_the_slow_tests_run_alone_and_with_time_to_finish() -> None:
    command = run.pytest_command(["tests/stats"], browser="/usr/bin/chromium", slow=True)
    assert command[command.index("-m", 3) + 1] == run.SLOW_SELECTION
    assert run.SLOW_TIMEOUT in command
    assert command[-1] == "tests/stats"


def test_a_slow_run_without_a_browser_leaves_its_pages_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(browsers, "find_or_install", lambda: None)
    commands: list[list[str]] = []

    def pretend(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", pretend)
    assert run.main(["--slow", "-k", "cover"]) == 0
    (command,) = commands
    assert command[-4:] == ["-m", f"{run.SLOW_SELECTION} and not browser", "-k", "cover"]
    assert "--slow" not in command
    assert "were NOT run" in capsys.readouterr().out


def test_the_shell_without_windows_comes_before_whole_browsers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(browsers, "starts", lambda path: True)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    assert browsers.from_path() == "/usr/bin/chromium-headless-shell"
    monkeypatch.setattr(
        shutil, "which", lambda name: None if "shell" in name else f"/usr/bin/{name}"
    )
    assert browsers.from_path() == "/usr/bin/chromium"


def test_where_debian_has_no_shell_its_whole_browser_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    commands: list[list[str]] = []

    def pretend(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        commands.append(command[1:])
        return subprocess.CompletedProcess(command, "chromium-headless-shell" in command, "", "")

    monkeypatch.setattr(browsers, "is_root", lambda: True)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(browsers, "from_path", lambda: "/usr/bin/chromium")
    monkeypatch.setattr(subprocess, "run", pretend)
    assert browsers.from_apt() == "/usr/bin/chromium"
    assert [command[-1] for command in commands] == [
        "update",
        "chromium-headless-shell",
        "chromium",
    ]


def test_the_missing_browser_is_told_at_the_start_and_at_the_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(browsers, "find_or_install", lambda: None)

    def pretend(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
        sys.stdout.write("the tests run")
        return subprocess.CompletedProcess([], 0)

    monkeypatch.setattr(subprocess, "run", pretend)
    assert run.main([]) == 0
    before, after = capsys.readouterr().out.split("the tests run")
    assert "were NOT run" in before
    assert "were NOT run" in after


def test_a_required_browser_that_is_missing_fails_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browsers, "find_or_install", lambda: None)
    assert run.main(["--require-browser"]) == 1


SKIPPING = """
import pytest

def test_skipped():
    pytest.skip("{reason}")
"""


@pytest.mark.parametrize(
    ("option", "reason", "exit_status"),
    [
        ("--forbid-skips", "no PostgreSQL here", 1),
        ("--forbid-skips", "the shared data are missing: /nowhere", 0),
        ("-q", "no PostgreSQL here", 0),
    ],
)
def test_a_skip_fails_where_nothing_may_be_skipped(
    tmp_path: Path, option: str, reason: str, exit_status: int
) -> None:
    (tmp_path / "test_one.py").write_text(SKIPPING.format(reason=reason))
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "tests.skips",
            "-p",
            "no:cacheprovider",
            option,
            str(tmp_path),
        ],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == exit_status, done.stdout + done.stderr


def reaches(url: str) -> bool:
    parts = urlsplit(url)
    with socket.socket() as probe:
        return probe.connect_ex((parts.hostname, parts.port)) == 0


@pytest.mark.parametrize("service", [services.redis, services.postgresql])
def test_a_service_runs_as_long_as_it_is_needed(service: object) -> None:
    with service() as url:  # type: ignore[operator]
        assert urlsplit(url).hostname == "127.0.0.1"
        assert reaches(url)
    assert not reaches(url)


def test_a_service_of_tests_does_not_listen_elsewhere() -> None:
    # The loopback has this one too, on a machine without a network as well; a server that listens
    # everywhere answers there.
    with services.redis() as url, socket.socket() as probe:
        probe.settimeout(1)
        assert probe.connect_ex(("127.0.0.2", urlsplit(url).port)) != 0


def test_a_free_port_is_given_to_nobody_else_and_a_server_can_have_it() -> None:
    ports = [services.free_port() for _ in range(300)]
    assert len(set(ports)) == 300
    with socket.create_server((services.HOST, ports[0])):
        assert reaches(f"redis://{services.HOST}:{ports[0]}/0")


def test_the_command_runs_with_both_addresses_and_its_status_is_passed_on() -> None:
    script = (
        "import os, sys; "
        "sys.exit(7 if os.environ['DATABASE_URL'].startswith('postgres://') "
        "and os.environ['REDIS_URL'].startswith('redis://') else 1)"
    )
    done = subprocess.run(
        [sys.executable, "-m", "tests.services", sys.executable, "-c", script],
        cwd=PROJECT_ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 7, done.stderr
