"""What a new version of a study asks of those who take part: to train again, or not to.

Called after the transaction that stored the version, one annotator a transaction, so that nobody
who votes waits long; running it again does what is missing and nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import BigIntegerField, Exists, IntegerField, OuterRef, Q, QuerySet
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from annotation import audit, queue
from annotation.models import (
    GOING_ON,
    Annotator,
    AnnotatorState,
    Assignment,
    AuditEntry,
    ComparisonKind,
    Study,
    StudyVersion,
)

from .qualification import PASSED, needs_training, training_pairs
from .standing import put_where_they_stand, rubric_since, send_to_train, trained_since

MOVED = "qualification.moved"
SETTLED = "qualification.settled"

# What training decides; whoever is paused, invited or removed is put in place when they come back.
BY_TRAINING = (AnnotatorState.ACTIVE, AnnotatorState.QUALIFYING, AnnotatorState.FAILED)


@dataclass(frozen=True, slots=True)
class SettledTraining:
    """How many annotators a new version moved.

    Attributes
    ----------
    sent_back : int
        Had qualified, and take the training pairs again since the rubric changed.
    let_on : int
        Go on to work: none of it is asked of them any more.
    to_train : int
        Take the training pairs: they have not been handed work, or have attempts again.
    failed : int
        Have not qualified, and the rules leave them no attempt.
    """

    sent_back: int = 0
    let_on: int = 0
    to_train: int = 0
    failed: int = 0


def settle_training(study: Study) -> SettledTraining:
    """Put everybody where the newest version asks, as far as that hangs on training.

    Those whose training is under way or over, and those who have not been handed work yet, are
    held against the rules in force, once for each version; those who worked before a changed rubric
    are sent back whenever they turn up. Whoever was handed work under rules that asked for no
    training goes on with it.
    """
    version = StudyVersion.objects.filter(study=study).order_by("-number").first()
    if version is None or not training_pairs(study).exists():
        return SettledTraining()
    sent_back = requalify(study)
    # Opening puts everybody in place itself.
    if version.number == 1 or is_settled(version):
        return SettledTraining(sent_back)
    moved = Counter(state for pk in list(to_settle(study)) if (state := settle_one(pk)))
    settled = SettledTraining(
        sent_back,
        let_on=moved[AnnotatorState.ACTIVE],
        to_train=moved[AnnotatorState.QUALIFYING],
        failed=moved[AnnotatorState.FAILED],
    )
    with transaction.atomic():
        # Of two who came this far together, one says so.
        Study.objects.select_for_update(no_key=True).get(pk=study.pk)
        if not is_settled(version):
            audit.record(study, None, SETTLED, {"version": version.number, **dict(in_log(settled))})
    return settled


def is_settled(version: StudyVersion) -> bool:
    """Whether the log says that everybody was held against this version."""
    entries = version.study.audit_entries.filter(action=SETTLED, detail__version=version.number)
    return entries.exists()


def in_log(settled: SettledTraining) -> Iterator[tuple[str, int]]:
    yield "let_on", settled.let_on
    yield "to_train", settled.to_train
    yield "failed", settled.failed


def to_settle(study: Study) -> QuerySet[Annotator, int]:
    """Annotators whose state may be another one under new rules."""
    work = Assignment.objects.filter(annotator=OuterRef("pk")).exclude(kind=ComparisonKind.TRAINING)
    unproved = Q(~Exists(work)) | Q(sent_to_train_at__isnull=False)
    rows = Annotator.objects.filter(
        ~Q(state=AnnotatorState.ACTIVE) | unproved,
        study=study,
        state__in=BY_TRAINING,
        user__isnull=False,
    )
    return rows.order_by("pk").values_list("pk", flat=True)


def settle_one(annotator_id: int) -> AnnotatorState | None:
    """Put one annotator where the rules in force ask; the state if it is another one than before.

    Asked also by whoever would tell them that there is nothing for them but training.
    """
    with transaction.atomic():
        holder = queue.lock_annotator(annotator_id)
        before = AnnotatorState(holder.annotator.state)
        if before not in BY_TRAINING:
            return None
        state = put_where_they_stand(holder.annotator)
        if state == before:
            return None
        detail = {"annotator": annotator_id, "from": before.value, "to": state.value}
        audit.record(holder.study, None, MOVED, detail)
    if before == AnnotatorState.ACTIVE:
        queue.give_back(holder.annotator)
    return state


def requalify(study: Study) -> int:
    """Send the annotators of an opened study to its training pairs once more.

    Whoever qualified before the rubric changed did so for other questions. Each gets the attempts
    of the rules anew, and what they held goes back to the others. Whoever was training begins anew,
    too; whoever failed did so, and is let in by a researcher.

    Returns
    -------
    int
        How many annotators had been active.
    """
    since = rubric_since(study)
    if since is None or not needs_training(study):
        return 0
    return sum(requalify_one(pk, since) for pk in list(there_before(study, since)))


def there_before(study: Study, since: datetime) -> QuerySet[Annotator, int]:
    """Annotators who neither joined, trained nor were sent to the training pairs since a moment.

    They are active, or have begun to train.
    """
    not_sent = Q(sent_to_train_at__isnull=True) | Q(sent_to_train_at__lt=since)
    begun = Assignment.objects.filter(
        annotator=OuterRef("pk"), kind=ComparisonKind.TRAINING, reserved_at__lt=since
    )
    rows = Annotator.objects.filter(
        Q(state=AnnotatorState.ACTIVE) | Q(Exists(begun), state=AnnotatorState.QUALIFYING),
        not_sent,
        study=study,
        user__isnull=False,
        created_at__lt=since,
    )
    # Not looked at again in each round.
    rows = rows.exclude(pk__in=proved_since(study, since))
    return rows.order_by("pk").values_list("pk", flat=True)


def proved_since(study: Study, since: datetime) -> QuerySet[AuditEntry, Any]:
    """Annotators' keys, of those who passed an attempt that lies wholly after a moment.

    `standing.trained_since` asks the same of one.
    """
    before = Assignment.objects.filter(
        annotator=OuterRef("who"),
        kind=ComparisonKind.TRAINING,
        pass_no=OuterRef("attempt"),
        reserved_at__lt=since,
    )
    passed = AuditEntry.objects.filter(study=study, action=PASSED, at__gte=since).annotate(
        who=Cast(KT("detail__annotator"), BigIntegerField()),
        attempt=Cast(KT("detail__attempt"), IntegerField()),
    )
    return passed.filter(~Exists(before)).values("who")


def requalify_one(annotator_id: int, since: datetime) -> bool:
    """Send one annotator back, unless they trained under the rubric in force.

    True if they had been active.
    """
    with transaction.atomic():
        holder = queue.lock_annotator(annotator_id)
        annotator = holder.annotator
        if annotator.state not in GOING_ON or trained_since(annotator, since):
            return False
        send_to_train(holder, since)
    queue.give_back(annotator)
    return annotator.state == AnnotatorState.ACTIVE
