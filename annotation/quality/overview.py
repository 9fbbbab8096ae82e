"""Every annotator of a study at one look: how much they did, how well, and what was found.

Safe for monitors: figures of people, none of systems, and no verdict of anybody.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery

from annotation.models import (
    Annotator,
    AnnotatorState,
    ComparisonKind,
    Flag,
    QualityFinding,
    QualityReview,
    Study,
)
from annotation.quality_rules.figures import Evidence, Share
from annotation.quality_rules.intervals import interval, interval_of_mean, interval_of_median
from annotation.rule_conflicts import ANSWERS

from .evidence import evidence_of, reviews_since

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
class Figure:
    """A mean or median of n values with its interval of 95 %; None where n is too small."""

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
    answered, skipped, flagged : int
        Over all the time, training apart.
    looked_at : int
        The latest answers since the last review, which all figures below are of.
    gold, repeats, identical, left, skips : Rate
    agreement : Figure
        Share of the others' answers on the same pairs that gave the same verdict, a mean over
        pairs.
    seconds : Figure
        The median of what an answer took while the page was in use.
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
    flagged: int
    looked_at: int
    gold: Rate
    repeats: Rate
    identical: Rate
    left: Rate
    skips: Rate
    agreement: Figure
    seconds: Figure
    longest_run: int
    findings: tuple[QualityFinding, ...]
    last_review: QualityReview | None


def overview(study: Study) -> list[AnnotatorQuality]:
    """The annotators of a study by external id; a constant number of queries for every fifty."""
    annotators = list(Annotator.objects.filter(study=study).order_by("external_id"))
    # The pace is told of all answers that are looked at, not of a rule's window.
    evidence = dict(evidence_of(study, [row.pk for row in annotators], dwells=ANSWERS))
    flags = flags_of(study)
    reviews = {row.annotator_id: row for row in newest_reviews(study)}
    findings: dict[int, list[QualityFinding]] = {}
    for finding in open_findings(study):
        findings.setdefault(finding.annotator_id, []).append(finding)
    return [
        row_of(
            annotator,
            evidence[annotator.pk],
            flags.get(annotator.pk, 0),
            findings,
            reviews.get(annotator.pk),
        )
        for annotator in annotators
    ]


def row_of(
    annotator: Annotator,
    evidence: Evidence,
    flagged: int,
    findings: Mapping[int, list[QualityFinding]],
    last_review: QualityReview | None,
) -> AnnotatorQuality:
    return AnnotatorQuality(
        annotator=annotator.pk,
        external_id=annotator.external_id,
        state=AnnotatorState(annotator.state),
        answered=annotator.answered,
        skipped=annotator.skipped,
        flagged=flagged,
        looked_at=evidence.answers,
        gold=rate(evidence.gold),
        repeats=rate(evidence.repeats),
        identical=rate(evidence.identical),
        left=rate(evidence.left),
        skips=rate(evidence.skips),
        agreement=mean_of(evidence.concord.pairs),
        seconds=median_of([dwell.active_ms / 1000 for dwell in evidence.dwells]),
        longest_run=evidence.run.hits,
        findings=tuple(findings.get(annotator.pk, ())),
        last_review=last_review,
    )


def rate(share: Share) -> Rate:
    low, high = interval(share, ERROR) or (None, None)
    return Rate(share.hits, share.n, share.value, low, high)


def mean_of(values: Sequence[float]) -> Figure:
    low, high = interval_of_mean(values, ERROR) or (None, None)
    return Figure(len(values), statistics.fmean(values) if values else None, low, high)


def median_of(values: Sequence[float]) -> Figure:
    low, high = interval_of_median(values, ERROR) or (None, None)
    return Figure(len(values), statistics.median(values) if values else None, low, high)


def flags_of(study: Study) -> dict[int, int]:
    """How many pairs each annotator has flagged; those of training are no work."""
    flags = Flag.objects.filter(assignment__annotator__study=study).exclude(
        assignment__kind=ComparisonKind.TRAINING
    )
    pairs = Count("assignment", distinct=True)
    return dict(flags.order_by().values_list("assignment__annotator").annotate(pairs))


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
