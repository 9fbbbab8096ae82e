"""Quality control: whether people understood the task, and whether they still do it.

`qualification` is the round of training pairs before the first pair of work. What is looked at,
and when a rule fires, is in `annotation.quality_rules`.
"""

from annotation.quality_rules.grading import is_right

from .qualification import (
    attempts_allowed,
    begin_qualification,
    conclude_training,
    first_state,
    let_in_again,
    needs_training,
    requalify,
)

__all__ = [
    "attempts_allowed",
    "begin_qualification",
    "conclude_training",
    "first_state",
    "is_right",
    "let_in_again",
    "needs_training",
    "requalify",
]
