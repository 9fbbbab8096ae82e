"""The lists behind the numbers: which kinds of rows there are, and what an address asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from annotation.models import Annotator, ComparisonKind, Study
from annotation.rating.visible_text import visible_text
from annotation.selectors import counted_votes, excluded_votes, repeated_votes
from annotation.storable import is_storable

from .comparison_entries import read_comparisons, read_waiting, with_room, work_of
from .entries import Narrowing, Page, cursor_of
from .names import Names
from .vote_entries import (
    answers_of,
    checks_of,
    gold_remark,
    identical_remark,
    nothing_more,
    read_flags,
    read_held,
    read_votes,
    repeat_remark,
    reserved_of,
    revisions_of,
    skipped_of,
    surplus_of,
    training_of,
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of rows that can be listed.

    Attributes
    ----------
    label : str
        Of the page, as a heading.
    explained : str
        What is in it, in a sentence.
    read : callable
        Study, narrowing, cursor → a page.
    """

    label: str
    explained: str
    read: Callable[[Study, Narrowing, int | None], Page]


VOTES: Mapping[str, Kind] = {
    "counted": Kind(
        "Counted votes",
        "Every figure is built from these: one of each annotator and comparison.",
        read_votes(counted_votes, nothing_more),
    ),
    "answers": Kind(
        "Answers",
        "Everything that was answered here, checks and changes of earlier answers too.",
        read_votes(answers_of, nothing_more),
    ),
    "reserved": Kind(
        "Reserved", "Pairs that somebody has on the screen or holds ahead.", read_held(reserved_of)
    ),
    "late": Kind(
        "Late votes",
        "Votes that came after their reservation had lapsed, found their slot free, and count.",
        read_votes(lambda study: counted_votes(study).filter(late=True), nothing_more),
    ),
    "surplus": Kind(
        "Surplus votes",
        "Votes that came when the comparison had all it wants, or the study was over. Kept and "
        "paid, not counted.",
        read_votes(surplus_of, nothing_more),
    ),
    "excluded": Kind(
        "Excluded votes",
        "Votes that would count, and that a decision holds out. Results are told with and without.",
        read_votes(excluded_votes, nothing_more),
    ),
    "flagged": Kind(
        "Flags", "Pairs on which an annotator remarked that something is wrong.", read_flags
    ),
    "skipped": Kind("Skipped", "Pairs that were given back with a reason.", read_held(skipped_of)),
    "gold": Kind(
        "Gold",
        "Answers on pairs with a known answer. Annotators cannot tell them from work.",
        read_votes(checks_of(ComparisonKind.GOLD), gold_remark),
    ),
    "identical": Kind(
        "Identical pairs",
        "Answers on pairs of one response with itself.",
        read_votes(checks_of(ComparisonKind.IDENTICAL), identical_remark),
    ),
    "consistency": Kind(
        "Two samples of one system",
        "Answers on pairs of one system with itself.",
        read_votes(checks_of(ComparisonKind.CONSISTENCY), nothing_more),
    ),
    "repeats": Kind(
        "Repeats",
        "Pairs that somebody was shown once more, sides exchanged, and further labels of an "
        "import.",
        read_votes(repeated_votes, repeat_remark),
    ),
    "revisions": Kind(
        "Changed answers", "Answers that took the place of an earlier one.",
        read_votes(revisions_of, nothing_more),
    ),
    "training": Kind(
        "Training", "Answers of the practice rounds.", read_votes(training_of, gold_remark)
    ),
}  # fmt: skip

COMPARISONS: Mapping[str, Kind] = {
    "all": Kind("Comparisons", "All comparisons of work.", read_comparisons(work_of)),
    "room": Kind(
        "Comparisons that want votes",
        "Comparisons with fewer votes and reservations than they want.",
        read_comparisons(with_room),
    ),
    "adjudication": Kind(
        "Waiting for an adjudicator",
        "Comparisons whose answers, flags or skips call for a named reviewer by the study's rules.",
        read_waiting,
    ),
}


# By what a list can be narrowed, and what else stands in its address.
FILTERS = ("pair", "category", "annotator")
OTHERS = ("show", "before")


@dataclass(frozen=True, slots=True)
class Unknown:
    """A filter in an address that fits nothing here.

    A list that left it out would show more than was asked for, and look like the answer.

    Attributes
    ----------
    name : str
        As it stands in the address.
    label : str
        On the button that takes it away.
    said : str
        What is wrong with it, as half a sentence.
    """

    name: str
    label: str
    said: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks for, each part from an allow-list.

    Attributes
    ----------
    show : str
    narrowing : Narrowing
    cursor : int or None
    annotator : str
        Whom it is narrowed to, by their external id; empty for nobody.
    unknown : tuple of Unknown
        What fits nothing: with any of it nothing is to be listed.
    """

    show: str
    narrowing: Narrowing
    cursor: int | None
    annotator: str
    unknown: tuple[Unknown, ...]

    @classmethod
    def of(
        cls, asked: Mapping[str, str], kinds: Mapping[str, Kind], names: Names, study: Study
    ) -> Asked:
        """At most one query."""
        show = asked.get("show", "")
        unknown = [
            Unknown(name, cut_name(name), f"lists are not narrowed by {cut_name(name)}")
            for name in asked
            if name not in FILTERS + OTHERS
        ]
        pair = names.pair_of_token(asked.get("pair", ""))
        if asked.get("pair") and pair is None:
            unknown.append(
                Unknown("pair", "an unknown pair", "this study has no such pair of systems")
            )
        category = asked.get("category")
        if category is not None and not is_storable(category):
            category = None
            unknown.append(
                Unknown("category", "an unknown category", "this study has no such category")
            )
        annotator = cursor_of(asked.get("annotator", ""))
        who = None
        if annotator is not None:
            who = Annotator.objects.filter(study=study, pk=annotator).first()
        if asked.get("annotator") and who is None:
            annotator = None
            unknown.append(
                Unknown("annotator", "an unknown annotator", "this study has no such annotator")
            )
        return cls(
            show if show in kinds else next(iter(kinds)),
            Narrowing(pair=pair, category=category, annotator=annotator),
            cursor_of(asked.get("before", "")),
            "" if who is None else who.external_id,
            tuple(unknown),
        )


# An address may hold a name of any length.
LONGEST_NAME = 40


def cut_name(name: str) -> str:
    found = visible_text(name)
    return found if len(found) <= LONGEST_NAME else f"{found[:LONGEST_NAME]}…"
