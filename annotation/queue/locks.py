"""Who holds what while the queue changes something.

Locks are taken in one order: annotators, the study, its cells, assignments, comparisons, and the
head of its audit chain last. Of one kind several are locked in the order of their keys.

- An account comes before all of these; only what gives it a part in a study or erases somebody
  locks it, see `people.accounts`.
- The annotator's row serialises all that one person does: two tabs queue here.
- A comparison's row guards its slots and counters. Whoever gives or takes a slot holds it.
- An own assignment is locked against a sweep. One that keeps its slot needs no comparison, so a
  vote in time waits for nobody.
- Assignments of other people are only ever locked with SKIP LOCKED, so that nobody who holds a
  comparison waits for a person.
- A heartbeat locks own assignments without the annotator, in the order of their keys.
- The study's row is locked by what changes the study itself: importing, opening, changing it, and
  removing people. Whoever rates never needs it.
- Cells are locked by what stops or opens pairs of systems, before any comparison; see `cells`.
- Whoever has the head of an audit chain waits for nothing else: an entry is the last thing that a
  transaction writes (`audit.record`). Of several chains the studies' come first, in the order of
  their keys, and the site's last.
- Excluding is the one act on many at once: it takes all its annotators, then all its assignments,
  then all its comparisons, each in the order of their keys; see `excluding`.

Rows are locked FOR NO KEY UPDATE. Foreign keys are checked at the commit, where whoever wrote an
entry has the head: FOR UPDATE on what it refers to would let it wait there.

No fast path may skip these locks. On SQLite a transaction is IMMEDIATE and so has the only write
lock; `select_for_update` says nothing there. Behind the locks stand the unique keys on slots and
persons, which hold even if a lock is forgotten.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Model, OuterRef, QuerySet, Subquery, UUIDField
from django.db.models.functions import Now
from django.utils.translation import gettext

from annotation.compiled import KEY, CompiledQuery, Parameter
from annotation.models import Annotator, Assignment, Comparison, Study, StudyVersion

from .claims import AssignmentNotFound

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class LockedAnnotator:
    """An annotator whose row is locked, and the moment by the database's clock."""

    annotator: Annotator
    study: Study
    study_version_id: int | None
    now: datetime
    # Whether some comparison of the study comes before all others; see `sending_first`.
    has_first: bool = False


# What a claim asks for. A study's instructions can be long, and whoever wants more reads it.
COLUMNS_OF_A_CLAIM = (
    "study",
    "user",
    "external_id",
    "state",
    "profile",
    "cursor",
    "handed",
    "answered",
    "skipped",
    "spent_place",
    "study__slug",
    "study__state",
    "study__rules",
    "study__queue_seed",
    "study__max_per_annotator",
)


def annotator_to_lock() -> QuerySet[Any]:
    newest = StudyVersion.objects.filter(study=OuterRef("study")).order_by("-number")
    # In order, and no EXISTS: for that PostgreSQL may read the table from its beginning, in the
    # hope to meet one soon, and reads all of it where none is sent first.
    sent_first = Comparison.objects.filter(study=OuterRef("study"), open=True, open_seq__lt=0)
    first = sent_first.order_by("open_seq").values("open_seq")[:1]
    return (
        Annotator.objects.filter(pk=Parameter("annotator", KEY))
        .select_related("study")
        .only(*COLUMNS_OF_A_CLAIM)
        .annotate(
            now=Now(), newest_version=Subquery(newest.values("pk")[:1]), first=Subquery(first)
        )
        # Votes and assignments refer to this row; NO KEY lets their foreign keys pass.
        .select_for_update(no_key=True, of=("self",))
    )


ANNOTATOR = CompiledQuery(annotator_to_lock)


def lock_annotator(annotator_id: int) -> LockedAnnotator:
    """Lock the annotator until the transaction ends."""
    row = ANNOTATOR.first(annotator=annotator_id)
    if row is None:
        raise Annotator.DoesNotExist(f"There is no annotator {annotator_id}.")
    return LockedAnnotator(row, row.study, row.newest_version, row.now, row.first is not None)


def lock_comparison(comparison_id: int) -> Comparison:
    """Lock one comparison, waiting for it. The caller holds the annotator and no other one."""
    return Comparison.objects.select_for_update(no_key=True).get(pk=comparison_id)


def in_key_order(rows: QuerySet[Row], of: Sequence[str] = ()) -> QuerySet[Row]:
    """Lock the rows when they are read, in the order of their keys, waiting for each.

    `of` as in `select_for_update`: where other tables are joined, which are locked.
    """
    return rows.order_by("pk").select_for_update(no_key=True, of=tuple(of))


def hold(rows: QuerySet[Any], of: Sequence[str] = ()) -> None:
    """Lock rows in the order of their keys until the transaction ends."""
    for _ in in_key_order(rows, of).values_list("pk", flat=True).iterator(chunk_size=2000):
        pass


def free_comparisons(comparisons: QuerySet[Comparison]) -> QuerySet[Comparison]:
    """Lock those of the comparisons that nobody holds, without waiting."""
    return comparisons.select_for_update(no_key=True, skip_locked=True)


@dataclass(frozen=True, slots=True)
class LockedAssignment:
    """An annotator's own assignment; both are locked, its comparison is not.

    The three objects hold the columns that settling and voting ask for, not the texts.
    """

    annotator: Annotator
    study: Study
    assignment: Assignment
    now: datetime


# A study's instructions and an annotator's profile can be long, and a vote needs none of them.
COLUMNS_OF_A_VOTE = (
    "public_id",
    "comparison",
    "annotator",
    "study_version",
    "kind",
    "overlap",
    "slot_no",
    "pass_no",
    "swapped",
    "state",
    "reserved_at",
    "lease_expires_at",
    "displayed_at",
    "annotator__study",
    "annotator__user",
    "annotator__state",
    "annotator__answered",
    "annotator__study__slug",
    "annotator__study__state",
    "annotator__study__state_changed_at",
    "annotator__study__unblinded_at",
    "annotator__study__rules",
    "annotator__study__max_per_annotator",
)


# PostgreSQL locks the tables of one row in the order in which OF names them, and gives both rows as
# they are once it holds the locks. It is written down nowhere, so a test watches it.
OWN_ASSIGNMENT = CompiledQuery(
    lambda: (
        Assignment.objects.filter(
            public_id=Parameter("public_id", UUIDField()),
            annotator=Parameter("annotator", KEY),
        )
        .select_related("annotator__study")
        .only(*COLUMNS_OF_A_VOTE)
        .annotate(now=Now())
        .select_for_update(no_key=True, of=("annotator", "self"))
    )
)


def lock_assignment(annotator_id: int, public_id: uuid.UUID) -> LockedAssignment:
    """Lock the annotator and the assignment until the transaction ends.

    Raises
    ------
    AssignmentNotFound
        If this annotator has no such assignment, whoever else may have it.
    """
    assignment = OWN_ASSIGNMENT.first(public_id=public_id, annotator=annotator_id)
    if assignment is None:
        raise AssignmentNotFound(gettext("There is no such assignment."))
    annotator = assignment.annotator
    return LockedAssignment(annotator, annotator.study, assignment, assignment.now)
