"""Holding annotators against the rules in force: what fires is stored, and may pause somebody.

It runs in the background, so that no answer takes longer because a rule looks at it. Nothing is
deleted and no vote changes: a finding is a fact beside an annotator, and a person decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from annotation import audit, queue
from annotation.answer_rules import Action, Quality
from annotation.frozen_rules import as_frozen
from annotation.models import (
    Annotator,
    AnnotatorState,
    QualityFinding,
    QualityReview,
    Study,
    StudyVersion,
    Vote,
)
from annotation.quality_rules.figures import Evidence
from annotation.quality_rules.firing import Fired, fire
from annotation.rules import Rules, rules_of

from .evidence import evidence_of

# Kept with the annotator; what they are told is the queue's own neutral message.
UNDER_REVIEW = "Under review."

# In place of a rule's name: a person paused, and no rule did (`suspending`).
BY_HAND = "by_hand"


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody to look at, with what was known when their answers were read."""

    annotator: int
    newest_vote: int | None
    skips: int
    last_review: int | None


def run_rules(study: Study) -> int:
    """Look at every active annotator with answers or skips that no rule has seen.

    A rule that fires is stored once, until a review answers it; one whose action is a pause stops
    the annotator from getting pairs, and those that are held go back to the others. Running it
    twice, or twice at once, changes nothing more.

    Returns
    -------
    int
        How many findings were stored.
    """
    version = version_in_force(study)
    if version is None:
        return 0
    rules = rules_in_force(study, version).quality
    candidates = list_candidates(study)
    if not candidates:
        return 0
    fired = fire(
        rules,
        dict(read_evidence(study, rules, [row.annotator for row in candidates])),
        answered_enough(study, rules),
    )
    return sum(record(row, version, fired[row.annotator]) for row in candidates)


def version_in_force(study: Study) -> StudyVersion | None:
    return StudyVersion.objects.filter(study=study).order_by("-number").first()


def rules_in_force(study: Study, version: StudyVersion | None) -> Rules:
    """The rules as the version froze them; those of the study while it is a draft."""
    frozen = None if version is None else version.snapshot.get("rules")
    return rules_of(study.rules if frozen is None else as_frozen(frozen))


def read_evidence(
    study: Study, rules: Quality, annotators: Sequence[int]
) -> list[tuple[int, Evidence]]:
    window = 0 if rules.speed is None else rules.speed.window
    return list(evidence_of(study, annotators, dwells=window))


def answered_enough(study: Study, rules: Quality) -> int:
    """How many annotators the test of sides is about, looked at now or not."""
    if rules.side_share is None:
        return 0
    return Annotator.objects.filter(study=study, answered__gte=rules.side_share.min_n).count()


def list_candidates(study: Study) -> list[Candidate]:
    """Active annotators who voted or skipped since the rules were last held against that."""
    newest = Vote.objects.filter(annotator=OuterRef("pk"), assignment__isnull=False).order_by(
        "-created_at", "-pk"
    )
    rows = (
        Annotator.objects.filter(study=study, state=AnnotatorState.ACTIVE)
        .annotate(
            newest=Subquery(newest.values("pk")[:1]), last_review=last_review_of(OuterRef("pk"))
        )
        .filter(Q(newest__isnull=False) | Q(skipped__gt=0))
        .exclude(
            Q(checked_vote=F("newest")) | Q(checked_vote__isnull=True, newest__isnull=True),
            checked_skips=F("skipped"),
        )
        .order_by("pk")
    )
    return [Candidate(*row) for row in rows.values_list("pk", "newest", "skipped", "last_review")]


def last_review_of(annotator: OuterRef) -> Subquery:
    reviews = QualityReview.objects.filter(annotator=annotator).order_by("-pk")
    return Subquery(reviews.values("pk")[:1])


def record(candidate: Candidate, version: StudyVersion, fired: Sequence[Fired]) -> int:
    """Store what fired and pause if it says so; the number of findings that are new."""
    if not fired:
        mark_checked(candidate)
        return 0
    with transaction.atomic():
        holder = queue.lock_annotator(candidate.annotator)
        annotator = holder.annotator
        last = QualityReview.objects.filter(annotator=annotator).order_by("-pk").first()
        reviewed = (None if last is None else last.pk) != candidate.last_review
        if annotator.state != AnnotatorState.ACTIVE or reviewed:
            # Somebody decided meanwhile, on other figures than these.
            return 0
        standing = set(unanswered_findings(annotator, last).values_list("rule", flat=True))
        new = [entry for entry in fired if entry.rule not in standing]
        pauses = any(entry.action == Action.PAUSE for entry in fired)
        for entry in new:
            store(annotator, version, entry, holder.now)
        if pauses:
            Annotator.objects.filter(pk=annotator.pk).update(
                state=AnnotatorState.PAUSED, state_reason=UNDER_REVIEW
            )
        mark_checked(candidate)
        for entry in new:
            audit.record(holder.study, None, "quality.finding", logged(annotator, version, entry))
        if pauses:
            audit.record(holder.study, None, "quality.paused", {"annotator": annotator.pk})
    if pauses:
        # Nothing new is reserved from here on; were this lost, the leases would lapse.
        queue.give_back(annotator)
    return len(new)


def store(annotator: Annotator, version: StudyVersion, entry: Fired, now: datetime) -> None:
    QualityFinding.objects.create(
        annotator=annotator,
        study_version=version,
        rule=entry.rule,
        action=entry.action.value,
        n=entry.n,
        value=entry.value,
        threshold=entry.threshold,
        detail=dict(entry.detail),
        created_at=now,
    )


def logged(annotator: Annotator, version: StudyVersion, entry: Fired) -> dict[str, object]:
    return {
        "annotator": annotator.pk,
        "version": version.number,
        "rule": entry.rule,
        "action": entry.action.value,
        "n": entry.n,
        "value": round(entry.value, 6),
        "threshold": round(entry.threshold, 6),
    }


def unanswered_findings(
    annotator: Annotator, last_review: QualityReview | None
) -> QuerySet[QualityFinding]:
    """Findings that no review has answered."""
    after = Q() if last_review is None else Q(created_at__gt=last_review.created_at)
    return QualityFinding.objects.filter(after, annotator=annotator)


def mark_checked(candidate: Candidate) -> None:
    Annotator.objects.filter(pk=candidate.annotator).update(
        checked_vote=candidate.newest_vote, checked_skips=candidate.skips
    )
