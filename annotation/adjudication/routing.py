"""Which comparisons of a study need an adjudicator, asked of the database as a whole.

The same rule as `disagreements`, grouped in SQL: nothing is loaded but what is asked for. An
adjudication takes a comparison off the list, until a vote that counts comes after it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    IntegerField,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from annotation.draws import draw
from annotation.models import (
    Adjudication,
    AdjudicationCase,
    Assignment,
    AssignmentState,
    CaseState,
    Comparison,
    ComparisonKind,
    Criterion,
    Flag,
    Scale,
    Study,
    StudyState,
    User,
    Verdict,
    Vote,
    VoteCriterion,
    VoteSource,
)
from annotation.rules import Disagreements, rules_of
from annotation.selectors import counted_votes, counted_votes_on, live_exclusions

# Comparisons' keys, as a subquery.
Keys = QuerySet[Any, Any]

GRADED = (Scale.FIVE, Scale.SEVEN)
# A draft has no votes of its own, and what is archived is over.
DECIDABLE = (StudyState.OPEN, StudyState.PAUSED, StudyState.CLOSED)

# How much of a study a page looks through before it says how many pairs wait: about a quarter of a
# second. Of a larger study it says "at least", and the search for the next pair goes through all.
LOOKED_THROUGH = 5_000
# SQLite puts no more than 500 SELECTs together.
STUDIES_AT_ONCE = 100

GRADE = Case(
    When(verdict=Verdict.A, then=Coalesce(F("margin"), Value(1))),
    When(verdict=Verdict.B, then=Value(0) - Coalesce(F("margin"), Value(1))),
    When(verdict=Verdict.TIE, then=Value(0)),
    output_field=IntegerField(),
)
# By how many each verdict was given, under these names.
GIVEN = {f"given_{verdict.value}": verdict for verdict in Verdict}


@dataclass(frozen=True, slots=True)
class Window:
    """A range of comparisons' keys, `before` not in it: a study is searched piece by piece."""

    first: int
    before: int


def is_decidable(study: Study) -> bool:
    """Whether its disagreements may be decided now."""
    return study.state in DECIDABLE


def needing_adjudication(study: Study, window: Window | None = None) -> QuerySet[Comparison]:
    """The comparisons of an opened study that need an adjudicator now. One query.

    They are complete (every slot is taken by a submitted vote) and disagreed on, by the study's
    rules; or as many people skipped them as should have answered them. Those with an adjudication
    are left out, unless a vote that counts came after it.
    """
    work = within(Comparison.objects.filter(study=study, kind=ComparisonKind.WORK), "pk", window)
    undecided = ~Exists(Adjudication.objects.filter(comparison=OuterRef("pk")))
    return work.filter(disagreed_on(study, window), undecided | voted_on_since(study))


def disagreed_on(study: Study, window: Window | None = None) -> Q:
    """Of comparisons: whether they were disagreed on, decided or not."""
    return answered_differently(study, window) | Q(pk__in=skipped_by_all(study, window))


def answered_differently(study: Study, window: Window | None = None) -> Q:
    """Of comparisons: whether their answers or flags make a disagreement, whoever skipped them."""
    rules = rules_of(study.rules).adjudication
    votes = counted_votes(study)
    if window is not None:
        few = within(Comparison.objects.filter(study=study), "pk", window)
        votes = counted_votes_on(few)
    causes = Q(pk__in=[])
    if rules.no_plurality or rules.distance is not None:
        causes |= Q(pk__in=split_on_overall(study, votes, rules))
        causes |= Q(pk__in=split_on_other_criteria(votes, rules))
    if rules.flagged:
        causes |= Q(Exists(standing_flags().filter(assignment__comparison=OuterRef("pk"))))
    return complete() & causes


def within(rows: QuerySet[Any, Any], field: str, window: Window | None) -> QuerySet[Any, Any]:
    if window is None:
        return rows
    return rows.filter(**{f"{field}__gte": window.first, f"{field}__lt": window.before})


