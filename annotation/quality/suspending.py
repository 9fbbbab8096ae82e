"""Pausing somebody by hand: a finding that a person made, which a review answers like any other."""

from __future__ import annotations

from django.db import transaction

from annotation import audit, queue
from annotation.access import roles_of
from annotation.access.outcomes import READERS
from annotation.models import (
    GOING_ON,
    Annotator,
    AnnotatorState,
    FindingAction,
    QualityFinding,
    StudyVersion,
    User,
)

from .pausing import BY_HAND, UNDER_REVIEW
from .reviewing import ReviewRefusedError, checked_reason

__all__ = ["BY_HAND", "pause"]


def pause(annotator: Annotator, reason: str, actor: User | None = None) -> QualityFinding:
    """Hand out nothing more to somebody until a review; their votes count as before.

    Parameters
    ----------
    reason : str
        Kept with the finding. The annotator is told the same neutral words as by a rule.
    actor : User, optional
        An owner or a researcher of the study; None is the operator.

    Raises
    ------
    ReviewRefusedError
        The actor may not decide, the reason is no text, the annotator gets no pairs anyway, or the
        study was never opened. Nothing was changed.
    """
    reason = checked_reason(reason)
    if actor is not None and not roles_of(actor, annotator.study) & READERS:
        raise ReviewRefusedError(
            f"Only an owner or a researcher of {annotator.study.slug} decides on annotators."
        )
    with transaction.atomic():
        holder = queue.lock_annotator(annotator.pk)
        row = holder.annotator
        if row.state not in GOING_ON:
            raise ReviewRefusedError(
                f"{row.external_id} is {AnnotatorState(row.state)} and gets no pairs: there is "
                "nothing to pause."
            )
        version = StudyVersion.objects.filter(study=holder.study).order_by("-number").first()
        if version is None:
            raise ReviewRefusedError(
                f"{holder.study.slug} was never opened: nobody gets pairs, and there is nothing to "
                "pause."
            )
        finding = QualityFinding.objects.create(
            annotator=row,
            study_version=version,
            rule=BY_HAND,
            action=FindingAction.PAUSE,
            n=row.answered,
            value=0,
            threshold=0,
            detail={"reason": reason},
            created_at=holder.now,
        )
        Annotator.objects.filter(pk=row.pk).update(
            state=AnnotatorState.PAUSED, state_reason=UNDER_REVIEW
        )
        audit.record(
            holder.study, actor, "quality.paused", {"annotator": row.pk, "finding": finding.pk}
        )
    # Nothing new is reserved from here on; were this lost, the leases would lapse.
    queue.give_back(annotator)
    return finding
