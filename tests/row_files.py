"""Files of rows for the imports."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

WriteRows = Callable[..., Path]


@pytest.fixture
def write_rows(tmp_path: Path) -> WriteRows:
    """Write rows (dicts, texts or bytes, one a line) to a file and give its path."""

    def write(*rows: dict[str, Any] | str | bytes, name: str = "rows.jsonl") -> Path:
        path = tmp_path / name
        content = b"".join(
            row + b"\n"
            if isinstance(row, bytes)
            else (row if isinstance(row, str) else json.dumps(row)).encode() + b"\n"
            for row in rows
        )
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    return write
