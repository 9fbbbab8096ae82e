"""The home page's cards: one's studies with role, state and next step.

The number of queries does not depend on the number of studies, and what they read not on how large
these are: each count ends where nobody wants to know it any closer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import (
    BigIntegerField,
    Count,
    Exists,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
)
from django.db.models.functions import Coalesce
from django.urls import reverse

from annotation import queue
from annotation.access import StudyWithRoles, list_studies_for
from annotation.access.outcomes import READERS
from annotation.adjudication import Waiting, waiting_for
from annotation.models import (
    Annotator,
    AnnotatorState,
    Assignment,
    AssignmentState,
    Cell,
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
    COUNTED_UP_TO,
    SET_UP,
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

# More pairs than this are nothing that somebody plans by.
LEFT_UP_TO = 1_000
# SQLite puts no more than 500 SELECTs together, and each study takes three.
STUDIES_AT_ONCE = 50

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
    # Where those who run the study go on; empty for others.
    url: str = ""

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
            waiting.get(entry.study.pk, Waiting()),
        )
        for entry in entries
    ]
    return sorted(cards, key=lambda card: (card.is_over, not card.has_work))


def make_card(
    entry: StudyWithRoles,
    work: OwnWork | None,
    progress: StudyProgress | None,
    waiting: Waiting,
) -> Card:
    study, state = entry.study, StudyState(entry.study.state)
    steps = []
    if work is not None:
        steps.append(annotator_step(state, work))
    if progress is not None and entry.roles & READERS:
        steps.append(researcher_step(state, progress, sealed=study.is_sealed))
    elif progress is not None:
        steps.append(monitor_step(state, progress, unblinded=study.unblinded_at is not None))
    if Role.ADJUDICATOR in entry.roles:
        steps.append(adjudicator_step(state, waiting.pairs, whole=waiting.whole))
    return Card(
        study=study,
        roles=", ".join(str(role.label) for role in Role if role in entry.roles),
        tone=STATE_TONES[state],
        steps=tuple(
            CardStep(step, reverse(step.route, kwargs={"slug": study.slug}) if step.route else "")
            for step in steps
        ),
        url=reverse(SET_UP, kwargs={"slug": study.slug}) if entry.roles & READERS else "",
    )


def own_work(user: User, studies: Iterable[Study]) -> dict[int, OwnWork]:
    """The user's own counts by study. Two queries for up to fifty studies, or none.

    What was answered is the queue's own counter; what is left is counted up to `LEFT_UP_TO`.
    """
    by_id = {study.pk: study for study in studies}
    if not by_id:
        return {}
    annotators = list(Annotator.objects.filter(user=user, study__in=by_id))
    left_in = left_for([(by_id[row.study_id], row) for row in annotators])
    work = {}
    for annotator in annotators:
        found = left_in.get(annotator.study_id, Left())
        left, at_least = found.fit, found.has_more
        maximum = queue.maximum_of(by_id[annotator.study_id])
        if maximum is not None:
            allowed = max(0, maximum - annotator.answered)
            left, at_least = min(left, allowed), at_least and left < allowed
        work[annotator.study_id] = OwnWork(
            AnnotatorState(annotator.state), annotator.answered, left, at_least=at_least
        )
    return work


@dataclass(frozen=True, slots=True)
class Left:
    """Pairs that an annotator holds or could be given; at least so many if it `has_more`."""

    fit: int = 0
    has_more: bool = False


def left_for(people: Sequence[tuple[Study, Annotator]]) -> dict[int, Left]:
    """By study, what somebody holds and what is open for them, ahead on their walk and behind.

    What is held is read by the same statement as what is open: a pair that is handed out between
    two statements would be in neither, and its holder be told that nothing is left.
    """
    found: dict[int, Left] = {}
    for start in range(0, len(people), STUDIES_AT_ONCE):
        parts = [
            part
            for study, annotator in people[start : start + STUDIES_AT_ONCE]
            for part in parts_left_for(study, annotator)
        ]
        for study_id, open_ones, fit in parts[0].union(*parts[1:], all=True):
            before = found.get(study_id, Left())
            found[study_id] = Left(before.fit + fit, before.has_more or open_ones > LEFT_UP_TO)
    return found


def parts_left_for(study: Study, annotator: Annotator) -> Iterator[QuerySet[Any, Any]]:
    """Rows of study, open comparisons looked at, and what of them may be given or is held."""
    held = annotator.assignments.filter(state=AssignmentState.RESERVED).order_by()
    yield held.values_list("annotator__study").annotate(open_ones=Value(0), fit=Count("pk"))
    place = queue.place_of_walk(study, annotator)
    work = Comparison.objects.filter(study=study, open=True, kind=ComparisonKind.WORK)
    for part in (work.filter(open_seq__gte=place), work.filter(open_seq__lt=place)):
        looked_at = part.order_by("open_seq").values("pk")[: LEFT_UP_TO + 1]
        ahead = Comparison.objects.filter(pk__in=looked_at).order_by()
        fit = queue.that_fit(study, annotator, ahead)
        yield ahead.values_list("study").annotate(
            open_ones=Count("pk"), fit=Count("pk", filter=Q(pk__in=fit.values("pk")))
        )


class CountOf(Subquery):
    """How many rows a query has; one that is cut short bounds what is read."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


