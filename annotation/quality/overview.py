"""Every annotator of a study at one look: how much they did, how well, and what was found.

Safe for monitors: figures of people, none of systems, and no verdict of anybody.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery

from annotation.answer_rules import OwnVotes
from annotation.models import (
    Annotator,
    AnnotatorState,
    Assignment,
    ComparisonKind,
    Flag,
    QualityFinding,
    QualityReview,
    Study,
    Vote,
    VoteSource,
)
from annotation.quality_rules.figures import Evidence, Share
from annotation.quality_rules.intervals import interval, interval_of_mean, interval_of_median
from annotation.selectors import counted_assignments, counted_votes

from .evidence import evidence_of, reviews_since
from .own_votes import own_votes_in, with_own_votes

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
    counted : int
        Votes in the count now.
    last_seen : datetime or None
        When a pair was handed out or answered last.
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
    own_votes : OwnVotes or None
        What becomes of the votes of somebody who owns the study, or did; None of others.
    """

    annotator: int
    external_id: str
    state: AnnotatorState
    answered: int
    skipped: int
    flagged: int
    counted: int
    last_seen: datetime | None
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
    own_votes: OwnVotes | None


@dataclass(frozen=True, slots=True)
class AnnotatorHistory:
    """One annotator with all that was ever found and decided, newest first."""

    annotator: Annotator
    quality: AnnotatorQuality
    findings: tuple[QualityFinding, ...]
    reviews: tuple[QualityReview, ...]


def overview(
    study: Study,
    among: Collection[int] | None = None,
    *,
    figures_of: Collection[int] | None = None,
) -> list[AnnotatorQuality]:
    """The annotators of a study by external id; a constant number of queries for every fifty.

    Parameters
    ----------
    study : Study
    among : collection of int, optional
        Keys of the annotators that are asked for; None are all.
    figures_of : collection of int, optional
        Of whom among these the answers are read; None are all. The others' rows have no figures of
        answers (`looked_at` and what follows it) and everything else.
    """
    people = Annotator.objects.filter(study=study)
    if among is not None:
        people = people.filter(pk__in=among)
    annotators = list(with_activity(people))
    keys = [row.pk for row in annotators]
    read = keys if figures_of is None else [key for key in keys if key in figures_of]
    # Nothing here is held against the length of a text.
    evidence = dict(evidence_of(study, read, dwells=0))
    counted = counted_of(study, None if among is None else keys)
    flags = flags_of(Flag.objects.filter(assignment__annotator__study=study))
    reviews = {row.annotator_id: row for row in newest_reviews(study)}
    findings: dict[int, list[QualityFinding]] = {}
    for finding in open_findings(study):
        findings.setdefault(finding.annotator_id, []).append(finding)
    return [
        row_of(
            study,
            annotator,
            evidence.get(annotator.pk, Evidence()),
            counted[annotator.pk],
            flags.get(annotator.pk, 0),
            findings.get(annotator.pk, ()),
            reviews.get(annotator.pk),
        )
        for annotator in annotators
    ]


def history_of(
    study: Study, annotator_id: int, *, with_figures: bool = True
) -> AnnotatorHistory | None:
    """One annotator of the study; None where it has no such one. Eleven queries at most.

    Without figures none of the answers is read, which takes seconds where somebody gave many.
    """
    annotator = with_activity(Annotator.objects.filter(study=study, pk=annotator_id)).first()
    if annotator is None:
        return None
    evidence = dict(evidence_of(study, [annotator.pk], dwells=0)) if with_figures else {}
    flags = flags_of(Flag.objects.filter(assignment__annotator=annotator))
    reviews = tuple(annotator.reviews.select_related("created_by").order_by("-pk"))
    findings = tuple(annotator.findings.select_related("study_version").order_by("-pk"))
    answered_at = max((review.created_at for review in reviews), default=None)
    unanswered = [
        finding
        for finding in reversed(findings)
        if answered_at is None or finding.created_at > answered_at
    ]
    quality = row_of(
        study,
        annotator,
        evidence.get(annotator.pk, Evidence()),
        counted_of(study, [annotator.pk])[annotator.pk],
        flags.get(annotator.pk, 0),
        unanswered,
        reviews[0] if reviews else None,
    )
    return AnnotatorHistory(annotator, quality, findings, reviews)


def with_activity(rows: QuerySet[Annotator]) -> QuerySet[Annotator, Any]:
    """Annotators by external id, with when they did something last and who owns the study."""
    handed = Assignment.objects.filter(annotator=OuterRef("pk")).order_by("-pk")
    given = Vote.objects.filter(annotator=OuterRef("pk"), assignment__isnull=False)
    return with_own_votes(rows.order_by("external_id")).annotate(
        last_handed=Subquery(handed.values("reserved_at")[:1]),
        last_given=Subquery(given.order_by("-created_at", "-pk").values("created_at")[:1]),
    )


def counted_of(study: Study, keys: Sequence[int] | None) -> Counter[int]:
    """How many votes of each annotator are in the count; of all where `keys` is None.

    Grouped once over all, as the votes of one after the other take many times as long.
    """
    collected: QuerySet[Any] = counted_assignments(study)
    imported: QuerySet[Any] = counted_votes(study).filter(source=VoteSource.IMPORTED)
    counted: Counter[int] = Counter()
    for rows in (collected, imported):
        found = rows if keys is None else rows.filter(annotator__in=keys)
        votes = found.order_by().values_list("annotator").annotate(votes=Count("pk"))
        counted.update(dict(votes))
    return counted


def row_of(
    study: Study,
    annotator: Any,
    evidence: Evidence,
    counted: int,
    flagged: int,
    findings: Sequence[QualityFinding],
    last_review: QualityReview | None,
) -> AnnotatorQuality:
    """From a row of `with_activity`; `findings` are those that no review has answered."""
    moments = [at for at in (annotator.last_handed, annotator.last_given) if at is not None]
    return AnnotatorQuality(
        annotator=annotator.pk,
        external_id=annotator.external_id,
        state=AnnotatorState(annotator.state),
        answered=annotator.answered,
        skipped=annotator.skipped,
        flagged=flagged,
        counted=counted,
        last_seen=max(moments, default=None),
        looked_at=evidence.answers,
        gold=rate(evidence.gold),
        repeats=rate(evidence.repeats),
        identical=rate(evidence.identical),
        left=rate(evidence.left),
        skips=rate(evidence.skips),
        agreement=mean_of(evidence.concord.pairs),
        seconds=median_of([pace / 1000 for pace in evidence.paces]),
        longest_run=evidence.run.hits,
        findings=tuple(findings),
        last_review=last_review,
        own_votes=own_votes_in(annotator, study),
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


def flags_of(rows: QuerySet[Flag]) -> dict[int, int]:
    """How many pairs each annotator has flagged; those of training are no work."""
    flags = rows.exclude(assignment__kind=ComparisonKind.TRAINING)
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
