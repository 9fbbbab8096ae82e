"""The queue's counters of annotators, counted from the rows that were there before them.

Used by migrations only; it imports no application code.
"""

from __future__ import annotations

from django.db import migrations
from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce


def count_from_assignments(apps, schema_editor):
    """Training is no part of them. A later vote on a skipped pair takes one from `skipped`."""
    annotators = apps.get_model("annotation", "Annotator").objects
    assignments = apps.get_model("annotation", "Assignment").objects
    own = (
        assignments.filter(annotator=OuterRef("pk"))
        .exclude(kind="training")
        .order_by()
        .values("annotator")
    )

    def number_of(which: Q) -> Coalesce:
        return Coalesce(Subquery(own.annotate(number=Count("pk", filter=which)).values("number")), 0)

    annotators.update(
        handed=number_of(Q()),
        answered=number_of(Q(state__in=["submitted", "late_surplus"])),
        skipped=number_of(Q(state="released")),
    )


COUNT_FROM_ASSIGNMENTS = migrations.RunPython(
    count_from_assignments, migrations.RunPython.noop, elidable=True
)
