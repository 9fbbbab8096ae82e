"""Checks for an annotator whose lock is held: which pair a planned check is.

Checks hold no slot and have no place on the ring. They are only handed out where work would be, so
that they never make a finished queue go on; what the plan wants and nothing can be found for is
work instead. What lapsed comes back first, so that leaving a check unanswered does not end it. It
takes the place that is planned then, whose number nobody got yet: the pair of that number is work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Subquery

from annotation.draws import draw
from annotation.models import (
    Annotator,
    Assignment,
    AssignmentState,
    Comparison,
    ComparisonKind,
    Vote,
)

from .check_plan import CheckKind, check_at
from .choosing import Seeker, fit_for
from .policy import REPEAT_WINDOW


@dataclass(frozen=True, slots=True)
class Loan:
    """A pair to be lent without a slot: a check, or one of training.

    Attributes
    ----------
    own : int or None
        The annotator's own lapsed assignment, which is revived with the side it had.
    """

    comparison_id: int
    kind: ComparisonKind
    overlap: int
    system_a: int
    system_b: int
    swapped: bool
    pass_no: int = 0
    own: int | None = None


KINDS = {CheckKind.GOLD: ComparisonKind.GOLD, CheckKind.IDENTICAL: ComparisonKind.IDENTICAL}


def next_check(seeker: Seeker) -> Loan | None:
    """The check that is planned for the next pair; None if it is work."""
    if seeker.holder.annotator.spent_place == seeker.handed:
        return None
    seed, external_id = seeker.holder.study.queue_seed, seeker.holder.annotator.external_id
    planned = check_at(seeker.rules.checks, seed, external_id, seeker.handed)
    if planned is None:
        return None
    if planned is CheckKind.REPEAT:
        return find_repeat(seeker)
    return find_made(seeker, KINDS[planned])


def spend_place(seeker: Seeker) -> None:
    """A check came back at the next number, which it does not get: no other check may follow."""
    annotator = seeker.holder.annotator
    annotator.spent_place = seeker.handed
    Annotator.objects.filter(pk=annotator.pk).update(spent_place=seeker.handed)


def find_made(seeker: Seeker, kind: ComparisonKind) -> Loan | None:
    """A pair that was made to be a check and that the annotator has not had, in a drawn order."""
    annotator, study = seeker.holder.annotator, seeker.holder.study
    own = Assignment.objects.filter(comparison=OuterRef("pk"), annotator=annotator, pass_no=0)
    # Without a place: what the index of checks is made of.
    made = Comparison.objects.filter(study=study, kind=kind, open_seq__isnull=True)
    rows = (
        fit_for(annotator.pk, seeker.forbidden, made)
        .annotate(own=Subquery(own.values("pk")), own_swapped=Subquery(own.values("swapped")))
        .values_list("item_id", "pk", "overlap", "system_a", "system_b", "own", "own_swapped")
    )
    about = (kind.value, annotator.external_id)
    found = min(
        rows,
        key=lambda row: (row[5] is None, draw(study.queue_seed, *about, row[0])),
        default=None,
    )
    if found is None:
        return None
    item_id, pk, overlap, system_a, system_b, own_pk, own_swapped = found
    swapped = own_swapped
    if own_pk is None:
        swapped = bool(draw(study.queue_seed, "side", *about, item_id) & 1)
    return Loan(pk, kind, overlap, system_a, system_b, swapped, own=own_pk)


def find_repeat(seeker: Seeker) -> Loan | None:
    """An own pair of work that was answered long enough ago, with its sides exchanged."""
    candidates = repeatable(seeker)
    if not candidates:
        return None
    seed, external_id = seeker.holder.study.queue_seed, seeker.holder.annotator.external_id
    about = ("repeat", external_id, seeker.handed)
    row = min(candidates, key=lambda row: (row.again is None, draw(seed, *about, row.pk)))
    return Loan(
        row.comparison_id,
        ComparisonKind.WORK,
        row.comparison.overlap,
        row.comparison.system_a_id,
        row.comparison.system_b_id,
        not row.swapped,
        pass_no=1,
        own=row.again,
    )


def repeatable(seeker: Seeker) -> list[Any]:
    """Assignments that can be repeated, of the annotator's latest.

    So many rows are read as the rule's gap and a window need, whatever was done before. Answers are
    counted by their votes, since a pair that lapsed may have been answered long after it was lent.
    """
    gap = seeker.rules.checks.repeat_gap
    own = Assignment.objects.filter(annotator=seeker.holder.annotator)
    latest = own.order_by("-pk").values("pk")[: gap + REPEAT_WINDOW]
    first_vote = Vote.objects.filter(assignment=OuterRef("pk"), revision=0)
    repeat = Assignment.objects.filter(
        comparison=OuterRef("comparison"), annotator=OuterRef("annotator"), pass_no=1
    )
    rows = (
        Assignment.objects.filter(
            Exists(first_vote),
            pk__in=latest,
        )
        .exclude(kind=ComparisonKind.TRAINING)
        .select_related("comparison")
        .only(
            "kind",
            "pass_no",
            "state",
            "swapped",
            "comparison__overlap",
            "comparison__system_a",
            "comparison__system_b",
        )
        .annotate(
            voted=Subquery(first_vote.values("pk")),
            repeated=Exists(repeat.exclude(state=AssignmentState.EXPIRED)),
            again=Subquery(repeat.values("pk")),
        )
    )
    by_answer = sorted(rows, key=lambda row: -row.voted)
    return [
        row
        for row in by_answer[gap:]
        if row.kind == ComparisonKind.WORK
        and row.pass_no == 0
        and row.state == AssignmentState.SUBMITTED
        and not row.repeated
    ]
