"""An annotator's own counts, and where they are on their walk."""

from __future__ import annotations

from annotation.models import Annotator, Study

from .claims import Progress
from .limits import maximum_of
from .ring import START, annotator_start, stretches_ahead


def progress(annotator: Annotator) -> Progress:
    """What this annotator did, by the queue's counters, and nothing of anybody else's.

    Checks count as the work that they look like, training and imported labels do not.
    """
    return Progress(
        voted=annotator.answered,
        skipped=annotator.skipped,
        maximum=maximum_of(annotator.study),
    )


def place_of_walk(study: Study, annotator: Annotator) -> int:
    """The place in the study's order from which on the annotator walks next."""
    start = annotator_start(study.queue_seed, annotator.external_id)
    cursor = START if annotator.cursor is None else annotator.cursor
    return next(stretches_ahead(cursor, start)).first
