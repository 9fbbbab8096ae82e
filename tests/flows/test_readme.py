"""What the front documents tell people to type exists, and what they link to is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand, CommandError

import bootstrap
from tests import checks

PROJECT_ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = [
    PROJECT_ROOT / "README.md",
    PROJECT_ROOT / "CHANGELOG.md",
    *sorted((PROJECT_ROOT / "docs").rglob("*.md")),
]

MANAGE = ".venv/bin/python manage.py "
BLOCK = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)\)")
ENVIRONMENT = re.compile(r"(?:environ\.get\(|environ\[|env_\w+\(\s*)\"([A-Z_]+)\"")


def typed_lines(document: Path) -> list[str]:
    """Each line of the document's code blocks, without its comment."""
    return [
        line.split("  #")[0].strip()
        for block in BLOCK.findall(document.read_text())
        for line in block.splitlines()
        if line.strip()
    ]


def typed(beginning: str) -> list[str]:
    return sorted(
        {
            line.removeprefix(beginning)
            for document in DOCUMENTS
            for line in typed_lines(document)
            if line.startswith(beginning)
        }
    )


def command_named(name: str) -> BaseCommand:
    application = get_commands()[name]
    return (
        application
        if isinstance(application, BaseCommand)
        else load_command_class(application, name)
    )


@pytest.mark.parametrize("line", typed(MANAGE))
def test_a_command_in_the_documents_exists_and_takes_its_options(line: str) -> None:
    # What a shell reads a command's standard input from is no option of the command.
    name, *arguments = shlex.split(line.partition(" < ")[0])
    assert name in get_commands()
    command_named(name).create_parser("manage.py", name).parse_args(arguments)


def test_an_option_that_does_not_exist_would_be_noticed() -> None:
    parser = command_named("analyze").create_parser("manage.py", "analyze")
    with pytest.raises((CommandError, SystemExit)):
        parser.parse_args(["pandalm", "--no-such-option"])


def test_the_documents_show_the_commands_of_the_main_job() -> None:
    shown = {shlex.split(line)[0] for line in typed(MANAGE)}
    assert {
        "migrate",
        "create_owner",
        "import_responses",
        "import_comparisons",
        "import_votes",
        "import_judgments",
        "generate_comparisons",
        "open_study",
        "invite",
        "close_study",
        "unblind_study",
        "analyze",
        "export",
    } <= shown


def test_every_make_target_in_the_documents_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT_ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {line.split()[0] for line in typed("make ")}
    assert {"run", "test"} <= named <= targets


def test_make_and_the_front_door_know_the_same_commands() -> None:
    makefile = (PROJECT_ROOT / "Makefile").read_text()
    called = set(re.findall(r"\$\(BOOTSTRAP\) ([a-z-]+)", makefile))
    source = Path(bootstrap.__file__).read_text()
    for command in called:
        assert f'"{command}"' in source


@pytest.mark.parametrize("line", typed(".venv/bin/python -m tests.checks "))
def test_a_check_in_the_documents_exists(line: str, tmp_path: Path) -> None:
    assert set(line.split()) <= {check.name for check in checks.checks(str(tmp_path))}


@pytest.mark.parametrize("hook", re.findall(
    r"-m tests\.checks (\w+)", (PROJECT_ROOT / ".pre-commit-config.yaml").read_text()
))  # fmt: skip
def test_a_hook_runs_a_check_that_exists(hook: str, tmp_path: Path) -> None:
    assert hook in {check.name for check in checks.checks(str(tmp_path))}


@pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT_ROOT))
)
def test_every_link_inside_the_project_leads_somewhere(document: Path) -> None:
    missing = [
        target
        for target in LINK.findall(document.read_text())
        if not (document.parent / target).exists()
    ]
    assert missing == []


def test_every_decision_is_listed() -> None:
    folder = PROJECT_ROOT / "docs" / "decisions"
    listed = set(LINK.findall((folder / "README.md").read_text()))
    assert listed == {path.name for path in folder.glob("[0-9]*.md")}


def test_the_operator_guide_names_every_setting_of_the_environment() -> None:
    read = {
        name
        for path in (PROJECT_ROOT / "evalsite").glob("*.py")
        for name in ENVIRONMENT.findall(path.read_text())
    }
    guide = (PROJECT_ROOT / "docs" / "operator.md").read_text()
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", guide, re.MULTILINE))
    assert "DATABASE_URL" in read
    assert documented == read
