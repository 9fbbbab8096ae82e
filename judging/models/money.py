"""What judges may cost together, and the requests that are no calls of a run."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from annotation.models import Study

from .judges import JudgeVersion
from .runs import JudgeRun


class StudyBudget(models.Model):
    """What all judges of a study may cost together, over every run and every trial.

    Nothing is counted here: what is spent and reserved stands with the runs and the trials. Whoever
    reserves locks this row first, so that two of them never spend the same room.
    """

    study = models.OneToOneField(Study, on_delete=models.PROTECT, related_name="judge_budget")
    # US dollars; NULL: no cap.
    amount = models.DecimalField(max_digits=20, decimal_places=10, null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__isnull=True) | Q(amount__gt=0), name="study_budget_positive"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.study_id}: {self.amount}"


class TrialPurpose(models.TextChoices):
    """Why somebody was asked outside of a run's calls."""

    # How the endpoint wants to be asked, by a run or by a person who tests the connection.
    PROBE = "probe"
    TRY_OUT = "try_out"


class JudgeTrial(models.Model):
    """One request that is no call of a run, committed before it left. It costs like any other."""

    version = models.ForeignKey(JudgeVersion, on_delete=models.PROTECT, related_name="trials")
    # The run that needed it, whose money it is; NULL: a person did, and it is the study's.
    run = models.ForeignKey(
        JudgeRun, null=True, blank=True, on_delete=models.PROTECT, related_name="trials"
    )
    purpose = models.CharField(max_length=8, choices=TrialPurpose)
    started_at = models.DateTimeField(default=timezone.now, editable=False)
    # NULL: in flight, or lost with its process until the sweep charges its worst case.
    finished_at = models.DateTimeField(null=True, blank=True)
    status_class = models.CharField(max_length=32, blank=True)
    reserved = models.DecimalField(max_digits=20, decimal_places=10, default=0)
    cost = models.DecimalField(max_digits=20, decimal_places=10, null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(purpose__in=TrialPurpose.values), name="judge_trial_purpose_known"
            ),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True, cost__isnull=True)
                | Q(finished_at__isnull=False, cost__isnull=False),
                name="judge_trial_settled_once",
            ),
            models.CheckConstraint(
                condition=Q(cost__isnull=True) | Q(cost__lte=models.F("reserved")),
                name="judge_trial_within_reservation",
            ),
        ]
        indexes = [
            # What is in flight or was lost, of all studies.
            models.Index(
                fields=["started_at"],
                condition=Q(finished_at__isnull=True),
                name="judge_trial_open",
            ),
        ]
