"""Disagreements go to named reviewers, blind to systems and raters; their verdict stands apart.

`disagreements` says what one is, `routing` finds them in a study, `desk` lends one to an
adjudicator with a side of their own, `showing` says what may be seen of it, and `deciding` stores
the decision. Votes are never touched: agreement and every other figure is built from them alone.
"""

from .deciding import Decision, decide, standing_adjudications
from .desk import find_case, next_case, skip_case
from .faults import (
    AdjudicationFault,
    CaseNotFound,
    DecidedByColleague,
    RatedThemselves,
    StudyNotDecidable,
)
from .routing import (
    Waiting,
    answered_differently,
    disagreed_on,
    needing_adjudication,
    waiting_for,
)

__all__ = [
    "AdjudicationFault",
    "CaseNotFound",
    "DecidedByColleague",
    "Decision",
    "RatedThemselves",
    "StudyNotDecidable",
    "Waiting",
    "answered_differently",
    "decide",
    "disagreed_on",
    "find_case",
    "needing_adjudication",
    "next_case",
    "skip_case",
    "standing_adjudications",
    "waiting_for",
]
