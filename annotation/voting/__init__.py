"""Votes are taken in here: submitted once, revised, shown again for undo.

`submission` does it, `answers` holds decisions against the rubric, which `rubrics` has from the
study version, `feedback` says how a training pair was answered, `looking_back` shows the last vote,
`faults` says why one was not stored, `decisions` has what goes in and out.
"""

from .answers import parse_answers
from .decisions import Answer, Feedback, LastVote, Outcome, Received, Timing
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
from .looking_back import last_vote
from .submission import submit

__all__ = [
    "AlreadyVoted",
    "AnnotatorRemoved",
    "Answer",
    "Feedback",
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
