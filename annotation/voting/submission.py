"""Taking a vote in: once, whole, and with the slot it belongs to."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from annotation import audit, queue
from annotation.blinding import verdict_of
from annotation.models import (
    Annotator,
    AnnotatorState,
    Assignment,
    AssignmentState,
    Criterion,
    Vote,
    VoteCriterion,
    VoteNote,
)
from annotation.voting.answers import (
    check_answers,
    check_reading,
    check_remarks,
    request_hash,
)
from annotation.voting.decisions import Answer, LastVote, Outcome, Received, Timing
from annotation.voting.faults import (
    AlreadyVoted,
    AnnotatorRemoved,
    IdempotencyMismatch,
    RevisionRefused,
    UnknownAssignment,
)

# Where a vote keeps how it was taken in, so that a replay says the same whatever came later.
RECEIVED_AS = "received_as"

FOREIGN_ASSIGNMENT = "vote.foreign_assignment"


def submit(
    annotator: Annotator,
    assignment: uuid.UUID,
    answers: Mapping[str, Answer],
    idempotency_key: uuid.UUID,
    *,
    rationale: str = "",
    tags: Sequence[str] = (),
    confidence: float | None = None,
    timing: Timing = Timing(),  # noqa: B008 - frozen
    reading: Mapping[str, Any] | None = None,
    revises: bool = False,
) -> Outcome:
    """Store a decision on an assignment, at most once however often it is sent.

    Parameters
    ----------
    annotator : Annotator
        Whose request it is.
    assignment : UUID
        The id of the presented pair.
    answers : mapping of str to Answer
        By criterion; `overall` always, the others as the rubric demands.
    idempotency_key : UUID
        Made by the client for each decision before the first send; a retry repeats it.
    rationale, tags, confidence
        What accompanies the decision.
    timing, reading
        How it was read; never part of what identifies the request.
    revises : bool
        The annotator means to replace an earlier vote on this pair.

    Returns
    -------
    Outcome
        The vote as stored; `status` is 200, 202 (surplus) or 409 (the study was over; stored).

    Raises
    ------
    InvalidAnswers, AnnotatorRemoved, UnknownAssignment, IdempotencyMismatch, AlreadyVoted,
    RevisionRefused
        Nothing was stored; see `faults`.
    """
    reading = dict(reading or {})
    check_remarks(rationale, tags, confidence)
    check_reading(reading)
    criteria = list(Criterion.objects.filter(study_id=annotator.study_id))
    check_answers(answers, criteria)
    digest = request_hash(assignment, answers, rationale, tags, confidence)
    vote = Vote(
        annotator_id=annotator.pk,
        idempotency_key=idempotency_key,
        request_hash=digest,
        confidence=confidence,
        reading=reading,
    )
    try:
        with transaction.atomic():
            locked = queue.lock_for_vote(annotator.pk, assignment)
            if locked.holder.annotator.state == AnnotatorState.REMOVED:
                raise AnnotatorRemoved("You no longer take part in this study.")
            earlier = votes_on(locked.assignment)
            for stored in earlier:
                if stored.idempotency_key == idempotency_key:
                    return replay(stored, digest)
            received = receive(locked, vote, earlier, revises)
            clamp(timing, vote, locked)
            store(vote, locked, answers, criteria, rationale, tags)
            if earlier:
                record_revision(vote, locked)
    except queue.AssignmentNotFound:
        report_foreign(annotator, assignment)
        raise UnknownAssignment("There is no such assignment.") from None
    except IntegrityError:
        # The key stands on a vote for another assignment: the database decides, not a look before.
        other = Vote.objects.filter(annotator=annotator, idempotency_key=idempotency_key).first()
        if other is None:
            raise
        return replay(other, digest)
    return Outcome(assignment, received, vote.late, vote.revision, dict(answers))


def votes_on(assignment: Assignment) -> list[Vote]:
    """The assignment's votes, newest first; a mere reservation has none and costs no query."""
    if assignment.state not in (AssignmentState.SUBMITTED, AssignmentState.LATE_SURPLUS):
        return []
    return list(assignment.votes.select_related("assignment").order_by("-revision"))


def replay(stored: Vote, digest: str) -> Outcome:
    """The stored answer again, unless the request is another one."""
    answers = answers_of(stored)
    if stored.request_hash != digest:
        raise IdempotencyMismatch("This key was used for another decision.", answers)
    assignment = stored.assignment
    if assignment is None:
        raise RuntimeError(f"Vote {stored.pk} has a key but no assignment.")
    return Outcome(
        assignment.public_id,
        Received(stored.metadata[RECEIVED_AS]),
        stored.late,
        stored.revision,
        answers,
        replayed=True,
    )


