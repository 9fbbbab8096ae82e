"""Somebody's answers and the exclusions beside them, some at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.db.models import Exists, OuterRef, QuerySet

from annotation.models import (
    Assignment,
    AssignmentState,
    ComparisonKind,
    Exclusion,
    Vote,
    VoteSource,
)
from annotation.selectors import live_exclusions

# Votes that are excluded or put back in one transaction, whose comparisons it locks.
AT_ONCE = 50


def answers_without(
    exclusions: QuerySet[Exclusion], annotator_id: int, most: int | None = None
) -> list[dict[str, int]]:
    """Some of the annotator's answers that none of the exclusions is of.

    Pairs that were answered here, checks too and training not, and labels that were imported.

    Returns
    -------
    list of dict of str to int
        What an `Exclusion` is of: the key of an assignment, or of an imported vote.
    """
    most = AT_ONCE if most is None else most
    assignments = (
        Assignment.objects.filter(
            ~Exists(exclusions.filter(assignment=OuterRef("pk"))),
            annotator=annotator_id,
            state=AssignmentState.SUBMITTED,
        )
        .exclude(kind=ComparisonKind.TRAINING)
        .order_by("pk")
    )
    imported = Vote.objects.filter(
        ~Exists(exclusions.filter(vote=OuterRef("pk"))),
        annotator=annotator_id,
        source=VoteSource.IMPORTED,
    ).order_by("pk")
    return [
        *({"assignment_id": pk} for pk in assignments.values_list("pk", flat=True)[:most]),
        *({"vote_id": pk} for pk in imported.values_list("pk", flat=True)[:most]),
    ]


def of_annotator(annotator_id: int) -> QuerySet[Exclusion]:
    """Exclusions in force of the annotator's answers, oldest first."""
    standing = live_exclusions()
    assignments = Assignment.objects.filter(annotator=annotator_id)
    votes = Vote.objects.filter(annotator=annotator_id, source=VoteSource.IMPORTED)
    return (standing.filter(assignment__in=assignments) | standing.filter(vote__in=votes)).order_by(
        "pk"
    )


def of_rule(rule: str, annotator_id: int) -> QuerySet[Exclusion]:
    return of_annotator(annotator_id).filter(rule=rule)


def assignments_of(rows: Iterable[Exclusion]) -> list[int]:
    """The keys of the assignments among what is excluded, whose slots are to follow."""
    return [row.assignment_id for row in rows if row.assignment_id is not None]


def until_nothing_is_left(some: Callable[[int], int], annotator_id: int) -> int:
    """Do `some` of the annotator's answers after others, a transaction each; how many in all."""
    total = 0
    while done := some(annotator_id):
        total += done
    return total
