"""What a researcher decides about an annotator: go on, train again, rejected, reinstated.

The decision is one row and one transaction. Taking votes out of the count, or putting them back,
follows in further ones; see `finishing`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from annotation import audit, queue
from annotation.access import roles_of
from annotation.access.outcomes import READERS
from annotation.answer_rules import OwnVotes
from annotation.models import (
    GOING_ON,
    ON_VOTES,
    Annotator,
    AnnotatorState,
    FindingAction,
    QualityFinding,
    QualityReview,
    ReviewOutcome,
    Study,
    StudyVersion,
    User,
)
from annotation.storable import is_storable

from .finishing import finish_review
from .own_votes import own_votes_of
from .pausing import BY_HAND, unanswered_findings
from .qualification import needs_training
from .standing import let_in_again

MOST_CHARACTERS = 400


class ReviewRefusedError(Exception):
    """The decision was not taken and nothing was changed. The message is for people."""


def review(
    annotator: Annotator, outcome: ReviewOutcome, reason: str, actor: User | None = None
) -> QualityReview:
    """Decide on an annotator; every finding so far is answered by it.

    Parameters
    ----------
    annotator : Annotator
        Whom it is about; a rater known from imports can be rejected and reinstated, too.
    outcome : ReviewOutcome
        `resume`: goes on. `retrain`: the training pairs once more. `reject`: takes no further part,
        and the votes are excluded; their slots reopen. `reinstate` takes a rejection back: the
        exclusions are lifted, and votes count again where their slot is still free. `count_own`
        does the same for an owner whose own votes the rules hold out, and their further votes count
        as everybody's do.
    reason : str
        Kept with the decision and with every exclusion that follows from it.
    actor : User, optional
        An owner or a researcher of the study; None is the operator at the command line.

    Returns
    -------
    QualityReview
        The decision. Deciding the same once more does what is missing and gives the same row.

    Raises
    ------
    ReviewRefusedError
        The actor may not decide, the reason is no text, or the outcome does not fit the
        annotator's state.
    """
    reason = checked_reason(reason)
    study = annotator.study
    if actor is not None and not roles_of(actor, study) & READERS:
        raise ReviewRefusedError(
            f"Only an owner or a researcher of {study.slug} decides on annotators."
        )
    # What an earlier decision left undone belongs to it, and not to this one.
    finish_review(annotator.pk)
    with transaction.atomic():
        holder = queue.lock_annotator(annotator.pk)
        last = holder.annotator.reviews.order_by("-pk").first()
        if last is not None and is_settled(holder.annotator, last, outcome):
            decision = last
        else:
            refuse_misfit(holder.annotator, last, outcome)
            decision = decide(holder.annotator, last, outcome, reason, actor, holder.now)
    if outcome in (ReviewOutcome.REJECT, ReviewOutcome.RETRAIN):
        queue.give_back(annotator)
    finish_review(annotator.pk)
    return decision


def checked_reason(reason: str) -> str:
    """Refuse an empty reason, one that is too long, and what no database keeps."""
    reason = reason.strip()
    if not reason:
        raise ReviewRefusedError("A review needs a reason; it is kept with the decision.")
    if len(reason) > MOST_CHARACTERS:
        raise ReviewRefusedError(f"The reason is longer than {MOST_CHARACTERS} characters.")
    if not is_storable(reason):
        raise ReviewRefusedError("The reason is no text. Write it in UTF-8 and without NUL.")
    return reason


def is_settled(annotator: Annotator, last: QualityReview, outcome: ReviewOutcome) -> bool:
    """Whether the last decision was this one and nothing has come since."""
    if last.outcome != outcome or unanswered_findings(annotator, last).exists():
        return False
    if outcome == ReviewOutcome.RETRAIN:
        return annotator.state == AnnotatorState.QUALIFYING
    return outcome in ON_VOTES or annotator.state != AnnotatorState.PAUSED


def refuse_misfit(annotator: Annotator, last: QualityReview | None, outcome: ReviewOutcome) -> None:
    """Refuse an outcome that does not fit the annotator's state."""
    who, state = annotator.external_id, AnnotatorState(annotator.state)
    rejected = last is not None and last.outcome == ReviewOutcome.REJECT
    if outcome == ReviewOutcome.REINSTATE:
        if not rejected:
            raise ReviewRefusedError(f"{who} was not rejected; there is nothing to take back.")
        return
    if rejected:
        raise ReviewRefusedError(f"{who} was rejected; reinstate them first.")
    if outcome == ReviewOutcome.COUNT_OWN and own_votes_of(annotator) != OwnVotes.EXCLUDE:
        raise ReviewRefusedError(
            f"No vote of {who} is out of the count for being an owner's own: there is nothing to "
            "put back."
        )
    if outcome == ReviewOutcome.RESUME:
        flagged = unanswered_findings(annotator, last).exists()
        # Of those who go on only what stops nobody can be answered.
        if state != AnnotatorState.PAUSED and not (state in GOING_ON and flagged):
            raise ReviewRefusedError(
                f"{who} is {state} and has no open finding: there is nothing to resume."
            )
    if outcome == ReviewOutcome.RETRAIN:
        if annotator.user_id is None or state == AnnotatorState.REMOVED:
            raise ReviewRefusedError(f"{who} does not rate here, and so cannot be trained.")
        if not needs_training(annotator.study):
            raise ReviewRefusedError(
                f"{annotator.study.slug} has no training pairs, or its rules ask for none."
            )


