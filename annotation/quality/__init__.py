"""Quality control: whether people understood the task, and whether they still do it.

`qualification` is the round of training pairs before the first pair of work, `standing` the state
that follows from it for somebody, `new_versions` what a change of the study makes of that.
`evidence` reads the figures of annotators, `pausing` holds them against the rules in force,
`suspending` pauses by hand, `reviewing` is what a researcher decides and `finishing` does it to the
votes, `own_votes` holds those of owners out of the count, both by `excluding`. `overview` shows all
of it, and `changed` says whose figures there are to read anew.
When a rule fires is in `annotation.quality_rules`.
"""

from annotation.quality_rules.grading import is_right

from .changed import changed_since
from .evidence import skips_to_warn_of
from .finishing import finish_reviews
from .new_versions import SettledTraining, settle_one, settle_training
from .overview import AnnotatorHistory, AnnotatorQuality, Figure, Rate, history_of, overview
from .own_votes import (
    exclude_own_votes,
    fate_of_next,
    own_votes_in,
    own_votes_stand,
    ownerships,
    with_own_votes,
    with_ownership,
    words_of,
    would_leave,
)
from .pausing import run_rules
from .qualification import (
    begin_qualification,
    conclude_training,
    first_state,
    needs_training,
)
from .reviewing import ReviewRefusedError, review
from .standing import let_in_again
from .suspending import BY_HAND, pause

__all__ = [
    "BY_HAND",
    "AnnotatorHistory",
    "AnnotatorQuality",
    "Figure",
    "Rate",
    "ReviewRefusedError",
    "SettledTraining",
    "begin_qualification",
    "changed_since",
    "conclude_training",
    "exclude_own_votes",
    "fate_of_next",
    "finish_reviews",
    "first_state",
    "history_of",
    "is_right",
    "let_in_again",
    "needs_training",
    "overview",
    "own_votes_in",
    "own_votes_stand",
    "ownerships",
    "pause",
    "review",
    "run_rules",
    "settle_one",
    "settle_training",
    "skips_to_warn_of",
    "with_own_votes",
    "with_ownership",
    "words_of",
    "would_leave",
]
