"""What a researcher decides about an annotator, and what becomes of the votes."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from annotation import quality, queue
from annotation.models import (
    Annotator,
    AnnotatorState,
    Assignment,
    AssignmentState,
    AuditEntry,
    Choice,
    Comparison,
    Exclusion,
    Flag,
    ResultsPolicy,
    ReviewOutcome,
    Role,
    Study,
    StudyState,
    Vote,
)
from annotation.quality import excluding, finishing
from annotation.selectors import counted_votes
from annotation.tasks import check_quality
from tests.annotation.quality.world import (
    answer,
    make_gold,
    make_rater,
    make_training,
    one_sided,
    state_of,
)
from tests.annotation.queue.world import assert_counters_hold, current_id, make_queue, vote
from tests.factories import (
    make_annotator,
    make_assignment,
    make_comparison,
    make_imported_vote,
    make_membership,
    make_open_study,
    make_study,
    make_study_version,
    make_vote,
)

pytestmark = pytest.mark.django_db


def paused(study: Study | None = None) -> Annotator:
    """An annotator whom the rules have paused."""
    rater = make_rater(study or make_open_study())
    one_sided(rater)
    quality.run_rules(rater.study)
    assert state_of(rater) == AnnotatorState.PAUSED
    return rater


def rate_all(study: Study, rater: Annotator, choice: str = "left") -> None:
    for _ in range(Comparison.objects.filter(study=study).count()):
        vote(rater, current_id(rater), choice)


def test_resuming_lets_an_annotator_go_on_from_a_clean_slate():
    rater = paused()
    decision = quality.review(rater, ReviewOutcome.RESUME, "It was a one-sided batch.")
    assert state_of(rater) == AnnotatorState.ACTIVE
    assert decision.reason == "It was a one-sided batch."
    one_sided(rater, 1)
    assert quality.run_rules(rater.study) == 0


def test_resuming_answers_the_findings_of_somebody_who_was_only_flagged():
    study = make_open_study(rules={"quality": {"side_share": {"action": "flag"}}})
    rater = make_rater(study)
    one_sided(rater)
    quality.run_rules(study)
    quality.review(rater, ReviewOutcome.RESUME, "Fine.")
    (row,) = quality.overview(study)
    assert row.findings == ()


def test_there_is_nothing_to_resume_where_nothing_was_found():
    rater = make_rater(make_open_study())
    with pytest.raises(quality.ReviewRefusedError, match="nothing to resume"):
        quality.review(rater, ReviewOutcome.RESUME, "Why not?")


def test_retraining_sends_back_to_the_training_pairs_with_attempts_anew():
    rater = paused()
    make_training(rater.study)
    before = queue.attempts_allowed(rater)
    quality.review(rater, ReviewOutcome.RETRAIN, "Explain ties once more.")
    assert state_of(rater) == AnnotatorState.QUALIFYING
    assert queue.attempts_allowed(rater) == before


def test_retraining_needs_training_pairs():
    rater = paused()
    with pytest.raises(quality.ReviewRefusedError, match="no training pairs"):
        quality.review(rater, ReviewOutcome.RETRAIN, "Explain ties once more.")
    assert state_of(rater) == AnnotatorState.PAUSED


def test_a_rejection_excludes_the_votes_and_opens_their_places_for_others():
    study = make_queue(4)
    rater, other = make_rater(study), make_rater(study)
    rate_all(study, rater)
    assert counted_votes(study).count() == 4
    assert queue.claim(other).empty == queue.EmptyReason.FINISHED
    quality.review(rater, ReviewOutcome.REJECT, "Clicked at random.")
    assert state_of(rater) == AnnotatorState.FAILED
    assert counted_votes(study).count() == 0
    assert Vote.objects.filter(annotator=rater).count() == 4
    rate_all(study, other)
    assert counted_votes(study).count() == 4
    assert_counters_hold_with_exclusions(study)


def assert_counters_hold_with_exclusions(study: Study) -> None:
    for comparison in Comparison.objects.filter(study=study):
        held = comparison.assignments.filter(slot_no__isnull=False).count()
        assert comparison.taken == held <= comparison.overlap


def test_reinstating_puts_votes_back_whose_places_are_free():
    study = make_queue(4)
    rater, other = make_rater(study), make_rater(study)
    rate_all(study, rater)
    quality.review(rater, ReviewOutcome.REJECT, "Clicked at random.")
    vote(other, current_id(other))
    quality.review(rater, ReviewOutcome.REINSTATE, "It was somebody else.")
    assert state_of(rater) == AnnotatorState.ACTIVE
    assert counted_votes(study).filter(annotator=rater).count() == 3
    surplus = Assignment.objects.filter(annotator=rater, state=AssignmentState.LATE_SURPLUS)
    assert surplus.count() == 1
    assert_counters_hold(study)


def test_a_second_rejection_excludes_again_what_was_reinstated():
    study = make_queue(3)
    rater = make_rater(study)
    rate_all(study, rater)
    for _ in range(2):
        quality.review(rater, ReviewOutcome.REJECT, "Clicked at random.")
        assert counted_votes(study).count() == 0
        quality.review(rater, ReviewOutcome.REINSTATE, "Not so.")
        assert counted_votes(study).count() == 3


def test_the_exclusions_name_the_rule_that_had_paused():
    rater = paused()
    quality.review(rater, ReviewOutcome.REJECT, "Always left.")
    rows = Exclusion.objects.filter(assignment__annotator=rater)
    assert set(rows.values_list("rule", "reason", "post_hoc")) == {
        ("side_share", "Always left.", False)
    }


def test_a_rejection_without_a_finding_names_no_rule():
    rater = make_rater(make_open_study())
    answer(rater)
    quality.review(rater, ReviewOutcome.REJECT, "Told us they guessed.")
    assert Exclusion.objects.get().rule == ""


def test_checks_are_excluded_with_the_work_and_training_is_not():
    rater = make_rater(make_open_study())
    gold = answer(rater, make_gold(rater.study))
    answer(rater, make_training(rater.study))
    quality.review(rater, ReviewOutcome.REJECT, "Guessed.")
    assert Exclusion.objects.get().assignment == gold.assignment


def test_imported_votes_can_be_rejected_and_put_back():
    study = make_study()
    label = make_imported_vote(make_comparison(study))
    quality.review(label.annotator, ReviewOutcome.REJECT, "A bot.")
    assert counted_votes(study).count() == 0
    quality.review(label.annotator, ReviewOutcome.REINSTATE, "No bot.")
    assert counted_votes(study).count() == 1
    assert state_of(label.annotator) == AnnotatorState.ACTIVE


@pytest.mark.parametrize(
    ("change", "post_hoc"),
    [
        ({}, False),
        ({"results": ResultsPolicy.OPEN}, True),
        ({"unblinded_at": "2026-01-01T00:00:00Z"}, True),
    ],
)
def test_a_decision_is_post_hoc_once_outcomes_can_be_seen(change, post_hoc):
    rater = make_rater(make_open_study())
    answer(rater)
    Study.objects.filter(pk=rater.study.pk).update(**change)
    assert quality.review(rater, ReviewOutcome.REJECT, "Guessed.").post_hoc is post_hoc
    assert Exclusion.objects.get().post_hoc is post_hoc


SIDES = {"alpha": 0.001, "min_n": 12, "action": "pause"}


@pytest.mark.parametrize(
    ("first", "second", "post_hoc"),
    [
        (SIDES, None, False),
        (SIDES, SIDES, False),
        (None, SIDES, True),
        ({**SIDES, "alpha": 1e-9}, SIDES, True),
    ],
)
def test_a_decision_on_a_rule_that_was_not_frozen_at_opening_is_post_hoc(first, second, post_hoc):
    study = make_study(state=StudyState.OPEN)
    for rule in [first] if second is None else [first, second]:
        make_study_version(study, snapshot={"rules": {"quality": {"side_share": rule}}})
    rater = paused(study)
    assert quality.review(rater, ReviewOutcome.REJECT, "Always left.").post_hoc is post_hoc
    assert set(Exclusion.objects.values_list("post_hoc", flat=True)) == {post_hoc}


@pytest.mark.parametrize("outcome", [ReviewOutcome.REJECT, ReviewOutcome.REINSTATE])
def test_a_crash_between_batches_is_made_up_for(monkeypatch, outcome):
    monkeypatch.setattr(excluding, "AT_ONCE", 2)
    study = make_queue(5)
    rater = make_rater(study)
    rate_all(study, rater)
    if outcome == ReviewOutcome.REINSTATE:
        quality.review(rater, ReviewOutcome.REJECT, "Guessed.")
    finish_some = finishing.finish_some
    done: list[int] = []

    def dies_after_one_batch(annotator_id):
        if sum(done):
            raise RuntimeError("killed")
        done.append(finish_some(annotator_id))
        return done[-1]

    with monkeypatch.context() as crashing:
        crashing.setattr(finishing, "finish_some", dies_after_one_batch)
        with pytest.raises(RuntimeError, match="killed"):
            quality.review(rater, outcome, "Decided.")
    assert 0 < counted_votes(study).count() < 5
    check_quality()
    assert counted_votes(study).count() == (0 if outcome == ReviewOutcome.REJECT else 5)
    assert_counters_hold_with_exclusions(study)


def test_deciding_the_same_again_does_nothing_more():
    study = make_queue(3)
    rater = make_rater(study)
    rate_all(study, rater)
    first = quality.review(rater, ReviewOutcome.REJECT, "Guessed.")
    assert quality.review(rater, ReviewOutcome.REJECT, "Guessed.") == first
    assert Exclusion.objects.count() == 3
    first = quality.review(rater, ReviewOutcome.REINSTATE, "Not so.")
    assert quality.review(rater, ReviewOutcome.REINSTATE, "Not so.") == first
    assert Exclusion.objects.count() == 6


def test_a_vote_that_arrives_after_the_rejection_is_taken_out_as_well():
    study = make_queue(2)
    rater = make_rater(study)
    held = current_id(rater)
    quality.review(rater, ReviewOutcome.REJECT, "Guessed.")
    vote(rater, held)
    check_quality()
    assert Vote.objects.filter(annotator=rater).count() == 1
    assert counted_votes(study).count() == 0
    assert_counters_hold_with_exclusions(study)


def test_an_exclusion_of_another_origin_outlives_the_reinstatement():
    rater = make_rater(make_open_study())
    kept_out, other = answer(rater), answer(rater)
    Exclusion.objects.create(assignment=kept_out.assignment, reason="Seen by the author.")
    quality.review(rater, ReviewOutcome.REJECT, "Guessed.")
    quality.review(rater, ReviewOutcome.REINSTATE, "Not so.")
    assert list(counted_votes(rater.study)) == [other]


def test_a_revision_of_an_excluded_vote_does_not_come_back_by_itself():
    rater = make_rater(make_open_study())
    first = answer(rater)
    quality.review(rater, ReviewOutcome.REJECT, "Guessed.")
    make_vote(first.comparison, Choice.RIGHT, assignment=first.assignment, revision=1)
    assert counted_votes(rater.study).count() == 0


def test_what_a_rejected_annotator_held_goes_back():
    study = make_queue(3)
    rater = make_rater(study)
    queue.claim(rater, want=3)
    quality.review(rater, ReviewOutcome.REJECT, "Guessed.")
    assert queue.claim(rater).empty == queue.EmptyReason.QUALIFICATION_FAILED
    assert len(queue.claim(make_rater(study), want=3).held) == 3


def test_a_rejected_annotator_is_reinstated_before_anything_else():
    rater = paused()
    quality.review(rater, ReviewOutcome.REJECT, "Guessed.")
    for outcome in (ReviewOutcome.RESUME, ReviewOutcome.RETRAIN):
        with pytest.raises(quality.ReviewRefusedError, match="reinstate them first"):
            quality.review(rater, outcome, "Changed my mind.")


def test_only_a_rejection_can_be_taken_back():
    rater = paused()
    with pytest.raises(quality.ReviewRefusedError, match="was not rejected"):
        quality.review(rater, ReviewOutcome.REINSTATE, "Changed my mind.")


def test_somebody_who_was_removed_stays_so_whatever_is_decided_of_the_votes():
    study = make_queue(2)
    rater = make_rater(study)
    rate_all(study, rater)
    Annotator.objects.filter(pk=rater.pk).update(state=AnnotatorState.REMOVED)
    quality.review(rater, ReviewOutcome.REJECT, "Guessed.")
    assert counted_votes(study).count() == 0
    quality.review(rater, ReviewOutcome.REINSTATE, "Not so.")
    assert counted_votes(study).count() == 2
    assert state_of(rater) == AnnotatorState.REMOVED


@pytest.mark.parametrize("role", [Role.OWNER, Role.RESEARCHER])
def test_owners_and_researchers_decide(role):
    rater = paused()
    user = make_membership(rater.study, role).user
    assert quality.review(rater, ReviewOutcome.RESUME, "Fine.", user).created_by == user


@pytest.mark.parametrize("role", [Role.MONITOR, Role.ADJUDICATOR, Role.ANNOTATOR])
def test_nobody_else_decides(role):
    rater = paused()
    user = make_membership(rater.study, role).user
    with pytest.raises(quality.ReviewRefusedError, match="Only an owner or a researcher"):
        quality.review(rater, ReviewOutcome.RESUME, "Fine.", user)
    elsewhere = make_membership(make_study(), Role.OWNER).user
    with pytest.raises(quality.ReviewRefusedError, match="Only an owner or a researcher"):
        quality.review(rater, ReviewOutcome.RESUME, "Fine.", elsewhere)
    assert state_of(rater) == AnnotatorState.PAUSED


def test_an_account_that_was_switched_off_decides_nothing():
    rater = paused()
    user = make_membership(rater.study, Role.OWNER).user
    user.is_active = False
    with pytest.raises(quality.ReviewRefusedError, match="Only an owner or a researcher"):
        quality.review(rater, ReviewOutcome.RESUME, "Fine.", user)


@pytest.mark.parametrize("reason", ["", "  ", "nul \0", "half \ud800", "x" * 401])
def test_a_reason_is_text_of_some_length(reason):
    rater = paused()
    with pytest.raises(quality.ReviewRefusedError, match="reason"):
        quality.review(rater, ReviewOutcome.RESUME, reason)


def test_the_log_has_the_decision_and_the_number_of_votes_and_not_the_reason():
    study = make_queue(2)
    rater = make_rater(study)
    rate_all(study, rater)
    user = make_membership(study, Role.OWNER).user
    decision = quality.review(rater, ReviewOutcome.REJECT, "Guessed, says Jo Doe.", user)
    logged = AuditEntry.objects.filter(study=study, action__startswith="quality.")
    assert [(entry.action, entry.actor) for entry in logged.order_by("seq")] == [
        ("quality.reviewed", user),
        ("quality.votes_excluded", user),
    ]
    assert logged.last().detail == {"annotator": rater.pk, "review": decision.pk, "votes": 2}
    assert "Jo Doe" not in str([entry.detail for entry in logged])


def test_an_invitation_lifts_no_rejection_and_no_pause():
    for reject in (True, False):
        rater = paused()
        if reject:
            quality.review(rater, ReviewOutcome.REJECT, "Guessed.")
        assert quality.let_in_again(rater) == (
            AnnotatorState.FAILED if reject else AnnotatorState.PAUSED
        )


def test_the_commands_print_figures_and_decide(capsys):
    study = make_open_study("support", rules={"quality": {"speed": None}})
    rater = make_rater(study, external_id="ann-1")
    one_sided(rater)
    answer(rater, make_gold(study), Choice.LEFT)
    call_command("check_quality", "support")
    table = capsys.readouterr().out.splitlines()
    assert table[0].split()[:4] == ["annotator", "state", "answered", "gold"]
    assert table[1].startswith("ann-1")
    assert "1/1 [0.03, 1.00]" in table[1]
    assert "side_share (pause)" in table[1]
    assert "60.0 [60.0, 60.0] of 15" in table[1]
    call_command("review_annotator", "support", "ann-1", "resume", "--reason", "Fine.")
    assert state_of(rater) == AnnotatorState.ACTIVE
    with pytest.raises(CommandError, match="was not rejected"):
        call_command("review_annotator", "support", "ann-1", "reinstate", "--reason", "Fine.")


def test_the_command_names_an_annotator_it_does_not_know():
    make_open_study("support")
    with pytest.raises(CommandError, match="has no annotator 'nobody'"):
        call_command("review_annotator", "support", "nobody", "resume", "--reason", "Fine.")


def test_the_overview_shows_people_and_no_systems():
    study = make_open_study()
    rater = make_rater(study)
    answer(rater, make_comparison(study, "SECRET-SYSTEM", "OTHER-SYSTEM"))
    make_assignment(make_comparison(study), make_annotator(study))
    rows = quality.overview(study)
    assert {row.annotator for row in rows} == set(
        Annotator.objects.filter(study=study).values_list("pk", flat=True)
    )
    assert "SYSTEM" not in repr(rows)


def flag(held: Vote, reason: str) -> None:
    assert held.assignment is not None
    Flag.objects.create(assignment=held.assignment, reason=reason)


def test_the_overview_tells_pace_flags_skips_and_agreement_with_their_numbers():
    study = make_open_study()
    rater, other = make_rater(study, external_id="a"), make_rater(study, external_id="b")
    for seconds in range(1, 7):
        pair = make_comparison(study)
        held = answer(rater, pair, active_ms=seconds * 1000)
        answer(other, pair, Choice.LEFT if seconds > 3 else Choice.RIGHT)
        flag(held, "other")
    flag(held, "language")
    skipped = make_assignment(make_comparison(study), rater, state=AssignmentState.RELEASED)
    Flag.objects.create(assignment=skipped, reason="other")
    row, another = quality.overview(study)
    assert (row.seconds.n, row.seconds.value) == (6, 3.5)
    assert (row.seconds.low, row.seconds.high) == (1, 6)
    assert (row.flagged, another.flagged) == (7, 0)
    assert (row.skips.hits, row.skips.n) == (1, 7)
    assert (row.agreement.n, row.agreement.value) == (6, 0.5)
    assert row.agreement.low < 0.5 < row.agreement.high
    assert another.seconds == quality.Figure(0, None, None, None)


def test_the_overview_asks_as_often_for_many_as_for_one(django_assert_num_queries):
    study = make_open_study()
    for _ in range(4):
        one_sided(make_rater(study))
    quality.run_rules(study)
    with django_assert_num_queries(10):
        quality.overview(study)
    assert study.state == StudyState.OPEN
