from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotation import queue
from annotation.models import (
    AdjudicationCase,
    Annotator,
    AnnotatorState,
    Assignment,
    AssignmentState,
    CaseState,
    Comparison,
    Study,
    StudyState,
)
from annotation.queue import EmptyReason, choosing, claiming, policy, reserving
from annotation.queue.choosing import Choice, Seeker
from annotation.queue.policy import UNSEEN_LEASE
from annotation.queue.ring import RING
from tests.factories import (
    make_annotator,
    make_comparison,
    make_imported_vote,
    make_prompt,
    make_study_version,
    make_user,
)

from .world import (
    assert_counters_hold,
    current_id,
    lapse,
    lose,
    make_queue,
    row_of,
    set_state,
    vote,
)

pytestmark = pytest.mark.django_db


def rate_everything(annotator: Annotator, want: int = 2) -> list[uuid.UUID]:
    rated = []
    while (current := queue.claim(annotator, want=want).current) is not None:
        vote(annotator, current.pair.id)
        rated.append(current.pair.id)
    return rated


def test_a_claim_brings_the_current_and_the_next_pair():
    study = make_queue(3)
    claim = queue.claim(make_annotator(study))
    assert claim.empty is None
    assert claim.current is not None
    assert len(claim.held) == 2
    first, second = (row_of(held.pair.id) for held in claim.held)
    assert first.comparison_id != second.comparison_id
    for held in claim.held:
        row = row_of(held.pair.id)
        texts = [row.comparison.response_a.text, row.comparison.response_b.text]
        assert [held.pair.left, held.pair.right] == (texts[::-1] if row.swapped else texts)
        assert held.pair.prompt[0].content == row.comparison.prompt.text
        assert not held.displayed
        assert 110 < held.lease_seconds <= 120


def test_a_conversation_is_presented_message_by_message():
    study = make_queue(0)
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    make_comparison(study, prompt=make_prompt(study, messages=messages))
    queue.open_for_claims(study)
    current = queue.claim(make_annotator(study)).current
    assert current is not None
    assert [(one.role, one.content) for one in current.pair.prompt] == [
        ("system", "Be brief."),
        ("user", "Hi"),
    ]


def test_two_tabs_get_the_same_pairs():
    study = make_queue(5)
    annotator = make_annotator(study)
    first, second = queue.claim(annotator), queue.claim(annotator)
    assert [held.pair.id for held in first.held] == [held.pair.id for held in second.held]
    assert Assignment.objects.count() == 2


def test_what_is_held_counts_towards_what_is_wanted_and_never_exceeds_three():
    study = make_queue(9)
    annotator = make_annotator(study)
    queue.claim(annotator, want=1)
    assert len(queue.claim(annotator, want=3).held) == 3
    assert len(queue.claim(annotator, want=1).held) == 3
    for want in (0, 4):
        with pytest.raises(ValueError, match="1 to 3"):
            queue.claim(annotator, want=want)


def test_after_a_vote_the_pair_held_in_advance_is_the_current_one():
    study = make_queue(4)
    annotator = make_annotator(study)
    before = queue.claim(annotator)
    assert before.current is not None
    vote(annotator, before.current.pair.id)
    after = queue.claim(annotator)
    assert after.current is not None
    assert after.current.pair.id == before.held[1].pair.id


def test_everybody_rates_everything_once_and_then_is_finished():
    study = make_queue(7, overlap=3)
    for _ in range(3):
        annotator = make_annotator(study)
        assert len(rate_everything(annotator)) == 7
        claim = queue.claim(annotator)
        assert (claim.empty, claim.retry_after_seconds) == (EmptyReason.FINISHED, None)
    late = queue.claim(make_annotator(study))
    assert late.empty == EmptyReason.FINISHED
    assert_counters_hold(study)
    assert not Comparison.objects.filter(open=True).exists()


def test_annotators_begin_at_different_comparisons():
    study = make_queue(12, overlap=20)
    first = {row_of(current_id(make_annotator(study))).comparison_id for _ in range(20)}
    assert len(first) > 1


def test_held_by_others_is_said_with_a_time_to_come_back():
    study = make_queue(1)
    holder, waiting = make_annotator(study), make_annotator(study)
    held = current_id(holder)
    claim = queue.claim(waiting)
    assert claim.empty == EmptyReason.HELD_BY_OTHERS
    assert claim.retry_after_seconds == policy.RETRY_AFTER_SECONDS
    vote(holder, held)
    assert queue.claim(waiting).empty == EmptyReason.FINISHED


