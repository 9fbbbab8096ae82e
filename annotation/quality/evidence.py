"""The figures of annotators, read from the tables: their latest answers since the last review.

An answer is what somebody said before they answered another pair: the first vote on it, or an undo
of that at once. What is changed later may count in a result, but repairs no check.

Only so many answers are looked at that memory is bounded for anybody, and that somebody who stops
trying after a thousand good answers is noticed. Training is left out, and so is what was answered
before a review: the review has dealt with it. Nothing here tells one system from another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import (
    Case,
    CharField,
    Count,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    When,
    Window,
)
from django.db.models.functions import Length, RowNumber

from annotation.models import (
    Annotator,
    Assignment,
    AssignmentState,
    Choice,
    ComparisonKind,
    Criterion,
    QualityReview,
    Study,
    Verdict,
    Vote,
    VoteCriterion,
    VoteSource,
)
from annotation.quality_rules.concord import concords
from annotation.quality_rules.figures import Concord, Dwell, Evidence, Share
from annotation.quality_rules.firing import nears_too_many_skips
from annotation.quality_rules.grading import is_right
from annotation.rule_conflicts import ANSWERS, PAIRS
from annotation.rules import rules_of
from annotation.selectors import counted_votes

# Annotators whose figures are in memory together: at most so many times as many answers.
AT_ONCE = 50

# Work that was handed out and is over.
FINISHED = (AssignmentState.SUBMITTED, AssignmentState.LATE_SURPLUS, AssignmentState.RELEASED)


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """One current answer, as the figures need it."""

    vote: int
    annotator: int
    comparison: int
    kind: str
    pass_no: int
    choice: str | None
    verdict: str
    revised: bool
    active_ms: int | None
    gold: Mapping[str, Sequence[str]] | None
    first_verdict: str | None


def evidence_of(
    study: Study, annotator_ids: Iterable[int], *, dwells: int
) -> Iterator[tuple[int, Evidence]]:
    """Yield the evidence of each of the annotators, in any order.

    Parameters
    ----------
    study : Study
    annotator_ids : iterable of int
        Annotators of the study.
    dwells : int
        How many of the latest answers the texts' lengths are wanted of. 0 leaves all texts unread.

    Notes
    -----
    Six queries at most for every fifty annotators, however much these have answered.
    """
    ids = sorted(set(annotator_ids))
    for start in range(0, len(ids), AT_ONCE):
        yield from evidence_together(study, ids[start : start + AT_ONCE], dwells)


def evidence_together(
    study: Study, ids: Sequence[int], dwells: int
) -> Iterator[tuple[int, Evidence]]:
    answers: dict[int, list[GivenAnswer]] = {pk: [] for pk in ids}
    for answer in latest_answers(ids):
        answers[answer.annotator].append(answer)
    further = further_verdicts(ids)
    characters = lengths(ids, min(dwells, ANSWERS))
    skips = skips_of(ids)
    met = concords_of(study, ids, answers)
    for pk, given in answers.items():
        yield pk, figures(given, further, characters, skips.get(pk, Share()), met[pk])


def figures(
    given: Sequence[GivenAnswer],
    further: Mapping[int, Mapping[str, str]],
    characters: Mapping[int, int],
    skips: Share,
    concord: Concord,
) -> Evidence:
    """The evidence of one annotator's answers, newest first."""
    gold = [
        is_right(row.gold or {}, {Criterion.OVERALL: row.verdict, **further.get(row.vote, {})})
        for row in given
        if row.kind == ComparisonKind.GOLD
    ]
    repeats = [row.verdict == row.first_verdict for row in given if row.first_verdict is not None]
    identical = [
        row.verdict == Verdict.TIE for row in given if row.kind == ComparisonKind.IDENTICAL
    ]
    sides = [
        row.choice == Choice.LEFT for row in given if row.choice in (Choice.LEFT, Choice.RIGHT)
    ]
    # A revision is timed from its own showing and says nothing of the first reading.
    timed = [
        (row.vote, row.active_ms) for row in given if row.active_ms is not None and not row.revised
    ]
    return Evidence(
        answers=len(given),
        gold=share(gold),
        repeats=share(repeats),
        identical=share(identical),
        left=share(sides),
        paces=tuple(pace for _, pace in timed),
        dwells=tuple(Dwell(pace, characters[vote]) for vote, pace in timed if vote in characters),
        run=Share(longest_run([row.choice for row in given]), len(given)),
        skips=skips,
        concord=concord,
    )


def share(values: Sequence[bool]) -> Share:
    return Share(sum(values), len(values))


def longest_run(choices: Sequence[str | None]) -> int:
    longest = length = 0
    before = None
    for choice in choices:
        length = length + 1 if choice == before else 1
        longest, before = max(longest, length), choice
    return longest


def latest(rows: QuerySet[Any], limit: int) -> QuerySet[Any, Any]:
    """The keys of each annotator's newest rows, at most `limit` each."""
    place = Window(RowNumber(), partition_by=F("annotator"), order_by=F("pk").desc())
    keys: QuerySet[Any, Any] = rows.annotate(place=place).filter(place__lte=limit).values("pk")
    return keys


def answers_since_review(ids: Sequence[int]) -> QuerySet[Vote]:
    """The annotators' collected answers, without training and what was reviewed.

    An answer is as old as its first vote: changing it takes it out of no review.
    """
    return (
        judged_votes()
        .filter(
            ~Exists(reviews_since("first_at")),
            annotator__in=ids,
            source=VoteSource.COLLECTED,
        )
        .exclude(assignment__kind=ComparisonKind.TRAINING)
    )


