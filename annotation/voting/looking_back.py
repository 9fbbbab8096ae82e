"""What was voted before: the answers of a stored vote, and an annotator's own shown again."""

from __future__ import annotations

import uuid

from django.db.models import QuerySet

from annotation import queue
from annotation.models import Annotator, ComparisonKind, Criterion, Vote
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


def last_vote(annotator: Annotator) -> EarlierVote | None:
    """The annotator's latest vote with its pair, to be shown again; it counts until it is revised.

    Returns None before the first vote.
    """
    return shown_again(own_votes(annotator).order_by("-created_at", "-pk"))


def earlier_vote(annotator: Annotator, assignment: uuid.UUID) -> EarlierVote | None:
    """The vote that stands on an own pair, with it; None if there is none of this annotator."""
    found = own_votes(annotator).filter(assignment__public_id=assignment)
    return shown_again(found.order_by("-revision"))


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