def test_what_an_annotator_skipped_does_not_keep_them_waiting():
    study = make_queue(1)
    annotator, other = make_annotator(study), make_annotator(study)
    queue.release(annotator, current_id(annotator), "cannot_judge")
    assert queue.claim(annotator).empty == EmptyReason.FINISHED
    assert queue.claim(other).current is not None


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (StudyState.DRAFT, EmptyReason.STUDY_NOT_OPEN),
        (StudyState.PAUSED, EmptyReason.STUDY_PAUSED),
        (StudyState.CLOSED, EmptyReason.STUDY_CLOSED),
        (StudyState.ARCHIVED, EmptyReason.STUDY_CLOSED),
    ],
)
def test_a_study_that_is_not_open_hands_out_nothing_and_says_why(state, reason):
    study = make_queue(2)
    annotator = make_annotator(study)
    queue.claim(annotator)
    set_state(study, state)
    claim = queue.claim(annotator)
    assert (claim.held, claim.empty) == ((), reason)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (AnnotatorState.INVITED, EmptyReason.INVITATION_PENDING),
        (AnnotatorState.QUALIFYING, EmptyReason.QUALIFICATION_PENDING),
        (AnnotatorState.FAILED, EmptyReason.QUALIFICATION_FAILED),
        (AnnotatorState.PAUSED, EmptyReason.ANNOTATOR_PAUSED),
        (AnnotatorState.REMOVED, EmptyReason.ANNOTATOR_REMOVED),
    ],
)
def test_an_annotator_who_is_not_active_gets_nothing_and_hears_why(state, reason):
    study = make_queue(2)
    annotator = make_annotator(study)
    queue.claim(annotator)
    Annotator.objects.filter(pk=annotator.pk).update(state=state)
    claim = queue.claim(annotator)
    assert (claim.held, claim.empty) == ((), reason)


def test_every_state_but_the_working_ones_has_a_reason():
    from annotation.queue.claiming import ANNOTATOR_REASONS, STUDY_REASONS

    assert set(STUDY_REASONS) == set(StudyState) - {StudyState.OPEN}
    assert set(ANNOTATOR_REASONS) == set(AnnotatorState) - {AnnotatorState.ACTIVE}


def test_the_cap_counts_votes_surplus_and_what_is_held():
    study = make_queue(6, max_per_annotator=2)
    annotator = make_annotator(study)
    assert len(queue.claim(annotator, want=3).held) == 2
    assert len(rate_everything(annotator)) == 2
    assert queue.claim(annotator).empty == EmptyReason.MAXIMUM_REACHED
    # What was skipped is no work done.
    other = make_annotator(study)
    queue.release(other, current_id(other), "language")
    assert len(rate_everything(other)) == 2


def test_the_cap_holds_on_the_slow_way_too():
    study = make_queue(4, max_per_annotator=1)
    annotator = make_annotator(study)
    vote(annotator, current_id(annotator))
    left = Comparison.objects.filter(study=study, open=True).first()
    assert left is not None
    attempt = claiming.reserve_given(annotator.pk, left.pk)
    assert (attempt.held, attempt.reason) == ((), EmptyReason.MAXIMUM_REACHED)


def test_a_lapsed_lease_of_a_returning_annotator_is_renewed_if_nobody_took_the_slot():
    study = make_queue(1)
    annotator = make_annotator(study)
    held = current_id(annotator)
    lapse(held)
    assert current_id(annotator) == held
    assert row_of(held).state == AssignmentState.RESERVED
    assert queue.expire_lapsed() == 0


def test_a_lapsed_lease_goes_to_whoever_asks_next_without_any_worker():
    study = make_queue(1)
    gone, other = make_annotator(study), make_annotator(study)
    held = current_id(gone)
    lapse(held)
    taken = current_id(other)
    assert row_of(held).state == AssignmentState.EXPIRED
    assert row_of(held).slot_no is None
    assert row_of(taken).slot_no == 1
    assert queue.claim(gone).empty == EmptyReason.HELD_BY_OTHERS
    assert_counters_hold(study)


