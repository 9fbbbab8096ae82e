"""Votes are taken in here: submitted once, revised, shown again for undo.

`submission` does it, `answers` holds decisions against the form, which `rubrics` has from the study
version, `feedback` says how a training pair was answered, `looking_back` shows own votes again,
`faults` says why one was not stored, `decisions` has what goes in and out.
"""

from .answers import parse_answers, read_remarks
from .decisions import (
    Answer,
    EarlierVote,
    Feedback,
    Outcome,
    Received,
    Remarks,
    Timing,
    answers_as_json,
)
from .faults import (
    AlreadyVoted,
    AnnotatorRemoved,
    ChangesSuspended,
    IdempotencyMismatch,
    InvalidAnswers,
    RevisionRefused,
    StoredDecision,
    UnknownAssignment,
    VotingFault,
)
from .looking_back import earlier_vote, is_out_of_sight, last_vote, own_votes, votes_in_sight
from .submission import submit

__all__ = [
    "AlreadyVoted",
    "AnnotatorRemoved",
    "Answer",
    "ChangesSuspended",
    "EarlierVote",
    "Feedback",
    "IdempotencyMismatch",
    "InvalidAnswers",
    "Outcome",
    "Received",
    "Remarks",
    "RevisionRefused",
    "StoredDecision",
    "Timing",
    "UnknownAssignment",
    "VotingFault",
    "answers_as_json",
    "earlier_vote",
    "is_out_of_sight",
    "last_vote",
    "own_votes",
    "parse_answers",
    "read_remarks",
    "submit",
    "votes_in_sight",
]
