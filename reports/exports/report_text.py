"""The report for a terminal: 100 columns, the key figures first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reports.exports.text_layout import clean, section, table, wrapped
from reports.models import AnalysisRun
from reports.presentation.against_one import AgainstOne
from reports.presentation.boards import Board
from reports.presentation.fit import Fit
from reports.presentation.judges import JudgePairRow, JudgeRow
from reports.presentation.other_boards import OtherBoards
from reports.presentation.pairs import PairRow
from reports.presentation.people import AgreementRow, Sides
from reports.presentation.report import ReportView, view
from reports.presentation.slices import Sliced
from reports.wording.numbers import NOTHING


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
    if report.anchor:
        yield from wrapped(report.anchor)
    yield from section("Pairs of systems", _pairs(report.pairs))
    yield from wrapped(f"{report.pairs_enough}.")
    if report.against_one is not None:
        yield from section(
            "All systems against one that was named beforehand", _against_one(report.against_one)
        )
    if report.has_votes:
        yield from section("The same votes by other methods", _other_boards(report.other_boards))
    yield from section("Agreement of the annotators", _agreement(report.agreement))
    yield from section("Left and right", _sides(report.sides))
    for part in report.criteria:
        yield from section(f"Criterion {part.key}", _board(part.board))
        if part.anchor:
            yield from wrapped(part.anchor)
        for sentence in part.with_excluded:
            yield from wrapped(sentence)
        yield ""
        yield from _agreement(part.agreement)
    if report.has_votes:
        for by in report.slices:
            yield from section(f"By {by.by}", _slices(by))
        yield from section("Does one number a system describe the votes?", _fit(report.fit))
    yield from section("Judges beside people", _judges(report.judges))
    if report.judge_pairs:
        yield from section(
            "Which judge is closer to people",
            _judge_pairs(report.judge_pairs, report.closest_judge),
        )
    yield from section("What to mind", _notes(report.warnings))
    yield from section("To recompute it", _notes(report.provenance))


def _key_figure(name: str, value: str) -> str:
    """`1 annotator`, `2 annotators`: the names are plurals."""
    return f"{value} {name.lower().removesuffix('s') if value == '1' else name.lower()}"


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
    # Below it: a further column would take the room of the ratings' intervals.
    distances = [
        (row.system, row.to_anchor.whole)
        for group in board.groups
        for row in group.rows
        if row.to_anchor is not None
    ]
    if distances:
        yield ""
        yield from table(("System", "To the anchor"), distances, left={0})


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


def _against_one(found: AgainstOne) -> Iterator[str]:
    if not found.rows:
        yield from wrapped(f"Not made: {found.reason}")
        return
    for row in found.rows:
        said = [
            f"{words} {names}"
            for words, names in (
                ("ahead of", row.ahead_of),
                ("behind", row.behind),
                ("not decided:", row.open),
            )
            if names != NOTHING
        ]
        notes = f" [{row.notes}]" if row.notes else ""
        yield from wrapped(
            f"{row.system} ({row.prompts:,} prompts): {'; '.join(said)}{notes}.", hanging=True
        )


def _other_boards(found: OtherBoards) -> Iterator[str]:
    for sentence in found.sentences:
        yield from wrapped(sentence)
    yield from table(
        ("System", *(column.heading for column in found.columns)),
        [
            (
                system,
                *(
                    placing.rank
                    if placing.rating is None
                    else f"{placing.rank} {placing.rating.text}"
                    for placing in placings
                ),
            )
            for system, placings in found.rows
        ],
        left={0},
    )
    yield from wrapped("Rank and rating by each method.")
    yield from _notes((column.heading, column.what) for column in found.columns)
    yield from _notes((heading, f"not made: {why}") for heading, why in found.missing)
    yield from _notes((f"{heading}: anchor", why) for heading, why in found.unanchored)
    yield from _notes(found.terms)


def _slices(part: Sliced) -> Iterator[str]:
    if part.reason:
        yield from wrapped(part.reason)
        return
    yield from wrapped(f"{part.spread} {part.apart}".rstrip())
    yield from table(
        ("Win rate", "Votes", *part.systems),
        [
            (
                f"{row.name} (few votes)" if row.few else row.name,
                row.votes,
                *(NOTHING if rate is None else rate.text for rate, _ in row.cells),
            )
            for row in part.rows
        ],
        left={0},
    )
    yield from table(
        ("Strength", "Votes", *part.systems),
        [
            (
                row.name,
                row.votes,
                *(NOTHING if strength is None else strength.text for _, strength in row.cells),
            )
            for row in part.rows
        ],
        left={0},
    )
    more = f"{part.systems_left_out} more systems are in the JSON report."
    yield from wrapped(
        "Win rates are those within the slice. Strengths are drawn towards the whole, the more so "
        "the fewer votes there are; of many slices some look special by luck, so prefer them. "
        f"Few votes: below {part.smallest}. {part.left_out} "
        f"{more if part.systems_left_out else ''}".rstrip()
    )


def _fit(found: Fit) -> Iterator[str]:
    if found.reason:
        yield from wrapped(found.reason)
        return
    for sentence in found.sentences:
        yield from wrapped(sentence)
    if found.misfits:
        yield from table(
            ("Pair", "Votes", "Win rate", "Expected", "p adj."),
            [
                (row.pair, row.votes, row.seen, row.expected, row.p_adjusted)
                for row in found.misfits
            ],
            left={0},
        )


def _judge_pairs(rows: Sequence[JudgePairRow], closest: str) -> Iterator[str]:
    yield from wrapped(closest)
    yield from table(
        ("First", "Second", "n", "First agrees more by", "p adj.", "Closer"),
        [
            (
                row.first,
                row.second,
                row.comparisons,
                row.difference.compact,
                row.p_adjusted,
                row.closer,
            )
            for row in rows
        ],
        left={0, 1, 5},
    )


def _notes(notes: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, words in notes:
        yield from wrapped(f"{name[:1].upper()}{name[1:]}: {words}", hanging=True)
