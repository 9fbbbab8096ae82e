"""Votes, one row for each criterion, with what became of each.

A plain export holds what an import would count the same way: counted votes, votes on checks and
repeats. Superseded, surplus and excluded votes have no counterpart in an import, where they would
count; they are given on demand only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from annotation.models import (
    AssignmentState,
    ComparisonKind,
    Criterion,
    Study,
    Vote,
    VoteCriterion,
    VoteNote,
    VoteSource,
)
from annotation.selectors import live_exclusions

from .shape import CHUNK, Row, RowTable, extra_keys, metadata_of, ordered, seconds

COLUMNS = (
    "item_id",
    "annotator_id",
    "verdict",
    "criterion",
    "margin",
    "seconds",
    "reason",
    "left",
    "tags",
    # Not keys of contract.md §4: an import keeps them as metadata.
    "prompt_id",
    "system_a",
    "system_b",
    "kind",
    "status",
    "excluded_because",
    "excluded_by_rule",
    "excluded_post_hoc",
    "choice",
    "swapped",
    "revision",
    "pass_no",
    "late",
    "study_version",
    "confidence",
    "active_seconds",
    "first_choice_seconds",
    "policy",
    "selection_probability",
    "served_at",
    "received_at",
    "reading",
)

FIRST = Q(source=VoteSource.IMPORTED, occurrence=0) | Q(
    source=VoteSource.COLLECTED, assignment__pass_no=0, assignment__state=AssignmentState.SUBMITTED
)
COUNTED, CHECK, REPEAT = "counted", "check", "repeat"
SUPERSEDED, SURPLUS, EXCLUDED = "superseded", "surplus", "excluded"
KEPT = frozenset({COUNTED, CHECK, REPEAT})

# What is read of each vote. Plain values: model objects would take four times as long.
VOTE_FIELDS = (
    "pk",
    "assignment",
    "comparison",
    "verdict",
    "margin",
    "choice",
    "swapped",
    "left",
    "revision",
    "late",
    "occurrence",
    "confidence",
    "active_ms",
    "elapsed_ms",
    "first_choice_ms",
    "reading",
    "metadata",
    "created_at",
    "annotator__external_id",
    "study_version__number",
    "assignment__state",
    "assignment__pass_no",
    "assignment__policy",
    "assignment__selection_probability",
    "assignment__displayed_at",
    "comparison__item_id",
    "comparison__kind",
    "comparison__prompt__prompt_id",
    "comparison__system_a__name",
    "comparison__system_b__name",
)
PART_FIELDS = (
    "vote",
    "criterion",
    "criterion__key",
    "verdict",
    "margin",
    "choice",
    "swapped",
    "metadata",
)

Values = Mapping[str, Any]


def table(study: Study, *, everything: bool = False) -> RowTable:
    """The study's votes in the order in which they were given, repeats last.

    With `everything` superseded, surplus and excluded votes too, after these, each with its
    `status`.
    """
    votes = Vote.objects.filter(annotator__study=study)
    parts = VoteCriterion.objects.filter(vote__annotator__study=study)
    found = [*metadata_of(votes, "metadata"), *metadata_of(parts, "metadata")]
    return RowTable(COLUMNS, extra_keys(COLUMNS, found), _rows(votes, everything))


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Why a vote does not count.

    Attributes
    ----------
    reason : str
    rule : str
        The frozen rule that fired; empty for a person's decision.
    post_hoc : bool
        Decided when outcomes could be seen, or by a rule that was not frozen at opening.
    """

    reason: str
    rule: str
    post_hoc: bool


@dataclass(frozen=True, slots=True)
class Fates:
    """What became of votes, for the few of which more is to be said.

    Attributes
    ----------
    newest : mapping of int to int
        The highest revision of each assignment that was revised.
    excluded_votes, excluded_assignments : mapping of int to HeldOut
        Of several exclusions the newest that was not post hoc, if there is one: a vote is post hoc
        excluded only where nothing else holds it out.
    """

    newest: Mapping[int, int]
    excluded_votes: Mapping[int, HeldOut]
    excluded_assignments: Mapping[int, HeldOut]

    def held_out(self, vote: Values) -> HeldOut | None:
        """Why the vote is excluded, if it is."""
        own = self.excluded_votes.get(vote["pk"])
        shared = self.excluded_assignments.get(vote["assignment"])
        return shared if own is None or (own.post_hoc and shared is not None) else own

    def status(self, vote: Values) -> str:
        if self.held_out(vote) is not None:
            return EXCLUDED
        collected = vote["assignment"] is not None
        if collected and vote["assignment__state"] != AssignmentState.SUBMITTED:
            return SURPLUS
        if vote["revision"] < self.newest.get(vote["assignment"], 0):
            return SUPERSEDED
        if vote["assignment__pass_no" if collected else "occurrence"]:
            return REPEAT
        return COUNTED if vote["comparison__kind"] == ComparisonKind.WORK else CHECK


def _fates(votes: QuerySet[Vote]) -> Fates:
    revised = votes.filter(revision__gt=0).order_by().values_list("assignment")
    exclusions = live_exclusions().filter(
        Q(vote__in=votes) | Q(assignment__in=votes.values("assignment"))
    )
    # Of several of one vote the last stays.
    rows = exclusions.order_by("-post_hoc", "pk").values_list(
        "vote", "assignment", "reason", "rule", "post_hoc"
    )
    reasons = [
        (vote, held, HeldOut(reason, rule, post_hoc)) for vote, held, reason, rule, post_hoc in rows
    ]
    return Fates(
        newest=dict(revised.annotate(newest=Max("revision"))),
        excluded_votes={vote: why for vote, _, why in reasons if vote},
        excluded_assignments={held: why for _, held, why in reasons if held},
    )


