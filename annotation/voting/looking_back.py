"""What was voted before: the answers of a stored vote, and an annotator's last one for undo."""

from __future__ import annotations

from annotation import queue
from annotation.models import Annotator, ComparisonKind, Criterion, Vote

from .decisions import Answer, LastVote


def answers_of(vote: Vote) -> dict[str, Answer]:
    """The answers as they were clicked."""
    answers = {Criterion.OVERALL: Answer(str(vote.choice), vote.margin)}
    rows = vote.criteria.order_by("pk").values_list("criterion__key", "choice", "margin")
    for key, choice, margin in rows:
        answers[key] = Answer(str(choice), margin)
    return answers


def last_vote(annotator: Annotator) -> LastVote | None:
    """The annotator's latest vote with its pair, to be shown again; it counts until it is revised.

    A hidden check is shown like any other pair. Training is not: its answer was explained. Returns
    None before the first vote.
    """
    vote = (
        Vote.objects.filter(annotator=annotator, assignment__isnull=False)
        .exclude(assignment__kind=ComparisonKind.TRAINING)
        .select_related(
            "assignment__comparison__prompt",
            "assignment__comparison__response_a",
            "assignment__comparison__response_b",
        )
        .order_by("-created_at", "-pk")
        .first()
    )
    if vote is None or vote.assignment is None:
        return None
    note = vote.notes.filter(criterion__isnull=True).first()
    return LastVote(
        pair=queue.presented_pair(vote.assignment),
        answers=answers_of(vote),
        rationale="" if note is None else note.rationale,
        revision=vote.revision,
    )
