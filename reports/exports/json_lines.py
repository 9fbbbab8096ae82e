"""One JSON object a line: the lossless form of every row."""

from __future__ import annotations

import json
from collections.abc import Mapping


def json_line(row: Mapping[str, object]) -> str:
    return json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"
