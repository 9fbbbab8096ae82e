"""The round of training pairs: who takes it, how it is graded, and what follows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from annotation import quality, queue
from annotation.lifecycle.opening import open_study
from annotation.models import (
    Annotator,
    AnnotatorState,
    AssignmentState,
    AuditEntry,
    Choice,
    Comparison,
    QualityReview,
    ReviewOutcome,
    Role,
    VoteCriterion,
)
from annotation.people import grant_role
from annotation.quality.new_versions import requalify, there_before
from annotation.quality.standing import rubric_since
from tests.annotation.quality.world import (
    actions,
    answer,
    attempt,
    make_rater,
    make_school,
    make_trainee,
    make_training,
    one_sided,
    state_of,
)
from tests.annotation.queue.world import make_queue
from tests.factories import (
    make_assignment,
    make_comparison,
    make_criterion,
    make_imported_vote,
    make_open_study,
    make_study,
    make_study_version,
    make_user,
    make_vote,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("required", "pairs", "needed"),
    [
        (None, 1, True),
        (None, 0, False),
        (True, 1, True),
        (False, 1, False),
        (True, 0, False),
    ],
)
def test_training_is_needed_as_the_rules_say_or_where_there_is_some(required, pairs, needed):
    assert quality.needs_training(make_school(pairs, required=required)) is needed


def test_enough_right_answers_pass():
    rater = make_trainee(make_school(10, pass_mark=0.7))
    attempt(rater, 7)
    assert state_of(rater) == AnnotatorState.ACTIVE
    assert actions(rater.study) == ["qualification.passed"]
    entry = AuditEntry.objects.get(study=rater.study)
    assert entry.detail == {"annotator": rater.pk, "attempt": 0, "right": 7, "of": 10}


def test_one_right_answer_less_does_not_pass_and_leaves_another_attempt():
    rater = make_trainee(make_school(10, pass_mark=0.7, attempts=2))
    attempt(rater, 6)
    assert state_of(rater) == AnnotatorState.QUALIFYING
    attempt(rater, 7, 1)
    assert state_of(rater) == AnnotatorState.ACTIVE
    assert actions(rater.study) == ["qualification.attempt_failed", "qualification.passed"]


def test_the_last_attempt_decides():
    rater = make_trainee(make_school(attempts=2))
    attempt(rater, 0)
    attempt(rater, 0, 1)
    assert state_of(rater) == AnnotatorState.FAILED
    assert actions(rater.study)[-1] == "qualification.failed"


def test_nothing_is_decided_in_the_middle_of_a_round():
    rater = make_trainee(make_school(2))
    answer(rater, Comparison.objects.filter(study=rater.study).first(), Choice.RIGHT)
    quality.conclude_training(rater.pk)
    assert state_of(rater) == AnnotatorState.QUALIFYING
    assert actions(rater.study) == []


def test_a_skipped_pair_is_answered_wrong():
    rater = make_trainee(make_school(2, pass_mark=0.6, attempts=1))
    skipped, answered = Comparison.objects.filter(study=rater.study)
    make_assignment(skipped, rater, state=AssignmentState.RELEASED)
    answer(rater, answered, Choice.LEFT)
    quality.conclude_training(rater.pk)
    assert state_of(rater) == AnnotatorState.FAILED


def test_the_first_answer_is_graded_not_the_one_given_after_the_explanation():
    rater = make_trainee(make_school(2, pass_mark=1.0))
    first, second = Comparison.objects.filter(study=rater.study)
    wrong = answer(rater, first, Choice.RIGHT)
    make_vote(first, Choice.LEFT, assignment=wrong.assignment, revision=1)
    answer(rater, second, Choice.LEFT)
    quality.conclude_training(rater.pk)
    assert state_of(rater) == AnnotatorState.QUALIFYING


def test_every_criterion_that_has_a_known_answer_must_be_right():
    study = make_school(0, pass_mark=1.0, attempts=1)
    tone = make_criterion(study, "tone")
    pair = make_training(study)
    Comparison.objects.filter(pk=pair.pk).update(gold={"overall": ["a"], "tone": ["b"]})
    for choice, state in (
        (Choice.RIGHT, AnnotatorState.ACTIVE),
        (Choice.LEFT, AnnotatorState.FAILED),
    ):
        rater = make_trainee(study)
        vote = answer(rater, pair, Choice.LEFT)
        verdict = "b" if choice == Choice.RIGHT else "a"
        VoteCriterion.objects.create(
            vote=vote, criterion=tone, choice=choice, swapped=False, verdict=verdict
        )
        quality.conclude_training(rater.pk)
        assert state_of(rater) == state


def test_an_attempt_is_graded_once():
    rater = make_trainee(make_school(2))
    attempt(rater, 0)
    quality.conclude_training(rater.pk)
    assert actions(rater.study) == ["qualification.attempt_failed"]


def test_an_old_attempt_does_not_pass_somebody_who_was_sent_back():
    rater = make_trainee(make_school(2))
    attempt(rater, 2)
    quality.review(rater, ReviewOutcome.RETRAIN, "Once more.")
    quality.conclude_training(rater.pk)
    assert state_of(rater) == AnnotatorState.QUALIFYING
    attempt(rater, 2, 1)
    assert state_of(rater) == AnnotatorState.ACTIVE


def test_retraining_gives_somebody_who_failed_another_round():
    rater = make_trainee(make_school(2, attempts=1))
    attempt(rater, 0)
    assert state_of(rater) == AnnotatorState.FAILED
    quality.review(rater, ReviewOutcome.RETRAIN, "The instructions were unclear.")
    attempt(rater, 2, 1)
    assert state_of(rater) == AnnotatorState.ACTIVE


def test_nobody_but_the_qualifying_is_moved():
    rater = make_trainee(make_school(1))
    Annotator.objects.filter(pk=rater.pk).update(state=AnnotatorState.PAUSED)
    attempt(rater, 1)
    assert state_of(rater) == AnnotatorState.PAUSED


def test_joining_a_study_with_training_pairs_begins_with_them():
    for pairs, state in ((1, AnnotatorState.QUALIFYING), (0, AnnotatorState.ACTIVE)):
        study, user = make_school(pairs), make_user()
        grant_role(study, user, Role.ANNOTATOR, None)
        assert Annotator.objects.get(study=study, user=user).state == state


def test_opening_sends_those_who_joined_before_to_the_training_pairs():
    study = make_study()
    early = make_rater(study)
    label = make_imported_vote(make_comparison(study))
    make_training(study)
    open_study(study)
    assert state_of(early) == AnnotatorState.QUALIFYING
    assert state_of(label.annotator) == AnnotatorState.ACTIVE


def test_a_new_rubric_sends_the_active_back_once():
    study = make_school(1, attempts=1)
    old, held = make_rater(study), make_rater(study, state=AnnotatorState.PAUSED)
    make_study_version(study, snapshot={"rubric": [{"key": "tone"}]})
    new = make_rater(study)
    assert requalify(study) == 1
    assert requalify(study) == 0
    assert [state_of(row) for row in (old, held, new)] == [
        AnnotatorState.QUALIFYING,
        AnnotatorState.PAUSED,
        AnnotatorState.ACTIVE,
    ]
    old.refresh_from_db()
    assert queue.attempts_allowed(old) == 1
    attempt(old, 1)
    assert state_of(old) == AnnotatorState.ACTIVE
    assert requalify(study) == 0


def test_a_new_rubric_answers_no_finding_and_leaves_the_evidence_as_it_is():
    study = make_open_study(rules={"quality": {"side_share": {"action": "flag"}}})
    make_training(study)
    rater = make_rater(study)
    one_sided(rater)
    quality.run_rules(study)
    make_study_version(study, snapshot={"rubric": [{"key": "tone"}]})
    assert requalify(study) == 1
    (row,) = quality.overview(study)
    assert [finding.rule for finding in row.findings] == ["side_share"]
    assert (row.looked_at, row.last_review) == (15, None)
    attempt(rater, 1)
    one_sided(rater, 1)
    # What was found and not answered is not found again.
    assert quality.run_rules(study) == 0
    quality.review(rater, ReviewOutcome.REJECT, "Always left.")
    assert rater.reviews.get().outcome == ReviewOutcome.REJECT


def test_a_finding_of_somebody_who_trains_again_can_be_answered():
    study = make_open_study(rules={"quality": {"side_share": {"action": "flag"}}})
    make_training(study)
    rater = make_rater(study)
    one_sided(rater)
    quality.run_rules(study)
    make_study_version(study, snapshot={"rubric": [{"key": "tone"}]})
    requalify(study)
    quality.review(rater, ReviewOutcome.RESUME, "Asked; means it.")
    assert state_of(rater) == AnnotatorState.QUALIFYING
    (row,) = quality.overview(study)
    assert row.findings == ()


def test_what_somebody_held_goes_to_the_others_when_they_train_again():
    study = make_queue(3)
    make_training(study)
    rater = make_rater(study)
    queue.claim(rater, want=3)
    make_study_version(study, snapshot={"rubric": [{"key": "tone"}]})
    requalify(study)
    assert len(queue.claim(make_rater(study), want=3).held) == 3


def test_a_new_version_with_the_same_rubric_sends_nobody_back():
    study = make_school(1)
    rater = make_rater(study)
    make_study_version(study)
    assert requalify(study) == 0
    assert state_of(rater) == AnnotatorState.ACTIVE


def test_somebody_who_was_paused_when_the_rubric_changed_trains_before_going_on():
    study = make_school(1)
    rater = make_rater(study)
    one_sided(rater)
    quality.run_rules(study)
    make_study_version(study, snapshot={"rubric": [{"key": "tone"}]})
    quality.review(rater, ReviewOutcome.RESUME, "Fine.")
    assert state_of(rater) == AnnotatorState.QUALIFYING
    outcomes = QualityReview.objects.filter(annotator=rater).order_by("pk")
    assert [row.outcome for row in outcomes] == ["resume"]
    assert "qualification.required_again" in actions(study)


def test_somebody_who_failed_and_left_does_not_come_back_by_an_invitation():
    study = make_school(1, attempts=1)
    rater = make_trainee(study)
    attempt(rater, 0)
    assert quality.let_in_again(rater) == AnnotatorState.FAILED


def test_somebody_who_worked_before_comes_back_to_work():
    study = make_school(1)
    rater = make_rater(study)
    answer(rater)
    assert quality.let_in_again(rater) == AnnotatorState.ACTIVE
    assert quality.let_in_again(make_rater(study)) == AnnotatorState.QUALIFYING


def test_somebody_sent_back_who_failed_does_not_come_back_by_an_invitation():
    rater = make_rater(make_school(1, attempts=1))
    answer(rater)
    quality.review(rater, ReviewOutcome.RETRAIN, "Once more.")
    assert quality.let_in_again(rater) == AnnotatorState.QUALIFYING
    attempt(rater, 0)
    assert quality.let_in_again(rater) == AnnotatorState.FAILED


def test_a_rejection_taken_back_leaves_a_retraining_in_force():
    rater = make_rater(make_school(1))
    answer(rater)
    for outcome in (ReviewOutcome.RETRAIN, ReviewOutcome.REJECT, ReviewOutcome.REINSTATE):
        quality.review(rater, outcome, "Decided.")
    assert state_of(rater) == AnnotatorState.QUALIFYING


def test_somebody_who_passed_after_being_sent_back_comes_back_to_work():
    rater = make_rater(make_school(1))
    answer(rater)
    quality.review(rater, ReviewOutcome.RETRAIN, "Once more.")
    attempt(rater, 1)
    assert quality.let_in_again(rater) == AnnotatorState.ACTIVE


def test_retraining_does_not_carry_unused_attempts_over():
    rater = make_trainee(make_school(1, attempts=3))
    attempt(rater, 1)
    for _ in range(2):
        quality.review(rater, ReviewOutcome.RETRAIN, "Once more.")
        Annotator.objects.filter(pk=rater.pk).update(state=AnnotatorState.ACTIVE)
    rater.refresh_from_db()
    assert queue.attempts_allowed(rater) == 4


def test_somebody_who_trained_wholly_under_the_new_rubric_is_not_sent_back():
    study = make_school(1)
    rater = make_trainee(study)
    make_study_version(study, snapshot={"rubric": [{"key": "tone"}]})
    attempt(rater, 1)
    assert requalify(study) == 0
    assert state_of(rater) == AnnotatorState.ACTIVE


def test_who_trained_under_the_new_rubric_is_not_looked_at_again_in_each_round():
    study = make_school(1)
    proved, old = make_trainee(study), make_trainee(study)
    make_study_version(study, snapshot={"rubric": [{"key": "tone"}]})
    for rater in (proved, old):
        attempt(rater, 1)
    since = rubric_since(study)
    assert since is not None
    # The other one's attempt began before.
    old.assignments.update(reserved_at=since - timedelta(minutes=1))
    Annotator.objects.filter(study=study).update(created_at=since - timedelta(hours=1))
    assert list(there_before(study, since)) == [old.pk]


def test_somebody_who_began_to_train_under_the_old_rubric_is_sent_back():
    study = make_school(2)
    rater = make_trainee(study)
    answer(rater, Comparison.objects.filter(study=study).order_by("pk").first())
    make_study_version(study, snapshot={"rubric": [{"key": "tone"}]})
    answer(rater, Comparison.objects.filter(study=study).order_by("pk").last())
    quality.conclude_training(rater.pk)
    assert requalify(study) == 1
