"""Whether what was planned will be enough: the planner on the votes so far, blind to who leads."""

from __future__ import annotations

from typing import Any

from annotation.models import Study
from reports.stats.planning import PlanError
from reports.study_planning import Wishes, plan


def read_plan(study: Study) -> dict[str, Any]:
    """The plan without the part that knows a leader; `fault` where no plan can be made.

    It uses the tie rate and the spread of the votes, pooled over all pairs; see
    :mod:`reports.study_planning`.
    """
    try:
        found = plan(study, Wishes(), with_gaps=False)
    except PlanError as fault:
        return {"fault": str(fault)}
    return {"plan": found}