def test_a_returning_annotator_revives_their_own_row_with_its_side():
    study = make_queue(1, overlap=2)
    annotator = make_annotator(study)
    held = current_id(annotator)
    before = row_of(held)
    queue.mark_displayed(annotator, held)
    lapse(held)
    queue.expire_lapsed()
    assert current_id(annotator) == held
    after = row_of(held)
    assert (after.pk, after.swapped) == (before.pk, before.swapped)
    assert after.slot_no == before.slot_no
    assert after.displayed_at is None
    assert_counters_hold(study)


def test_a_revived_row_takes_a_slot_of_the_other_side_rather_than_none():
    study = make_queue(1, overlap=2)
    gone, other, third = (make_annotator(study) for _ in range(3))
    held = current_id(gone)
    side = row_of(held).swapped
    lapse(held)
    queue.expire_lapsed()
    # Both slots are taken, then the one of the other side comes back.
    ids = [current_id(other), current_id(third)]
    back = next(public_id for public_id in ids if row_of(public_id).swapped != side)
    queue.release(other if back == ids[0] else third, back, "other")
    assert current_id(gone) == held
    assert row_of(held).swapped == side
    assert_counters_hold(study)


def test_what_comes_back_lies_ahead_of_every_cursor():
    study = make_queue(6, overlap=1)
    first, second = make_annotator(study), make_annotator(study)
    skipped = current_id(first)
    comparison = row_of(skipped).comparison
    queue.release(first, skipped, "broken_display")
    comparison.refresh_from_db()
    assert comparison.open
    assert comparison.open_seq is not None
    assert comparison.open_seq >= RING
    rated = rate_everything(second)
    assert row_of(rated[-1]).comparison_id == comparison.pk


def test_the_slow_way_finds_what_lies_behind_the_cursor():
    study = make_queue(3)
    annotator = make_annotator(study)
    Annotator.objects.filter(pk=annotator.pk).update(cursor=2**62)
    assert len(rate_everything(annotator, want=1)) == 3


def test_the_cursor_follows_and_is_never_needed_for_the_answer():
    study = make_queue(40)
    annotator = make_annotator(study)
    rated = rate_everything(annotator, want=1)[:20]
    annotator.refresh_from_db()
    assert annotator.cursor is not None
    assert len(set(rated)) == 20


def test_a_comparison_that_is_not_work_or_not_opened_is_never_handed_out():
    study = make_queue(1)
    make_comparison(study)
    make_comparison(study, kind="gold", gold={"overall": ["a"]})
    assert len(rate_everything(make_annotator(study))) == 1


def test_another_studys_comparisons_are_never_handed_out():
    study, other = make_queue(2), make_queue(5)
    rated = rate_everything(make_annotator(study))
    studies = {row_of(public_id).comparison.study_id for public_id in rated}
    assert studies == {study.pk}
    assert len(rated) == 2
    assert not Assignment.objects.filter(comparison__study=other).exists()


def test_sides_are_even_within_each_comparison_and_for_each_annotator():
    study = make_queue(18, overlap=4, systems=4)
    annotators = [make_annotator(study) for _ in range(4)]
    for annotator in annotators:
        rate_everything(annotator)
    for comparison in Comparison.objects.prefetch_related("assignments"):
        assert sum(row.swapped for row in comparison.assignments.all()) == 2
    for annotator in annotators:
        lean: Counter[int] = Counter()
        for row in annotator.assignments.select_related("comparison"):
            sign = -1 if row.swapped else 1
            lean[row.comparison.system_a_id] += sign
            lean[row.comparison.system_b_id] -= sign
        # The last ones to come have no free choice left; the first have.
        assert all(abs(value) <= 8 for value in lean.values())


def test_a_claim_keeps_within_its_queries_however_much_was_done():
    study = make_queue(60, overlap=2)
    other = make_annotator(study)
    annotator = make_annotator(study)
    counts = []
    known: list[uuid.UUID] = []
    for _ in range(50):
        with CaptureQueriesContext(connection) as queries:
            claim = queue.claim(annotator, have=known)
        current, known = claim.current, [held.id for held in claim.held]
        statements = [
            query["sql"]
            for query in queries
            if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))
        ]
        counts.append(len(statements))
        assert current is not None
        vote(annotator, current.id)
    # Annotator, own rows, candidate; then its counter, the account, the row and the texts, which
    # PostgreSQL takes together. Now and then the step from one stretch of the ring to the next.
    usual = 4 if connection.vendor == "postgresql" else 7
    for part in (counts[1:10], counts[40:]):
        assert Counter(part).most_common(1)[0][0] == usual
    assert max(counts[1:]) <= usual + 2
    assert queue.claim(other).current is not None


