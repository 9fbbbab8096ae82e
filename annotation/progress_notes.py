"""How far work of the background is, for pages that wait: in small files.

In files and not in rows: a transaction that writes a hundred thousand rows shows none of them
before its end, and SQLite has one writer. Where machines share no files, the page tells of the
beginning and the end alone.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path


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
