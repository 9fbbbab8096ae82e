"""How far work of the background is, and that it lives: in small files that all processes see.

In files and not in rows: a transaction that writes a hundred thousand rows shows none of them
before its end, and SQLite has one writer.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

BEAT_SECONDS = 20.0
"""Between two signs of life; a worker is taken for lost after six of them."""


def note_progress(path: Path, done: int, of: int | None, doing: str) -> None:
    """Write down how far the work is."""
    with suppress(OSError):
        part = path.with_suffix(".part")
        part.write_text(json.dumps({"rows": done, "of": of, "doing": doing}))
        part.replace(path)


def progress_at(path: Path) -> dict[str, object]:
    """What was noted last; empty before."""
    try:
        read = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}


def seconds_silent(path: Path) -> float | None:
    """How long ago the worker was last heard of; None before it was."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return None


@contextmanager
def signs_of_life(path: Path) -> Iterator[None]:
    """Touch the file every now and then until the end of the block.

    Work that waits for a lock tells nothing of itself, and is not lost all the same: only a process
    that died, or a thread that ended, is silent.
    """
    over = threading.Event()

    def beat() -> None:
        while not over.wait(BEAT_SECONDS):
            with suppress(OSError):
                os.utime(path)

    thread = threading.Thread(target=beat, name="signs-of-life", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
