"""From a file to rows: the one way in."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from annotation.importing.formats.csv_records import iter_records
from annotation.importing.formats.decoding import ROW_TOO_LARGE
from annotation.importing.formats.fields import Fields
from annotation.importing.formats.jsonl import parse_object
from annotation.importing.formats.limits import MAX_ROWS
from annotation.importing.formats.problems import (
    FileError,
    RowError,
    RowLeftOut,
    RowProblem,
    excerpt,
)
from annotation.importing.formats.source import Oversize, iter_lines, iter_objects, row_suffix

Row = TypeVar("Row", covariant=True)


@dataclass(frozen=True, slots=True)
class RowFormat(Generic[Row]):
    """A kind of row: its name, how one is parsed, and the columns that CSV must have.

    ``columns`` holds groups of names; of each group the header must have at least one. ``names``
    gives a column of the file the name that it has here, and ``fixed`` a column that the file lacks
    one value for all rows. ``parse`` raises RowError for a bad row, RowLeftOut for one not to take.
    """

    kind: str
    parse: Callable[[Fields], Row]
    columns: Sequence[tuple[str, ...]]
    names: Mapping[str, str] = field(default_factory=dict, hash=False)
    fixed: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class ReadRow(Generic[Row]):
    """One row of a file: the number of its first line, its bytes, and what it says or lacks."""

    line: int
    size: int
    row: Row | RowProblem


def read_rows(path: Path, form: RowFormat[Row]) -> Iterator[ReadRow[Row]]:
    """Read a file row by row.

    Parameters
    ----------
    path : Path
        A file named ``.jsonl``, ``.json``, ``.csv`` or ``.tsv``, or these with ``.gz``.
    form : RowFormat
        What the rows are.

    Yields
    ------
    ReadRow
        The row or what is wrong with it, and where it stands.

    Raises
    ------
    FileError
        If the file cannot be read as a whole: see :func:`.source.iter_lines`; further if a CSV
        header is unusable, if there is no row at all, or if there are more than ``MAX_ROWS``.
    """
    records = _csv_rows(path, form) if row_suffix(path) == ".csv" else _json_rows(path, form)
    count = 0
    for line, size, fields in records:
        count += 1
        if count > MAX_ROWS:
            raise FileError(f"{path}: more than {MAX_ROWS:,} rows; split it into several files")
        try:
            if isinstance(fields, RowError):
                raise fields
            yield ReadRow(line, size, form.parse(fields))
        except RowLeftOut:
            continue
        except RowError as problem:
            yield ReadRow(line, size, RowProblem(str(path), line, str(problem)))
    if count == 0:
        raise FileError(f"{path}: the file holds no rows")


def _json_rows(path: Path, form: RowFormat[object]) -> Iterator[tuple[int, int, Fields | RowError]]:
    for number, line in iter_objects(path):
        if isinstance(line, Oversize):
            yield number, 0, RowError(ROW_TOO_LARGE)
        elif line.strip(b" \t\r\n"):
            try:
                yield number, len(line), Fields(_renamed(parse_object(line), form), csv=False)
            except RowError as problem:
                yield number, 0, problem


def _csv_rows(path: Path, form: RowFormat[object]) -> Iterator[tuple[int, int, Fields | RowError]]:
    records = iter_records(iter_lines(path))
    first = next(records, None)
    if first is None:
        raise FileError(f"{path}: the file is empty")
    header = _header(path, first[1], form)
    width = len(header) - len(form.fixed)
    for number, cells in records:
        if isinstance(cells, RowError):
            yield number, 0, cells
        elif len(cells) != width:
            yield number, 0, RowError(f"has {len(cells)} fields, the header has {width}")
        else:
            values: dict[str, object] = dict(
                zip(header, [*cells, *form.fixed.values()], strict=True)
            )
            yield number, sum(map(len, cells)), Fields(values, csv=True)


def _renamed(values: dict[str, object], form: RowFormat[object]) -> dict[str, object]:
    if not form.names and not form.fixed:
        return values
    renamed = {form.names.get(name, name): value for name, value in values.items()}
    if len(renamed) < len(values) or not renamed.keys().isdisjoint(form.fixed):
        raise RowError("two of its keys stand for the same column; give each column one key")
    return {**renamed, **form.fixed}


def _header(path: Path, cells: list[str] | RowError, form: RowFormat[object]) -> list[str]:
    if isinstance(cells, RowError):
        raise FileError(f"{path}:1: the header cannot be read: {cells}")
    named = [cell.strip() for cell in cells]
    header = [*(form.names.get(name, name) for name in named), *form.fixed]
    if "" in header:
        raise FileError(f"{path}:1: column {header.index('') + 1} of the header has no name")
    twice = next((name for name, count in Counter(header).items() if count > 1), None)
    if twice is not None:
        raise FileError(f"{path}:1: the header names {excerpt(twice)} twice")
    missing = [" or ".join(group) for group in form.columns if not set(group) & set(header)]
    if missing:
        raise FileError(f"{path}:1: the header lacks {', '.join(missing)}")
    return header
