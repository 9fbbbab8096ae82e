"""Taking a vote in: once, whole, and with the slot it belongs to."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from annotation import audit, quality, queue
from annotation.blinding import verdict_of
from annotation.compiled import CompiledInsert
from annotation.models import (
    Annotator,
    AnnotatorState,
    Assignment,
    AssignmentState,
    ComparisonKind,
    Criterion,
    Vote,
    VoteCriterion,
    VoteNote,
)

from .answers import check_decision, check_reading, fits, read_remarks, request_hash
from .decisions import Answer, Outcome, Received, Remarks, Timing
from .faults import (
    AlreadyVoted,
    AnnotatorRemoved,
    ChangesSuspended,
    IdempotencyMismatch,
    InvalidAnswers,
    RevisionRefused,
    UnknownAssignment,
)
from .feedback import feedback_on
from .looking_back import answers_of
from .rubrics import Form, Rubric, form_of, later_forms

# Where a vote keeps how it was taken in, so that a replay says the same whatever came later.
RECEIVED_AS = "received_as"
# By which way it came, where not by the page.
VIA = "via"

FOREIGN_ASSIGNMENT = "vote.foreign_assignment"


@dataclass(slots=True)
class NewVote:
    """A vote that is being taken in: every column that a collected one fills."""

    annotator_id: int
    idempotency_key: uuid.UUID
    request_hash: str
    confidence: float | None
    reading: dict[str, Any]
    assignment_id: int | None = None
    comparison_id: int | None = None
    study_version_id: int | None = None
    revision: int = 0
    choice: str = ""
    swapped: bool = False
    verdict: str = ""
    margin: int | None = None
    late: bool = False
    active_ms: int | None = None
    elapsed_ms: int | None = None
    first_choice_ms: int | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    created_at: datetime | None = None


COLLECTED = tuple(column.name for column in fields(NewVote))
INSERT_VOTE = CompiledInsert(Vote, COLLECTED)
INSERT_FIRST_VOTE = queue.SettlingInsert(INSERT_VOTE)
INSERT_NOTE = CompiledInsert(VoteNote, ("vote_id", "rationale", "tags"))


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
    via: str = "",
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
    via : str
        How it came, where not by the page; kept in the vote's metadata.

    Returns
    -------
    Outcome
        The vote as stored; `status` is 200, 202 (surplus) or 409 (the study was over; stored).

    Raises
    ------
    InvalidAnswers, AnnotatorRemoved, UnknownAssignment, IdempotencyMismatch, AlreadyVoted,
    RevisionRefused, ChangesSuspended
        Nothing was stored; see `faults`.
    """
    reading = dict(reading or {})
    remarks = read_remarks(rationale, tags, confidence)
    check_reading(reading)
    digest = request_hash(assignment, answers, rationale, tags, confidence)
    vote = NewVote(
        annotator_id=annotator.pk,
        idempotency_key=idempotency_key,
        request_hash=digest,
        confidence=confidence,
        reading=reading,
    )
    try:
        with transaction.atomic():
            locked = queue.lock_for_vote(annotator.pk, assignment)
            if locked.annotator.state == AnnotatorState.REMOVED:
                raise AnnotatorRemoved(gettext("You no longer take part in this study."))
            earlier = votes_on(locked.assignment)
            for stored in earlier:
                if stored.idempotency_key == idempotency_key:
                    return replay(stored, digest)
            form = answered_form(answers, remarks, locked)
            received, settlement = receive(locked, vote, earlier, revises)
            if via:
                vote.metadata[VIA] = via
            clamp(timing, vote, locked)
            store(vote, locked, settlement, answers, form.questions, remarks)
            if earlier:
                record_revision(vote, locked)
            if locked.assignment.kind == ComparisonKind.TRAINING:
                quality.conclude_training(annotator.pk)
    except queue.AssignmentNotFound:
        report_foreign(annotator, assignment)
        raise UnknownAssignment(gettext("There is no such assignment.")) from None
    except IntegrityError:
        # The key stands on a vote for another assignment: the database decides, not a look before.
        other = (
            Vote.objects.filter(annotator=annotator, idempotency_key=idempotency_key)
            .select_related("assignment")
            .first()
        )
        if other is None:
            raise
        return replay(other, digest)
    feedback = feedback_on(locked.assignment, answers)
    return Outcome(assignment, received, vote.late, vote.revision, dict(answers), feedback=feedback)


def answered_form(
    answers: Mapping[str, Answer], remarks: Remarks, locked: queue.LockedAssignment
) -> Form:
    """The form that the decision fits: of the assignment's version, or of a later one.

    A page that was loaded before a new version asks what the older one asked, and one that was
    loaded after it may still hold a pair from before. Neither loses a vote; the assignment then
    is of the version that was answered.
    """
    assignment, study_id = locked.assignment, locked.study.pk
    form = form_of(assignment.study_version_id, study_id)
    try:
        check_decision(answers, remarks, form)
    except InvalidAnswers:
        for version_id, later in later_forms(assignment.study_version_id, study_id):
            if fits(answers, remarks, later):
                queue.move_to_version(locked, version_id)
                return later
        raise
    return form


