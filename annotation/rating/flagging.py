"""An annotator's remark that something is wrong with a pair."""

from __future__ import annotations

import uuid

from annotation.models import Annotator, Assignment, Flag, SkipReason
from annotation.queue import AssignmentNotFound

MAX_NOTE = 1000


def flag_pair(annotator: Annotator, public_id: uuid.UUID, reason: str, note: str = "") -> Flag:
    """Store the remark beside the pair, before, with or after a vote.

    Sent again with the same words it is stored once: a retry is no second remark.

    Raises
    ------
    AssignmentNotFound
        If this annotator has no such pair.
    ValueError
        If the reason is none of SkipReason.
    """
    reason = SkipReason(reason).value
    assignment = Assignment.objects.filter(public_id=public_id, annotator=annotator).first()
    if assignment is None:
        raise AssignmentNotFound("There is no such assignment.")
    earlier = Flag.objects.filter(assignment=assignment, reason=reason, note=note).first()
    return earlier or Flag.objects.create(assignment=assignment, reason=reason, note=note)
