"""Pausing somebody by hand: a finding with a reason, answered by a review like any other."""

from __future__ import annotations

import pytest

from annotation import quality
from annotation.models import (
    AnnotatorState,
    Assignment,
    AssignmentState,
    Exclusion,
    QualityFinding,
    ReviewOutcome,
    Role,
)
from annotation.quality import BY_HAND, ReviewRefusedError
from tests.annotation.quality.world import actions, answer, make_rater, state_of
from tests.factories import (
    make_annotator,
    make_assignment,
    make_comparison,
    make_membership,
    make_open_study,
    make_study,
)

pytestmark = pytest.mark.django_db


def test_a_paused_annotator_gets_nothing_and_holds_nothing() -> None:
    study = make_open_study()
    rater = make_rater(study)
    answer(rater)
    make_assignment(make_comparison(study), rater)
    owner = make_membership(study, Role.OWNER).user
    finding = quality.pause(rater, "  Answers in two seconds.  ", owner)
    assert state_of(rater) == AnnotatorState.PAUSED
    assert not Assignment.objects.filter(annotator=rater, state=AssignmentState.RESERVED).exists()
    assert (finding.rule, finding.n) == (BY_HAND, 1)
    assert finding.detail == {"reason": "Answers in two seconds."}
    assert actions(study) == ["quality.paused"]
    assert [row.rule for row in quality.overview(study)[0].findings] == [BY_HAND]


def test_a_review_answers_it_and_it_names_no_rule_behind_an_exclusion() -> None:
    study = make_open_study()
    rater = make_rater(study)
    answer(rater)
    quality.pause(rater, "Looks odd.")
    decision = quality.review(rater, ReviewOutcome.REJECT, "It was.")
    assert not decision.post_hoc
    assert Exclusion.objects.get().rule == ""
    assert quality.overview(study)[0].findings == ()


def test_whoever_was_paused_by_hand_can_go_on() -> None:
    study = make_open_study()
    rater = make_rater(study)
    quality.pause(rater, "Looks odd.")
    quality.review(rater, ReviewOutcome.RESUME, "It was fine.")
    assert state_of(rater) == AnnotatorState.ACTIVE


@pytest.mark.parametrize("role", [Role.MONITOR, Role.ADJUDICATOR, Role.ANNOTATOR])
def test_others_pause_nobody(role: Role) -> None:
    study = make_open_study()
    rater = make_rater(study)
    other = make_membership(study, role).user
    with pytest.raises(ReviewRefusedError, match="Only an owner or a researcher"):
        quality.pause(rater, "No.", other)
    assert state_of(rater) == AnnotatorState.ACTIVE


def test_what_cannot_be_paused_says_why() -> None:
    study = make_open_study()
    gone = make_rater(study, state=AnnotatorState.REMOVED)
    with pytest.raises(ReviewRefusedError, match="is removed and gets no pairs"):
        quality.pause(gone, "Why not.")
    with pytest.raises(ReviewRefusedError, match="needs a reason"):
        quality.pause(make_rater(study), "   ")
    with pytest.raises(ReviewRefusedError, match="never opened"):
        quality.pause(make_annotator(make_study()), "Why not.")
    assert not QualityFinding.objects.exists()


def test_the_history_has_what_was_answered_and_what_was_not() -> None:
    study = make_open_study()
    rater = make_rater(study)
    answer(rater)
    quality.pause(rater, "First.")
    quality.review(rater, ReviewOutcome.RESUME, "Fine.")
    quality.pause(rater, "Second.")
    history = quality.history_of(study, rater.pk)
    assert history is not None
    reasons = [finding.detail["reason"] for finding in history.findings]
    assert reasons == ["Second.", "First."]
    assert [finding.detail["reason"] for finding in history.quality.findings] == ["Second."]
    assert [review.outcome for review in history.reviews] == [ReviewOutcome.RESUME]
    assert history.quality.counted == 1
    assert history.quality.last_seen is not None
    assert quality.history_of(make_open_study(), rater.pk) is None


def test_one_annotator_is_told_of_as_in_the_overview() -> None:
    study = make_open_study()
    rater = make_rater(study)
    for _ in range(3):
        answer(rater, active_ms=4000)
    history = quality.history_of(study, rater.pk)
    assert history is not None
    assert history.quality == quality.overview(study)[0]
