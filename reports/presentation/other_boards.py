"""The same votes by other methods, beside the first board, and what that changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.wording.numbers import NOTHING, coefficient_with_interval, count, counted, named_list
from reports.wording.numbers import rating as points

from .figures import Figure, rating

# Key in the report → heading, and what is done otherwise, in one line.
BOARDS: dict[str, tuple[str, str]] = {
    "davidson": (
        "Ties modelled",
        "Davidson's model: ties have a rate of their own instead of counting half.",
    ),
    "drop_ties": ("Without ties", "Only votes that prefer a response."),
    "side_adjusted": (
        "Sides evened",
        "With a term for the side on which a response was shown.",
    ),
    "weighted": ("By frequency", "Prompts weigh as often as they occur in production."),
    "style_controlled": (
        "At equal style",
        "What is left of a strength when length and Markdown are held equal.",
    ),
    "graded": ("By grades", "How clearly a response was preferred counts as well."),
    "by_design": (
        "By design",
        "Every pair counts as the design has it, however often it was drawn and whether or not it "
        "was stopped early.",
    ),
    "with_excluded": (
        "With excluded",
        "The first board's method, with the excluded votes counted too.",
    ),
}
TREATMENTS = {
    "drop_ties": "without ties",
    "davidson": "by Davidson's model of ties",
    "rao_kupper": "by Rao and Kupper's model of ties",
}
CHANGES = {
    "lost": "{better} is no longer shown to be better than {worse}",
    "gained": "{better} is shown to be better than {worse}",
    "reversed": "{better} and {worse} change places",
}
# A term that the data say nothing of is held at zero by its small prior.
NO_VARIATION = 1e-4
# More of them in one sentence are not read.
NAMED = 3


@dataclass(frozen=True, slots=True)
class Placing:
    """A system's place on one board; a dash where it takes no part."""

    rank: str
    rating: Figure | None


@dataclass(frozen=True, slots=True)
class Column:
    heading: str
    what: str


@dataclass(frozen=True, slots=True)
class OtherBoards:
    """
    Attributes
    ----------
    sentences : sequence of str
        Whether ranks or conclusions change.
    columns : sequence of Column
        The first board, then those that could be made.
    rows : sequence of (str, sequence of Placing)
        A system and its places.
    missing : sequence of (str, str)
        Boards that could not be made, and why.
    unanchored : sequence of (str, str)
        Boards that are not measured from the anchor, and why.
    terms : sequence of (str, str)
        What the models found beside the strengths.
    """

    sentences: Sequence[str]
    columns: Sequence[Column]
    rows: Sequence[tuple[str, Sequence[Placing]]]
    missing: Sequence[tuple[str, str]]
    unanchored: Sequence[tuple[str, str]]
    terms: Sequence[tuple[str, str]]


def other_boards(result: Mapping[str, Any]) -> OtherBoards:
    known = [(*BOARDS[key], board) for key, board in result["boards"].items() if key in BOARDS]
    made = [entry for entry in known if entry[2]["rows"] is not None]
    placings = [_placings(result["leaderboard"]), *(_placings(board["rows"]) for *_, board in made)]
    return OtherBoards(
        sentences=[
            *(_sentence(words, result["sensitivity"][key]) for key, words in TREATMENTS.items()),
            *with_excluded_in_words(result["sensitivity"].get("with_excluded")),
        ],
        columns=[
            Column("First board", "Ties count half for each side."),
            *(Column(heading, what) for heading, what, _ in made),
        ],
        rows=[
            (
                row["system"],
                [board.get(row["system"], Placing(NOTHING, None)) for board in placings],
            )
            for row in result["leaderboard"]
        ],
        missing=[
            (heading, board["reason"]) for heading, _, board in known if board["rows"] is None
        ],
        unanchored=[
            (heading, anchor["reason"])
            for heading, _, board in made
            if (anchor := board.get("anchor")) is not None and anchor["reason"] is not None
        ],
        terms=[
            (TERMS.get(name, name), in_logits(term))
            for *_, board in made
            for name, term in board["terms"].items()
        ],
    )


