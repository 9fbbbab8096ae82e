"""Doing what was decided about somebody's votes: out of the count, or back into it.

In transactions of bounded size, since somebody may have given thousands and their comparisons must
stay free for others. What is left to do follows from the rows, so that a crash leaves nothing
undone for good.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet

from annotation import audit, queue
from annotation.answer_rules import OWN_VOTES
from annotation.models import (
    ON_VOTES,
    Exclusion,
    FindingAction,
    QualityFinding,
    QualityReview,
    ReviewOutcome,
    Study,
)
from annotation.selectors import live_exclusions

from . import excluding
from .pausing import BY_HAND


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
    return excluding.until_nothing_is_left(finish_some, annotator_id)


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
        assignments = excluding.assignments_of(rows)
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
    return [
        Exclusion(
            reason=decision.reason,
            rule=rule,
            post_hoc=decision.post_hoc,
            created_by=decision.created_by,
            **answer,
        )
        for answer in excluding.answers_without(live_exclusions(), decision.annotator_id)
    ]


def liftings_wanted(decision: QualityReview) -> list[Exclusion]:
    """The ends of what it takes back: a rejection, or that an owner's own votes do not count."""
    if decision.outcome == ReviewOutcome.COUNT_OWN:
        lifted = excluding.of_rule(OWN_VOTES, decision.annotator_id)
    else:
        lifted = exclusions_of(newest_rejection(decision))
    return [
        Exclusion(
            assignment_id=row.assignment_id,
            vote_id=row.vote_id,
            lifts=row,
            reason=decision.reason,
            post_hoc=decision.post_hoc,
            created_by=decision.created_by,
        )
        for row in lifted[: excluding.AT_ONCE]
    ]


def newest_rejection(decision: QualityReview) -> QualityReview | None:
    before = QualityReview.objects.filter(
        annotator=decision.annotator_id, outcome=ReviewOutcome.REJECT, pk__lt=decision.pk
    )
    return before.order_by("-pk").first()


def exclusions_of(rejection: QualityReview | None) -> QuerySet[Exclusion]:
    """Exclusions in force that followed from a rejection, and none of another origin."""
    if rejection is None:
        return Exclusion.objects.none()
    return (
        excluding.of_annotator(rejection.annotator_id)
        .filter(
            created_at__gte=rejection.created_at,
            created_by=rejection.created_by,
            reason=rejection.reason,
        )
        .exclude(rule=OWN_VOTES)
    )


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
