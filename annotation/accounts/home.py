"""The home page's cards: one's studies with role, state and next step.

The number of queries does not depend on the number of studies: each count is one grouped query.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Q, Sum
from django.urls import reverse

from annotation.access import StudyWithRoles, list_studies_for
from annotation.access.outcomes import READERS
from annotation.adjudication import waiting_for
from annotation.models import (
    Annotator,
    AnnotatorState,
    Assignment,
    AssignmentState,
    Comparison,
    ComparisonKind,
    Response,
    Role,
    Study,
    StudyState,
    User,
    Vote,
    VoteSource,
)

from .steps import (
    OwnWork,
    Step,
    StudyProgress,
    adjudicator_step,
    annotator_step,
    monitor_step,
    researcher_step,
)

# The colour of the dot beside the state; the state is written out as well.
STATE_TONES = {
    StudyState.DRAFT: "",
    StudyState.OPEN: "ok",
    StudyState.PAUSED: "warning",
    StudyState.CLOSED: "info",
    StudyState.ARCHIVED: "",
}

WATCHERS = READERS | {Role.MONITOR}


@dataclass(frozen=True, slots=True)
class CardStep:
    """A step with its address."""

    step: Step
    url: str


@dataclass(frozen=True, slots=True)
class Card:
    """A study as its member sees it on the home page."""

    study: Study
    roles: str
    tone: str
    steps: tuple[CardStep, ...]

    @property
    def title(self) -> str:
        return self.study.title or self.study.slug

    @property
    def is_over(self) -> bool:
        return self.study.state in (StudyState.CLOSED, StudyState.ARCHIVED)

    @property
    def has_work(self) -> bool:
        return any(entry.step.is_work for entry in self.steps)


def list_cards(user: User) -> list[Card]:
    """One card for each study: work for the user first, studies that are over last."""
    entries = list_studies_for(user)
    work = own_work(user, [entry.study for entry in entries if Role.ANNOTATOR in entry.roles])
    waiting = waiting_for(
        user, [entry.study for entry in entries if Role.ADJUDICATOR in entry.roles]
    )
    progress = study_progress([entry.study for entry in entries if entry.roles & WATCHERS])
    cards = [
        make_card(
            entry,
            work.get(entry.study.pk),
            progress.get(entry.study.pk),
            waiting.get(entry.study.pk),
        )
        for entry in entries
    ]
    return sorted(cards, key=lambda card: (card.is_over, not card.has_work))


def make_card(
    entry: StudyWithRoles,
    work: OwnWork | None,
    progress: StudyProgress | None,
    waiting: int | None,
) -> Card:
    study, state = entry.study, StudyState(entry.study.state)
    steps = []
    if work is not None:
        steps.append(annotator_step(state, work))
    if progress is not None and entry.roles & READERS:
        steps.append(researcher_step(study.slug, state, progress, sealed=study.is_sealed))
    elif progress is not None:
        steps.append(monitor_step(state, progress, unblinded=study.unblinded_at is not None))
    if Role.ADJUDICATOR in entry.roles:
        steps.append(adjudicator_step(state, waiting or 0))
    return Card(
        study=study,
        roles=", ".join(role.label for role in Role if role in entry.roles),
        tone=STATE_TONES[state],
        steps=tuple(
            CardStep(step, reverse(step.route, kwargs={"slug": study.slug}) if step.route else "")
            for step in steps
        ),
    )


def own_work(user: User, studies: Iterable[Study]) -> dict[int, OwnWork]:
    """The user's own counts by study. Two queries, or none without studies."""
    by_id = {study.pk: study for study in studies}
    if not by_id:
        return {}
    annotators = Annotator.objects.filter(user=user, study__in=by_id).annotate(
        done=Count(
            "assignments",
            filter=Q(
                assignments__state__in=[AssignmentState.SUBMITTED, AssignmentState.LATE_SURPLUS]
            ),
        ),
        held=Count("assignments", filter=Q(assignments__state=AssignmentState.RESERVED)),
    )
    # As the queue decides who may get a pair: one whose lease lapsed returns, a label that was
    # imported is a vote already.
    own = {"comparison": OuterRef("pk"), "annotator__user": user}
    had = Assignment.objects.filter(**own, pass_no=0).exclude(state=AssignmentState.EXPIRED)
    labelled = Vote.objects.filter(**own, source=VoteSource.IMPORTED)
    untouched = grouped(
        Comparison.objects.filter(study__in=by_id, open=True, kind=ComparisonKind.WORK)
        .filter(~Exists(had), ~Exists(labelled))
        .values_list("study")
        .annotate(Count("pk"))
    )
    work = {}
    for annotator in annotators:
        left = annotator.held + untouched.get(annotator.study_id, 0)
        maximum = by_id[annotator.study_id].max_per_annotator
        if maximum is not None:
            left = min(left, max(0, maximum - annotator.done))
        work[annotator.study_id] = OwnWork(AnnotatorState(annotator.state), annotator.done, left)
    return work


def study_progress(studies: Iterable[Study]) -> dict[int, StudyProgress]:
    """Each study's counts. Six queries, or none without studies."""
    ids = [study.pk for study in studies]
    if not ids:
        return {}
    work = Comparison.objects.filter(study__in=ids, kind=ComparisonKind.WORK).order_by()
    comparisons = grouped(work.values_list("study").annotate(Count("pk")))
    wanted = grouped(work.values_list("study").annotate(Sum("overlap")))
    collected = grouped(
        Assignment.objects.filter(
            comparison__study__in=ids, state=AssignmentState.SUBMITTED, slot_no__isnull=False
        )
        .values_list("comparison__study")
        .annotate(Count("pk"))
    )
    imported = grouped(
        Vote.objects.filter(comparison__study__in=ids, source=VoteSource.IMPORTED, occurrence=0)
        .values_list("comparison__study")
        .annotate(Count("pk"))
    )
    annotators = grouped(
        Annotator.objects.filter(study__in=ids)
        .exclude(state=AnnotatorState.REMOVED)
        .values_list("study")
        .annotate(Count("pk"))
    )
    responses = grouped(
        Response.objects.filter(prompt__study__in=ids)
        .values_list("prompt__study")
        .annotate(Count("pk"))
    )
    return {
        pk: StudyProgress(
            responses=responses.get(pk, 0),
            comparisons=comparisons.get(pk, 0),
            wanted_votes=wanted.get(pk, 0),
            collected_votes=collected.get(pk, 0),
            imported_votes=imported.get(pk, 0),
            annotators=annotators.get(pk, 0),
        )
        for pk in ids
    }


def grouped(rows: Iterable[tuple[int, int]]) -> dict[int, int]:
    return dict(rows)
