"""What a new version asks of those who train, who failed, and who have not begun."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from annotation import quality, queue
from annotation.lifecycle.opening import open_study
from annotation.lifecycle.rubric import CriterionDraft
from annotation.lifecycle.versions import StudyChange, WantedChange, change_study
from annotation.models import (
    Annotator,
    AnnotatorState,
    Assignment,
    AssignmentState,
    AuditEntry,
    Comparison,
    ComparisonKind,
    ReviewOutcome,
    Study,
)
from annotation.quality import new_versions
from annotation.tasks import check_quality
from tests.annotation.quality.world import (
    actions,
    answer,
    attempt,
    make_rater,
    make_school,
    make_trainee,
    make_training,
    state_of,
)
from tests.annotation.queue.world import current_id, row_of, vote
from tests.factories import make_comparison, make_study, make_study_version

pytestmark = pytest.mark.django_db


def opened_school(pairs: int = 10, **qualification: Any) -> Study:
    """A study that was opened with training pairs whose right answer is a."""
    study = make_study(instructions="Choose.", rules={"qualification": qualification})
    for _ in range(3):
        make_comparison(study, "north", "south")
    for _ in range(pairs):
        make_training(study)
    open_study(study)
    study.refresh_from_db()
    return study


def change(study: Study, **qualification: Any) -> StudyChange:
    """A new version with these rules of qualification, as somebody asks for it."""
    return change_study(
        study, WantedChange.of("Too strict.", rules={"qualification": qualification})
    )


def test_switching_qualification_off_lets_everybody_go_on_to_work() -> None:
    study = opened_school(2, attempts=1)
    new, halfway, failed = [make_trainee(study) for _ in range(3)]
    answer(halfway, Comparison.objects.filter(study=study, kind="training").first())
    attempt(failed, 0)
    settled = change(study, required=False).training
    assert settled == quality.SettledTraining(let_on=3)
    for rater in (new, halfway, failed):
        assert state_of(rater) == AnnotatorState.ACTIVE
        assert queue.claim(rater).empty is None


def test_a_rejection_outlives_every_change_of_the_rules() -> None:
    study = opened_school(2)
    rater = make_trainee(study)
    quality.review(rater, ReviewOutcome.REJECT, "Guessed.")
    assert change(study, required=False).training == quality.SettledTraining()
    assert state_of(rater) == AnnotatorState.FAILED


def test_a_lower_mark_passes_those_whose_attempt_reaches_it() -> None:
    study = opened_school(10, pass_mark=0.7)
    good, better, bad = [make_trainee(study) for _ in range(3)]
    attempt(good, 6)
    attempt(better, 6)
    attempt(better, 5, 1)
    attempt(bad, 5)
    assert [state_of(row) for row in (good, better, bad)] == ["qualifying", "failed", "qualifying"]
    settled = change(study, pass_mark=0.6).training
    assert settled == quality.SettledTraining(let_on=2)
    assert [state_of(row) for row in (good, better, bad)] == ["active", "active", "qualifying"]
    passed = AuditEntry.objects.filter(study=study, action="qualification.passed")
    assert [entry.detail for entry in passed.order_by("seq")] == [
        {"annotator": good.pk, "attempt": 0, "right": 6, "of": 10},
        {"annotator": better.pk, "attempt": 0, "right": 6, "of": 10},
    ]


def test_a_higher_mark_takes_back_no_qualification() -> None:
    study = opened_school(10, pass_mark=0.6)
    passed = make_trainee(study)
    attempt(passed, 6)
    assert change(study, pass_mark=0.9).training == quality.SettledTraining()
    assert state_of(passed) == AnnotatorState.ACTIVE


def test_fewer_attempts_than_were_used_are_no_more_attempts() -> None:
    study = opened_school(2, attempts=3)
    first, second = make_trainee(study), make_trainee(study)
    attempt(first, 0)
    attempt(second, 0)
    attempt(second, 0, 1)
    settled = change(study, attempts=2).training
    assert settled == quality.SettledTraining(failed=1)
    assert [state_of(row) for row in (first, second)] == ["qualifying", "failed"]
    assert queue.claim(second).empty == queue.EmptyReason.QUALIFICATION_FAILED


def test_more_attempts_are_given_to_those_who_had_failed() -> None:
    study = opened_school(2, attempts=1)
    rater = make_trainee(study)
    attempt(rater, 0)
    assert change(study, attempts=2).training == quality.SettledTraining(to_train=1)
    assert state_of(rater) == AnnotatorState.QUALIFYING
    attempt(rater, 2, 1)
    assert state_of(rater) == AnnotatorState.ACTIVE


def test_switching_it_on_asks_those_who_were_handed_no_work_yet() -> None:
    study = opened_school(2, required=False)
    working, waiting = make_rater(study), make_rater(study)
    queue.claim(working)
    assert change(study).training == quality.SettledTraining(to_train=1)
    assert state_of(working) == AnnotatorState.ACTIVE
    assert state_of(waiting) == AnnotatorState.QUALIFYING


def test_who_passed_and_waits_for_work_is_not_asked_again() -> None:
    study = opened_school(2)
    rater = make_trainee(study)
    attempt(rater, 2)
    assert change(study, attempts=1).training == quality.SettledTraining()
    assert state_of(rater) == AnnotatorState.ACTIVE


def test_a_retraining_that_was_set_aside_is_asked_for_once_training_is_back() -> None:
    study = opened_school(2)
    rater = make_rater(study)
    held = queue.claim(rater).current
    assert held is not None
    quality.review(rater, ReviewOutcome.RETRAIN, "Once more.")
    assert change(study, required=False).training.let_on == 1
    queue.claim(rater)
    assert change(study).training.to_train == 1
    assert state_of(rater) == AnnotatorState.QUALIFYING
    reserved = Assignment.objects.filter(annotator=rater, state=AssignmentState.RESERVED)
    assert not reserved.exists()


def test_an_attempt_under_the_old_rubric_passes_nobody_under_the_new() -> None:
    study = make_school(10, pass_mark=0.7)
    rater = make_trainee(study)
    attempt(rater, 6)
    Study.objects.filter(pk=study.pk).update(rules={"qualification": {"pass_mark": 0.6}})
    make_study_version(study, snapshot={"rubric": [{"key": "tone"}]})
    study.refresh_from_db()
    assert quality.settle_training(study) == quality.SettledTraining()
    assert state_of(rater) == AnnotatorState.QUALIFYING


def test_a_new_rubric_sends_nobody_to_training_that_goes_with_it() -> None:
    study = opened_school(2)
    rater = make_trainee(study)
    attempt(rater, 2)
    settled = change_study(
        study,
        WantedChange.of(
            "Too strict.",
            criteria=[CriterionDraft("overall", "Which is kinder?", both_bad=True)],
            rules={"qualification": {"required": False}},
        ),
    ).training
    assert settled == quality.SettledTraining()
    assert state_of(rater) == AnnotatorState.ACTIVE


def new_rubric(study: Study) -> StudyChange:
    criteria = [CriterionDraft("overall", "Which is kinder?", both_bad=True)]
    return change_study(study, WantedChange.of("Unclear.", criteria=criteria))


def practise(rater: Annotator, pairs: int, *, right: bool = True) -> None:
    """Answer the training pairs that are handed out."""
    for _ in range(pairs):
        held = row_of(current_id(rater))
        assert held.kind == ComparisonKind.TRAINING
        vote(rater, held.public_id, "left" if right != held.swapped else "right")


def test_whoever_trains_begins_anew_under_a_new_rubric() -> None:
    study = opened_school(2, attempts=2)
    rater = make_trainee(study)
    practise(rater, 2, right=False)
    practise(rater, 1)
    assert new_rubric(study).training == quality.SettledTraining()
    assert queue.claim(rater).practice == queue.Practice(number=1, of=2, attempt=1, attempts=2)
    practise(rater, 2, right=False)
    assert queue.claim(rater).practice == queue.Practice(number=1, of=2, attempt=2, attempts=2)
    practise(rater, 2)
    assert state_of(rater) == AnnotatorState.ACTIVE
    check_quality()
    assert state_of(rater) == AnnotatorState.ACTIVE


def test_an_answer_to_a_pair_from_before_concludes_nothing() -> None:
    study = opened_school(2, attempts=1)
    rater = make_trainee(study)
    practise(rater, 1)
    held = row_of(current_id(rater))
    new_rubric(study)
    vote(rater, held.public_id, "right" if held.swapped else "left")
    assert state_of(rater) == AnnotatorState.QUALIFYING
    practise(rater, 2)
    assert state_of(rater) == AnnotatorState.ACTIVE


def test_a_review_that_retrains_ends_the_attempt_that_is_under_way() -> None:
    study = opened_school(2, attempts=1)
    rater = make_trainee(study)
    practise(rater, 1, right=False)
    quality.review(rater, ReviewOutcome.RETRAIN, "Read the guidelines first.")
    assert queue.claim(rater).practice == queue.Practice(number=1, of=2, attempt=1, attempts=1)
    practise(rater, 2)
    assert state_of(rater) == AnnotatorState.ACTIVE


def test_whoever_failed_under_an_older_rubric_is_let_in_by_a_researcher() -> None:
    study = opened_school(2, attempts=1)
    rater = make_trainee(study)
    practise(rater, 2, right=False)
    new_rubric(study)
    assert state_of(rater) == AnnotatorState.FAILED
    quality.review(rater, ReviewOutcome.RETRAIN, "Other questions now.")
    practise(rater, 2)
    assert state_of(rater) == AnnotatorState.ACTIVE


def add_training(study: Study) -> None:
    """As a file of further comparisons does, which says itself what is to be recorded."""
    make_comparison(study, "north", "south", kind=ComparisonKind.TRAINING, gold={"overall": ["a"]})


def test_further_training_pairs_give_nobody_who_failed_another_attempt() -> None:
    study = opened_school(2, attempts=1)
    failed = make_trainee(study)
    attempt(failed, 0)
    settled = change_study(study, WantedChange.of("More."), add=add_training).training
    assert settled == quality.SettledTraining()
    assert state_of(failed) == AnnotatorState.FAILED


def test_the_first_training_pairs_ask_those_who_were_handed_no_work_yet() -> None:
    study = opened_school(0)
    working, waiting = make_rater(study), make_rater(study)
    queue.claim(working)

    settled = change_study(study, WantedChange.of("Training after all."), add=add_training).training
    assert settled == quality.SettledTraining(to_train=1)
    assert [state_of(row) for row in (working, waiting)] == ["active", "qualifying"]


@pytest.mark.parametrize("state", [AnnotatorState.PAUSED, AnnotatorState.REMOVED])
def test_who_is_stopped_or_gone_is_put_in_place_when_they_come_back(state: AnnotatorState) -> None:
    study = opened_school(2)
    rater = make_rater(study, state=state)
    assert change(study, required=False).training == quality.SettledTraining()
    assert state_of(rater) == state


def test_a_crash_after_the_change_is_made_up_for_by_the_background(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study = opened_school(2)
    first, second = make_trainee(study), make_trainee(study)
    settle_one = new_versions.settle_one

    def dies_at_the_second(annotator_id: int) -> AnnotatorState | None:
        if annotator_id == second.pk:
            raise RuntimeError("killed")
        return settle_one(annotator_id)

    with monkeypatch.context() as crashing:
        crashing.setattr(new_versions, "settle_one", dies_at_the_second)
        with pytest.raises(RuntimeError, match="killed"):
            change(study, required=False)
    assert [state_of(row) for row in (first, second)] == ["active", "qualifying"]
    check_quality()
    assert [state_of(row) for row in (first, second)] == ["active", "active"]


def test_a_version_is_settled_once_and_the_log_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study = opened_school(2)
    make_trainee(study)
    change(study, required=False)
    assert actions(study)[-2:] == ["qualification.moved", "qualification.settled"]
    entry = AuditEntry.objects.filter(study=study).latest("seq")
    assert entry.detail == {"version": 2, "let_on": 1, "to_train": 0, "failed": 0}

    def asks(annotator_id: int) -> None:
        raise AssertionError(annotator_id)

    monkeypatch.setattr(new_versions, "settle_one", asks)
    assert quality.settle_training(study) == quality.SettledTraining()


def test_an_older_database_knows_from_its_reviews_who_was_sent_to_train() -> None:
    study = opened_school(2)
    sent, other = make_rater(study), make_rater(study)
    for _ in range(2):
        newest = quality.review(sent, ReviewOutcome.RETRAIN, "Once more.")
        Annotator.objects.filter(pk=sent.pk).update(state=AnnotatorState.ACTIVE)
    quality.review(other, ReviewOutcome.REJECT, "Guessed.")
    Annotator.objects.update(sent_to_train_at=None)
    migration = import_module("annotation.migrations.0003_training_and_skips_looked_at")
    migration.say_who_was_sent_to_train(apps, SimpleNamespace(connection=connection))
    sent.refresh_from_db()
    other.refresh_from_db()
    assert (sent.sent_to_train_at, other.sent_to_train_at) == (newest.created_at, None)


def test_raters_known_from_imports_are_left_alone() -> None:
    study = opened_school(2)
    rater = Annotator.objects.create(study=study)
    change(study, attempts=1)
    assert state_of(rater) == AnnotatorState.ACTIVE
