"""From the hidden check that is handed out to the decision, by the product's own functions."""

from __future__ import annotations

import pytest

from annotation import quality, queue
from annotation.blinding import choice_of
from annotation.models import Annotator, AnnotatorState, ComparisonKind, ReviewOutcome
from annotation.selectors import counted_votes
from tests.annotation.quality.world import make_gold, make_rater
from tests.annotation.queue.world import current_id, make_queue, row_of, vote

pytestmark = pytest.mark.django_db

WRONG = {"a": "b", "b": "a"}


def answer_next(rater: Annotator, right: bool, number: int) -> ComparisonKind:
    """Rate the next pair: gold right or wrong, work now left and now right."""
    held = current_id(rater)
    row = row_of(held)
    choice = "left" if number % 2 else "right"
    if row.kind == ComparisonKind.GOLD:
        (accepted,) = (row.comparison.gold or {})["overall"]
        choice = choice_of(accepted if right else WRONG[accepted], row.swapped)
    vote(rater, held, choice)
    return ComparisonKind(row.kind)


@pytest.mark.parametrize("right", [True, False])
def test_hidden_checks_that_are_answered_wrong_pause_and_are_answered_for(right):
    study = make_queue(20, rules={"checks": {"gold_share": 0.5}, "quality": {"side_share": None}})
    for number in range(12):
        make_gold(study, "a" if number % 2 else "b", item_id=f"g{number}")
    rater = make_rater(study)
    kinds = [answer_next(rater, right, number) for number in range(20)]
    assert kinds.count(ComparisonKind.GOLD) == 10
    quality.run_rules(study)
    rater.refresh_from_db()
    if right:
        assert rater.state == AnnotatorState.ACTIVE
        return
    assert rater.state == AnnotatorState.PAUSED
    assert [row.rule for row in rater.findings.all()] == ["gold_accuracy"]
    assert queue.claim(rater).empty == queue.EmptyReason.ANNOTATOR_PAUSED
    assert counted_votes(study).count() == 10
    quality.review(rater, ReviewOutcome.REJECT, "Every known answer was wrong.")
    assert counted_votes(study).count() == 0
