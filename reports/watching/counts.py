"""How far a study is: its votes counted anew from the rows, by pair of systems and category.

What is counted tells no outcome: no verdict is read. Systems are keys here, since the figures are
kept for everybody who watches, whether they may see names or not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import TruncHour
from django.utils import timezone

from annotation.adjudication import needing_adjudication
from annotation.models import (
    Assignment,
    AssignmentState,
    Comparison,
    ComparisonKind,
    Flag,
    Side,
    Study,
    StudyState,
    Vote,
    VoteSource,
)
from annotation.selectors import (
    counted_assignments,
    counted_votes,
    excluded_votes,
    live_exclusions,
)

# How far back the pace is told.
PACE_DAYS = 14

Figures = dict[str, Any]


def count_progress(study: Study) -> Figures:
    """Everything that the page of progress shows, as plain JSON. Ten queries.

    Returns
    -------
    dict
        `cells`: one entry for each pair of systems and category, with `systems` (two keys, the
        smaller first), `category`, `comparisons`, `wanted`, `room` (comparisons that want more
        votes), `counted`, `reserved`, `late`, `imported`, `sides` (how often each of the two was
        shown left, the larger first) and `stopped`. `apart`: what is no counted vote, by kind.
        `hours`: answers that count, in each of the last hours, `[ISO time, answers]`, without
        empty ones.
        `adjudication`: comparisons that wait for an adjudicator; None in a study that has none.
    """
    cells = cells_with_room(study)
    add_counted(study, cells)
    return {
        "cells": [shown(key, cell) for key, cell in sorted(cells.items())],
        "apart": counts_apart(study),
        "hours": answers_by_hour(study),
        "adjudication": waiting_for_adjudication(study),
    }


CellKey = tuple[int, int, str]


def key_of(system: int, other: int, category: str) -> CellKey:
    """In the order of the keys: canonical order is that of the names."""
    return min(system, other), max(system, other), category


def cells_with_room(study: Study) -> dict[CellKey, Figures]:
    rows = (
        Comparison.objects.filter(study=study, kind=ComparisonKind.WORK)
        .order_by()
        .values_list("system_a", "system_b", "prompt__category", "cell__stopped_at")
        .annotate(
            comparisons=Count("pk"),
            wanted=Sum("overlap"),
            held=Sum("taken"),
            room=Count("pk", filter=Q(taken__lt=F("overlap"))),
        )
    )
    cells: dict[CellKey, Figures] = {}
    for a, b, category, stopped_at, comparisons, wanted, held, room in rows:
        cell = cells.setdefault(key_of(a, b, category), empty_cell())
        cell["comparisons"] += comparisons
        cell["wanted"] += wanted
        cell["held"] += held
        cell["room"] += room
        if stopped_at is not None:
            cell["stopped"] = max(cell["stopped"] or "", stopped_at.isoformat())
    return cells


def empty_cell() -> Figures:
    zeros = ("comparisons", "wanted", "held", "room", "counted", "late", "imported")
    return {**dict.fromkeys(zeros, 0), "left": [0, 0], "stopped": None}


def add_counted(study: Study, cells: dict[CellKey, Figures]) -> None:
    """The counted votes of each cell, with the side on which its systems stood."""
    columns = ("comparison__system_a", "comparison__system_b", "comparison__prompt__category")
    collected = (
        counted_assignments(study)
        .order_by()
        .values_list(*columns, "swapped")
        .annotate(number=Count("pk"))
    )
    for a, b, category, swapped, votes in collected:
        cell = cells.setdefault(key_of(a, b, category), empty_cell())
        cell["counted"] += votes
        add_side(cell, b if swapped else a, (a, b), votes)
    # What only a vote tells: late ones, and labels that were imported.
    others = (
        counted_votes(study)
        .filter(Q(source=VoteSource.IMPORTED) | Q(late=True))
        .order_by()
        .values_list(*columns, "source", "left")
        .annotate(votes=Count("pk"))
    )
    for a, b, category, source, left, votes in others:
        cell = cells.setdefault(key_of(a, b, category), empty_cell())
        if source != VoteSource.IMPORTED:
            cell["late"] += votes
            continue
        cell["counted"] += votes
        cell["imported"] += votes
        if left is not None:
            add_side(cell, a if left == Side.A else b, (a, b), votes)


def add_side(cell: Figures, on_the_left: int, pair: tuple[int, int], votes: int) -> None:
    cell["left"][0 if on_the_left == min(pair) else 1] += votes


def shown(key: CellKey, cell: Figures) -> Figures:
    """Without what would tell which of the two stood where: beside a click that is an outcome."""
    left = cell.pop("left")
    held = cell.pop("held")
    return {
        "systems": [key[0], key[1]],
        "category": key[2],
        **cell,
        # A slot is held by a counted vote that was collected here, or reserved.
        "reserved": max(0, held - (cell["counted"] - cell["imported"])),
        "sides": sorted(left, reverse=True),
    }


def counts_apart(study: Study) -> Figures:
    """What is there beside counted votes, by kind."""
    rows = (
        Assignment.objects.filter(annotator__study=study)
        .order_by()
        .values_list("kind", "state")
        .annotate(
            first=Count("pk", filter=Q(pass_no=0)),
            again=Count("pk", filter=Q(pass_no__gt=0)),
            skips=Count("pk", filter=~Q(skip_reason="")),
        )
    )
    found = dict.fromkeys(("skipped", "surplus", "repeats", "training", *CHECKS), 0)
    for kind, state, first, again, skips in rows:
        if kind == ComparisonKind.TRAINING:
            found["training"] += (first + again) if state == AssignmentState.SUBMITTED else 0
            continue
        found["skipped"] += skips
        if state == AssignmentState.LATE_SURPLUS:
            found["surplus"] += first + again
        if state == AssignmentState.SUBMITTED:
            found["repeats"] += again
            if kind in CHECKS:
                found[kind] += first
    others = Vote.objects.filter(annotator__study=study).aggregate(
        labels=Count("pk", filter=Q(source=VoteSource.IMPORTED, occurrence__gt=0)),
        revisions=Count("pk", filter=Q(revision__gt=0)),
    )
    found["repeats"] += others["labels"]
    found["revisions"] = others["revisions"]
    found["excluded"] = excluded_votes(study).count()
    found["flagged"] = (
        Flag.objects.filter(assignment__annotator__study=study)
        .exclude(assignment__kind=ComparisonKind.TRAINING)
        .aggregate(pairs=Count("assignment", distinct=True))["pairs"]
    )
    return found


CHECKS = (
    ComparisonKind.GOLD.value,
    ComparisonKind.IDENTICAL.value,
    ComparisonKind.CONSISTENCY.value,
)


def answers_by_hour(study: Study) -> list[list[Any]]:
    """Answers that were collected in each hour and count, by their first submission; hours of UTC.

    Surplus and excluded ones bring a study no nearer to its end. They and checks are few, and are
    taken off: joined to every answer, what each of them is takes longer than all the rest.
    """
    since = timezone.now() - timedelta(days=PACE_DAYS)
    answers = Vote.objects.filter(
        annotator__study=study,
        source=VoteSource.COLLECTED,
        revision=0,
        created_at__gte=since,
    )
    others = Assignment.objects.filter(
        ~Q(kind=ComparisonKind.WORK)
        | ~Q(state=AssignmentState.SUBMITTED)
        | Q(pass_no__gt=0)
        | Exists(live_exclusions().filter(assignment=OuterRef("pk"))),
        annotator__study=study,
    )
    counted = by_hour(answers)
    counted.subtract(by_hour(answers.filter(assignment__in=others)))
    return [[hour.isoformat(), number] for hour, number in sorted(counted.items()) if number]


def by_hour(answers: QuerySet[Vote]) -> Counter[datetime]:
    rows = (
        answers.order_by()
        .annotate(hour=TruncHour("created_at"))
        .values_list("hour")
        .annotate(number=Count("pk"))
    )
    return Counter(dict(rows))


def hours_of(figures: Figures) -> list[tuple[datetime, int]]:
    return [(datetime.fromisoformat(hour), answers) for hour, answers in figures["hours"]]


def waiting_for_adjudication(study: Study) -> int | None:
    """Comparisons that need an adjudicator; None before a study is opened."""
    if study.state == StudyState.DRAFT:
        return None
    return needing_adjudication(study).count()


def total(cells: Iterable[Figures], name: str) -> int:
    return sum(int(cell[name]) for cell in cells)


def is_large(study: Study, most: int) -> bool:
    """Whether a study has so many comparisons that a page should not count them. A bounded read."""
    return Comparison.objects.filter(study=study).order_by()[: most + 1].count() > most
