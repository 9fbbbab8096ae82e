"""The report for a terminal: 100 columns, the key figures first."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from reports.models import AnalysisRun
from reports.presentation.boards import Board
from reports.presentation.judges import JudgeRow
from reports.presentation.pairs import PairRow
from reports.presentation.people import AgreementRow, Sides
from reports.presentation.report import ReportView, view

WIDTH = 100
# Names give way first; below this a name says nothing.
SHORTEST_NAME = 12
GAP = "  "


def render(kept: AnalysisRun) -> str:
    """The report as plain text, without escape sequences."""
    return "\n".join(_lines(view(kept.result, kept.versions, kept.created_at))).rstrip()


def _lines(report: ReportView) -> Iterator[str]:
    yield clean(report.title)
    yield f"Report of {report.made_at:%Y-%m-%d %H:%M} UTC"
    if report.notice:
        yield from wrapped(f"Note: {report.notice}")
    yield ""
    for sentence in (report.headline, *report.more_headlines):
        yield from wrapped(sentence)
    yield ""
    yield ", ".join(_key_figure(name, value) for name, value in report.key_figures)
    yield from wrapped(report.verdicts)
    if report.repeats:
        yield from wrapped(f"{report.repeats}.")
    yield from section("Leaderboard", _board(report.board))
    yield from section("Pairs of systems", _pairs(report.pairs))
    yield from wrapped(f"{report.pairs_enough}.")
    yield from section("Agreement of the annotators", _agreement(report.agreement))
    yield from section("Left and right", _sides(report.sides))
    for part in report.criteria:
        yield from section(f"Criterion {part.key}", _board(part.board))
        yield ""
        yield from _agreement(part.agreement)
    yield from section("Judges beside people", _judges(report.judges))
    yield from section("What to mind", _notes(report.warnings))
    yield from section("To recompute it", _notes(report.provenance))


def _key_figure(name: str, value: str) -> str:
    """`1 annotator`, `2 annotators`: the names are plurals."""
    return f"{value} {name.lower().removesuffix('s') if value == '1' else name.lower()}"


def section(title: str, body: Iterable[str]) -> Iterator[str]:
    lines = list(body)
    if lines:
        yield ""
        yield clean(title)
        yield "-" * min(WIDTH, width_of(clean(title)))
        yield from lines


def _board(board: Board) -> Iterator[str]:
    for group in board.groups:
        if board.is_split:
            yield f"Group {group.number}" if group.number else "Without votes"
        yield from table(
            ("Rank", "System", "Range", "Rating", "Win rate", "Votes", "Ties", "Both bad"),
            [
                (
                    str(row.rank or "\u2013"),
                    row.system,
                    row.rank_range,
                    row.rating.whole,
                    row.win_rate.whole,
                    row.votes,
                    row.tie_rate,
                    row.both_bad_rate,
                )
                for row in group.rows
            ],
            left={1},
        )


def _pairs(pairs: Sequence[PairRow]) -> Iterator[str]:
    yield from table(
        ("a", "b", "Votes", "Win rate of a", "p adj.", "Target", "Finding"),
        [
            (
                row.system_a,
                row.system_b,
                row.votes,
                row.win_rate.compact,
                row.p_adjusted,
                row.target,
                row.short_finding,
            )
            for row in pairs
        ],
        left={0, 1},
        last_left=True,
    )


def _agreement(rows: Sequence[AgreementRow]) -> Iterator[str]:
    yield from table(
        ("Figure", "Value", "n"),
        [(row.name, row.figure.whole, row.figure.count) for row in rows],
        left={0},
    )


def _sides(sides: Sides) -> Iterator[str]:
    if not sides.are_known:
        yield "Which response was shown left is not known for these votes."
        return
    yield f"The left response wins {sides.overall.whole} of {sides.overall.n:,} decisive votes."


def _judges(rows: Sequence[JudgeRow]) -> Iterator[str]:
    if not rows:
        yield "No judge has been run on this study."
        return
    yield from table(
        ("Judge", "n", "Agrees", "People", "Majority", "Kappa", "Missing"),
        [
            (
                row.name,
                row.comparisons,
                row.agreement.compact,
                row.ceiling.text,
                row.majority.text,
                row.kappa.compact,
                row.missing,
            )
            for row in rows
        ],
        left={0},
    )


def _notes(notes: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, words in notes:
        yield from wrapped(f"{name[:1].upper()}{name[1:]}: {words}", hanging=True)


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    left: set[int],
    last_left: bool = False,
) -> Iterator[str]:
    """Columns as wide as they need; the names, in the columns `left`, share what is left of 100,
    and where that is not enough the other columns give way, too.

    With `last_left` the last column is set to the left, too, but keeps its width.
    """
    cells = [[clean(cell) for cell in row] for row in (head, *rows)]
    widths = [max(width_of(row[column]) for row in cells) for column in range(len(head))]
    over = sum(widths) + len(GAP) * (len(widths) - 1) - WIDTH
    widest_first = sorted(range(len(widths)), key=lambda column: -widths[column])
    for column in sorted(widest_first, key=lambda column: column not in left):
        spare = min(max(0, over), max(0, widths[column] - SHORTEST_NAME))
        widths[column] -= spare
        over -= spare
    for row in cells:
        fitted = [
            fit(cell, width, on_left=column in left or (last_left and column == len(row) - 1))
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield GAP.join(fitted).rstrip()


def fit(text: str, width: int, *, on_left: bool) -> str:
    """The text in exactly `width` columns; a longer one is cut, with a sign that it was."""
    if width_of(text) > width:
        kept = ""
        for character in text:
            if width_of(kept + character) > width - 1:
                break
            kept += character
        text = f"{kept}…"
    padding = " " * (width - width_of(text))
    return text + padding if on_left else padding + text


def clean(text: str) -> str:
    """One line that cannot steer a terminal: no control, format or surrogate characters."""
    spaced = "".join(" " if character in "\n\r\t\u00a0" else character for character in text)
    return "".join(
        "\ufffd" if unicodedata.category(character) in ("Cc", "Cf", "Cs") else character
        for character in spaced
    )


def width_of(text: str) -> int:
    """Columns that a terminal gives the text: wide characters take two, combining ones none."""
    return sum(
        0
        if unicodedata.combining(character)
        else 2
        if unicodedata.east_asian_width(character) in "WF"
        else 1
        for character in text
    )


def wrapped(text: str, *, hanging: bool = False) -> list[str]:
    return textwrap.wrap(
        clean(text), WIDTH, subsequent_indent="  " if hanging else "", break_on_hyphens=False
    )
