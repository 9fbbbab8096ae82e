"""Which report is the current one, and what has come in since it was made. Nothing is computed.

All that a report depends on is only ever added to: votes, judgments, exclusions and their liftings,
flags, adjudications, imported files, and the log of changes to a study. So a report is up to date
while there are as many rows of each as when it was read, whatever any clock says and however late
a transaction ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from django.db.models import Q

from annotation.models import Adjudication, AuditEntry, Exclusion, Flag, ImportFile, Study, Vote
from annotation.rules import rules_of
from judging.models import Judgment
from reports.models import AnalysisRun

# Acts that change what a report says of the same votes: texts, rubric, versions, what is compared,
# the end, the name of somebody who was erased, in whose place judges are tested, what ratings are
# measured from.
CHANGES = (
    "study.configured",
    "study.rubric_set",
    "study.opened",
    "study.changed",
    "study.closed",
    "study.unblinded",
    "comparisons.generated",
    "pair.stopped",
    "judges.expertise_set",
    "report.anchor_set",
    "report.anchor_removed",
    "annotator.erased",
)


@dataclass(frozen=True, slots=True)
class RowCounts:
    """How many rows there are of all that a report depends on."""

    votes: int
    judgments: int
    exclusions: int
    flags: int
    adjudications: int
    imports: int
    changes: int


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
    newer_flags : int
        Of those that may make a disagreement, in a study where some were decided.
    newer_adjudications : int
    study_changed : bool
        A file was imported, or settings, rubric or state of the study are others.
    """

    newer_votes: int
    newer_judgments: int
    newer_exclusions: int
    newer_flags: int
    newer_adjudications: int
    study_changed: bool

    @property
    def is_stale(self) -> bool:
        return bool(
            self.newer_votes
            or self.newer_judgments
            or self.newer_exclusions
            or self.newer_flags
            or self.newer_adjudications
            or self.study_changed
        )


def latest_run(study: Study, *, with_result: bool = True) -> AnalysisRun | None:
    """The newest run; without `result`, which may be 40 MB, it is read when it is asked for."""
    runs = AnalysisRun.objects.filter(study=study).order_by("-created_at", "-pk")
    return runs.first() if with_result else runs.defer("result").first()


def count_rows(study: Study) -> RowCounts:
    """Counted before an analysis reads: what comes in meanwhile then makes it old, never lost."""
    exclusions = Exclusion.objects.filter(
        Q(assignment__comparison__study=study) | Q(vote__comparison__study=study)
    )
    adjudications = Adjudication.objects.filter(comparison__study=study).count()
    return RowCounts(
        votes=Vote.objects.filter(annotator__study=study).count(),
        judgments=Judgment.objects.filter(comparison__study=study).count(),
        exclusions=exclusions.count(),
        flags=count_flags(study) if adjudications else 0,
        adjudications=adjudications,
        imports=ImportFile.objects.filter(study=study).count(),
        changes=AuditEntry.objects.filter(study=study, action__in=CHANGES).count(),
    )


def count_flags(study: Study) -> int:
    """Those that a report depends on: it counts disagreements once one was decided."""
    if not rules_of(study.rules).adjudication.flagged:
        return 0
    return Flag.objects.filter(assignment__comparison__study=study).count()


def rows_read(kept: AnalysisRun) -> RowCounts:
    """The rows when the report was last made or found to hold all there was.

    An analysis that finds nothing new keeps the run that exists, and writes down that it looked.
    """
    looks = AuditEntry.objects.filter(
        study=kept.study_id,
        action="look",
        detail__how="analysis",
        detail__analysis_run=kept.pk,
    )
    detail: Mapping[str, object] | None = (
        looks.order_by("-seq").values_list("detail", flat=True).first()
    )
    found = {} if detail is None else detail.get("rows")
    counts = found if isinstance(found, dict) else {}
    # A look that counted nothing was taken by an earlier release: everything is news then.
    return RowCounts(**{name: int(counts.get(name, 0)) for name in RowCounts.__slots__})


def rows_as_json(rows: RowCounts) -> dict[str, int]:
    return asdict(rows)


def freshness(study: Study, kept: AnalysisRun) -> Freshness:
    now, then = count_rows(study), rows_read(kept)
    return Freshness(
        newer_votes=now.votes - then.votes,
        newer_judgments=now.judgments - then.judgments,
        newer_exclusions=now.exclusions - then.exclusions,
        newer_flags=now.flags - then.flags,
        newer_adjudications=now.adjudications - then.adjudications,
        study_changed=(now.imports, now.changes) != (then.imports, then.changes),
    )
