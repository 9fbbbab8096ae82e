"""An annotator's remark that something is wrong with a pair."""

from __future__ import annotations

import uuid

from django.db import transaction

from annotation import queue
from annotation.models import Annotator, Flag, SkipReason

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
    with transaction.atomic():
        # The same remark sent twice at once waits here, and then finds the first one.
        assignment = queue.lock_for_vote(annotator.pk, public_id).assignment
        earlier = Flag.objects.filter(assignment=assignment, reason=reason, note=note).first()
        return earlier or Flag.objects.create(assignment=assignment, reason=reason, note=note)
