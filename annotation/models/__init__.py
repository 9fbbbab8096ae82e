"""Tables and constraints, nothing else."""

from .adjudication_cases import AdjudicationCase, CaseState
from .assignments import Assignment, AssignmentState, SkipReason
from .audit import AuditChain, AuditEntry
from .comparisons import Cell, Comparison, ComparisonKind
from .content import ImportFile, ImportKind, Prompt, Response, System
from .desk import CrowdArrival, Draft, KeyMap, Message
from .jobs import JobKind, JobState, StudyJob
from .people import (
    GOING_ON,
    LONGEST_TEAM,
    Annotator,
    AnnotatorState,
    EarlierLink,
    Invitation,
    InvitationPurpose,
    MailState,
    Membership,
    Role,
    User,
    random_external_id,
)
from .quality import ON_VOTES, FindingAction, QualityFinding, QualityReview, ReviewOutcome
from .sessions import Session
from .studies import (
    SLUG_PATTERN,
    Criterion,
    ResultsPolicy,
    Scale,
    Stopping,
    Study,
    StudyState,
    StudyVersion,
)
from .tokens import ApiToken, RememberedAnswer
from .uploads import Upload, UploadState
from .votes import (
    Adjudication,
    Choice,
    Exclusion,
    Flag,
    Side,
    Verdict,
    Vote,
    VoteCriterion,
    VoteNote,
    VoteSource,
)

__all__ = [
    "GOING_ON",
    "LONGEST_TEAM",
    "ON_VOTES",
    "SLUG_PATTERN",
    "Adjudication",
    "AdjudicationCase",
    "Annotator",
    "AnnotatorState",
    "ApiToken",
    "Assignment",
    "AssignmentState",
    "AuditChain",
    "AuditEntry",
    "CaseState",
    "Cell",
    "Choice",
    "Comparison",
    "ComparisonKind",
    "Criterion",
    "CrowdArrival",
    "Draft",
    "EarlierLink",
    "Exclusion",
    "FindingAction",
    "Flag",
    "ImportFile",
    "ImportKind",
    "Invitation",
    "InvitationPurpose",
    "JobKind",
    "JobState",
    "KeyMap",
    "MailState",
    "Membership",
    "Message",
    "Prompt",
    "QualityFinding",
    "QualityReview",
    "RememberedAnswer",
    "Response",
    "ResultsPolicy",
    "ReviewOutcome",
    "Role",
    "Scale",
    "Session",
    "Side",
    "SkipReason",
    "Stopping",
    "Study",
    "StudyJob",
    "StudyState",
    "StudyVersion",
    "System",
    "Upload",
    "UploadState",
    "User",
    "Verdict",
    "Vote",
    "VoteCriterion",
    "VoteNote",
    "VoteSource",
    "random_external_id",
]
