"""The rooms keep their walls: what import-linter cannot say, or could be made to overlook."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest

from tests.architecture.sources import PROJECT_ROOT, ROOMS, source_files

# Pure by design, whether or not they exist yet; a package stands for everything in it.
PURE_BY_DESIGN = (
    "annotation.blinding",
    "annotation.canonical_json",
    "annotation.draws",
    "annotation.importing.formats",
    "annotation.pairing",
    "annotation.quality_rules",
    "evalsite.demo.cast",
    "evalsite.demo.simulation",
    "judging.evaluators",
    "judging.grades",
    "judging.outcomes",
    "judging.parsing",
    "judging.prompts",
    "reports.stats",
)

FRAMEWORKS = ("django", "rest_framework", "celery", "kombu", "httpx", "structlog")

# statsmodels.api alone costs more than a second and 200 MB, scipy.stats half of that; the functions
# that need a part of them import that part.
SLOW_IMPORTS = ("statsmodels", "pandas", "scipy.stats", "scipy.optimize", "scipy.fft")

BARRED_NAMES = {"utils", "helpers", "common", "misc", "base", "manager"}


def exists(module: str) -> bool:
    path = PROJECT_ROOT.joinpath(*module.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def modules_of(module: str) -> list[str]:
    """The module itself, or all modules of the package."""
    path = PROJECT_ROOT.joinpath(*module.split("."))
    if not path.is_dir():
        return [module]
    return [
        ".".join(file.relative_to(PROJECT_ROOT).with_suffix("").parts).removesuffix(".__init__")
        for file in sorted(path.rglob("*.py"))
    ]


PURE_PRESENT = [module for module in PURE_BY_DESIGN if exists(module)]


def test_a_command_about_a_study_loads_no_page(tmp_path: Path) -> None:
    """Pages bring what makes them; a report from the command line waits a second for it."""
    environment = {
        **os.environ,
        "SECRET_KEY": "k" * 50,
        "DATABASE_URL": f"sqlite:///{tmp_path}/empty.sqlite3",
        "EVALSITE_VAR": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "manage.py", "analyze", "nothing"],
        cwd=PROJECT_ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "reports.analysis" in loaded, done.stderr[-500:]
    assert loaded.isdisjoint({"evalsite.urls", "rest_framework.views", "judging.pages.views"})


@pytest.mark.parametrize("module", PURE_PRESENT)
def test_a_pure_module_loads_no_framework(module: str) -> None:
    names = modules_of(module)
    script = (
        "import importlib, sys\n"
        f"for name in {names!r}:\n"
        "    importlib.import_module(name)\n"
        f"unwanted = {(*FRAMEWORKS, *SLOW_IMPORTS)!r}\n"
        "loaded = {'.'.join(name.split('.')[:n]) for name in sys.modules for n in (1, 2)}\n"
        "print(sorted(loaded & set(unwanted)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_every_pure_module_is_named_by_an_import_contract() -> None:
    configuration = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())
    contracts = configuration["tool"]["importlinter"]["contracts"]
    named = {
        module
        for contract in contracts
        if contract["id"] in ("pure", "statistics")
        for module in contract["source_modules"]
    }
    assert set(PURE_PRESENT) <= named


def test_the_mathematics_imports_nothing_else_of_ours() -> None:
    graph = grimp.build_graph(*ROOMS)
    inside = {"reports.stats", *graph.find_descendants("reports.stats")}
    outside = {
        (module, imported)
        for module in inside
        for imported in graph.find_modules_directly_imported_by(module)
        if imported not in inside
    }
    assert outside == set()


def test_the_annotators_edge_imports_no_judge_and_no_report() -> None:
    if not exists("annotation.rating"):
        pytest.fail("the annotator's edge has moved: name its module here")
    graph = grimp.build_graph(*ROOMS)
    for room in ("judging", "reports", "evalsite"):
        assert graph.find_shortest_chains("annotation", room, as_packages=True) == set()


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_opens_without_running_anything(room: str) -> None:
    assert (PROJECT_ROOT / room / "__init__.py").read_text().strip() == ""


def test_no_module_is_named_for_nothing_in_particular() -> None:
    offenders = [
        str(file.relative_to(PROJECT_ROOT))
        for file in source_files()
        if BARRED_NAMES & {file.stem, *file.relative_to(PROJECT_ROOT).parts}
    ]
    assert offenders == []
