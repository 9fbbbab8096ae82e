"""What an annotator learns from a training pair once it is answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from annotation import quality
from annotation.blinding import choice_of, verdict_of
from annotation.models import Assignment, Comparison, ComparisonKind

from .decisions import Answer, Feedback


def feedback_on(assignment: Assignment, answers: Mapping[str, Answer]) -> Feedback | None:
    """Whether the answers are right, on a training pair; None on work and on hidden checks.

    It follows from what is frozen and from the answers alone, so a repeated request gets the same.
    """
    if assignment.kind != ComparisonKind.TRAINING:
        return None
    gold, explanation = Comparison.objects.values_list("gold", "explanation").get(
        pk=assignment.comparison_id
    )
    right: Mapping[str, Sequence[str]] = gold or {}
    verdicts = {
        key: verdict_of(answer.choice, assignment.swapped) for key, answer in answers.items()
    }
    return Feedback(
        correct=quality.is_right(right, verdicts),
        accepted={
            criterion: tuple(choice_of(verdict, assignment.swapped) for verdict in accepted)
            for criterion, accepted in right.items()
        },
        explanation=explanation,
    )
