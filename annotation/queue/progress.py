"""An annotator's own counts."""

from __future__ import annotations

from django.db.models import Count, Q

from annotation.models import Annotator, Assignment, AssignmentState

from .claims import Progress
from .slots import ANSWERED


def progress(annotator: Annotator) -> Progress:
    """What this annotator did, counted from rows; nothing of anybody else's."""
    counts = Assignment.objects.filter(annotator=annotator).aggregate(
        voted=Count("pk", filter=Q(state__in=ANSWERED)),
        skipped=Count("pk", filter=Q(state=AssignmentState.RELEASED)),
    )
    return Progress(
        voted=counts["voted"],
        skipped=counts["skipped"],
        maximum=annotator.study.max_per_annotator,
    )
