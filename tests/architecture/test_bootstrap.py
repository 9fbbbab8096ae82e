"""The front door: which Python it takes, when it installs again, and the key that it writes."""

from __future__ import annotations

import stat
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import bootstrap


def executable(path: Path, script: str) -> str:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_this_interpreter_will_do() -> None:
    assert bootstrap.works(sys.executable)


@pytest.mark.parametrize(
    "script",
    ["exit 127", "echo 3 10", "echo nothing of the kind"],
    ids=["a shim without a version behind it", "one that is too old", "something else"],
)
def test_an_interpreter_that_will_not_do_is_passed_over(tmp_path: Path, script: str) -> None:
    assert not bootstrap.works(executable(tmp_path / "python3", script))


def test_an_interpreter_that_is_not_there_is_passed_over(tmp_path: Path) -> None:
    assert not bootstrap.works(str(tmp_path / "none"))


def test_a_chosen_interpreter_that_will_not_do_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shim = executable(tmp_path / "python3", "exit 127")
    monkeypatch.setenv("PYTHON", shim)
    with pytest.raises(SystemExit, match=f"PYTHON={shim}"):
        bootstrap.find_python()


def test_a_shim_first_on_the_path_does_not_stop_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executable(tmp_path / "python3.13", "exit 127")
    good = tmp_path / "python3.12"
    good.symlink_to(sys.executable)
    monkeypatch.delenv("PYTHON", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    assert bootstrap.find_python() == str(good)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in an empty folder, with a lock of its own."""
    for kind, name in bootstrap.LOCKS.items():
        (tmp_path / name).write_text(f"# {kind}\n")
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "VAR", tmp_path / "var")
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / ".venv" / "stamp")
    return tmp_path


def test_a_changed_lock_or_another_python_means_another_stamp(elsewhere: Path) -> None:
    before = bootstrap.lock_hash("run", "3 11")
    assert bootstrap.lock_hash("run", "3 11") == before
    assert bootstrap.lock_hash("run", "3 13") != before
    (elsewhere / "requirements.txt").write_text("# changed\n")
    assert bootstrap.lock_hash("run", "3 11") != before


def test_a_current_environment_is_left_alone(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = bootstrap.venv_python()
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    version = f"{sys.version_info.major} {sys.version_info.minor}\n"
    bootstrap.STAMP.write_text(bootstrap.lock_hash("dev", version))

    def fail() -> str:
        raise AssertionError("an interpreter was looked for")

    monkeypatch.setattr(bootstrap, "find_python", fail)
    bootstrap.install("dev")
    with pytest.raises(AssertionError):
        bootstrap.install("run")


def test_the_key_is_random_closed_to_others_and_written_once(elsewhere: Path) -> None:
    bootstrap.ensure_secret_key()
    path = elsewhere / "var" / "secret_key"
    key = path.read_text()
    assert len(key.strip()) >= 50
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    bootstrap.ensure_secret_key()
    assert path.read_text() == key
    path.unlink()
    bootstrap.ensure_secret_key()
    assert path.read_text() != key


def asked_for(kind: str) -> set[Requirement]:
    """What the project and, in turn, everything it asks for needs on this machine."""
    project = tomllib.loads((bootstrap.ROOT / "pyproject.toml").read_text())
    asked = list(project["project"]["dependencies"])
    if kind == "dev":
        asked += project["dependency-groups"]["dev"]
    waiting = [Requirement(line) for line in asked]
    seen: set[Requirement] = set()
    while waiting:
        need = waiting.pop()
        if need in seen or not (need.marker is None or need.marker.evaluate({"extra": ""})):
            continue
        seen.add(need)
        for line in distribution(need.name).requires or ():
            further = Requirement(line)
            if further.marker is None or any(
                further.marker.evaluate({"extra": extra}) for extra in {"", *need.extras}
            ):
                further.marker = None
                waiting.append(further)
    return seen


@pytest.mark.parametrize("kind", sorted(bootstrap.LOCKS))
def test_a_lock_names_everything_that_the_project_asks_for(kind: str) -> None:
    """The install resolves nothing, so that a package left out would simply be missing."""
    entries = [
        Requirement(line.removesuffix("\\"))
        for line in (bootstrap.ROOT / bootstrap.LOCKS[kind]).read_text().splitlines()
        if line and not line.startswith((" ", "#"))
    ]
    pinned = {
        canonicalize_name(entry.name): str(entry.specifier)
        for entry in entries
        if entry.marker is None or entry.marker.evaluate()
    }
    assert all(specifier.startswith("==") for specifier in pinned.values())
    wanted = asked_for(kind)
    assert len(wanted) > len(pinned) / 2
    assert [
        str(need)
        for need in wanted
        if not need.specifier.contains(pinned.get(canonicalize_name(need.name), "==0")[2:])
    ] == []