def test_deleting_nothing_a_finished_answer_survives_an_independent_recount():
    study = make_queue(5, overlap=2)
    annotators = [make_annotator(study) for _ in range(3)]
    for annotator in annotators:
        rate_everything(annotator)
        done = set(
            Assignment.objects.filter(annotator=annotator).values_list("comparison", flat=True)
        )
        lacking = [
            comparison.pk
            for comparison in Comparison.objects.filter(study=study)
            if comparison.assignments.filter(state="submitted").count() < comparison.overlap
        ]
        assert set(lacking) <= done


def test_opening_gives_places_and_starts_once_and_keeps_them():
    study = make_queue(9, overlap=3)
    before = list(Comparison.objects.order_by("pk").values_list("open_seq", "first_swapped"))
    make_comparison(study)
    assert queue.open_for_claims(study) == 1
    assert queue.open_for_claims(study) == 0
    after = list(Comparison.objects.order_by("pk").values_list("open_seq", "first_swapped"))
    assert after[:9] == before
    assert len(set(after)) == 10


def test_starts_are_balanced_for_each_pair_of_systems_in_whichever_order_it_was_imported():
    study = make_queue(0)
    for number in range(40):
        names = ("x", "y") if number % 3 else ("y", "x")
        make_comparison(study, *names)
    queue.open_for_claims(study)
    x_left = sum(
        (comparison.system_a.name == "x") != comparison.first_swapped
        for comparison in Comparison.objects.select_related("system_a")
    )
    assert x_left == 20


def test_places_follow_from_the_studys_queue_seed():
    def places(seed: int) -> list[int | None]:
        study = make_queue(0, queue_seed=seed)
        for number in range(6):
            make_comparison(study, prompt=make_prompt(study, f"p{number}"), item_id=f"i{number}")
        queue.open_for_claims(study)
        rows = Comparison.objects.filter(study=study).order_by("item_id")
        return list(rows.values_list("open_seq", flat=True))

    assert places(1) == places(1)
    assert places(1) != places(2)


def test_opening_in_batches_of_prompts_makes_no_difference(monkeypatch):
    monkeypatch.setattr("annotation.queue.opening.PROMPTS_AT_ONCE", 2)
    make_queue(20)
    assert Comparison.objects.filter(open=True).count() == 20
    starts = Counter(
        Comparison.objects.order_by().values_list("system_a", "system_b", "first_swapped")
    )
    for (system_a, system_b, _), _count in list(starts.items()):
        assert abs(starts[system_a, system_b, True] - starts[system_a, system_b, False]) <= 1


def test_progress_tells_an_annotator_only_of_themselves():
    study = make_queue(6, overlap=2, max_per_annotator=5)
    annotator, other = make_annotator(study), make_annotator(study)
    rate_everything(other)
    vote(annotator, current_id(annotator))
    queue.release(annotator, current_id(annotator), "harmful")
    claim = queue.claim(annotator)
    annotator.refresh_from_db()
    assert claim.progress == queue.progress(annotator)
    assert claim.progress == queue.Progress(voted=1, skipped=1, maximum=5)


def test_a_pair_is_lent_under_the_newest_version_of_the_study():
    study = make_queue(2)
    annotator = make_annotator(study)
    first = current_id(annotator)
    newest = make_study_version(study)
    second = queue.claim(annotator, want=2).held[1].pair.id
    assert [row_of(public_id).study_version.number for public_id in (first, second)] == [1, 2]
    vote(annotator, second)
    assert row_of(second).votes.get().study_version == newest


def test_a_revived_pair_is_lent_under_the_newest_version_too():
    study = make_queue(1)
    annotator = make_annotator(study)
    held = lose(annotator)
    newest = make_study_version(study)
    assert current_id(annotator) == held
    assert row_of(held).study_version == newest


def test_an_open_study_without_a_version_is_an_error_and_not_a_vote_without_one():
    study = make_queue(1)
    # A study that never had a version: no product path leads here.
    bare = Study.objects.create(slug="bare", state="open", opened_at=study.opened_at)
    make_comparison(bare)
    queue.open_for_claims(bare)
    with pytest.raises(RuntimeError, match="has no version"):
        queue.claim(make_annotator(bare))


