"""What all judges of a study may cost together, and how that stands.

What is spent and reserved is never counted twice: it is the sum over the runs, and over the trials
that belong to none. Only what raises this sum takes the lock of the study's budget, always after
that of a run; to settle a reservation lowers the sum or leaves it, and takes none.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Q, Sum
from django.db.models.functions import Coalesce

from judging.models import JudgeRun, JudgeTrial, JudgeVersion, StudyBudget


class StudyBudgetFault(ValueError):
    """The budget cannot be set, or does not allow what was asked; says why and what to do."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A study's money for judges, in US dollars.

    Attributes
    ----------
    amount
        The cap over all runs and trials; None: there is none.
    spent
        By runs, and by trials that belong to none.
    reserved
        For what is in flight now.
    trials, spent_on_trials
        Requests outside of runs that people sent, and their part of `spent`.
    """

    amount: Decimal | None
    spent: Decimal
    reserved: Decimal
    trials: int = 0
    spent_on_trials: Decimal = Decimal(0)

    @property
    def left(self) -> Decimal | None:
        """What can still be reserved; None: there is no cap."""
        if self.amount is None:
            return None
        return max(self.amount - self.spent - self.reserved, Decimal(0))


def standing_of(study_id: int) -> Standing:
    """How the money of a study stands now, as far as it is committed."""
    amount = StudyBudget.objects.filter(study=study_id).values_list("amount", flat=True).first()
    return standing_under(study_id, amount)


def locked(study_id: int) -> StudyBudget:
    """The study's budget, held until the transaction ends."""
    rows = StudyBudget.objects.select_for_update(no_key=True)
    return rows.filter(study=study_id).first() or rows.get_or_create(study_id=study_id)[0]


def standing_under(study_id: int, amount: Decimal | None) -> Standing:
    """What the runs and trials of a study come to, beside this cap."""
    zero = Decimal(0)
    runs = JudgeRun.objects.filter(study=study_id).aggregate(
        spent=Coalesce(Sum("spent"), zero), reserved=Coalesce(Sum("reserved"), zero)
    )
    alone = JudgeTrial.objects.filter(version__judge__study=study_id, run__isnull=True)
    # In one statement: a trial that is settled between two of them would be in neither sum.
    sums = alone.aggregate(
        cost=Coalesce(Sum("cost", filter=Q(finished_at__isnull=False)), zero),
        held=Coalesce(Sum("reserved", filter=Q(finished_at__isnull=True)), zero),
        number=Count("pk"),
    )
    return Standing(
        amount=amount,
        spent=runs["spent"] + sums["cost"],
        reserved=runs["reserved"] + sums["held"],
        trials=sums["number"],
        spent_on_trials=sums["cost"],
    )


def check_price(version: JudgeVersion) -> None:
    """Refuse a version whose costs are unknown, where the study's budget is to be kept.

    In the transaction that lets the version ask: it locks the study's budget.

    Raises
    ------
    StudyBudgetFault
    """
    if version.config.get("price") is None and locked(version.judge.study_id).amount is not None:
        raise StudyBudgetFault(
            f"{version.judge.judge_id} has no price card, so the study's budget for judges could "
            "not be kept. Add its prices in a new version, with zeros if it costs nothing."
        )
