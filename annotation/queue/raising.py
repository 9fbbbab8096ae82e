"""More votes wanted on comparisons that are in the queue already."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from django.db.models import QuerySet
from django.db.models.functions import Now

from annotation.models import Annotator, Assignment, Cell, Comparison, ComparisonKind, Study

from .cells import count_cells
from .locks import hold, in_key_order
from .slots import recount

# Locked and changed together; bounds the memory of a large study.
COMPARISONS_AT_ONCE = 1000


def hold_annotators(study: Study) -> None:
    """Let nobody claim or vote in the study until the transaction ends.

    Comes before any other lock of the transaction: annotators are locked first, and the change
    of an overlap reaches into other people's assignments, which is otherwise nobody's right.
    """
    hold(Annotator.objects.filter(study=study))


def raise_overlap(
    study: Study,
    overlap: int,
    comparisons: Collection[int] | None = None,
    counting: Callable[[int, int], None] | None = None,
) -> int:
    """Want `overlap` votes on every comparison of kind work that wants fewer.

    The caller holds the annotators. Votes and reservations keep their slots; comparisons that
    were full open again at the end of the order, but for those of a pair that was stopped.

    Parameters
    ----------
    comparisons : collection of int, optional
        Keys of the comparisons that are meant; all of the study by default.
    counting : callable, optional
        Is told how many are through, and of how many at most.

    Returns
    -------
    int
        How many comparisons want more now.
    """
    # As whoever stops a pair does: cells before assignments, and these before comparisons. A
    # heartbeat asks for no annotator and may hold an assignment.
    hold(Cell.objects.filter(study=study))
    hold(
        Assignment.objects.filter(
            comparison__study=study, slot_no__isnull=False, overlap__lt=overlap
        ),
        of=("self",),
    )
    raised, of = 0, 0
    if counting is not None:
        of = lower_than(study, overlap).count() if comparisons is None else len(comparisons)
    for ids in lower_ones(study, overlap, comparisons):
        locked = in_key_order(Comparison.objects.filter(pk__in=ids))
        now = max(locked.annotate(now=Now()).values_list("now", flat=True))
        Comparison.objects.filter(pk__in=ids).update(overlap=overlap)
        # A slot's holder carries the overlap; a trigger holds the two equal.
        Assignment.objects.filter(
            comparison__in=ids, slot_no__isnull=False, overlap__lt=overlap
        ).update(overlap=overlap)
        recount(ids, now)
        raised += len(ids)
        if counting is not None:
            counting(raised, of)
    if raised:
        count_cells(study)
    return raised


def lower_than(study: Study, overlap: int) -> QuerySet[Comparison]:
    return Comparison.objects.filter(study=study, kind=ComparisonKind.WORK, overlap__lt=overlap)


def lower_ones(
    study: Study, overlap: int, comparisons: Collection[int] | None
) -> Iterator[list[int]]:
    lower = lower_than(study, overlap).order_by("pk")
    if comparisons is not None:
        chosen = sorted(comparisons)
        for start in range(0, len(chosen), COMPARISONS_AT_ONCE):
            part = chosen[start : start + COMPARISONS_AT_ONCE]
            if ids := list(lower.filter(pk__in=part).values_list("pk", flat=True)):
                yield ids
        return
    last = 0
    while True:
        ids = list(lower.filter(pk__gt=last).values_list("pk", flat=True)[:COMPARISONS_AT_ONCE])
        if not ids:
            return
        yield ids
        last = ids[-1]
