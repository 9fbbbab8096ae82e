"""Quality control: whether people understood the task, and whether they still do it.

`qualification` is the round of training pairs before the first pair of work. `evidence` reads the
figures of annotators, `pausing` holds them against the rules in force, `reviewing` does what a
researcher decides, `overview` shows all of it. When a rule fires is in `annotation.quality_rules`.
"""

from annotation.quality_rules.grading import is_right

from .overview import AnnotatorQuality, Rate, overview
from .pausing import run_rules
from .qualification import (
    begin_qualification,
    conclude_training,
    first_state,
    let_in_again,
    needs_training,
    requalify,
)
from .reviewing import ReviewRefusedError, finish_reviews, review

__all__ = [
    "AnnotatorQuality",
    "Rate",
    "ReviewRefusedError",
    "begin_qualification",
    "conclude_training",
    "finish_reviews",
    "first_state",
    "is_right",
    "let_in_again",
    "needs_training",
    "overview",
    "requalify",
    "review",
    "run_rules",
]