def complete() -> Q:
    """Of comparisons: every slot is taken, and none is only held."""
    held = Assignment.objects.filter(
        comparison=OuterRef("pk"), state=AssignmentState.RESERVED, slot_no__isnull=False
    )
    return Q(~Exists(held), taken=F("overlap"))


def no_plurality() -> Q:
    """Of grouped votes: no verdict was given oftener than each other one."""
    leads = [
        reduce(Q.__and__, (Q(**{f"{name}__gt": F(other)}) for other in GIVEN if other != name))
        for name in GIVEN
    ]
    return ~reduce(or_, leads)


def disagreement_among(rules: Disagreements, graded: Q) -> Q:
    """Of grouped votes: whether they disagree; `graded` says where distance counts.

    The rules must look at one of the two, or it would hold for all.
    """
    causes = Q()
    if rules.no_plurality:
        causes |= no_plurality()
    if rules.distance is not None:
        causes |= graded & Q(highest__gte=F("lowest") + rules.distance)
    return causes


def counted_by_verdict() -> dict[str, Count]:
    return {name: Count("pk", filter=Q(verdict=verdict)) for name, verdict in GIVEN.items()}


def split_on_overall(study: Study, votes: QuerySet[Vote], rules: Disagreements) -> Keys:
    """The comparisons whose votes disagree, as a subquery."""
    graded = Criterion.objects.filter(study=study, key=Criterion.OVERALL, scale__in=GRADED)
    return (
        votes.values("comparison")
        .annotate(**counted_by_verdict(), lowest=Min(GRADE), highest=Max(GRADE))
        .filter(disagreement_among(rules, Q(Exists(graded))))
        .values("comparison")
    )


def split_on_other_criteria(votes: QuerySet[Vote], rules: Disagreements) -> Keys:
    return (
        VoteCriterion.objects.filter(vote__in=votes)
        .values("vote__comparison", "criterion", "criterion__scale")
        .annotate(**counted_by_verdict(), lowest=Min(GRADE), highest=Max(GRADE))
        .filter(disagreement_among(rules, Q(criterion__scale__in=GRADED)))
        .values("vote__comparison")
    )


def standing_flags() -> QuerySet[Flag]:
    """All flags but those of people whose vote was taken out."""
    excluded = live_exclusions().filter(assignment=OuterRef("assignment"))
    return Flag.objects.filter(~Exists(excluded))


def skipped_by_all(study: Study, window: Window | None) -> Keys:
    """Comparisons that as many people skipped as should have answered them, as a subquery."""
    skipped = Assignment.objects.filter(
        comparison__study=study, state=AssignmentState.RELEASED, pass_no=0
    ).exclude(skip_reason="")
    counted = within(skipped, "comparison", window).values("comparison", "comparison__overlap")
    by_all = counted.annotate(people=Count("annotator", distinct=True)).filter(
        people__gte=F("comparison__overlap")
    )
    keys: Keys = by_all.values("comparison")
    return keys


def voted_on_since(study: Study) -> Exists:
    """Of comparisons: a vote that counts came after their last adjudication."""
    covered = Adjudication.objects.filter(
        comparison=OuterRef("comparison"), created_at__gte=OuterRef("created_at")
    )
    return Exists(counted_votes(study).filter(~Exists(covered), comparison=OuterRef("pk")))


def rated_by(user: User) -> Q:
    """Of comparisons: the user has had them to rate, whether they answered or not."""
    lent = Assignment.objects.filter(comparison=OuterRef("pk"), annotator__user=user)
    labelled = Vote.objects.filter(
        comparison=OuterRef("pk"), annotator__user=user, source=VoteSource.IMPORTED
    )
    return Q(Exists(lent)) | Q(Exists(labelled))


def skipped_by(user: User) -> Exists:
    return Exists(
        AdjudicationCase.objects.filter(
            comparison=OuterRef("pk"), adjudicator=user, state=CaseState.SKIPPED
        )
    )


