"""What was voted before: the answers of a stored vote, and an annotator's own shown again."""

from __future__ import annotations

import uuid

from django.db.models import QuerySet, Subquery

from annotation import queue
from annotation.models import (
    Annotator,
    Assignment,
    AssignmentState,
    ComparisonKind,
    Criterion,
    Vote,
)
from annotation.rules import rules_of

from .decisions import Answer, EarlierVote, Remarks


def answers_of(vote: Vote) -> dict[str, Answer]:
    """The answers as they were clicked."""
    answers = {Criterion.OVERALL: Answer(str(vote.choice), vote.margin)}
    rows = vote.criteria.order_by("pk").values_list("criterion__key", "choice", "margin")
    for key, choice, margin in rows:
        answers[key] = Answer(str(choice), margin)
    return answers


def own_votes(annotator: Annotator) -> QuerySet[Vote]:
    """The annotator's collected votes that may be looked at again, superseded ones too.

    A hidden check is shown like any other pair. Training is not: its answer was explained.
    """
    return Vote.objects.filter(annotator=annotator, assignment__isnull=False).exclude(
        assignment__kind=ComparisonKind.TRAINING
    )


def votes_in_sight(annotator: Annotator) -> QuerySet[Vote]:
    """Own votes but for those on a prompt of which the annotator has a pair to answer.

    A pair may be an earlier one again, its sides exchanged: its first answer would be beside it.
    That all answers on the prompt are out of sight tells nobody whether it is.
    """
    held = Assignment.objects.filter(annotator=annotator, state=AssignmentState.RESERVED)
    return own_votes(annotator).exclude(comparison__prompt__in=held.values("comparison__prompt"))


def is_out_of_sight(annotator: Annotator, assignment: uuid.UUID) -> bool:
    """Whether an own pair was answered and cannot be looked at before another is."""
    on_pair = own_votes(annotator).filter(assignment__public_id=assignment)
    return on_pair.exists() and earlier_votes(annotator, assignment).first() is None


def last_vote(annotator: Annotator) -> EarlierVote | None:
    """The pair that was answered last, to be shown again; its vote counts until it is revised.

    It is no earlier half of a pair that is held: others lie between the two. Returns None before
    the first vote.
    """
    first_votes = own_votes(annotator).filter(revision=0).order_by("-created_at", "-pk")
    last = own_votes(annotator).filter(assignment=Subquery(first_votes.values("assignment")[:1]))
    return shown_again(last.order_by("-revision"))


def earlier_vote(annotator: Annotator, assignment: uuid.UUID) -> EarlierVote | None:
    """The vote that stands on an own pair, with it; None if there is none of this annotator.

    None as well while it is out of sight.
    """
    return shown_again(earlier_votes(annotator, assignment))


def earlier_votes(annotator: Annotator, assignment: uuid.UUID) -> QuerySet[Vote]:
    found = votes_in_sight(annotator).filter(assignment__public_id=assignment)
    return found.order_by("-revision")


def shown_again(votes: QuerySet[Vote]) -> EarlierVote | None:
    """The first of the votes."""
    vote = votes.select_related(
        "assignment__comparison__prompt",
        "assignment__comparison__response_a",
        "assignment__comparison__response_b",
        "annotator__study",
    ).first()
    if vote is None or vote.assignment is None:
        return None
    note = vote.notes.filter(criterion__isnull=True).first()
    return EarlierVote(
        pair=queue.presented_pair(
            vote.assignment,
            with_reference=rules_of(vote.annotator.study.rules).answering.show_reference,
        ),
        answers=answers_of(vote),
        remarks=Remarks(
            rationale="" if note is None else note.rationale,
            tags=() if note is None else tuple(note.tags),
            confidence=vote.confidence,
        ),
        revision=vote.revision,
    )
