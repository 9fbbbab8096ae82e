"""What a file holds at its beginning: its columns and first rows, before they have our names."""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from annotation.importing.formats.csv_records import iter_records
from annotation.importing.formats.jsonl import parse_object
from annotation.importing.formats.problems import FileError, RowError
from annotation.importing.formats.source import Oversize, iter_lines, iter_objects, row_suffix

ROWS = 5
"""Rows that are shown: enough to see what a column holds."""

LINES_LOOKED_AT = 200
"""A file that begins with so many unusable lines shows no row."""

MOST_COLUMNS = 200
"""More columns than this are not shown; a real file has far fewer."""

CELL_LENGTH = 120
"""Characters of a cell that are shown."""


@dataclass(frozen=True, slots=True)
class Peek:
    """The columns of a file, in their order, and the cells of its first good rows, shortened."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def peek(path: Path) -> Peek:
    """Look at the beginning of a file.

    Returns
    -------
    Peek
        Bad rows are passed over: reading the file in earnest reports them.

    Raises
    ------
    FileError
        If the file cannot be read as a whole, is empty, or has a header that cannot be read.
    """
    return _peek_csv(path) if row_suffix(path) == ".csv" else _peek_json(path)


def absent_columns(paths: Iterable[Path], names: Iterable[str]) -> set[str]:
    """Return those of some names that no column of any file has.

    A key may first occur in the last row of a JSONL file, so that one is read until all are found.
    """
    absent = set(names)
    for path in paths:
        if not absent:
            break
        if row_suffix(path) == ".csv":
            absent.difference_update(_csv_columns(path, iter_records(iter_lines(path))))
            continue
        for _, line in iter_objects(path):
            if isinstance(line, Oversize):
                continue
            with suppress(RowError):
                absent.difference_update(parse_object(line))
            if not absent:
                break
    return absent


def _peek_csv(path: Path) -> Peek:
    records = iter_records(iter_lines(path))
    columns = _csv_columns(path, records)
    if len(columns) > MOST_COLUMNS:
        raise FileError(f"{path}:1: the header has {len(columns)} columns; {MOST_COLUMNS} are read")
    rows = [
        tuple(_short(cell) for cell in cells)
        for _, cells in islice(records, LINES_LOOKED_AT)
        if not isinstance(cells, RowError) and len(cells) == len(columns)
    ]
    return Peek(columns, tuple(rows[:ROWS]))


def _csv_columns(
    path: Path, records: Iterator[tuple[int, list[str] | RowError]]
) -> tuple[str, ...]:
    first = next(records, None)
    if first is None:
        raise FileError(f"{path}: the file is empty")
    if isinstance(first[1], RowError):
        raise FileError(f"{path}:1: the header cannot be read: {first[1]}")
    return tuple(cell.strip() for cell in first[1])


def _peek_json(path: Path) -> Peek:
    found: list[dict[str, object]] = []
    seen_any = False
    for _, line in islice(iter_objects(path), LINES_LOOKED_AT):
        if isinstance(line, Oversize) or not line.strip(b" \t\r\n"):
            continue
        seen_any = True
        try:
            found.append(parse_object(line))
        except RowError:
            continue
        if len(found) == ROWS:
            break
    if not found and not seen_any:
        raise FileError(f"{path}: the file holds no rows")
    columns = tuple(dict.fromkeys(name for row in found for name in row))[:MOST_COLUMNS]
    return Peek(columns, tuple(tuple(_cell(row.get(name)) for name in columns) for row in found))


def _cell(value: object) -> str:
    if value is None:
        return ""
    return _short(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= CELL_LENGTH else f"{line[:CELL_LENGTH]}…"
