"""What can be exported, in which formats, and who may have it before unblinding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from annotation.csv_lines import Cell, csv_line
from annotation.models import Adjudication, Study
from reports.exports import report_html
from reports.exports.encoding import in_chunks
from reports.exports.json_lines import json_line
from reports.exports.rows import comparisons, judgments, votes
from reports.exports.rows.shape import RowTable, csv_cells
from reports.exports.tables import agreement, head_to_head, leaderboard
from reports.models import AnalysisRun

# The first is the default.
FORMATS: dict[str, tuple[str, ...]] = {
    "votes": ("jsonl", "csv"),
    "judgments": ("jsonl", "csv"),
    "comparisons": ("jsonl", "csv"),
    "leaderboard": ("csv",),
    "head_to_head": ("csv",),
    "agreement": ("csv",),
    "report": ("html",),
}
# Made of a kept report; the others are made of the stored rows.
FROM_ANALYSIS = frozenset({"leaderboard", "head_to_head", "agreement", "report"})
# While a study is sealed it says nothing about outcomes, and gives codes in place of names.
BEFORE_UNBLINDING = frozenset({"comparisons"})

CONTENT_TYPES = {
    "jsonl": "application/jsonl; charset=utf-8",
    "csv": "text/csv; charset=utf-8; header=present",
    "html": "text/html; charset=utf-8",
}

ResultRows = Callable[[Mapping[str, Any]], Iterable[Mapping[str, Cell]]]
RESULT_TABLES: dict[str, tuple[tuple[str, ...], ResultRows]] = {
    "leaderboard": (leaderboard.COLUMNS, leaderboard.rows),
    "head_to_head": (head_to_head.COLUMNS, head_to_head.rows),
    "agreement": (agreement.COLUMNS, agreement.rows),
}


class UnknownExportError(ValueError):
    """There is no such export, or not in this format; the message says what there is."""


@dataclass(frozen=True, slots=True)
class Export:
    """One thing to export, in one format."""

    name: str
    format: str

    @property
    def needs_analysis(self) -> bool:
        return self.name in FROM_ANALYSIS

    @property
    def shows_outcomes(self) -> bool:
        return self.name not in BEFORE_UNBLINDING

    @property
    def content_type(self) -> str:
        return CONTENT_TYPES[self.format]

    def is_look(self, study: Study) -> bool:
        """Whether whoever gets it sees outcomes; decisions on disagreements are some."""
        if self.name == "comparisons" and not study.is_sealed:
            return Adjudication.objects.filter(comparison__study=study).exists()
        return self.shows_outcomes

    def file_name(self, study: Study) -> str:
        return f"{study.slug}-{self.name}.{self.format}"


def find(name: str, chosen: str | None) -> Export:
    """The export of that name, in the chosen or its default format.

    Raises
    ------
    UnknownExportError
    """
    if name not in FORMATS:
        raise UnknownExportError(f"There is no export {name!r}. There are: {', '.join(FORMATS)}.")
    formats = FORMATS[name]
    if chosen is not None and chosen not in formats:
        raise UnknownExportError(
            f"{name} is exported as {' or '.join(formats)}, not as {chosen}. "
            f"As {chosen} there are: {', '.join(_in_format(chosen)) or 'none'}."
        )
    return Export(name, chosen or formats[0])


def _in_format(chosen: str) -> list[str]:
    return [name for name, formats in FORMATS.items() if chosen in formats]


def stream_rows(study: Study, export: Export, *, everything: bool = False) -> Iterator[bytes]:
    """An export of stored rows, in chunks. Memory does not grow with the number of rows.

    The caller has asked whether outcomes may be seen. `everything`: superseded, surplus and
    excluded votes too.
    """
    if export.name == "comparisons":
        table = comparisons.table(study, names=not study.is_sealed)
    elif export.name == "votes":
        table = votes.table(study, everything=everything)
    else:
        table = judgments.table(study)
    lines = _csv(table) if export.format == "csv" else map(json_line, table.rows)
    return in_chunks(lines)


def stream_result(kept: AnalysisRun, export: Export) -> Iterator[bytes]:
    """An export of a kept report, in chunks."""
    if export.name == "report":
        return in_chunks([report_html.render(kept)])
    columns, rows = RESULT_TABLES[export.name]
    body = (csv_line(row[name] for name in columns) for row in rows(kept.result))
    return in_chunks(_with_header(columns, body))


def _csv(table: RowTable) -> Iterator[str]:
    header = [name for column in (*table.columns, *table.extra) for name in _csv_names(column)]
    body = (csv_line(csv_cells(row, header)) for row in table.rows)
    return _with_header(header, body)


def _csv_names(column: str) -> tuple[str, ...]:
    """A conversation has a column of its own (contract.md §4)."""
    return ("prompt", "prompt_json") if column == "prompt" else (column,)


def _with_header(header: Iterable[str], body: Iterator[str]) -> Iterator[str]:
    yield csv_line(header)
    yield from body
