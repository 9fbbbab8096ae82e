"""What a new version of a study asks of those who take part: to train again, or not to.

Called after the transaction that stored the version, one annotator a transaction, so that nobody
who votes waits long; running it again does what is missing and nothing else.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from annotation import queue
from annotation.models import Annotator, AnnotatorState, Study

from .qualification import needs_training
from .standing import rubric_since, send_to_train, trained_since


def requalify(study: Study) -> int:
    """Send the active annotators of an opened study to its training pairs once more.

    Whoever qualified before the rubric changed did so for other questions. Each gets the attempts
    of the rules anew, and what they held goes back to the others.

    Returns
    -------
    int
        How many annotators now qualify.
    """
    since = rubric_since(study)
    if since is None or not needs_training(study):
        return 0
    return sum(requalify_one(pk, since) for pk in list(active_before(study, since)))


def active_before(study: Study, since: datetime) -> QuerySet[Annotator, int]:
    """Active annotators who neither joined nor were sent to the training pairs since a moment."""
    not_sent = Q(sent_to_train_at__isnull=True) | Q(sent_to_train_at__lt=since)
    rows = Annotator.objects.filter(
        not_sent,
        study=study,
        state=AnnotatorState.ACTIVE,
        user__isnull=False,
        created_at__lt=since,
    )
    return rows.order_by("pk").values_list("pk", flat=True)


def requalify_one(annotator_id: int, since: datetime) -> bool:
    """Send one annotator back, unless they trained under the rubric in force; False then."""
    with transaction.atomic():
        holder = queue.lock_annotator(annotator_id)
        annotator = holder.annotator
        if annotator.state != AnnotatorState.ACTIVE or trained_since(annotator, since):
            return False
        send_to_train(holder, since)
    queue.give_back(annotator)
    return True
