"""The tables of what it all means: results, wishes for them, and what a judge was validated by."""

from .analyses import LIVE, AnalysisRequest, AnalysisRun, RequestProblem, RequestState
from .anchors import RatingAnchor
from .validations import Expertise, JudgeValidation, Revalidation, ValidityRule

__all__ = [
    "LIVE",
    "AnalysisRequest",
    "AnalysisRun",
    "Expertise",
    "JudgeValidation",
    "RatingAnchor",
    "RequestProblem",
    "RequestState",
    "Revalidation",
    "ValidityRule",
]
