"""Who looked at outcomes. A page that is reloaded is one look; every file taken away is one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from annotation import audit
from annotation.models import AuditEntry, Study, User
from reports.freshness import RowCounts, rows_as_json
from reports.models import AnalysisRun

# Within it, one person's further views of one report are the same look.
SAME_LOOK = timedelta(hours=1)


def votes_of(kept: AnalysisRun) -> int:
    return int(kept.result["counts"]["votes"])


def look_at(kept: AnalysisRun, how: str) -> dict[str, Any]:
    return {"how": how, "analysis_run": kept.pk, "votes": votes_of(kept)}


def record_analysis(study: Study, kept: AnalysisRun, actor: User | None, rows: RowCounts) -> None:
    """Write down that outcomes were computed, and of which rows, in the caller's transaction."""
    audit.record(study, actor, "look", {**look_at(kept, "analysis"), "rows": rows_as_json(rows)})


def record_view(study: Study, kept: AnalysisRun, actor: User) -> None:
    """Write down that the person saw the report, unless that was written within the hour."""
    seen = AuditEntry.objects.filter(
        study=study,
        actor=actor,
        action="look",
        detail__how="view",
        detail__analysis_run=kept.pk,
        at__gt=timezone.now() - SAME_LOOK,
    )
    if seen.exists():
        return
    with transaction.atomic():
        audit.record(study, actor, "look", look_at(kept, "view"))


def record_export(study: Study, kept: AnalysisRun | None, actor: User | None, name: str) -> None:
    """Write down that outcomes left as a file; `kept` is None for an export of stored rows."""
    how = f"export {name}"
    detail = {"how": how} if kept is None else look_at(kept, how)
    with transaction.atomic():
        audit.record(study, actor, "look", detail)


def has_seen_pair(study: Study, actor: User, comparison: int) -> bool:
    """Whether the person asked within the hour what was answered on a comparison."""
    return looks_at_pair(study, actor, comparison).exists()


def record_pair(study: Study, actor: User, comparison: int, votes: int) -> None:
    """Write down that the person saw what was answered on one comparison of a sealed study.

    Once an hour for each comparison, like a report that is reloaded.
    """
    if has_seen_pair(study, actor, comparison):
        return
    with transaction.atomic():
        audit.record(
            study, actor, "look", {"how": "pair", "comparison": comparison, "votes": votes}
        )


def looks_at_pair(study: Study, actor: User, comparison: int) -> QuerySet[AuditEntry]:
    return AuditEntry.objects.filter(
        study=study,
        actor=actor,
        action="look",
        detail__how="pair",
        detail__comparison=comparison,
        at__gt=timezone.now() - SAME_LOOK,
    )
