"""How somebody's work ends, and with which code of a recruitment platform they go back."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from annotation.models import AnnotatorState
from annotation.page_rules import CODE_PLACE, Crowd
from annotation.queue import Claim, EmptyReason

# Nothing is left for this person: done, if they answered anything, and otherwise too late.
OVER = frozenset({EmptyReason.FINISHED, EmptyReason.MAXIMUM_REACHED, EmptyReason.STUDY_CLOSED})
# Whether these have earned anything is for the people who run the study to say.
UNDECIDED = frozenset({AnnotatorState.PAUSED, AnnotatorState.REMOVED})


@dataclass(frozen=True, slots=True)
class Ending:
    """A code, and where to take it; the address may be empty."""

    code: str
    url: str


def ending_of(claim: Claim, crowd: Crowd) -> Ending | None:
    """The code that was earned; None while there is work, or where the study has no such code.

    Others may give back what they hold, and a pause may end: neither is an end, but a person of a
    platform cannot wait for hours, so who did nothing gets the code of no work. Who is under review
    has earned nothing yet, and who failed was screened out, even if the study has closed meanwhile.
    """
    code = ""
    if claim.empty is None or claim.annotator_state in UNDECIDED:
        return None
    if claim.annotator_state == AnnotatorState.FAILED:
        code = crowd.screened_out_code
    elif claim.empty in OVER:
        code = crowd.completed_code if claim.progress.voted else crowd.no_work_code
    elif claim.empty == EmptyReason.HELD_BY_OTHERS and not claim.progress.voted:
        code = crowd.no_work_code
    if not code:
        return None
    return Ending(code, crowd.return_url.replace(CODE_PLACE, quote(code, safe="")))