def held_by_colleague(user: User, now: object) -> Exists:
    """Of comparisons: on a colleague's desk. `now` is a moment or an expression for it."""
    return Exists(
        AdjudicationCase.objects.filter(
            comparison=OuterRef("pk"), state=CaseState.HELD, lease_expires_at__gt=now
        ).exclude(adjudicator=user)
    )


def ends_of(studies: Iterable[Study]) -> dict[int, Window]:
    """The range of keys of each study's comparisons; studies without any are left out. One query.

    Read from the ends of an index, however many there are.
    """
    keys = Comparison.objects.filter(study=OuterRef("pk")).order_by("pk").values("pk")
    rows = Study.objects.filter(pk__in=[study.pk for study in studies]).annotate(
        first=Subquery(keys[:1]), last=Subquery(keys.reverse()[:1])
    )
    return {
        pk: Window(first, last + 1)
        for pk, first, last in rows.values_list("pk", "first", "last")
        if first is not None
    }


def looked_through(user: User, study: Study, ends: Window) -> Window:
    """The part of a study that a page looks through for the user; all of a small one.

    It begins where the user's own search for the next pair does, or so that it has its full length.
    """
    length = ends.before - ends.first
    if length <= LOOKED_THROUGH:
        return ends
    start = min(start_of(user, study, ends), ends.before - LOOKED_THROUGH)
    return Window(start, start + LOOKED_THROUGH)


def start_of(user: User, study: Study, ends: Window) -> int:
    """Where the user begins to search the study, so that not all reviewers meet at one pair."""
    length = ends.before - ends.first
    return ends.first + draw(study.queue_seed, "adjudication start", user.pk) % length


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many comparisons wait for somebody's decision; at least so many unless `whole`."""

    pairs: int = 0
    whole: bool = True


def waiting_for(user: User, studies: Iterable[Study]) -> dict[int, Waiting]:
    """By study, what waits for the user's decision. Two queries for up to a hundred studies.

    Those on a colleague's desk are counted: they may come back.
    """
    open_studies = {study.pk: study for study in studies if is_decidable(study)}
    if not open_studies:
        return {}
    ends = ends_of(open_studies.values())
    looked = {pk: looked_through(user, open_studies[pk], found) for pk, found in ends.items()}
    if not looked:
        return {pk: Waiting() for pk in open_studies}
    counts = [
        needing_adjudication(open_studies[pk], window)
        .exclude(rated_by(user))
        .exclude(skipped_by(user))
        .order_by()
        .values_list("study")
        .annotate(Count("pk"))
        for pk, window in looked.items()
    ]
    found: dict[int, int] = {}
    # One condition that any of the studies meets would be held against every comparison there is.
    for start in range(0, len(counts), STUDIES_AT_ONCE):
        first, *others = counts[start : start + STUDIES_AT_ONCE]
        found |= dict(first.union(*others, all=True))
    return {pk: Waiting(found.get(pk, 0), looked.get(pk) == ends.get(pk)) for pk in open_studies}


@dataclass(frozen=True, slots=True)
class Desk:
    """What there is to decide in a study, for one adjudicator.

    Attributes
    ----------
    yours : int
        Can be taken now.
    with_colleagues : int
    not_yours : int
        Rated or skipped by themselves.
    whole : bool
        Whether all of the study was looked through; else each is "at least".
    """

    yours: int = 0
    with_colleagues: int = 0
    not_yours: int = 0
    whole: bool = True


def look_at_desk(user: User, study: Study, now: object) -> Desk:
    """Count what waits. Two queries."""
    ends = ends_of([study]).get(study.pk)
    if ends is None:
        return Desk()
    window = looked_through(user, study, ends)
    mine = ~rated_by(user) & ~Q(skipped_by(user))
    held = Q(held_by_colleague(user, now))
    found = needing_adjudication(study, window).aggregate(
        yours=Count("pk", filter=mine & ~held),
        with_colleagues=Count("pk", filter=mine & held),
        not_yours=Count("pk", filter=~mine),
    )
    return Desk(**found, whole=window == ends)
