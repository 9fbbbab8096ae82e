"""Constructs that made holes in other platforms are not in the product at all."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.sources import PROJECT_ROOT, asset_files, source_files

# What runs what it reads (unpickling, evaluation), and HTTP beside judging.clients.
BARRED_MODULES = {
    "pickle",
    "cPickle",
    "dill",
    "cloudpickle",
    "shelve",
    "marshal",
    "urllib.request",
    "http.client",
}
BARRED_CALLS = {
    "eval",
    "exec",
    "__import__",
    "mark_safe",
    "SafeString",
    "yaml.load",
    "torch.load",
    "pandas.read_pickle",
    "extra",
    "raw",
    "RawSQL",
}

# Who may declare text safe, and on what ground. Whoever comes here needs as good a one.
SAFE_TEXT_FROM = {
    "annotation/rating/allow_list.py": "nh3 has been over it, last",
    "reports/chart_rendering.py": "rebuilt from an allow-list by an XML serialiser",
    "reports/exports/report_html.py": "our own style sheets",
}
SAFE_TEXT = re.compile(r"mark_safe|SafeString|__html__")

# Methods whose keywords are lookups or columns: none may come from outside as a whole.
ORM_METHODS = {
    "filter",
    "exclude",
    "get",
    "get_or_create",
    "update_or_create",
    "update",
    "create",
    "annotate",
    "alias",
    "aggregate",
    "order_by",
    "values",
    "values_list",
    "only",
    "defer",
    "Q",
}
OUTSIDE = re.compile(
    r"\b(request|self\.request)\.(GET|POST|data|query_params|META|COOKIES|headers|body)\b"
    r"|\bjson\.loads?\b|\.(cleaned_data|validated_data)\b"
)

# A template may not declare text safe, nor switch escaping off.
TEMPLATE_HAZARD = re.compile(r"\|\s*safe(seq)?\b|\{%-?\s*autoescape\s+off")
SCRIPT_HAZARD = re.compile(
    r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write)\b|\beval\s*\(|new Function\s*\("
)


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def hazards(source: str) -> list[str]:
    """What of a Python source is barred, as `line: what`."""
    found = []
    for node in ast.walk(ast.parse(source)):
        for name in imported(node):
            if name in BARRED_MODULES or name.rsplit(".", 1)[-1] in ("mark_safe", "SafeString"):
                found.append(f"{node.lineno}: import of {name}")  # type: ignore[attr-defined]
        if isinstance(node, ast.FunctionDef) and node.name == "__html__":
            found.append(f"{node.lineno}: __html__ declares text safe")
        if not isinstance(node, ast.Call):
            continue
        name = dotted(node.func)
        last = name.rsplit(".", 1)[-1]
        if name in BARRED_CALLS or (name.count(".") and last in ("extra", "raw", "mark_safe")):
            found.append(f"{node.lineno}: call of {name}")
        if last in ORM_METHODS:
            unpacked = [keyword.value for keyword in node.keywords if keyword.arg is None]
            unpacked += [
                argument.value for argument in node.args if isinstance(argument, ast.Starred)
            ]
            found += [
                f"{node.lineno}: {name}(…{ast.unparse(value)}) takes lookups from outside"
                for value in unpacked
                if OUTSIDE.search(ast.unparse(value))
            ]
    return found


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "from django.utils.safestring import mark_safe",
        "safestring.mark_safe(text)",
        "def __html__(self): return self.text",
        "eval(text)",
        "yaml.load(text)",
        "import urllib.request",
        "from urllib import request",
        "Vote.objects.filter(**request.GET.dict())",
        "Vote.objects.order_by(*request.query_params.getlist('sort'))",
        "Vote.objects.filter(Q(**json.loads(text)))",
        "Vote.objects.update(**form.cleaned_data)",
        "Vote.objects.raw(text)",
        "Vote.objects.extra(where=[text])",
    ],
)
def test_the_search_finds_a_planted_hazard(source: str) -> None:
    assert hazards(source) != []


@pytest.mark.parametrize(
    "source",
    [
        "from urllib.parse import urlsplit",
        "Vote.objects.filter(annotator=annotator, **fields)",
        "model.eval_mode()",
        "json.loads(text)",
    ],
)
def test_the_search_leaves_ordinary_code_alone(source: str) -> None:
    assert hazards(source) == []


@pytest.mark.parametrize(
    "file", source_files(), ids=lambda file: str(file.relative_to(PROJECT_ROOT))
)
def test_a_module_has_no_barred_construct(file: Path) -> None:
    relative = str(file.relative_to(PROJECT_ROOT))
    found = hazards(file.read_text())
    if relative in SAFE_TEXT_FROM:
        found = [hazard for hazard in found if not SAFE_TEXT.search(hazard)]
    if relative == "judging/clients.py":
        found = [hazard for hazard in found if "http.client" not in hazard]
    assert found == []


def test_no_template_declares_text_safe() -> None:
    assert TEMPLATE_HAZARD.search("{{ response|safe }}")
    assert TEMPLATE_HAZARD.search("{% autoescape off %}")
    offenders = [
        str(file.relative_to(PROJECT_ROOT))
        for file in asset_files("templates", ".html")
        if TEMPLATE_HAZARD.search(file.read_text())
    ]
    assert offenders == []


def test_no_script_of_ours_writes_markup_from_text() -> None:
    assert SCRIPT_HAZARD.search("node.innerHTML = text")
    offenders = [
        f"{file.relative_to(PROJECT_ROOT)}: {match.group()}"
        for file in asset_files("static", ".js")
        if (match := SCRIPT_HAZARD.search(file.read_text()))
    ]
    assert offenders == []
