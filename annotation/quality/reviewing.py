"""What a researcher decides about an annotator: go on, train again, rejected, reinstated.

The decision is one row and one transaction. Taking votes out of the count, or putting them back,
follows in further ones of bounded size, since somebody may have given thousands and their
comparisons must stay free for others; whatever a crash leaves undone, `finish_reviews` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from annotation import audit, queue
from annotation.access import roles_of
from annotation.access.outcomes import READERS
from annotation.models import (
    GOING_ON,
    Annotator,
    AnnotatorState,
    Assignment,
    AssignmentState,
    ComparisonKind,
    Exclusion,
    FindingAction,
    QualityFinding,
    QualityReview,
    ReviewOutcome,
    Study,
    StudyVersion,
    User,
    Vote,
    VoteSource,
)
from annotation.selectors import live_exclusions
from annotation.storable import is_storable

from .pausing import BY_HAND, unanswered_findings
from .qualification import needs_training
from .standing import let_in_again

# These take votes out of the count or put them back; the newest of them holds.
ON_VOTES = (ReviewOutcome.REJECT, ReviewOutcome.REINSTATE)

# Votes that are excluded or put back in one transaction, whose comparisons it locks.
AT_ONCE = 50

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
        exclusions are lifted, and votes count again where their slot is still free.
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
    return version.snapshot.get("rules", {}).get("quality", {}).get(rule)


def move(annotator: Annotator, outcome: ReviewOutcome, moment: datetime) -> None:
    """The state that follows; somebody who was removed stays so."""
    if annotator.state == AnnotatorState.REMOVED:
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


def finish_reviews(study: Study) -> int:
    """Do what decisions on votes have left undone; the number of votes that it was.

    Also takes in votes of rejected annotators that arrived after the decision, which are kept as
    all others are.
    """
    decided = QualityReview.objects.filter(annotator__study=study, outcome__in=ON_VOTES)
    annotators = decided.order_by("annotator").values_list("annotator", flat=True).distinct()
    return sum(finish_review(pk) for pk in list(annotators))


def finish_review(annotator_id: int) -> int:
    """Exclude or put back an annotator's votes, as the newest decision on them says."""
    total = 0
    while done := finish_some(annotator_id):
        total += done
    return total


def finish_some(annotator_id: int) -> int:
    """One transaction of it; 0 when nothing is left."""
    # Read first: on SQLite even an empty transaction takes the write lock.
    if not undone(newest_on_votes(annotator_id)):
        return 0
    with transaction.atomic():
        holder = queue.lock_annotator(annotator_id)
        decision = newest_on_votes(annotator_id)
        rows = undone(decision)
        if decision is None or not rows:
            return 0
        for row in rows:
            row.created_at = holder.now
        Exclusion.objects.bulk_create(rows)
        assignments = [row.assignment_id for row in rows if row.assignment_id is not None]
        if decision.outcome == ReviewOutcome.REJECT:
            queue.free_excluded(assignments)
            action = "quality.votes_excluded"
        else:
            queue.restore_excluded(assignments)
            action = "quality.votes_put_back"
        audit.record(
            holder.study,
            decision.created_by,
            action,
            {"annotator": annotator_id, "review": decision.pk, "votes": len(rows)},
        )
    return len(rows)


def newest_on_votes(annotator_id: int) -> QualityReview | None:
    decided = QualityReview.objects.filter(annotator=annotator_id, outcome__in=ON_VOTES)
    return decided.order_by("-pk").first()


def undone(decision: QualityReview | None) -> list[Exclusion]:
    """Some of the rows that the decision still asks for, not stored yet; empty when it is done."""
    if decision is None:
        return []
    if decision.outcome == ReviewOutcome.REJECT:
        return exclusions_wanted(decision)
    return liftings_wanted(decision)


def exclusions_wanted(decision: QualityReview) -> list[Exclusion]:
    rule = rule_behind(decision)
    assignments = submitted_and_standing(decision.annotator_id)[:AT_ONCE]
    imported = imported_and_standing(decision.annotator_id)[:AT_ONCE]
    targets: Sequence[dict[str, int]] = [
        *({"assignment_id": pk} for pk in assignments.values_list("pk", flat=True)),
        *({"vote_id": pk} for pk in imported.values_list("pk", flat=True)),
    ]
    return [
        Exclusion(
            reason=decision.reason,
            rule=rule,
            post_hoc=decision.post_hoc,
            created_by=decision.created_by,
            **target,
        )
        for target in targets
    ]


def submitted_and_standing(annotator_id: int) -> QuerySet[Assignment]:
    """The annotator's answered pairs that no exclusion holds out, checks too."""
    excluded = Exists(live_exclusions().filter(assignment=OuterRef("pk")))
    return (
        Assignment.objects.filter(
            ~excluded, annotator=annotator_id, state=AssignmentState.SUBMITTED
        )
        .exclude(kind=ComparisonKind.TRAINING)
        .order_by("pk")
    )


def imported_and_standing(annotator_id: int) -> QuerySet[Vote]:
    excluded = Exists(live_exclusions().filter(vote=OuterRef("pk")))
    return Vote.objects.filter(
        ~excluded, annotator=annotator_id, source=VoteSource.IMPORTED
    ).order_by("pk")


def liftings_wanted(decision: QualityReview) -> list[Exclusion]:
    rejection = (
        QualityReview.objects.filter(
            annotator=decision.annotator_id, outcome=ReviewOutcome.REJECT, pk__lt=decision.pk
        )
        .order_by("-pk")
        .first()
    )
    if rejection is None:
        return []
    return [
        Exclusion(
            assignment_id=row.assignment_id,
            vote_id=row.vote_id,
            lifts=row,
            reason=decision.reason,
            post_hoc=decision.post_hoc,
            created_by=decision.created_by,
        )
        for row in exclusions_of(rejection)[:AT_ONCE]
    ]


def exclusions_of(rejection: QualityReview) -> QuerySet[Exclusion]:
    """Exclusions in force that followed from a rejection, and none of another origin."""
    own = live_exclusions().filter(
        created_at__gte=rejection.created_at,
        created_by=rejection.created_by,
        reason=rejection.reason,
    )
    assignments = Assignment.objects.filter(annotator=rejection.annotator_id)
    votes = Vote.objects.filter(annotator=rejection.annotator_id, source=VoteSource.IMPORTED)
    return (own.filter(assignment__in=assignments) | own.filter(vote__in=votes)).order_by("pk")


def rule_behind(decision: QualityReview) -> str:
    """The rule that had paused the annotator; empty where a person decided unprompted."""
    before = (
        QualityReview.objects.filter(annotator=decision.annotator_id, pk__lt=decision.pk)
        .order_by("-pk")
        .first()
    )
    findings = QualityFinding.objects.filter(
        annotator=decision.annotator_id,
        action=FindingAction.PAUSE,
        created_at__lte=decision.created_at,
    ).exclude(rule=BY_HAND)
    if before is not None:
        findings = findings.filter(created_at__gt=before.created_at)
    first = findings.order_by("pk").first()
    return "" if first is None else first.rule
