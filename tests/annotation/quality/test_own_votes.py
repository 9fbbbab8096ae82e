"""The votes of those who own the study: kept, marked, and out of the count by default."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotation import audit, quality, queue
from annotation.answer_rules import OWN_VOTES, OwnVotes
from annotation.lifecycle import states
from annotation.models import (
    Annotator,
    AnnotatorState,
    Assignment,
    AssignmentState,
    AuditEntry,
    Exclusion,
    Membership,
    ResultsPolicy,
    ReviewOutcome,
    Role,
    Study,
    Vote,
)
from annotation.quality import excluding, own_votes, reviewing
from annotation.selectors import counted_votes, excluded_votes
from annotation.tasks import check_quality
from tests.annotation.quality.world import actions, answer, make_gold, make_rater, make_training
from tests.annotation.queue.world import assert_counters_hold, current_id, make_queue, vote
from tests.factories import (
    make_comparison,
    make_imported_vote,
    make_membership,
    make_open_study,
    make_study,
    make_study_version,
)

pytestmark = pytest.mark.django_db

COUNT = {"quality": {"own_votes": "count"}}


def make_owner(rater: Annotator) -> Annotator:
    assert rater.user is not None
    make_membership(rater.study, Role.OWNER, rater.user)
    return rater


def rate(rater: Annotator, pairs: int) -> None:
    for _ in range(pairs):
        vote(rater, current_id(rater))


def counted_of(rater: Annotator) -> int:
    return counted_votes(rater.study).filter(annotator=rater).count()


def test_an_owners_votes_leave_the_count_and_their_places_open_for_others():
    study = make_queue(4)
    owner, other = make_owner(make_rater(study)), make_rater(study)
    rate(owner, 4)
    assert queue.claim(other).empty == queue.EmptyReason.FINISHED
    check_quality()
    assert counted_votes(study).count() == 0
    assert set(Exclusion.objects.values_list("rule", "post_hoc")) == {(OWN_VOTES, False)}
    assert not Exclusion.objects.filter(created_by__isnull=False).exists()
    assert Vote.objects.filter(annotator=owner).count() == 4
    rate(other, 4)
    check_quality()
    assert counted_of(other) == counted_votes(study).count() == 4
    assert_counters_hold(study)
    assert list(audit.verify(study)) == []


def test_the_sweep_changes_nothing_more_when_it_is_run_again():
    study = make_queue(3)
    rate(make_owner(make_rater(study)), 2)
    assert quality.exclude_own_votes(study) == 2
    before = list(Exclusion.objects.values_list("pk", flat=True))
    assert quality.exclude_own_votes(study) == 0
    assert list(Exclusion.objects.values_list("pk", flat=True)) == before
    assert actions(study).count("quality.own_votes_excluded") == 1
    assert not quality.own_votes_stand(study)


def test_the_log_tells_whose_and_how_many_in_batches(monkeypatch):
    monkeypatch.setattr(excluding, "AT_ONCE", 2)
    study = make_queue(5)
    owner = make_owner(make_rater(study))
    rate(owner, 5)
    assert quality.exclude_own_votes(study) == 5
    entries = AuditEntry.objects.filter(study=study, action="quality.own_votes_excluded")
    assert [entry.detail for entry in entries.order_by("seq")] == [
        {"annotator": owner.pk, "votes": votes} for votes in (2, 2, 1)
    ]
    assert all(entry.actor is None for entry in entries)


def test_own_votes_count_where_the_rules_say_so():
    study = make_queue(3, rules=COUNT)
    owner = make_owner(make_rater(study))
    rate(owner, 3)
    check_quality()
    states.close_study(study)
    assert counted_of(owner) == 3
    assert not Exclusion.objects.exists()


@pytest.mark.parametrize("role", [role for role in Role if role != Role.OWNER])
def test_votes_of_other_roles_count(role):
    study = make_queue(2)
    rater = make_rater(study)
    if role != Role.ANNOTATOR:
        make_membership(study, role, rater.user)
    rate(rater, 2)
    assert quality.exclude_own_votes(study) == 0
    assert counted_of(rater) == 2


def test_owners_of_other_studies_are_anybody_here():
    study, other = make_queue(2), make_open_study()
    rater = make_rater(study)
    make_membership(other, Role.OWNER, rater.user)
    rate(rater, 2)
    assert quality.exclude_own_votes(study) == quality.exclude_own_votes(other) == 0


def test_imported_raters_are_untouched_and_labels_of_an_owner_are_not():
    study = make_open_study()
    make_owner(make_rater(study))
    label = make_imported_vote(make_comparison(study))
    owner = make_owner(make_rater(study))
    own = make_imported_vote(make_comparison(study), annotator=owner)
    assert quality.exclude_own_votes(study) == 1
    assert list(counted_votes(study)) == [label]
    assert Exclusion.objects.get().vote == own


def test_checks_go_with_the_votes_and_training_stays():
    study = make_open_study()
    owner = make_owner(make_rater(study))
    checked, trained = answer(owner, make_gold(study)), answer(owner, make_training(study))
    assert quality.exclude_own_votes(study) == 1
    assert Exclusion.objects.get().assignment == checked.assignment
    assert not trained.assignment.exclusions.exists()


def test_whoever_becomes_an_owner_takes_all_their_votes_along():
    study = make_queue(3)
    rater = make_rater(study)
    rate(rater, 2)
    assert quality.exclude_own_votes(study) == 0
    make_owner(rater)
    rate(rater, 1)
    assert quality.exclude_own_votes(study) == 3


def test_whoever_is_an_owner_no_more_stays_out_until_it_is_decided():
    study = make_queue(3)
    rater = make_owner(make_rater(study))
    rate(rater, 2)
    quality.exclude_own_votes(study)
    Membership.objects.filter(study=study, user=rater.user, role=Role.OWNER).delete()
    rate(rater, 1)
    check_quality()
    assert counted_of(rater) == 1
    assert quality.overview(study)[0].own_votes == OwnVotes.EXCLUDE
    quality.review(rater, ReviewOutcome.COUNT_OWN, "She has handed the study on.")
    assert counted_of(rater) == 3
    assert quality.overview(study)[0].own_votes is None


def test_closing_takes_out_what_no_sweep_has_seen():
    study = make_queue(3)
    owner = make_owner(make_rater(study))
    rate(owner, 3)
    states.close_study(study)
    assert counted_of(owner) == 0


def test_a_late_vote_of_an_owner_goes_with_the_next_sweep():
    study = make_queue(3)
    owner = make_owner(make_rater(study))
    held = current_id(owner)
    states.close_study(study)
    vote(owner, held)
    assert quality.own_votes_stand(study)
    check_quality()
    assert counted_of(owner) == 0


def test_whoever_becomes_an_owner_of_a_closed_study_changes_nothing_in_it():
    study = make_queue(3)
    rater = make_rater(study)
    rate(rater, 3)
    states.close_study(study)
    make_owner(rater)
    check_quality()
    assert quality.exclude_own_votes(study) == 0
    assert counted_of(rater) == 3
    assert quality.overview(study)[0].own_votes is None


def test_a_draft_with_imported_votes_is_left_alone():
    study = make_study()
    owner = make_owner(make_rater(study))
    make_imported_vote(make_comparison(study), annotator=owner)
    assert quality.exclude_own_votes(study) == 0


@pytest.mark.parametrize(
    ("change", "post_hoc"),
    [
        ({}, False),
        # Before and after any run of the tests, however long after they were collected.
        ({"results": ResultsPolicy.OPEN, "opened_at": datetime(2999, 1, 1, tzinfo=UTC)}, False),
        ({"results": ResultsPolicy.OPEN}, True),
        ({"unblinded_at": datetime(2020, 1, 1, tzinfo=UTC)}, True),
    ],
)
def test_an_owner_made_when_outcomes_could_be_seen_is_excluded_post_hoc(change, post_hoc):
    study = make_open_study()
    Study.objects.filter(pk=study.pk).update(**change)
    owner = make_owner(make_rater(study))
    answer(owner)
    quality.exclude_own_votes(study)
    assert Exclusion.objects.get().post_hoc is post_hoc
    found: Any = excluded_votes(study).get()
    assert (found.post_hoc, found.own_votes) == (post_hoc, True)


EXCLUDED, COUNTED = {"own_votes": "exclude"}, {"own_votes": "count"}


@pytest.mark.parametrize(
    ("frozen", "post_hoc"),
    [
        ([EXCLUDED], False),
        ([COUNTED], True),
        ([{}], True),
        ([EXCLUDED, EXCLUDED], False),
        ([COUNTED, EXCLUDED], True),
        ([{}, EXCLUDED], True),
        ([EXCLUDED, COUNTED, EXCLUDED], True),
    ],
)
def test_a_rule_that_was_not_so_in_every_version_excludes_post_hoc(frozen, post_hoc):
    study = make_study(state="open")
    for number, rule in enumerate(frozen, start=1):
        make_study_version(study, number=number, snapshot={"rules": {"quality": rule}})
    answer(make_owner(make_rater(study)))
    quality.exclude_own_votes(study)
    assert Exclusion.objects.get().post_hoc is post_hoc


# -- letting them count ----------


def test_a_decision_lets_them_count_and_later_sweeps_respect_it():
    study = make_queue(4)
    owner = make_owner(make_rater(study))
    rate(owner, 2)
    check_quality()
    decision = quality.review(owner, ReviewOutcome.COUNT_OWN, "A small study; we know.")
    rate(owner, 2)
    check_quality()
    assert counted_of(owner) == 4
    assert Exclusion.objects.filter(rule=OWN_VOTES).count() == 2
    assert set(Exclusion.objects.exclude(rule=OWN_VOTES).values_list("reason", flat=True)) == {
        "A small study; we know."
    }
    assert quality.review(owner, ReviewOutcome.COUNT_OWN, "Again.") == decision
    assert_counters_hold(study)


def test_a_place_that_somebody_took_meanwhile_makes_the_vote_surplus():
    study = make_queue(2)
    owner, other = make_owner(make_rater(study)), make_rater(study)
    rate(owner, 2)
    check_quality()
    rate(other, 1)
    quality.review(owner, ReviewOutcome.COUNT_OWN, "We know.")
    assert counted_of(owner) == counted_of(other) == 1
    surplus = Assignment.objects.filter(annotator=owner, state=AssignmentState.LATE_SURPLUS)
    assert surplus.count() == 1
    check_quality()
    assert counted_of(owner) == 1


def test_a_crash_while_they_are_put_back_is_made_up_for(monkeypatch):
    monkeypatch.setattr(excluding, "AT_ONCE", 2)
    study = make_queue(5)
    owner = make_owner(make_rater(study))
    rate(owner, 5)
    check_quality()
    with monkeypatch.context() as crashing:
        crashing.setattr(reviewing, "finish_review", lambda annotator: None)
        quality.review(owner, ReviewOutcome.COUNT_OWN, "We know.")
    assert counted_of(owner) == 0
    check_quality()
    assert counted_of(owner) == 5


def test_letting_them_count_moves_nobody():
    study = make_open_study()
    owner = make_owner(make_rater(study, state=AnnotatorState.QUALIFYING))
    quality.review(owner, ReviewOutcome.COUNT_OWN, "We know.")
    assert Annotator.objects.get(pk=owner.pk).state == AnnotatorState.QUALIFYING


def test_letting_count_needs_an_owner_whose_votes_do_not():
    for study, owns in ((make_open_study(), False), (make_open_study(rules=COUNT), True)):
        rater = make_rater(study)
        if owns:
            make_owner(rater)
        with pytest.raises(quality.ReviewRefusedError, match="nothing to put back"):
            quality.review(rater, ReviewOutcome.COUNT_OWN, "Why not?")


def test_a_rejection_and_its_end_leave_own_votes_out():
    study = make_queue(3)
    owner = make_owner(make_rater(study))
    rate(owner, 2)
    quality.review(owner, ReviewOutcome.REJECT, "Guessed.")
    check_quality()
    with pytest.raises(quality.ReviewRefusedError, match="reinstate them first"):
        quality.review(owner, ReviewOutcome.COUNT_OWN, "We know.")
    quality.review(owner, ReviewOutcome.REINSTATE, "Not so.")
    assert counted_of(owner) == 0
    quality.review(owner, ReviewOutcome.REINSTATE, "Not so.")
    assert counted_of(owner) == 0
    quality.review(owner, ReviewOutcome.COUNT_OWN, "We know.")
    assert counted_of(owner) == 2
    assert_counters_hold(study)


def test_letting_count_leaves_a_rejection_of_others_alone():
    study = make_queue(4)
    owner = make_owner(make_rater(study))
    rate(owner, 1)
    check_quality()
    quality.review(owner, ReviewOutcome.COUNT_OWN, "We know.")
    quality.review(owner, ReviewOutcome.REJECT, "Guessed.")
    check_quality()
    assert counted_of(owner) == 0
    quality.review(owner, ReviewOutcome.REINSTATE, "Not so.")
    check_quality()
    assert counted_of(owner) == 1


def test_the_command_lets_them_count(capsys):
    study = make_queue(2)
    owner = make_owner(make_rater(study))
    rate(owner, 1)
    call_command("check_quality", study.slug)
    assert "owner: own votes not counted" in capsys.readouterr().out
    call_command(
        "review_annotator", study.slug, owner.external_id, "count_own", "--reason", "We know."
    )
    assert counted_of(owner) == 1
    call_command("check_quality", study.slug)
    assert "owner: own votes counted" in capsys.readouterr().out
    with pytest.raises(CommandError, match="reason"):
        call_command("review_annotator", study.slug, owner.external_id, "count_own")


# -- marking ----------


@pytest.mark.parametrize(
    ("owns", "rules", "expected"),
    [
        (False, {}, None),
        (True, {}, OwnVotes.EXCLUDE),
        (True, COUNT, OwnVotes.COUNT),
    ],
)
def test_the_figures_say_what_becomes_of_own_votes(owns: bool, rules: dict[str, Any], expected):
    study = make_open_study(rules=rules)
    rater = make_rater(study)
    if owns:
        make_owner(rater)
    (row,) = quality.overview(study)
    assert row.own_votes == expected
    history = quality.history_of(study, rater.pk)
    assert history is not None
    assert history.quality.own_votes == expected
    assert own_votes.own_votes_of(rater) == expected
