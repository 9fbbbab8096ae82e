"""What the people of a recruitment platform did, by the platform's names, so that they are paid.

Checks and surplus votes are work done. The table names no annotator of any export, and has no
moment that stands beside a vote there: days, whole minutes, and the order of the names of people.
What can still be joined: somebody whose numbers of pairs and skips nobody else in the study has, or
who was alone on a day, can be found among the pseudonyms by counting their votes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Max, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from annotation import audit
from annotation.csv_lines import Cell, csv_line
from annotation.models import ComparisonKind, CrowdArrival, Study, User, Vote

COLUMNS = (
    "participant",
    "platform_study",
    "platform_session",
    "state",
    "arrived_on",
    "pairs",
    "training_pairs",
    "skipped",
    "active_minutes",
    "last_answer_on",
)
MINUTE_MS = 60_000


def list_payments(study: Study) -> Iterator[str]:
    """Lines of CSV, one for each participant in the order of their names, the header first.

    `pairs` are all that were answered but for training, whether they count in a result or not;
    `active_minutes` is the time on these and on training, changed answers included, every
    minute that was begun. Days are those of UTC.
    """
    yield csv_line(COLUMNS)
    for row in participants(study).iterator(chunk_size=1000):
        yield csv_line(cells_of(row))


def note_payments(study: Study, actor: User, participants: int) -> None:
    """Write down that somebody looked at the table: it names people."""
    with transaction.atomic():
        audit.record(study, actor, "payments.listed", {"participants": participants})


def list_paid(study: Study, *, most: int) -> list[dict[str, Cell]]:
    """The first rows of the same table, by the names of its columns."""
    return [dict(zip(COLUMNS, cells_of(row), strict=True)) for row in participants(study)[:most]]


def cells_of(row: tuple[Any, ...]) -> list[Cell]:
    arrived, last = row[4], row[9]
    return [
        *row[:4],
        day(arrived),
        *row[5:8],
        None if row[8] is None else math.ceil(row[8] / MINUTE_MS),
        None if last is None else day(last),
    ]


def day(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()


def participants(study: Study) -> QuerySet[CrowdArrival, tuple[Any, ...]]:
    votes = Vote.objects.filter(
        annotator=OuterRef("annotator"), assignment__isnull=False
    ).order_by()

    def of(found: QuerySet[Vote], figure: Count | Max | Sum) -> Subquery:
        return Subquery(found.values("annotator").annotate(figure=figure).values("figure"))

    pairs = Count("assignment", distinct=True)
    training = votes.filter(assignment__kind=ComparisonKind.TRAINING)
    return (
        CrowdArrival.objects.filter(study=study)
        .annotate(
            pairs=Coalesce(of(votes.exclude(assignment__kind=ComparisonKind.TRAINING), pairs), 0),
            training_pairs=Coalesce(of(training, pairs), 0),
            active_ms=of(votes, Sum("active_ms")),
            last_answer_at=of(votes, Max("created_at")),
        )
        .order_by("participant")
        .values_list(
            "participant",
            "platform_study",
            "platform_session",
            "annotator__state",
            "arrived_at",
            "pairs",
            "training_pairs",
            "annotator__skipped",
            "active_ms",
            "last_answer_at",
        )
    )