def answers_of(vote: Vote) -> dict[str, Answer]:
    """The answers as they were clicked."""
    answers = {Criterion.OVERALL: Answer(str(vote.choice), vote.margin)}
    for row in vote.criteria.select_related("criterion"):
        answers[row.criterion.key] = Answer(str(row.choice), row.margin)
    return answers


def receive(
    locked: queue.LockedAssignment, vote: Vote, earlier: Sequence[Vote], revises: bool
) -> Received:
    """Settle the assignment, or add to what is settled, and say how the vote was taken in."""
    if not earlier:
        settlement = queue.settle(locked)
        vote.late = settlement.late
        if settlement.counted:
            received = Received.COUNTED
        elif settlement.study_over:
            received = Received.STUDY_CLOSED
        else:
            received = Received.LATE_SURPLUS
    else:
        newest = earlier[0]
        if not revises:
            raise AlreadyVoted("This pair has a vote already.", answers_of(newest))
        if queue.is_over(locked.holder):
            raise RevisionRefused("The study is over; your vote stands.", answers_of(newest))
        vote.revision = newest.revision + 1
        counted = locked.assignment.state == AssignmentState.SUBMITTED
        received = Received.COUNTED if counted else Received.LATE_SURPLUS
    vote.metadata = {RECEIVED_AS: received.value}
    return received


def clamp(timing: Timing, vote: Vote, locked: queue.LockedAssignment) -> None:
    """Keep durations within 0 and the time since serving; the client's clock decides nothing."""
    served: datetime = locked.assignment.displayed_at or locked.assignment.reserved_at
    longest = max(0, int((locked.holder.now - served).total_seconds() * 1000))

    def within(value: int | None) -> int | None:
        return None if value is None else max(0, min(value, longest))

    vote.active_ms = within(timing.active_ms)
    vote.elapsed_ms = within(timing.elapsed_ms)
    vote.first_choice_ms = within(timing.first_choice_ms)
    hidden = within(timing.hidden_ms)
    if hidden is not None:
        vote.reading["hidden_ms"] = hidden


def store(
    vote: Vote,
    locked: queue.LockedAssignment,
    answers: Mapping[str, Answer],
    criteria: Sequence[Criterion],
    rationale: str,
    tags: Sequence[str],
) -> None:
    """Insert the vote, its criteria and its note."""
    swapped = locked.assignment.swapped
    overall = answers[Criterion.OVERALL]
    vote.assignment_id = locked.assignment.pk
    vote.comparison_id = locked.assignment.comparison_id
    vote.study_version_id = locked.assignment.study_version_id
    vote.swapped = swapped
    vote.choice, vote.margin = overall.choice, overall.margin
    vote.verdict = verdict_of(overall.choice, swapped)
    vote.created_at = locked.holder.now
    vote.save(force_insert=True)
    rows = [
        VoteCriterion(
            vote=vote,
            criterion=criterion,
            choice=answers[criterion.key].choice,
            margin=answers[criterion.key].margin,
            verdict=verdict_of(answers[criterion.key].choice, swapped),
            swapped=swapped,
        )
        for criterion in criteria
        if criterion.key != Criterion.OVERALL and criterion.key in answers
    ]
    if rows:
        VoteCriterion.objects.bulk_create(rows)
    if rationale or tags:
        VoteNote.objects.create(vote=vote, rationale=rationale, tags=list(tags))


def record_revision(vote: Vote, locked: queue.LockedAssignment) -> None:
    """The chain says that a vote was revised, never what it says now."""
    holder = locked.holder
    audit.record(
        holder.study,
        holder.annotator.user,
        "vote.revised",
        {"assignment": str(locked.assignment.public_id), "revision": vote.revision},
    )


def report_foreign(annotator: Annotator, assignment: uuid.UUID) -> None:
    """An id that was issued to somebody else is no accident: it goes into the log, once.

    The log keeps what it has for good, so that nobody may fill it by sending again.
    """
    if not Assignment.objects.filter(public_id=assignment).exists():
        return
    detail = {"assignment": str(assignment), "annotator": annotator.pk}
    with transaction.atomic():
        # Two requests of one person take turns: the second finds the entry of the first.
        study = queue.lock_annotator(annotator.pk).study
        logged = study.audit_entries.filter(
            action=FOREIGN_ASSIGNMENT,
            detail__assignment=detail["assignment"],
            detail__annotator=annotator.pk,
        )
        if not logged.exists():
            audit.record(study, annotator.user, FOREIGN_ASSIGNMENT, detail)


def last_vote(annotator: Annotator) -> LastVote | None:
    """The annotator's latest vote with its pair, to be shown again; it counts until it is revised.

    Returns None before the first vote.
    """
    vote = (
        Vote.objects.filter(annotator=annotator, assignment__isnull=False)
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