def _placings(rows: Sequence[Mapping[str, Any]]) -> dict[str, Placing]:
    return {
        row["system"]: Placing(
            NOTHING if row["rank"] is None else str(row["rank"]), rating(row["rating"])
        )
        for row in rows
    }


def with_excluded_in_words(compared: Mapping[str, Any] | None) -> list[str]:
    """Nothing where no vote is excluded, nor of reports before format 8, which do not know."""
    if compared is None:
        return []
    number = compared["n_added"]
    added = "the excluded vote" if number == 1 else f"the {count(number)} excluded votes"
    sentences = [_sentence(f"with {added} counted too{_post_hoc(compared)},", compared)]
    # Reports before format 19 know of none.
    if own := compared.get("n_own_votes", 0):
        sentences.append(
            f"{_own_of(own, number)} of somebody who owns the study: by its rules own votes do not "
            "count."
        )
    if compared["n_replaced"]:
        replaced = counted(compared["n_replaced"], "imported label")
        sentences.append(
            f"In turn {replaced} would not count: each is of somebody whose own vote on the same "
            "pair is excluded."
        )
    shift = compared["largest_shift"]
    if shift is not None:
        sentences.append(_shift(shift))
    return sentences


def _post_hoc(compared: Mapping[str, Any]) -> str:
    late, added = compared["n_post_hoc"], compared["n_added"]
    if not late:
        return ""
    which = "" if late == added == 1 else "all of them " if late == added else f"{count(late)} "
    return f" ({which}excluded post hoc: with outcomes in sight, or by rules made after opening)"


def _own_of(own: int, number: int) -> str:
    """Which of the excluded votes are owners' own."""
    if own == number:
        return "It is" if number == 1 else "All of them are"
    return f"{count(own)} of them {'is' if own == 1 else 'are'}"


def _shift(shift: Mapping[str, Any]) -> str:
    before, after = points(shift["rating"]), points(shift["rating_there"])
    if before == after:
        return "No rating moves by a whole point with them."
    return f"The rating that moves furthest with them is {shift['system']}'s: {before} → {after}."


def _sentence(words: str, compared: Mapping[str, Any] | None) -> str:
    start = words[0].upper() + words[1:]
    if compared is None:
        return f"{start} no board can be made of these votes."
    changes = [CHANGES[change["change"]].format(**change) for change in compared["changes"][:NAMED]]
    if compared["conclusions_changed"]:
        more = compared["n_changes"] - len(changes)
        rest = f", and {counted(more, 'more statement')} change" if more > 0 else ""
        return f"{start} conclusions change: {named_list(changes)}{rest}."
    gained = f"; {named_list(changes)}" if changes else ""
    if compared["order_changed"]:
        moved = named_list(
            f"{entry['system']} ({entry['rank'] or NOTHING} → {entry['rank_there'] or NOTHING})"
            for entry in compared["moved"][:NAMED]
        )
        return (
            f"{start} some ranks change, {moved}, but nothing that is shown to be better is lost"
            f"{gained}."
        )
    return f"{start} the order and every conclusion stay the same{gained}."


TERMS = {
    "log_nu": "Ties, Davidson's term",
    "log_tau": "Ties, Rao and Kupper's term",
    "side": "Left over right, between equal systems",
    "length": "Longer response",
    "bold": "More bold text",
    "headers": "More headings",
    "list_items": "More list items",
}


def in_logits(term: Mapping[str, Any]) -> str:
    """`0.30 [−0.05, 0.67] on the log scale of odds`."""
    if term["estimate"] is None:
        return "could not be estimated"
    if (term.get("se") or NO_VARIATION) < NO_VARIATION:
        return "the responses do not differ in it"
    return " ".join(coefficient_with_interval(term)).rstrip()
