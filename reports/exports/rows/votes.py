"""Votes, one row for each criterion, with what became of each.

A plain export holds what an import would count the same way: counted votes, votes on checks and
repeats. Superseded, surplus and excluded votes have no counterpart in an import, where they would
count; they are given on demand only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import (
    BooleanField,
    Case,
    Exists,
    F,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)

from annotation.models import (
    AssignmentState,
    ComparisonKind,
    Criterion,
    Study,
    Vote,
    VoteCriterion,
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


def table(study: Study, *, everything: bool = False) -> RowTable:
    """The study's votes in the order in which they were given, repeats last.

    With `everything` superseded, surplus and excluded votes too, each with its `status`.
    """
    votes = Vote.objects.filter(annotator__study=study)
    parts = VoteCriterion.objects.filter(vote__annotator__study=study)
    found = [*metadata_of(votes, "metadata"), *metadata_of(parts, "metadata")]
    return RowTable(COLUMNS, extra_keys(COLUMNS, found), _rows(study, everything))


def _with_status(study: Study) -> QuerySet[Any, Any]:
    newer = Vote.objects.filter(
        assignment=OuterRef("assignment"), revision__gt=OuterRef("revision")
    )
    exclusions = live_exclusions().filter(
        Q(vote=OuterRef("pk")) | Q(assignment__isnull=False, assignment=OuterRef("assignment"))
    )
    counted_before = Vote.objects.filter(
        FIRST,
        ~Exists(exclusions),
        comparison=OuterRef("comparison"),
        annotator=OuterRef("annotator"),
    )
    return Vote.objects.filter(annotator__study=study).annotate(
        superseded=Exists(newer),
        excluded_because=Subquery(exclusions.order_by("pk").values("reason")[:1]),
        first=Case(
            When(FIRST, then=Value(True)), default=Value(False), output_field=BooleanField()
        ),
        follows_a_counted_one=Exists(counted_before),
        version_number=F("study_version__number"),
    )


def _rows(study: Study, everything: bool) -> Iterator[Row]:
    votes = _with_status(study)
    if not everything:
        votes = votes.filter(
            Q(source=VoteSource.IMPORTED) | Q(assignment__state=AssignmentState.SUBMITTED),
            superseded=False,
            excluded_because__isnull=True,
            follows_a_counted_one=True,
        )
    votes = (
        votes.select_related(
            "annotator",
            "assignment",
            "comparison__prompt",
            "comparison__system_a",
            "comparison__system_b",
        )
        .only(
            *(field.attname for field in Vote._meta.concrete_fields),
            "annotator__external_id",
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
        .prefetch_related(
            "notes",
            Prefetch("criteria", VoteCriterion.objects.select_related("criterion")),
        )
        # An import counts the first of two labels: what counts comes first.
        .order_by("superseded", "-first", "pk")
    )
    for vote in votes.iterator(chunk_size=CHUNK):
        yield from _rows_of(vote)


def _rows_of(vote: Any) -> Iterator[Row]:
    """The row of `overall`, then those of the other criteria. `vote` is annotated."""
    shared = _shared(vote)
    notes = {note.criterion_id: note for note in vote.notes.all()}
    yield _row(vote, Criterion.OVERALL, shared | _timing(vote), notes.get(None), vote.metadata)
    parts = sorted(vote.criteria.all(), key=lambda part: part.criterion.key)
    for part in parts:
        yield _row(part, part.criterion.key, shared, notes.get(part.criterion_id), part.metadata)


def _row(
    decision: Any, criterion: str, shared: dict[str, Any], note: Any, metadata: dict[str, Any]
) -> Row:
    stated = {
        **shared,
        "verdict": decision.verdict,
        "criterion": criterion,
        "margin": decision.margin,
        "choice": decision.choice,
        "swapped": decision.swapped,
        "reason": (note.rationale if note else "") or None,
        "tags": (note.tags if note else []) or None,
    }
    return ordered(COLUMNS, stated, metadata)


def _shared(vote: Any) -> dict[str, Any]:
    """What the rows of one vote have in common."""
    assignment, comparison = vote.assignment, vote.comparison
    shown_left = vote.left
    if vote.swapped is not None:
        shown_left = "b" if vote.swapped else "a"
    row = {
        "item_id": comparison.item_id,
        "annotator_id": vote.annotator.external_id,
        "left": shown_left,
        "prompt_id": comparison.prompt.prompt_id,
        "system_a": comparison.system_a.name,
        "system_b": comparison.system_b.name,
        "kind": comparison.kind,
        "status": _status(vote),
        "excluded_because": vote.excluded_because,
    }
    if assignment is not None:
        row |= {
            "revision": vote.revision,
            "pass_no": assignment.pass_no,
            "late": vote.late,
            "study_version": vote.version_number,
            "policy": assignment.policy,
            "selection_probability": assignment.selection_probability,
            "served_at": assignment.displayed_at and assignment.displayed_at.isoformat(),
            "received_at": vote.created_at.isoformat(),
        }
    return row


def _timing(vote: Any) -> dict[str, Any]:
    return {
        "seconds": seconds(vote.elapsed_ms),
        "confidence": vote.confidence,
        "active_seconds": seconds(vote.active_ms),
        "first_choice_seconds": seconds(vote.first_choice_ms),
        "reading": vote.reading or None,
    }


def _status(vote: Any) -> str:
    if vote.excluded_because is not None:
        return "excluded"
    if vote.assignment is not None and vote.assignment.state != AssignmentState.SUBMITTED:
        return "surplus"
    if vote.superseded:
        return "superseded"
    if not vote.first:
        return "repeat"
    return "counted" if vote.comparison.kind == ComparisonKind.WORK else "check"