def _rows(votes: QuerySet[Vote], everything: bool) -> Iterator[Row]:
    fates = _fates(votes)
    # An import counts the first of two labels: what counts comes first.
    yield from _rows_of(votes.filter(FIRST), fates, KEPT)
    repeats = votes.exclude(FIRST)
    after_one_that_counts = repeats.filter(_follows_a_counted_one())
    yield from _rows_of(after_one_that_counts, fates, KEPT)
    if everything:
        yield from _rows_of(votes, fates, frozenset({SUPERSEDED, SURPLUS, EXCLUDED}))
        alone = repeats.exclude(_follows_a_counted_one())
        yield from _rows_of(alone, fates, KEPT)


def _follows_a_counted_one() -> Exists:
    """Without the vote that it repeats, an import would count the repeat."""
    out = live_exclusions().filter(
        Q(vote=OuterRef("pk")) | Q(assignment__isnull=False, assignment=OuterRef("assignment"))
    )
    return Exists(
        Vote.objects.filter(
            FIRST,
            ~Exists(out),
            comparison=OuterRef("comparison"),
            annotator=OuterRef("annotator"),
        )
    )


def _rows_of(votes: QuerySet[Vote], fates: Fates, wanted: frozenset[str]) -> Iterator[Row]:
    found = votes.order_by("pk").values(*VOTE_FIELDS).iterator(chunk_size=CHUNK)
    while chunk := list(islice(found, CHUNK)):
        chosen = [(vote, fates.status(vote)) for vote in chunk]
        chosen = [(vote, status) for vote, status in chosen if status in wanted]
        keys = [vote["pk"] for vote, _ in chosen]
        parts = _by_vote(
            VoteCriterion.objects.filter(vote__in=keys)
            .order_by("vote", "criterion__key")
            .values(*PART_FIELDS)
        )
        notes = _by_vote(
            VoteNote.objects.filter(vote__in=keys).values("vote", "criterion", "rationale", "tags")
        )
        for vote, status in chosen:
            yield from _rows_of_vote(
                vote,
                _shared(vote, status, fates.held_out(vote)),
                parts.get(vote["pk"], []),
                {note["criterion"]: note for note in notes.get(vote["pk"], [])},
            )


def _by_vote(found: Iterable[Values]) -> dict[int, list[Values]]:
    grouped: dict[int, list[Values]] = {}
    for values in found:
        grouped.setdefault(values["vote"], []).append(values)
    return grouped


def _rows_of_vote(
    vote: Values,
    shared: dict[str, Any],
    parts: list[Values],
    notes: Mapping[int | None, Values],
) -> Iterator[Row]:
    """The row of `overall`, then those of the other criteria in the order of their keys."""
    yield _row(vote, Criterion.OVERALL, shared | _timing(vote), notes.get(None))
    for part in parts:
        yield _row(part, part["criterion__key"], shared, notes.get(part["criterion"]))


def _row(decision: Values, criterion: str, shared: dict[str, Any], note: Values | None) -> Row:
    stated = {
        **shared,
        "verdict": decision["verdict"],
        "criterion": criterion,
        "margin": decision["margin"],
        "choice": decision["choice"],
        "swapped": decision["swapped"],
        "reason": (note["rationale"] if note else "") or None,
        "tags": (note["tags"] if note else []) or None,
    }
    return ordered(COLUMNS, stated, decision["metadata"])


def _shared(vote: Values, status: str, held_out: HeldOut | None) -> dict[str, Any]:
    """What the rows of one vote have in common."""
    shown_left = vote["left"]
    if vote["swapped"] is not None:
        shown_left = "b" if vote["swapped"] else "a"
    row = {
        "item_id": vote["comparison__item_id"],
        "annotator_id": vote["annotator__external_id"],
        "left": shown_left,
        "prompt_id": vote["comparison__prompt__prompt_id"],
        "system_a": vote["comparison__system_a__name"],
        "system_b": vote["comparison__system_b__name"],
        "kind": vote["comparison__kind"],
        "status": status,
    }
    if held_out is not None:
        row |= {
            "excluded_because": held_out.reason,
            "excluded_by_rule": held_out.rule or None,
            "excluded_post_hoc": held_out.post_hoc,
        }
    if vote["assignment"] is not None:
        row |= {
            "revision": vote["revision"],
            "pass_no": vote["assignment__pass_no"],
            "late": vote["late"],
            "study_version": vote["study_version__number"],
            "policy": vote["assignment__policy"],
            "selection_probability": vote["assignment__selection_probability"],
            "served_at": _moment(vote["assignment__displayed_at"]),
            "received_at": _moment(vote["created_at"]),
        }
    return row


def _timing(vote: Values) -> dict[str, Any]:
    return {
        "seconds": seconds(vote["elapsed_ms"]),
        "confidence": vote["confidence"],
        "active_seconds": seconds(vote["active_ms"]),
        "first_choice_seconds": seconds(vote["first_choice_ms"]),
        "reading": vote["reading"] or None,
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
