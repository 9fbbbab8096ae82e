"""What the first visit to the rating page downloads, compressed, without mathematics."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator

from django.contrib.staticfiles import finders

from tests.annotation.rating.conftest import Door

MOST_BYTES = 150_000
LINKED = re.compile(r'<(?:link|script)[^>]* (?:href|src)="/static/([^"]+)"')
IMPORTED = re.compile(r'^import [^;]*? from "(\./[^"]+)";', re.MULTILINE | re.DOTALL)


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
            yield from with_imports(f"{folder}/{other.removeprefix('./')}", seen)


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
    assert "annotation/rating/session.js" in files
    assert not any("katex" in name or "jsdiff" in name for name in files)
    bodies = [page, pairs, *(content_of(name) for name in files)]
    weight = sum(len(gzip.compress(body)) for body in bodies)
    assert weight < MOST_BYTES