def judged_votes() -> QuerySet[Vote]:
    """One vote of each assignment: the last before its annotator answered another pair.

    `first_at` is when the assignment was answered first.
    """
    # Votes of one annotator are stored one after the other, so that their keys are in order.
    others = Vote.objects.filter(
        annotator=OuterRef("annotator"),
        revision=0,
        pk__gt=OuterRef("first_key"),
        pk__lt=OuterRef("pk"),
    )
    timely = Vote.objects.annotate(
        first_key=of_first_vote("pk"), first_at=of_first_vote("created_at")
    ).filter(Q(revision=0) | ~Exists(others))
    later = timely.filter(assignment=OuterRef("assignment"), revision__gt=OuterRef("revision"))
    return timely.filter(~Exists(later))


def of_first_vote(column: str) -> Case:
    """A column of the first vote of the row's assignment; most rows are that vote."""
    first = Vote.objects.filter(assignment=OuterRef("assignment"), revision=0)
    return Case(When(revision=0, then=F(column)), default=Subquery(first.values(column)[:1]))


def reviews_since(moment: str) -> QuerySet[QualityReview]:
    """Reviews of the row's annotator that came after it."""
    return QualityReview.objects.filter(
        annotator=OuterRef("annotator"), created_at__gte=OuterRef(moment)
    )


def latest_answers(ids: Sequence[int]) -> Iterator[GivenAnswer]:
    """The annotators' latest answers, newest first."""
    first = (
        judged_votes()
        .filter(
            comparison=OuterRef("comparison"),
            annotator=OuterRef("annotator"),
            assignment__pass_no=0,
        )
        .order_by("-revision")
        .values("verdict")
    )
    rows = (
        Vote.objects.filter(pk__in=latest(answers_since_review(ids), ANSWERS))
        .annotate(
            first=Case(
                When(
                    assignment__pass_no__gt=0,
                    assignment__kind=ComparisonKind.WORK,
                    then=Subquery(first[:1]),
                ),
                default=None,
                output_field=CharField(null=True),
            )
        )
        .order_by("-pk")
    )
    columns = rows.values_list(
        "pk",
        "annotator",
        "comparison",
        "assignment__kind",
        "assignment__pass_no",
        "choice",
        "verdict",
        "revision",
        "active_ms",
        "comparison__gold",
        "first",
    )
    for pk, annotator, comparison, kind, pass_no, choice, verdict, revision, *rest in columns:
        yield GivenAnswer(
            pk, annotator, comparison, kind, pass_no, choice, verdict, revision > 0, *rest
        )


def further_verdicts(ids: Sequence[int]) -> Mapping[int, Mapping[str, str]]:
    """Verdicts on further criteria of gold, by vote and criterion."""
    gold = latest(answers_since_review(ids), ANSWERS)
    rows = VoteCriterion.objects.filter(
        vote__in=gold, vote__assignment__kind=ComparisonKind.GOLD
    ).values_list("vote", "criterion__key", "verdict")
    found: dict[int, dict[str, str]] = defaultdict(dict)
    for vote, key, verdict in rows:
        found[vote][key] = verdict
    return found


def lengths(ids: Sequence[int], limit: int) -> dict[int, int]:
    """Characters of the two responses of the latest answers, by vote."""
    if limit == 0:
        return {}
    rows = Vote.objects.filter(pk__in=latest(answers_since_review(ids), limit))
    return dict(
        rows.annotate(
            characters=Length("comparison__response_a__text")
            + Length("comparison__response_b__text")
        ).values_list("pk", "characters")
    )


def skips_to_warn_of(annotator: Annotator) -> Share | None:
    """What the annotator skipped lately, if that comes near to what the skips rule fires on.

    People hear of it before a researcher does. One query, or none where there is no such rule.
    """
    rule = rules_of(annotator.study.rules).quality.skips
    if rule is None:
        return None
    skips = skips_of([annotator.pk]).get(annotator.pk, Share())
    return skips if nears_too_many_skips(rule, skips) else None


def skips_of(ids: Sequence[int]) -> dict[int, Share]:
    """What was skipped, of the latest pairs that were answered or skipped."""
    over = Assignment.objects.filter(
        ~Exists(reviews_since("reserved_at")), annotator__in=ids, state__in=FINISHED
    ).exclude(kind=ComparisonKind.TRAINING)
    rows = (
        Assignment.objects.filter(pk__in=latest(over, ANSWERS))
        .order_by()
        .values_list("annotator")
        .annotate(
            skipped=Count("pk", filter=Q(state=AssignmentState.RELEASED)), finished=Count("pk")
        )
    )
    return {annotator: Share(skipped, finished) for annotator, skipped, finished in rows}


def concords_of(
    study: Study, ids: Sequence[int], answers: Mapping[int, Sequence[GivenAnswer]]
) -> dict[int, Concord]:
    """How the annotators' latest verdicts on work go with those of everybody else."""
    looked_at = {
        pk: [
            row.comparison
            for row in answers[pk]
            if row.kind == ComparisonKind.WORK and row.pass_no == 0
        ][:PAIRS]
        for pk in ids
    }
    pairs = {comparison for found in looked_at.values() for comparison in found}
    votes: dict[int, dict[int, str]] = defaultdict(dict)
    rows = counted_votes(study).filter(comparison__in=pairs)
    for comparison, annotator, verdict in rows.values_list("comparison", "annotator", "verdict"):
        votes[comparison][annotator] = verdict
    return concords(votes, looked_at)
