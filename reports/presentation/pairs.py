"""Pairs of systems: the table, and the same win rates as a matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.wording import numbers
from reports.wording.headline import finding, is_decided, is_stopped, state_of, winner_of

from .figures import Figure, percentage

# A wider matrix cannot be read; the table has every pair.
LARGEST_MATRIX = 25


@dataclass(frozen=True, slots=True)
class PairRow:
    system_a: str
    system_b: str
    n: int
    votes: str
    wins_a: str
    wins_b: str
    ties: str
    both_bad: str
    win_rate: Figure
    p_value: str
    p_sort: float | None
    p_adjusted: str
    p_adjusted_sort: float | None
    q_value: str
    q_sort: float | None
    # `reached`, `stopped early`, or how many votes are to go.
    target: str
    target_reached: bool
    enough: bool
    finding: str
    # The same without names, for narrow places.
    short_finding: str
    is_decided: bool


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """`kind`: self, none, ahead, behind or open; only what is decided leans."""

    kind: str
    text: str
    words: str


@dataclass(frozen=True, slots=True)
class Matrix:
    systems: Sequence[str]
    rows: Sequence[tuple[str, Sequence[MatrixCell]]]


def pair_rows(result: Mapping[str, Any]) -> list[PairRow]:
    return [_row(pair, result) for pair in result["head_to_head"]]


def _row(pair: Mapping[str, Any], result: Mapping[str, Any]) -> PairRow:
    said = finding(pair, result)
    return PairRow(
        system_a=pair["system_a"],
        system_b=pair["system_b"],
        n=pair["n"],
        votes=numbers.count(pair["n"]),
        wins_a=numbers.count(pair["wins_a"]),
        wins_b=numbers.count(pair["wins_b"]),
        ties=numbers.count(pair["ties"]),
        both_bad=numbers.count(pair["both_bad"]),
        win_rate=percentage(pair["win_rate_a"]),
        p_value=numbers.p_value(pair["p_value"]),
        p_sort=pair["p_value"],
        p_adjusted=numbers.p_value(pair["p_adjusted"]),
        p_adjusted_sort=pair["p_adjusted"],
        # Reports before format 7 know of none.
        q_value=numbers.p_value(pair.get("q_value")),
        q_sort=pair.get("q_value"),
        target=_target(pair),
        target_reached=pair["target_reached"],
        enough=pair["enough"],
        finding=said,
        short_finding=_without_names(said, pair),
        is_decided=is_decided(pair, result),
    )


def _target(pair: Mapping[str, Any]) -> str:
    if is_stopped(pair):
        return "stopped early"
    if pair["target_reached"]:
        return "reached"
    return f"{numbers.count(pair['target'] - pair['n'])} to go"


def _without_names(said: str, pair: Mapping[str, Any]) -> str:
    ahead = winner_of(pair)
    if ahead is not None and said.startswith(f"{ahead} wins more"):
        letter = "a" if ahead == pair["system_a"] else "b"
        return letter + said.removeprefix(ahead)
    return said.removeprefix("not decided yet: ")


def matrix(result: Mapping[str, Any]) -> Matrix | None:
    """Win rates of the row's system against the column's, in the board's order."""
    systems = [row["system"] for row in result["leaderboard"]]
    if not 2 < len(systems) <= LARGEST_MATRIX:
        return None
    pairs = {}
    for pair in result["head_to_head"]:
        pairs[pair["system_a"], pair["system_b"]] = pair
        pairs[pair["system_b"], pair["system_a"]] = pair
    return Matrix(
        systems,
        [(row, [_cell(row, column, pairs, result) for column in systems]) for row in systems],
    )


def _cell(
    row: str,
    column: str,
    pairs: Mapping[tuple[str, str], Mapping[str, Any]],
    result: Mapping[str, Any],
) -> MatrixCell:
    if row == column:
        return MatrixCell("self", "", "")
    pair = pairs[row, column]
    rate = pair["win_rate_a"]["estimate"]
    if rate is None:
        return MatrixCell("none", numbers.NOTHING, f"{row} v {column}: {finding(pair, result)}")
    won = rate if pair["system_a"] == row else 1 - rate
    kind = "open"
    if is_decided(pair, result):
        kind = "ahead" if winner_of(pair) == row else "behind"
    return MatrixCell(
        kind,
        numbers.decimal(100 * won, 0),
        f"{row} wins {numbers.percent(won, 0)} against {column} "
        f"({numbers.counted(pair['n'], 'vote')}; {state_of(pair, result)})",
    )