def test_a_pair_that_someone_labelled_elsewhere_is_left_to_others():
    study = make_queue(2)
    person, other = make_annotator(study), make_annotator(study)
    labelled = Comparison.objects.filter(study=study).first()
    assert labelled is not None
    make_imported_vote(labelled, annotator=person)
    claim = queue.claim(person)
    assert [row_of(held.pair.id).comparison_id != labelled.pk for held in claim.held] == [True]
    vote(person, claim.held[0].pair.id)
    assert queue.claim(person).empty == EmptyReason.FINISHED
    assert row_of(current_id(other)).comparison_id == labelled.pk


def test_what_somebody_adjudicated_is_left_to_others_to_rate():
    study = make_queue(3, overlap=3)
    reviewer = make_user()
    person, other = make_annotator(study, reviewer), make_annotator(study, make_user())
    told = Comparison.objects.filter(study=study).order_by("open_seq").first()
    assert told is not None
    for user, state in ((reviewer, CaseState.SKIPPED), (make_user(), CaseState.DECIDED)):
        AdjudicationCase.objects.create(
            comparison=told,
            adjudicator=user,
            swapped=False,
            state=state,
            lease_expires_at=timezone.now(),
        )
    rated = {row_of(public_id).comparison_id for public_id in rate_everything(person)}
    assert len(rated) == 2
    assert told.pk not in rated
    # It has room, also on the slow way and in the recount, and none of it is theirs.
    assert queue.claim(person).empty == EmptyReason.FINISHED
    assert len(rate_everything(other)) == 3
    assert len(rate_everything(make_annotator(study))) == 3


def test_a_claim_keeps_the_lease_of_a_pair_that_is_on_the_screen():
    annotator = make_annotator(make_queue(3))
    shown = current_id(annotator)
    queue.mark_displayed(annotator, shown)
    lapse(shown)
    first, second = queue.claim(annotator, want=2).held
    assert first.id == shown
    assert first.displayed
    assert first.lease_seconds > UNSEEN_LEASE.total_seconds()
    assert not second.displayed
    assert second.lease_seconds <= UNSEEN_LEASE.total_seconds()
    for held in (first, second):
        assert row_of(held.id).lease_expires_at == held.lease_expires_at


@pytest.fixture
def meanwhile(monkeypatch):
    """Does something between the moment at which a claim reads what is held and its renewals."""

    def between(happens: Callable[[], object]) -> None:
        renew_ending = reserving.renew_ending

        def late(found: reserving.Reservations) -> None:
            happens()
            renew_ending(found)

        monkeypatch.setattr(reserving, "renew_ending", late)

    return between


def test_a_pair_that_is_shown_while_a_claim_looks_keeps_its_whole_lease(meanwhile):
    annotator = make_annotator(make_queue(3))
    own = current_id(annotator)
    lapse(own)
    meanwhile(lambda: queue.mark_displayed(annotator, own))
    held = queue.claim(annotator, want=1).current
    assert held is not None
    assert held.id == own
    assert held.displayed
    assert held.lease_seconds > UNSEEN_LEASE.total_seconds()
    assert row_of(own).lease_expires_at == held.lease_expires_at


def test_a_pair_that_was_taken_back_while_a_claim_looks_is_not_said_to_be_held(meanwhile):
    study = make_queue(3)
    annotator = make_annotator(study)
    lost = current_id(annotator)
    lapse(lost)
    meanwhile(queue.expire_lapsed)
    held = queue.claim(annotator, want=1).current
    assert held is not None
    assert held.id != lost


def test_counters_that_moved_under_a_claim_undo_it_and_it_begins_again(monkeypatch):
    study = make_queue(3, overlap=2)
    annotator = make_annotator(study)
    choose = choosing.choose
    stale: list[int] = []

    def choose_once_stale(seeker: Seeker) -> Choice | None:
        choice = choose(seeker)
        if choice is not None and not stale:
            stale.append(choice.comparison.pk)
            choice.comparison.taken += 1
        return choice

    monkeypatch.setattr(reserving, "choose", choose_once_stale)
    assert len(queue.claim(annotator, want=2).held) == 2
    assert len(stale) == 1
    assert Assignment.objects.count() == 2
    annotator.refresh_from_db()
    assert annotator.handed == 2
    assert_counters_hold(study)
