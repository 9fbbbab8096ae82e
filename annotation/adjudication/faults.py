"""Why a decision was not stored. Each fault has a code and the HTTP status it means.

AdjudicationFault
├── CaseNotFound          404 unknown_case
├── DecidedByColleague    409 decided_by_colleague
├── RatedThemselves       409 rated_themselves
└── StudyNotDecidable     409 study_not_decidable

Answers that do not fit the rubric are `annotation.voting.InvalidAnswers`, as for a vote.
"""

from __future__ import annotations

from typing import ClassVar


class AdjudicationFault(Exception):
    """Nothing was stored. The message is for people."""

    code: ClassVar[str]
    status: ClassVar[int]


class CaseNotFound(AdjudicationFault):
    """Never issued, or somebody else's: the same answer."""

    code = "unknown_case"
    status = 404

    def __init__(self) -> None:
        super().__init__("There is no such pair on your desk.")


class DecidedByColleague(AdjudicationFault):
    code = "decided_by_colleague"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            "Another reviewer decided this pair before your answer arrived, and that decision "
            "stands. Yours was not stored."
        )


class RatedThemselves(AdjudicationFault):
    code = "rated_themselves"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            "You were given this pair to rate, so another reviewer decides it. Nothing was stored."
        )


class StudyNotDecidable(AdjudicationFault):
    code = "study_not_decidable"
    status = 409

    def __init__(self) -> None:
        super().__init__("This study takes no more decisions. Yours was not stored.")