def votes_on(assignment: Assignment) -> list[Vote]:
    """The assignment's votes, newest first; a mere reservation has none and costs no query."""
    if assignment.state not in (AssignmentState.SUBMITTED, AssignmentState.LATE_SURPLUS):
        return []
    votes = list(assignment.votes.order_by("-revision"))
    for vote in votes:
        vote.assignment = assignment
    return votes


def replay(stored: Vote, digest: str) -> Outcome:
    """The stored answer again, unless the request is another one."""
    answers = answers_of(stored)
    if stored.request_hash != digest:
        raise IdempotencyMismatch(gettext("This key was used for another decision."), answers)
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
        feedback=feedback_on(assignment, answers),
    )


def receive(
    locked: queue.LockedAssignment, vote: NewVote, earlier: Sequence[Vote], revises: bool
) -> tuple[Received, queue.Settlement | None]:
    """Settle the assignment, or add to what is settled, and say how the vote was taken in."""
    settlement = None
    if not earlier:
        settlement = queue.settle(locked)
        vote.late = settlement.late
        if settlement.accepted:
            received = Received.COUNTED
        elif settlement.study_over:
            received = Received.STUDY_CLOSED
        else:
            received = Received.LATE_SURPLUS
    else:
        newest = earlier[0]
        # Whoever revises a training pair has seen its explanation.
        if not revises or locked.assignment.kind == ComparisonKind.TRAINING:
            raise AlreadyVoted(gettext("This pair has a vote already."), answers_of(newest))
        if queue.is_over(locked):
            raise RevisionRefused(
                gettext("The study is over; your vote stands."), answers_of(newest)
            )
        # Nobody repairs during a review what it is about.
        if locked.annotator.state != AnnotatorState.ACTIVE:
            raise ChangesSuspended(
                gettext("You cannot change answers now; your earlier answer stands."),
                answers_of(newest),
            )
        vote.revision = newest.revision + 1
        counted = locked.assignment.state == AssignmentState.SUBMITTED
        received = Received.COUNTED if counted else Received.LATE_SURPLUS
    vote.metadata = {RECEIVED_AS: received.value}
    return received, settlement


def clamp(timing: Timing, vote: NewVote, locked: queue.LockedAssignment) -> None:
    """Keep durations within 0 and the time since serving; the client's clock decides nothing."""
    served: datetime = locked.assignment.displayed_at or locked.assignment.reserved_at
    longest = max(0, int((locked.now - served).total_seconds() * 1000))

    def within(value: int | None) -> int | None:
        return None if value is None else max(0, min(value, longest))

    vote.active_ms = within(timing.active_ms)
    vote.elapsed_ms = within(timing.elapsed_ms)
    vote.first_choice_ms = within(timing.first_choice_ms)
    hidden = within(timing.hidden_ms)
    if hidden is not None:
        vote.reading["hidden_ms"] = hidden


def store(
    vote: NewVote,
    locked: queue.LockedAssignment,
    settlement: queue.Settlement | None,
    answers: Mapping[str, Answer],
    rubric: Rubric,
    remarks: Remarks,
) -> None:
    """Insert the vote, with its settlement if it is the first, its criteria and its note."""
    swapped = locked.assignment.swapped
    overall = answers[Criterion.OVERALL]
    vote.assignment_id = locked.assignment.pk
    vote.comparison_id = locked.assignment.comparison_id
    vote.study_version_id = locked.assignment.study_version_id
    vote.swapped = swapped
    vote.choice, vote.margin = overall.choice, overall.margin
    vote.verdict = verdict_of(overall.choice, swapped)
    vote.created_at = locked.now
    columns = {column: getattr(vote, column) for column in COLLECTED}
    if settlement is None:
        pk = INSERT_VOTE.run(**columns)
    else:
        pk = INSERT_FIRST_VOTE.run(settlement, **columns)
    rows = [
        VoteCriterion(
            vote_id=pk,
            criterion_id=question.criterion_id,
            choice=answers[question.key].choice,
            margin=answers[question.key].margin,
            verdict=verdict_of(answers[question.key].choice, swapped),
            swapped=swapped,
        )
        for question in rubric
        if question.key != Criterion.OVERALL and question.key in answers
    ]
    if rows:
        VoteCriterion.objects.bulk_create(rows)
    if remarks.rationale or remarks.tags:
        INSERT_NOTE.run(vote_id=pk, rationale=remarks.rationale, tags=list(remarks.tags))


def record_revision(vote: NewVote, locked: queue.LockedAssignment) -> None:
    """The chain says that a vote was revised, never what it says now."""
    audit.record(
        locked.study,
        locked.annotator.user,
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
