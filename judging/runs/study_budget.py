"""Caps what all judges of a study cost together; runs that an older cap had paused go on."""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction

from annotation import audit
from annotation.models import Study, User
from judging.budget import SMALLEST
from judging.models import LIVE_RUN_STATES, JudgeRun, RunState
from judging.runs.conducting import go_on_by_itself
from judging.runs.money import StudyBudgetFault, locked, standing_under

CAUSE = "study_budget"
MOST = Decimal(10) ** 10


def set_study_budget(study: Study, actor: User | None, amount: Decimal | None) -> list[JudgeRun]:
    """Cap what all judges of a study cost together, over every run; None takes the cap away.

    Returns
    -------
    list of JudgeRun
        Those that the cap had paused: they go on, and whoever calls rings for them. The same
        amount again lets them go on too, as where money came back since; a lower one lets none.

    Raises
    ------
    StudyBudgetFault
    """
    if amount is not None and not (amount.is_finite() and SMALLEST <= amount < MOST):
        raise StudyBudgetFault("The budget for all judges is a positive amount of US dollars.")
    with transaction.atomic():
        budget = locked(study.pk)
        standing = standing_under(study.pk, budget.amount)
        before = budget.amount
        if amount is not None and amount != before:
            if amount < standing.spent + standing.reserved:
                raise StudyBudgetFault(
                    "The budget for all judges must not be less than the "
                    f"{standing.spent + standing.reserved:.4f} US dollars that are spent or "
                    "reserved."
                )
            _refuse_unpriced(study)
        if amount != before:
            budget.amount = amount
            budget.save(update_fields=["amount"])
            audit.record(
                study,
                actor,
                "judge.study_budget_changed",
                {"amount": None if amount is None else str(amount)},
            )
    if amount is not None and before is not None and amount < before:
        return []
    paused = JudgeRun.objects.filter(study=study, state=RunState.PAUSED, pause_cause=CAUSE)
    return [run for run in paused.order_by("pk") if go_on_by_itself(run, CAUSE)]


def _refuse_unpriced(study: Study) -> None:
    for run in (
        JudgeRun.objects.filter(study=study, state__in=LIVE_RUN_STATES)
        .select_related("version__judge")
        .order_by("pk")
    ):
        if run.version.config.get("price") is None:
            raise StudyBudgetFault(
                f"{run.version.judge.judge_id} has no price card and a run that has not ended, so "
                "a budget could not be kept. Cancel that run first."
            )
