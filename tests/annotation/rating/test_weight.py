"""What the first visit to the rating page downloads, compressed, without mathematics, and how."""

from __future__ import annotations

import gzip
import os
import posixpath
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders

from tests.annotation.rating.conftest import Door

MOST_BYTES = 150_000
LINKED = re.compile(r'<(?:link|script)[^>]* (?:href|src)="/static/([^"]+)"')
IMPORTED = re.compile(r'^import [^;]*? from "(\.[^"]+)";', re.MULTILINE | re.DOTALL)
PRELOADED = re.compile(r'<link rel="modulepreload" href="/static/([^"]+)"')
PAGE = "annotation/rating/page.js"
HASHED = re.compile(r"\.[0-9a-f]{12}\.js")


def content_of(name: str) -> bytes:
    path = finders.find(name)
    assert isinstance(path, str), name
    with open(path, "rb") as file:
        return file.read()


def with_imports(name: str, seen: set[str]) -> Iterator[str]:
    """The file and all that it loads with it."""
    if name in seen:
        return
    seen.add(name)
    yield name
    if name.endswith(".js"):
        folder = name.rpartition("/")[0]
        for other in IMPORTED.findall(content_of(name).decode()):
            yield from with_imports(posixpath.normpath(f"{folder}/{other}"), seen)


def files_of(page: bytes) -> list[str]:
    """Every static file that the page loads."""
    seen: set[str] = set()
    return [
        name
        for linked in LINKED.findall(page.decode())
        for name in with_imports(linked.split("?")[0], seen)
    ]


def test_the_first_visit_weighs_less_than_150_kb(door: Door) -> None:
    page = door.client.get(door.url("page")).content
    pairs = door.post("next", {"want": 2}).content
    files = files_of(page)
    assert {"annotation/rating/session.js", "evalsite/words.js"} <= set(files)
    assert not any("katex" in name or "jsdiff" in name for name in files)
    bodies = [page, pairs, *(content_of(name) for name in files)]
    weight = sum(len(gzip.compress(body)) for body in bodies)
    assert weight < MOST_BYTES


def test_every_module_is_asked_for_at_once_and_none_that_is_not_imported(door: Door) -> None:
    """Otherwise each step of the imports costs a way to the server and back."""
    page = door.client.get(door.url("page")).content.decode()
    preloaded = PRELOADED.findall(page)
    assert sorted(preloaded) == sorted(with_imports(PAGE, set())), (
        "annotation/rating/preloads.html must name each module that page.js imports, and no other"
    )
    assert len(preloaded) == len(set(preloaded))
    assert preloaded[0] == PAGE


def test_collected_modules_are_imported_by_names_that_change_with_their_content(
    tmp_path: Path,
) -> None:
    """So that browsers keep them for good, and use what was preloaded."""
    environment = {
        "SECRET_KEY": "k" * 60,
        "DATABASE_URL": f"sqlite:///{tmp_path / 'none.sqlite3'}",
        "EVALSITE_VAR": str(tmp_path),
        "ALLOWED_HOSTS": "evaluations.example.org",
    }
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--noinput"],
        cwd=settings.BASE_DIR,
        env=kept | environment,
        check=True,
        capture_output=True,
    )
    folder = tmp_path / "static" / "annotation" / "rating"
    scripts = [path for path in folder.glob("*.js") if HASHED.search(path.name)]
    assert len(scripts) >= 30
    imported = [name for path in scripts for name in IMPORTED.findall(path.read_text())]
    assert imported
    assert [name for name in imported if HASHED.search(name) is None] == []
