"""From lines of text to chunks of bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

# Large enough that a browser and a pipe are kept busy, small enough to hold many.
CHUNK_CHARACTERS = 64 * 1024


def in_chunks(lines: Iterable[str]) -> Iterator[bytes]:
    """UTF-8; a lone surrogate, which UTF-8 cannot hold, becomes its JSON escape."""
    held: list[str] = []
    size = 0
    for line in lines:
        held.append(line)
        size += len(line)
        if size >= CHUNK_CHARACTERS:
            yield encoded(held)
            held, size = [], 0
    if held:
        yield encoded(held)


def encoded(lines: list[str]) -> bytes:
    return "".join(lines).encode("utf-8", errors="backslashreplace")
