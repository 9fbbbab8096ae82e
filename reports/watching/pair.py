"""One comparison with all that happened to it: who had it, when, and what they said.

Who may see outcomes sees it as an annotator saw it. While a study is sealed the two responses stand
in the order of their codes, so that a click says nothing of a system; to see what was answered is
a look, which an owner or a researcher asks for and the log keeps.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from annotation.blinding import present
from annotation.models import (
    Assignment,
    Comparison,
    Exclusion,
    Flag,
    Study,
    Vote,
    VoteCriterion,
    VoteNote,
)
from annotation.queue.presenting import messages_of
from annotation.rating.visible_text import visible_text
from annotation.rating.wire import pair_for_page
from annotation.selectors import live_exclusions

from .names import Names
from .vote_entries import CLICKS, FLAGS, SKIPS

STATES = {
    "reserved": "reserved",
    "submitted": "answered",
    "expired": "lapsed",
    "released": "given back",
    "late_surplus": "surplus",
}


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """One answer, or a change of it.

    Attributes
    ----------
    revision : int
    at : datetime
    click : str
        In words. Without the sides it says nothing of a system.
    verdict : str
        Which system it preferred; empty while that may not be seen.
    further : tuple of (str, str)
        Criterion and what was clicked or preferred, of all but `overall`.
    active, elapsed, first_choice : float or None
        Seconds.
    reason : str
    tags : tuple of str
    """

    revision: int
    at: datetime
    click: str
    verdict: str
    further: tuple[tuple[str, str], ...]
    active: float | None
    elapsed: float | None
    first_choice: float | None
    reason: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """One person's turn on the comparison: lent, answered, skipped, or an imported label.

    Attributes
    ----------
    view : UUID or None
        Names how it was shown to them; None where that may not be seen or is not known.
    what : str
        Its state in words.
    facts : tuple of str
        Flags, exclusions and why it was given back.
    """

    annotator: tuple[int, str]
    view: uuid.UUID | None
    what: str
    kind: str
    began: datetime | None
    shown: datetime | None
    answers: tuple[GivenAnswer, ...]
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PairPage:
    """What the page shows.

    Attributes
    ----------
    pair : dict
        Prompt, two texts and reference, rendered and safe, as for annotators.
    left, right : str
        The two systems as they may be named.
    as_shown_to : str
        Whose view it is; empty where the order is that of the codes.
    """

    comparison: Comparison
    pair: Mapping[str, Any]
    left: str
    right: str
    as_shown_to: str
    turns: Sequence[Turn]
    answered: int


def find_comparison(study: Study, key: int) -> Comparison | None:
    return (
        Comparison.objects.filter(study=study, pk=key)
        .select_related("prompt", "response_a", "response_b")
        .first()
    )


def show_pair(
    comparison: Comparison,
    names: Names,
    *,
    with_answers: bool,
    with_texts: bool,
    view: uuid.UUID | None,
) -> PairPage:
    """Read everything about a comparison. Six queries.

    Parameters
    ----------
    with_answers : bool
        Whether sides, and with them verdicts, may be seen.
    with_texts : bool
        Whether reasons that annotators wrote are shown. They may name a side.
    view : UUID or None
        Whose view of the pair to show, where sides may be seen.
    """
    assignments = list(
        Assignment.objects.filter(comparison=comparison).select_related("annotator").order_by("pk")
    )
    votes = list(
        Vote.objects.filter(comparison=comparison)
        .select_related("annotator")
        .order_by("revision", "pk")
    )
    read = Details.of(comparison, with_texts=with_texts and with_answers)
    speak = Speaker(comparison, names, with_answers)
    by_assignment: dict[int, list[Vote]] = defaultdict(list)
    for vote in votes:
        if vote.assignment_id is not None:
            by_assignment[vote.assignment_id].append(vote)
    turns = [
        Turn(
            annotator=(row.annotator_id, row.annotator.external_id),
            view=row.public_id if with_answers else None,
            what=STATES[row.state],
            kind=kind_in_words(row),
            began=row.reserved_at,
            shown=row.displayed_at,
            answers=tuple(speak.answer(vote, read) for vote in by_assignment[row.pk]),
            facts=read.facts_of(row),
        )
        for row in assignments
    ]
    turns += [
        Turn(
            annotator=(vote.annotator_id, vote.annotator.external_id),
            view=None,
            what="imported label" if not vote.occurrence else "further imported label",
            kind="",
            began=None,
            shown=None,
            answers=(speak.answer(vote, read),),
            facts=read.exclusions_of_votes.get(vote.pk, ()),
        )
        for vote in votes
        if vote.assignment_id is None
    ]
    first, _ = names.in_order(comparison.system_a_id, comparison.system_b_id)
    swapped, shown_to = first != comparison.system_a_id, ""
    seen = next((row for row in assignments if row.public_id == view), None)
    if with_answers and seen is not None:
        swapped, shown_to = seen.swapped, seen.annotator.external_id
    sides = (comparison.system_a_id, comparison.system_b_id)
    left, right = reversed(sides) if swapped else sides
    return PairPage(
        comparison=comparison,
        pair=pair_for_page(
            present(
                uuid.UUID(int=0),
                swapped=swapped,
                prompt=messages_of(comparison.prompt),
                text_a=comparison.response_a.text,
                text_b=comparison.response_b.text,
                reference=comparison.prompt.reference,
            )
        ),
        left=names.labels[left],
        right=names.labels[right],
        as_shown_to=shown_to,
        turns=turns,
        answered=len(votes),
    )


def kind_in_words(row: Assignment) -> str:
    return f"repeat {row.pass_no}" if row.pass_no else ""


@dataclass(frozen=True, slots=True)
class Speaker:
    """Says what was answered, as far as that may be seen."""

    comparison: Comparison
    names: Names
    with_answers: bool

    def answer(self, vote: Vote, read: Details) -> GivenAnswer:
        note = read.notes.get(vote.pk)
        return GivenAnswer(
            revision=vote.revision,
            at=vote.created_at,
            click=self.click(vote.choice, vote.margin),
            verdict=self.verdict(vote.verdict),
            further=tuple(
                (row.criterion.question or row.criterion.key, self.said(row))
                for row in read.criteria.get(vote.pk, ())
            ),
            active=seconds(vote.active_ms),
            elapsed=seconds(vote.elapsed_ms),
            first_choice=seconds(vote.first_choice_ms),
            reason="" if note is None else visible_text(note.rationale),
            tags=() if note is None else tuple(map(visible_text, note.tags)),
        )

    def said(self, row: VoteCriterion) -> str:
        return self.verdict(row.verdict) or self.click(row.choice, row.margin)

    def click(self, choice: str | None, margin: int | None) -> str:
        if choice is None:
            return ""
        return CLICKS[choice] + (f", by {margin} of 3" if margin is not None and margin > 1 else "")

    def verdict(self, verdict: str) -> str:
        if not self.with_answers:
            return ""
        preferred = {"a": self.comparison.system_a_id, "b": self.comparison.system_b_id}
        if verdict in preferred:
            return f"{self.names.labels[preferred[verdict]]} is better"
        return "tie" if verdict == "tie" else "both bad"


def seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


@dataclass(frozen=True, slots=True)
class Details:
    """What stands beside the votes of one comparison."""

    criteria: Mapping[int, Sequence[VoteCriterion]]
    notes: Mapping[int, VoteNote]
    flags: Mapping[int, Sequence[Flag]]
    exclusions: Mapping[int, tuple[str, ...]]
    exclusions_of_votes: Mapping[int, tuple[str, ...]]

    @classmethod
    def of(cls, comparison: Comparison, *, with_texts: bool) -> Details:
        criteria: dict[int, list[VoteCriterion]] = defaultdict(list)
        for row in (
            VoteCriterion.objects.filter(vote__comparison=comparison)
            .select_related("criterion")
            .order_by("criterion__position", "pk")
        ):
            criteria[row.vote_id].append(row)
        notes = {}
        if with_texts:
            found = VoteNote.objects.filter(vote__comparison=comparison, criterion__isnull=True)
            notes = {note.vote_id: note for note in found}
        flags: dict[int, list[Flag]] = defaultdict(list)
        for flag in Flag.objects.filter(assignment__comparison=comparison).order_by("pk"):
            flags[flag.assignment_id].append(flag)
        exclusions: dict[int, list[str]] = defaultdict(list)
        of_votes: dict[int, list[str]] = defaultdict(list)
        held_out = live_exclusions().filter(
            Q(assignment__comparison=comparison) | Q(vote__comparison=comparison)
        )
        for excluded in held_out.order_by("pk"):
            said = excluded_because(excluded)
            if excluded.assignment_id is not None:
                exclusions[excluded.assignment_id].append(said)
            elif excluded.vote_id is not None:
                of_votes[excluded.vote_id].append(said)
        return cls(
            criteria,
            notes,
            flags,
            {key: tuple(said) for key, said in exclusions.items()},
            {key: tuple(said) for key, said in of_votes.items()},
        )

    def facts_of(self, row: Assignment) -> tuple[str, ...]:
        skipped = (f"Skipped: {SKIPS[row.skip_reason]}.",) if row.skip_reason else ()
        flagged = tuple(
            f"Flagged: {FLAGS.get(flag.reason, flag.reason)}."
            for flag in self.flags.get(row.pk, ())
        )
        return (*skipped, *flagged, *self.exclusions.get(row.pk, ()))


def excluded_because(row: Exclusion) -> str:
    return f"Excluded on {row.created_at:%Y-%m-%d}: {row.reason}"
