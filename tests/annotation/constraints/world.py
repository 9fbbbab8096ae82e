"""The study that the bad rows are aimed at."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, models
from django.utils import timezone

from annotation.models import (
    Adjudication,
    AdjudicationCase,
    Assignment,
    Cell,
    Choice,
    Comparison,
    FindingAction,
    ImportFile,
    ImportKind,
    Invitation,
    InvitationPurpose,
    JobKind,
    QualityFinding,
    QualityReview,
    ReviewOutcome,
    Role,
    Study,
    StudyJob,
    Upload,
    Verdict,
    Vote,
    VoteCriterion,
)
from tests import factories


@dataclass
class World:
    """A study with one comparison, which one annotator holds and another has voted on; the label of
    a third was imported."""

    study: Study
    comparison: Comparison
    holder: Assignment
    vote: Vote
    label: Vote

    def other_comparison(self, **fields: Any) -> Comparison:
        return factories.make_comparison(self.study, **fields)

    def new_vote(self, **fields: Any) -> Vote:
        return factories.make_vote(self.other_comparison(), **fields)

    def imported(self, **fields: Any) -> Vote:
        return factories.make_imported_vote(self.comparison, **fields)

    def judged(self, **fields: Any) -> VoteCriterion:
        """An imported decision on a criterion of its own unless one is given."""
        values = {"vote": self.label, "verdict": Verdict.A}
        if "criterion" not in fields:
            values["criterion"] = factories.make_criterion(self.study)
        return VoteCriterion.objects.create(**{**values, **fields})

    def adjudicate(self, **fields: Any) -> Adjudication:
        values = {
            "comparison": self.comparison,
            "criterion": self.study.criteria.get(),
            "adjudicator": factories.make_user(),
            "choice": Choice.LEFT,
            "swapped": False,
            "verdict": Verdict.A,
        }
        return Adjudication.objects.create(**{**values, **fields})

    def case(self, **fields: Any) -> AdjudicationCase:
        """On the desk of an adjudicator of its own unless one is given."""
        values = {
            "comparison": self.comparison,
            "swapped": False,
            "lease_expires_at": timezone.now() + timedelta(hours=1),
        }
        if "adjudicator" not in fields:
            values["adjudicator"] = factories.make_user()
        return AdjudicationCase.objects.create(**{**values, **fields})

    def invite(self, **fields: Any) -> Invitation:
        values = {
            "token_hash": uuid.uuid4().hex,
            "purpose": InvitationPurpose.JOIN,
            "study": self.study,
            "role": Role.ANNOTATOR,
            "expires_at": timezone.now() + timedelta(days=1),
        }
        return Invitation.objects.create(**{**values, **fields})

    def cell(self, **fields: Any) -> Cell:
        values = {
            "study": self.study,
            "system_a": self.comparison.system_a,
            "system_b": self.comparison.system_b,
        }
        return Cell.objects.create(**{**values, **fields})

    def finding(self, **fields: Any) -> QualityFinding:
        values = {
            "annotator": self.holder.annotator,
            "study_version": self.holder.study_version,
            "rule": "speed",
            "action": FindingAction.FLAG,
            "n": 20,
            "value": 0.9,
            "threshold": 0.5,
        }
        return QualityFinding.objects.create(**{**values, **fields})

    def review(self, **fields: Any) -> QualityReview:
        values = {
            "annotator": self.holder.annotator,
            "outcome": ReviewOutcome.RESUME,
            "reason": "r",
        }
        return QualityReview.objects.create(**{**values, **fields})

    def upload(self, **fields: Any) -> Upload:
        values = {
            "study": self.study,
            "kind": ImportKind.RESPONSES,
            "uploaded_by": factories.make_user(),
        }
        return Upload.objects.create(**{**values, **fields})

    def job(self, **fields: Any) -> StudyJob:
        values = {
            "study": self.study,
            "kind": JobKind.PAIRS,
            "asked_by": factories.make_user(),
        }
        return StudyJob.objects.create(**{**values, **fields})

    def import_file(self, **fields: Any) -> ImportFile:
        values = {"study": self.study, "kind": "votes", "sha256": "0" * 64, "rows": 1}
        return ImportFile.objects.create(**{**values, **fields})


def make_world() -> World:
    study = factories.make_open_study()
    comparison = factories.make_comparison(study)
    vote = factories.make_vote(comparison)
    label = factories.make_imported_vote(comparison)
    return World(study, comparison, factories.make_assignment(comparison), vote, label)


Write = Callable[[World], object]
# What is wrong, the rule that refuses it (a constraint's name or a trigger's message), the writing.
BadRow = tuple[str, str, Write]


def change(row: models.Model, **fields: Any) -> None:
    """UPDATE one row as SQL would, past every check of Django's."""
    type(row)._base_manager.filter(pk=row.pk).update(**fields)


def twice(create: Callable[[], object]) -> None:
    """Create two of a kind: only the second may be refused."""
    try:
        create()
    except IntegrityError as error:
        raise AssertionError("the first of the two was refused") from error
    create()
