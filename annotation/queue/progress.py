"""An annotator's own counts."""

from __future__ import annotations

from annotation.models import Annotator

from .claims import Progress
from .limits import maximum_of


def progress(annotator: Annotator) -> Progress:
    """What this annotator did, by the queue's counters, and nothing of anybody else's.

    Checks count as the work that they look like, training and imported labels do not.
    """
    return Progress(
        voted=annotator.answered,
        skipped=annotator.skipped,
        maximum=maximum_of(annotator.study),
    )
