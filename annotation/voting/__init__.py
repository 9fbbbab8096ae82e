"""Votes are taken in here: submitted once, revised, shown again for undo.

`submission` does it, `answers` holds decisions against the rubric, `faults` says why one was not
stored, `decisions` has what goes in and out.
"""

from .answers import parse_answers
from .decisions import Answer, LastVote, Outcome, Received, Timing
from .faults import (
    AlreadyVoted,
    AnnotatorRemoved,
    IdempotencyMismatch,
    InvalidAnswers,
    RevisionRefused,
    StoredDecision,
    UnknownAssignment,
    VotingFault,
)
from .submission import last_vote, submit

__all__ = [
    "AlreadyVoted",
    "AnnotatorRemoved",
    "Answer",
    "IdempotencyMismatch",
    "InvalidAnswers",
    "LastVote",
    "Outcome",
    "Received",
    "RevisionRefused",
    "StoredDecision",
    "Timing",
    "UnknownAssignment",
    "VotingFault",
    "last_vote",
    "parse_answers",
    "submit",
]
