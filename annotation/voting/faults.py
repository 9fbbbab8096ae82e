"""Why a vote was not stored. Each fault has a code for the wire and the HTTP status it means.

VotingFault
├── InvalidAnswers        400 invalid_answers
├── AnnotatorRemoved      403 annotator_removed
├── UnknownAssignment     404 unknown_assignment
├── IdempotencyMismatch   409 idempotency_mismatch
├── AlreadyVoted          409 already_voted
├── RevisionRefused       409 study_closed
└── ChangesSuspended      409 changes_suspended
"""

from __future__ import annotations

from typing import ClassVar

from .decisions import Answer


class VotingFault(Exception):
    """A vote that was not stored."""

    code: ClassVar[str]
    status: ClassVar[int]


class InvalidAnswers(VotingFault):
    """The request does not fit the rubric or cannot be read; the message says where."""

    code = "invalid_answers"
    status = 400

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        # A criterion's key or the name of the argument.
        self.field = field


class AnnotatorRemoved(VotingFault):
    code = "annotator_removed"
    status = 403


class UnknownAssignment(VotingFault):
    """Never issued, or somebody else's: the same answer."""

    code = "unknown_assignment"
    status = 404


class StoredDecision(VotingFault):
    """A decision stands already; `stored` are its answers as they were clicked."""

    def __init__(self, message: str, stored: dict[str, Answer]) -> None:
        super().__init__(message)
        self.stored = stored


class IdempotencyMismatch(StoredDecision):
    """The key was used for another decision; nothing was changed."""

    code = "idempotency_mismatch"
    status = 409


class AlreadyVoted(StoredDecision):
    """A new key for a pair that has a vote, without saying that it revises."""

    code = "already_voted"
    status = 409


class RevisionRefused(StoredDecision):
    """The study is over; the earlier vote stands."""

    code = "study_closed"
    status = 409


class ChangesSuspended(StoredDecision):
    """The annotator does not rate now: under review, or in training; the earlier vote stands."""

    code = "changes_suspended"
    status = 409
