"""How a row is put together, so that a second export of the same facts is the same text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from annotation.csv_lines import Cell, as_cell

Row = dict[str, Any]

# Rows fetched at a time, and their related rows with them.
CHUNK = 1_000


@dataclass(frozen=True, slots=True)
class RowTable:
    """Rows to be written, in either format.

    Attributes
    ----------
    columns : tuple of str
        The known keys, in the order in which they are written.
    extra : tuple of str
        Further keys that some row has, in code-point order. CSV needs them before its first row.
    rows : iterator of Row
        A key that a row does not state is absent from it.
    """

    columns: tuple[str, ...]
    extra: tuple[str, ...]
    rows: Iterator[Row]


def ordered(
    columns: tuple[str, ...],
    stated: Mapping[str, Any],
    metadata: Mapping[str, Any],
    *,
    null: str = "",
) -> Row:
    """A row: the stated values in the order of `columns`, then metadata by name.

    A stated value wins over metadata of the same name. Values that came back with an earlier
    export, such as the choice behind an imported vote, are metadata, and fill what is not stated.
    The key `null` is written even where it has no value.
    """
    row: Row = {}
    for name in columns:
        value = stated.get(name)
        if value is None:
            value = metadata.get(name)
        if value is not None or name == null:
            row[name] = value
    for name in sorted(metadata):
        if name not in row:
            row[name] = metadata[name]
    return row


def extra_keys(columns: tuple[str, ...], metadata: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    known = set(columns)
    return tuple(sorted({name for one in metadata for name in one} - known))


def metadata_of(rows: QuerySet[Any], name: str) -> Iterator[Mapping[str, Any]]:
    """The metadata of every row that has some, streamed."""
    with_some = rows.exclude(**{name: {}}).order_by()
    return with_some.values_list(name, flat=True).iterator(chunk_size=CHUNK)


def dollars(cost: Decimal | None) -> float | None:
    return None if cost is None else float(cost)


def seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def csv_cells(row: Row, header: Iterable[str]) -> Iterator[Cell]:
    """The row's cells under `header`; what CSV writes differently is turned here."""
    for name in header:
        if name == "prompt_json":
            prompt = row.get("prompt")
            yield json.dumps(prompt, ensure_ascii=False) if isinstance(prompt, list) else None
            continue
        value = row.get(name)
        if name == "prompt" and isinstance(value, list):
            yield None
        elif name in ("tags", "gold") and isinstance(value, list):
            yield "|".join(str(part) for part in value)
        else:
            yield as_cell(value)
