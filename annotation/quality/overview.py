"""Every annotator of a study at one look: how much they did, how well, and what was found.

Safe for monitors: figures of people, none of systems, and no verdict of anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from annotation.models import (
    Annotator,
    AnnotatorState,
    QualityFinding,
    QualityReview,
    Study,
)
from annotation.quality_rules.figures import Evidence, Share
from annotation.quality_rules.firing import interval

from .evidence import reviews_since
from .pausing import read_evidence, rules_in_force, version_in_force

# Of an interval of 95 %, each side.
ERROR = 0.025


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its interval of 95 % after Clopper and Pearson; None where n is 0."""

    hits: int
    n: int
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class AnnotatorQuality:
    """One annotator.

    Attributes
    ----------
    annotator : int
        The key of the row, for links.
    external_id, state : str
    answered, skipped : int
        Over all the time, training apart.
    looked_at : int
        The latest answers since the last review, which all figures below are of.
    gold, repeats, identical, left : Rate
    agreement : float or None
        Share of the others' answers on the same pairs that gave the same verdict.
    agreement_pairs : int
    longest_run : int
    findings : tuple of QualityFinding
        Those that no review has answered, oldest first.
    last_review : QualityReview or None
    """

    annotator: int
    external_id: str
    state: AnnotatorState
    answered: int
    skipped: int
    looked_at: int
    gold: Rate
    repeats: Rate
    identical: Rate
    left: Rate
    agreement: float | None
    agreement_pairs: int
    longest_run: int
    findings: tuple[QualityFinding, ...]
    last_review: QualityReview | None


def overview(study: Study) -> list[AnnotatorQuality]:
    """The annotators of a study by external id; a constant number of queries for every fifty."""
    annotators = list(Annotator.objects.filter(study=study).order_by("external_id"))
    rules = rules_in_force(study, version_in_force(study)).quality
    evidence = dict(read_evidence(study, rules, [row.pk for row in annotators]))
    reviews = {row.annotator_id: row for row in newest_reviews(study)}
    findings: dict[int, list[QualityFinding]] = {}
    for finding in open_findings(study):
        findings.setdefault(finding.annotator_id, []).append(finding)
    return [
        row_of(annotator, evidence[annotator.pk], findings, reviews.get(annotator.pk))
        for annotator in annotators
    ]


def row_of(
    annotator: Annotator,
    evidence: Evidence,
    findings: Mapping[int, list[QualityFinding]],
    last_review: QualityReview | None,
) -> AnnotatorQuality:
    pairs = evidence.concord.pairs
    return AnnotatorQuality(
        annotator=annotator.pk,
        external_id=annotator.external_id,
        state=AnnotatorState(annotator.state),
        answered=annotator.answered,
        skipped=annotator.skipped,
        looked_at=evidence.answers,
        gold=rate(evidence.gold),
        repeats=rate(evidence.repeats),
        identical=rate(evidence.identical),
        left=rate(evidence.left),
        agreement=sum(pairs) / len(pairs) if pairs else None,
        agreement_pairs=len(pairs),
        longest_run=evidence.run.hits,
        findings=tuple(findings.get(annotator.pk, ())),
        last_review=last_review,
    )


def rate(share: Share) -> Rate:
    low, high = interval(share, ERROR) or (None, None)
    return Rate(share.hits, share.n, share.value, low, high)


def newest_reviews(study: Study) -> QuerySet[QualityReview]:
    newest = QualityReview.objects.filter(annotator=OuterRef("annotator")).order_by("-pk")
    return QualityReview.objects.filter(
        annotator__study=study, pk=Subquery(newest.values("pk")[:1])
    ).select_related("created_by")


def open_findings(study: Study) -> QuerySet[QualityFinding]:
    """Findings of the study that no review has answered, oldest first."""
    return QualityFinding.objects.filter(
        ~Exists(reviews_since("created_at")), annotator__study=study
    ).order_by("pk")
