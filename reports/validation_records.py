"""When validations were recorded, which is not always from when they count."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from annotation.models import AuditEntry
from reports.models import JudgeValidation


def recorded_at(validations: Collection[JudgeValidation]) -> dict[int, datetime]:
    """When each was recorded, by its key; their versions and judges should be loaded.

    The log says it: a validation that grants another margin on the same votes has their day. Asked
    for all of them at once.
    """
    entries = AuditEntry.objects.filter(
        study__in={row.study_id for row in validations},
        action="judge.validated",
        detail__analysis_run__in=list({row.analysis_run_id for row in validations}),
    )
    logged = {
        (told["judge"], told["version"], told["analysis_run"]): at
        for told, at in entries.order_by("seq").values_list("detail", "at")
    }
    return {
        row.pk: logged.get(
            (row.version.judge.judge_id, row.version.number, row.analysis_run_id), row.created_at
        )
        for row in validations
    }
