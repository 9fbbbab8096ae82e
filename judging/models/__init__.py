"""Judges, their runs, calls and attempts, what they may cost, and what they decided."""

from .judges import Endpoint, Judge, JudgeVersion
from .judgments import Judgment, JudgmentCriterion, MissingCause, result_id
from .money import JudgeTrial, StudyBudget, TrialPurpose
from .notices import PauseNotice
from .runs import (
    LIVE_RUN_STATES,
    MAX_ATTEMPTS,
    CallState,
    JudgeAttempt,
    JudgeCall,
    JudgeRun,
    Order,
    RunState,
)

__all__ = [
    "LIVE_RUN_STATES",
    "MAX_ATTEMPTS",
    "CallState",
    "Endpoint",
    "Judge",
    "JudgeAttempt",
    "JudgeCall",
    "JudgeRun",
    "JudgeTrial",
    "JudgeVersion",
    "Judgment",
    "JudgmentCriterion",
    "MissingCause",
    "Order",
    "PauseNotice",
    "RunState",
    "StudyBudget",
    "TrialPurpose",
    "result_id",
]
