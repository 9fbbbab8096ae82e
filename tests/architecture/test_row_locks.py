"""Rows are locked FOR NO KEY UPDATE: FOR UPDATE also stops whoever merely refers to one.

A foreign key is checked at the commit. An entry of the log refers to its study and its actor, so a
transaction would wait for their rows with the head of its chain held, and whoever has the row may
want that head.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.architecture.sources import PROJECT_ROOT, source_files

# Functions that need the stronger lock, as `file:function`, each with its ground: rows whose keys
# change, or which go while somebody may begin to refer to them.
STRONGER: dict[str, str] = {}


def strong_locks(source: str) -> list[str]:
    """Functions that lock rows without `no_key=True`."""
    found = []

    def look(node: ast.AST, place: str) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            place = node.name
        if is_strong(node):
            found.append(place)
        for child in ast.iter_child_nodes(node):
            look(child, place)

    look(ast.parse(source), "module")
    return found


def is_strong(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "select_for_update"
        and not any(
            keyword.arg == "no_key" and ast.unparse(keyword.value) == "True"
            for keyword in node.keywords
        )
    )


@pytest.mark.parametrize(
    "source",
    [
        "rows.select_for_update()",
        "rows.select_for_update(of=('self',)).filter(pk=1)",
        "rows.select_for_update(no_key=False)",
        "rows.select_for_update().filter(x=rows.select_for_update(no_key=True))",
    ],
)
def test_the_search_finds_a_planted_lock(source: str) -> None:
    assert strong_locks(f"def act():\n    {source}") == ["act"]


def test_the_search_leaves_a_weak_lock_alone() -> None:
    assert strong_locks("rows.select_for_update(no_key=True, of=('self',)).get(pk=1)") == []


@pytest.mark.parametrize(
    "file", source_files(), ids=lambda file: str(file.relative_to(PROJECT_ROOT))
)
def test_a_module_locks_no_row_for_update(file: Path) -> None:
    relative = file.relative_to(PROJECT_ROOT)
    found = {f"{relative}:{place}" for place in strong_locks(file.read_text())}
    assert found - STRONGER.keys() == set()