def up_to(rows: QuerySet[Any]) -> CountOf:
    """How many rows there are, but no more than one beyond `COUNTED_UP_TO`."""
    return CountOf(rows.order_by().values("pk")[: COUNTED_UP_TO + 1])


def total_of(rows: QuerySet[Any], column: str) -> Subquery:
    """The sum of a column over a study's rows; NULL where there are none."""
    sums = rows.order_by().values("study").annotate(total=Sum(column))
    return Subquery(sums.values("total"), output_field=BigIntegerField())


def study_progress(studies: Iterable[Study]) -> dict[int, StudyProgress]:
    """Each study's counts. Two queries, or none without studies.

    Of drafts what was imported and paired, of opened ones the votes.
    """
    listed = list(studies)
    drafts = [study.pk for study in listed if study.state == StudyState.DRAFT]
    opened = [study.pk for study in listed if study.state != StudyState.DRAFT]
    return {
        **(progress_of_drafts(drafts) if drafts else {}),
        **(progress_of_opened(opened) if opened else {}),
    }


def progress_of_drafts(ids: Sequence[int]) -> dict[int, StudyProgress]:
    rows = Study.objects.filter(pk__in=ids).annotate(
        texts=up_to(Response.objects.filter(prompt__study=OuterRef("pk"))),
        pairs=up_to(Comparison.objects.filter(study=OuterRef("pk"), kind=ComparisonKind.WORK)),
        labels=up_to(
            # By those who gave them: without any, all comparisons would be asked for some.
            Vote.objects.filter(
                annotator__study=OuterRef("pk"), source=VoteSource.IMPORTED, occurrence=0
            )
        ),
    )
    names = ("texts", "pairs", "labels")
    return {pk: StudyProgress(*counts) for pk, *counts in rows.values_list("pk", *names)}


def progress_of_opened(ids: Sequence[int]) -> dict[int, StudyProgress]:
    people = Annotator.objects.filter(study=OuterRef("pk"))
    work = Comparison.objects.filter(study=OuterRef("pk"), kind=ComparisonKind.WORK)
    # By their annotators, who are few: a study of which nothing is in yet has many comparisons.
    given = Assignment.objects.filter(annotator__study=OuterRef("pk"), slot_no__isnull=False)
    held = given.filter(state=AssignmentState.RESERVED)
    rows = Study.objects.filter(pk__in=ids).annotate(
        annotators_now=CountOf(
            people.exclude(state=AnnotatorState.REMOVED).order_by().values("pk")
        ),
        # Comparisons stand in no cell where the queue never opened them.
        wanted=Coalesce(
            total_of(Cell.objects.filter(study=OuterRef("pk")), "wanted"),
            total_of(work, "overlap"),
            0,
        ),
        collected=up_to(given.filter(state=AssignmentState.SUBMITTED)),
        answers=Coalesce(total_of(people, "answered"), 0),
        is_full=~Exists(work.filter(open=True)) & ~Exists(held),
    )
    names = ("annotators_now", "wanted", "collected", "answers", "is_full")
    return {
        pk: StudyProgress(
            annotators=annotators,
            wanted_votes=wanted,
            collected_votes=collected,
            answers=answers,
            is_full=is_full,
        )
        for pk, annotators, wanted, collected, answers, is_full in rows.values_list("pk", *names)
    }
