"""Which report is the current one, and what has come in since it was made. Nothing is computed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from annotation.models import AuditEntry, Exclusion, Study, Vote
from annotation.selectors import counted_votes
from judging.models import Judgment
from reports.models import AnalysisRun


@dataclass(frozen=True, slots=True)
class Freshness:
    """What a report does not know of.

    Attributes
    ----------
    newer_votes : int
        Votes given since, revisions of earlier votes too.
    newer_judgments : int
    newer_exclusions : int
        Exclusions and their liftings.
    counted_changed : bool
        Another number of votes counts now, for whatever reason.
    """

    newer_votes: int
    newer_judgments: int
    newer_exclusions: int
    counted_changed: bool

    @property
    def is_stale(self) -> bool:
        return bool(
            self.newer_votes
            or self.newer_judgments
            or self.newer_exclusions
            or self.counted_changed
        )


def latest_run(study: Study) -> AnalysisRun | None:
    return AnalysisRun.objects.filter(study=study).order_by("-created_at", "-pk").first()


def checked_at(kept: AnalysisRun) -> datetime:
    """When the report was last known to hold all there was: an analysis that finds nothing new
    keeps the run that exists, and writes down that it looked."""
    looked = (
        AuditEntry.objects.filter(
            study=kept.study_id,
            action="look",
            detail__how="analysis",
            detail__analysis_run=kept.pk,
        )
        .order_by("-seq")
        .values_list("at", flat=True)
        .first()
    )
    return max(kept.created_at, looked) if looked else kept.created_at


def freshness(study: Study, kept: AnalysisRun) -> Freshness:
    since = checked_at(kept)
    exclusions = Exclusion.objects.filter(
        Q(assignment__comparison__study=study) | Q(vote__comparison__study=study),
        created_at__gt=since,
    )
    return Freshness(
        newer_votes=Vote.objects.filter(annotator__study=study, created_at__gt=since).count(),
        newer_judgments=Judgment.objects.filter(
            comparison__study=study, created_at__gt=since
        ).count(),
        newer_exclusions=exclusions.count(),
        counted_changed=counted_votes(study).count() != kept.result["counts"]["votes"],
    )