def decide(
    annotator: Annotator,
    last: QualityReview | None,
    outcome: ReviewOutcome,
    reason: str,
    actor: User | None,
    now: datetime,
) -> QualityReview:
    """Store the decision, move the annotator, and log both."""
    study = annotator.study
    findings = list(
        unanswered_findings(annotator, last).select_related("study_version").order_by("pk")
    )
    decision = QualityReview.objects.create(
        annotator=annotator,
        outcome=outcome,
        reason=reason,
        post_hoc=not study.is_sealed or rests_on_later_rule(study, findings),
        created_by=actor,
        # Never before what it answers: who waited for the lock has read the clock before.
        created_at=max([now, *(finding.created_at for finding in findings)]),
    )
    move(annotator, outcome, decision.created_at)
    audit.record(
        study,
        actor,
        "quality.reviewed",
        {
            "annotator": annotator.pk,
            "review": decision.pk,
            "outcome": outcome.value,
            "post_hoc": decision.post_hoc,
            "findings": list(dict.fromkeys(finding.rule for finding in findings)),
        },
    )
    return decision


def rests_on_later_rule(study: Study, findings: Sequence[QualityFinding]) -> bool:
    """Whether the rule that paused is not as the study froze it at opening.

    It may have been made for what had come in by then.
    """
    behind = next(
        (row for row in findings if row.action == FindingAction.PAUSE and row.rule != BY_HAND), None
    )
    if behind is None:
        return False
    at_opening = StudyVersion.objects.filter(study=study).order_by("number").first()
    return at_opening is not None and (
        frozen_rule(at_opening, behind.rule) != frozen_rule(behind.study_version, behind.rule)
    )


def frozen_rule(version: StudyVersion, rule: str) -> object:
    quality: Mapping[str, object] = version.snapshot.get("rules", {}).get("quality", {})
    return quality.get(rule)


def move(annotator: Annotator, outcome: ReviewOutcome, moment: datetime) -> None:
    """The state that follows; somebody who was removed stays so."""
    if annotator.state == AnnotatorState.REMOVED:
        return
    if outcome == ReviewOutcome.COUNT_OWN and annotator.state != AnnotatorState.PAUSED:
        # It says nothing of how they rate; only the findings so far are answered by it.
        return
    fields: dict[str, object] = {"state": AnnotatorState.ACTIVE, "state_reason": ""}
    if outcome == ReviewOutcome.REJECT:
        fields["state"] = AnnotatorState.FAILED
    elif outcome == ReviewOutcome.RETRAIN:
        fields |= {"state": AnnotatorState.QUALIFYING, "sent_to_train_at": moment}
    elif annotator.user_id is not None:
        let_in_again(annotator)
        return
    Annotator.objects.filter(pk=annotator.pk).update(**fields)
