"""Who looked at outcomes. A page that is reloaded is one look; every file taken away is one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from annotation import audit
from annotation.models import AuditEntry, Study, User
from reports import analysis
from reports.models import AnalysisRun

# Within it, one person's further views of one report are the same look.
SAME_LOOK = timedelta(hours=1)


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
        analysis.record_look(study, kept, actor, "view")


def record_export(study: Study, kept: AnalysisRun | None, actor: User | None, name: str) -> None:
    """Write down that outcomes left as a file; `kept` is None for an export of stored rows."""
    detail: dict[str, Any] = {"how": f"export {name}"}
    if kept is not None:
        detail |= {"analysis_run": kept.pk, "votes": analysis.votes_of(kept)}
    with transaction.atomic():
        audit.record(study, actor, "look", detail)
