"""An adjudicator's decision: one row a criterion, beside the votes and never among them.

A revision belongs to the comparison, so that the newest decision is that of the highest number,
whoever took it. The transaction locks the comparison: two reviewers cannot decide at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, QuerySet

from annotation import audit
from annotation.blinding import verdict_of
from annotation.models import (
    Adjudication,
    AdjudicationCase,
    CaseState,
    Comparison,
    Criterion,
    Study,
    StudyVersion,
    User,
)
from annotation.selectors import counted_votes
from annotation.voting import Answer
from annotation.voting.answers import MAX_RATIONALE, check_answers, check_text
from annotation.voting.rubrics import Question, rubric_of

from .desk import lock_comparison
from .faults import DecidedByColleague, RatedThemselves, StudyNotDecidable
from .routing import is_decidable, rated_by, voted_on_since

MAX_REASON = MAX_RATIONALE


@dataclass(frozen=True, slots=True)
class Decision:
    """A stored decision; `replayed` if it was stored before."""

    revision: int
    replayed: bool = False


def questions_of(study: Study) -> tuple[Question, ...]:
    """The rubric that decisions are held against: that of the study's newest version."""
    newest = StudyVersion.objects.filter(study=study).order_by("-number").values_list("pk")[:1]
    version = newest.get()[0]
    return rubric_of(version, study.pk)


def decide(case: AdjudicationCase, answers: Mapping[str, Answer], reason: str = "") -> Decision:
    """Store what the adjudicator of the case decided.

    The same decision once more is answered like the first time. Another one by the same
    adjudicator is a further revision; the earlier one stays.

    Parameters
    ----------
    case : AdjudicationCase
        The adjudicator's own, from `desk.find_case`.
    answers : mapping of str to Answer
        As clicked, by criterion.
    reason : str
        Why; may be empty.

    Raises
    ------
    InvalidAnswers
        The answers do not fit the rubric, or the reason cannot be stored.
    StudyNotDecidable
        The study is archived.
    RatedThemselves
        The adjudicator was given the pair to rate meanwhile.
    DecidedByColleague
        A colleague was first, and no vote has changed the picture since.
    """
    check_text(reason, "reason", MAX_REASON)
    study = Study.objects.get(pk=case.comparison.study_id)
    questions = questions_of(study)
    check_answers(answers, questions)
    if not is_decidable(study):
        raise StudyNotDecidable
    with transaction.atomic():
        locked = lock_comparison(case.comparison_id)
        comparison = Comparison.objects.filter(pk=case.comparison_id)
        if comparison.filter(rated_by(case.adjudicator)).exists():
            raise RatedThemselves
        standing = standing_decision(locked.comparison)
        if standing and not comparison.filter(voted_on_since(study)).exists():
            if standing[0].adjudicator_id != case.adjudicator_id:
                raise DecidedByColleague
            if is_same(standing, answers, case.swapped, reason):
                mark_decided(case)
                return Decision(standing[0].revision, replayed=True)
        revision = standing[0].revision + 1 if standing else 0
        newest = counted_votes(study).filter(comparison=locked.comparison)
        newest_at = newest.aggregate(at=Max("created_at"))["at"]
        Adjudication.objects.bulk_create(
            Adjudication(
                comparison=locked.comparison,
                criterion_id=question.criterion_id,
                adjudicator=case.adjudicator,
                revision=revision,
                choice=answers[question.key].choice,
                swapped=case.swapped,
                verdict=verdict_of(answers[question.key].choice, case.swapped),
                margin=answers[question.key].margin,
                reason=reason if question.key == Criterion.OVERALL else "",
                # Never before a vote that it takes into account: the clock is read before the lock.
                created_at=max(filter(None, (locked.now, newest_at))),
            )
            for question in questions
            if question.key in answers
        )
        mark_decided(case)
        audit.record(
            study,
            case.adjudicator,
            "adjudication.decided",
            {"comparison": case.comparison_id, "revision": revision},
        )
    return Decision(revision)


def mark_decided(case: AdjudicationCase) -> None:
    AdjudicationCase.objects.filter(pk=case.pk).update(state=CaseState.DECIDED)


def standing_decision(comparison: Comparison) -> list[Adjudication]:
    """The newest decision on a comparison, a row for each criterion; empty if there is none."""
    rows = standing_adjudications().filter(comparison=comparison)
    return list(rows.select_related("criterion").order_by("criterion__position", "pk"))


def standing_adjudications() -> QuerySet[Adjudication]:
    """Of every comparison, the rows of its newest decision."""
    newer = Adjudication.objects.filter(
        comparison=OuterRef("comparison"), revision__gt=OuterRef("revision")
    )
    return Adjudication.objects.filter(~Exists(newer))


def is_same(
    standing: list[Adjudication], answers: Mapping[str, Answer], swapped: bool, reason: str
) -> bool:
    stored = {row.criterion.key: (row.verdict, row.margin) for row in standing}
    given = {
        key: (verdict_of(answer.choice, swapped), answer.margin) for key, answer in answers.items()
    }
    return stored == given and reason == reason_of(standing)


def reason_of(decision: list[Adjudication]) -> str:
    """The reason of a decision, which stands with `overall`."""
    return next((row.reason for row in decision if row.criterion.key == Criterion.OVERALL), "")


def last_decided(user: User, study: Study) -> AdjudicationCase | None:
    """The case that the user decided last in the study, to be changed; None before the first."""
    row = (
        Adjudication.objects.filter(adjudicator=user, comparison__study=study)
        .order_by("-created_at", "-pk")
        .values_list("comparison")
        .first()
    )
    if row is None:
        return None
    return AdjudicationCase.objects.filter(adjudicator=user, comparison=row[0]).first()
