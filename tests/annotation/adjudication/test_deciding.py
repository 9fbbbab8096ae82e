"""Deciding a case: once, by the right person, and beside the votes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from annotation import audit
from annotation.adjudication import (
    CaseNotFound,
    DecidedByColleague,
    RatedThemselves,
    StudyNotDecidable,
    decide,
    find_case,
    needing_adjudication,
    next_case,
    skip_case,
)
from annotation.adjudication.desk import is_swapped
from annotation.blinding import verdict_of
from annotation.models import (
    Adjudication,
    AdjudicationCase,
    AuditEntry,
    CaseState,
    Choice,
    Comparison,
    Study,
    StudyState,
    User,
    Vote,
)
from annotation.selectors import counted_votes
from annotation.voting import Answer, InvalidAnswers
from tests import factories

from .world import complete_with, make_adjudicator, version_with_rubric, vote_on

pytestmark = pytest.mark.django_db

LEFT = {"overall": Answer("left")}
TIE = {"overall": Answer("tie")}


def study_of(pairs: int, **fields: Any) -> Study:
    """A study in which so many pairs are disagreed on."""
    study = factories.make_open_study(**fields)
    version_with_rubric(study)
    for _ in range(pairs):
        complete_with(study, ["a", "b"])
    return study


def take(user: User, study: Study) -> AdjudicationCase:
    case = next_case(user, study)
    assert case is not None
    return case


def lapse(case: AdjudicationCase) -> None:
    past = timezone.now() - timedelta(minutes=1)
    AdjudicationCase.objects.filter(pk=case.pk).update(lease_expires_at=past)


def test_a_decision_is_stored_beside_the_votes_on_its_own_side() -> None:
    study = study_of(1, queue_seed=11)
    user = make_adjudicator(study)
    before = list(Vote.objects.order_by("pk").values())
    counted = list(counted_votes(study).order_by("pk").values_list("pk", flat=True))
    case = take(user, study)
    decision = decide(case, LEFT, "The first one is right.")
    row = Adjudication.objects.get()
    assert (decision.revision, decision.replayed) == (0, False)
    assert (row.choice, row.swapped, row.reason) == (
        "left",
        case.swapped,
        "The first one is right.",
    )
    assert row.verdict == verdict_of("left", case.swapped)
    assert list(Vote.objects.order_by("pk").values()) == before
    assert list(counted_votes(study).order_by("pk").values_list("pk", flat=True)) == counted
    assert not needing_adjudication(study).exists()
    assert next_case(user, study) is None


def test_each_adjudicator_has_sides_of_their_own() -> None:
    study = study_of(12, queue_seed=3)
    for _ in range(2):
        user = make_adjudicator(study)
        seen = {}
        while (case := next_case(user, study)) is not None:
            seen[case.comparison_id] = case.swapped
            skip_case(case)
        assert len(seen) == 12
        assert seen == {pk: is_swapped(study, user, pk) for pk in seen}
    # They are drawn by keys, which no two runs give alike; of these it is known what comes.
    one, other = [[is_swapped(study, User(pk=pk), n) for n in range(12)] for pk in (1, 2)]
    assert one != other
    assert all(0 < sum(side) < 12 for side in (one, other))


def test_nobody_decides_what_they_were_given_to_rate() -> None:
    study = study_of(1)
    user = make_adjudicator(study)
    annotator = factories.make_annotator(study, user)
    own = factories.make_comparison(study, overlap=2, taken=2)
    vote_on(own, "a", annotator=annotator)
    vote_on(own, "b")
    case = take(user, study)
    assert case.comparison_id != own.pk
    skip_case(case)
    assert next_case(user, study) is None
    colleague = make_adjudicator(study)
    assert take(colleague, study).comparison_id in {own.pk, case.comparison_id}
    forced = AdjudicationCase.objects.create(
        comparison=own, adjudicator=user, swapped=False, state="lapsed",
        lease_expires_at=timezone.now(),
    )  # fmt: skip
    with pytest.raises(RatedThemselves):
        decide(find_case(user, study, forced.public_id), LEFT)
    assert not Adjudication.objects.exists()


def test_the_case_on_the_desk_comes_again_until_it_is_decided() -> None:
    study = study_of(5)
    user = make_adjudicator(study)
    case = take(user, study)
    assert take(user, study) == case
    decide(case, TIE)
    assert take(user, study) != case


def test_two_adjudicators_never_hold_one_case() -> None:
    study = study_of(2)
    one, two, three = (make_adjudicator(study) for _ in range(3))
    cases = [take(one, study), take(two, study)]
    assert cases[0].comparison_id != cases[1].comparison_id
    assert next_case(three, study) is None
    lapse(cases[0])
    taken = take(three, study)
    assert taken.comparison_id == cases[0].comparison_id
    cases[0].refresh_from_db()
    assert cases[0].state == CaseState.LAPSED


def test_adjudicators_start_at_places_of_their_own() -> None:
    study = study_of(40, queue_seed=8)
    firsts = [take(make_adjudicator(study), study).comparison_id for _ in range(12)]
    assert len(set(firsts)) == 12
    # By chance one run of 479 million has them in order.
    assert firsts != sorted(firsts)


def test_a_case_is_found_by_its_own_adjudicator_alone() -> None:
    study, other = study_of(1), study_of(1)
    user = make_adjudicator(study)
    case = take(user, study)
    assert find_case(user, study, case.public_id) == case
    with pytest.raises(CaseNotFound):
        find_case(make_adjudicator(study), study, case.public_id)
    with pytest.raises(CaseNotFound):
        find_case(user, other, case.public_id)


def test_the_same_decision_again_is_stored_once() -> None:
    study = study_of(1)
    user = make_adjudicator(study)
    case = take(user, study)
    first = decide(case, LEFT, "So.")
    again = decide(find_case(user, study, case.public_id), LEFT, "So.")
    assert (again.revision, again.replayed) == (first.revision, True)
    assert Adjudication.objects.count() == 1
    assert AuditEntry.objects.filter(action="adjudication.decided").count() == 1


def test_another_decision_of_the_same_adjudicator_is_a_revision() -> None:
    study = study_of(1)
    case = take(make_adjudicator(study), study)
    decide(case, LEFT, "So.")
    assert decide(case, TIE, "So.").revision == 1
    assert decide(case, TIE, "Or so.").revision == 2
    rows = Adjudication.objects.order_by("revision")
    assert [row.choice for row in rows] == ["left", "tie", "tie"]


def test_a_colleague_who_was_first_is_named_as_the_reason_and_nothing_is_stored() -> None:
    study = study_of(1)
    one, two = make_adjudicator(study), make_adjudicator(study)
    slow = take(one, study)
    lapse(slow)
    decide(take(two, study), TIE)
    with pytest.raises(DecidedByColleague, match="Another reviewer decided"):
        decide(slow, LEFT)
    assert Adjudication.objects.count() == 1


def test_a_decision_after_the_lease_is_welcome_while_nobody_else_decided() -> None:
    study = study_of(1)
    one, two = make_adjudicator(study), make_adjudicator(study)
    slow = take(one, study)
    lapse(slow)
    take(two, study)
    assert decide(slow, LEFT).revision == 0
    assert next_case(two, study) is None


def test_a_later_vote_brings_the_case_back_and_it_is_decided_anew() -> None:
    study = study_of(1)
    one, two = make_adjudicator(study), make_adjudicator(study)
    decide(take(one, study), LEFT)
    assert next_case(two, study) is None
    vote = Vote.objects.order_by("pk")[0]
    factories.make_vote(
        vote.comparison,
        Choice.TIE,
        assignment=vote.assignment,
        revision=1,
        created_at=timezone.now() + timedelta(seconds=1),
    )
    again = take(two, study)
    # The same answer as before is a decision of its own: it is about other votes.
    assert decide(again, LEFT).revision == 1
    assert next_case(one, study) is None


def test_answers_must_fit_the_rubric() -> None:
    study = factories.make_open_study()
    factories.make_criterion(study, "style", scale="five")
    factories.make_criterion(study, "tone", required=False)
    version_with_rubric(study)
    complete_with(study, ["a", "b"])
    case = take(make_adjudicator(study), study)
    for answers, field in [
        ({}, "overall"),
        (LEFT, "style"),
        ({**LEFT, "style": Answer("left")}, "style"),
        ({**LEFT, "style": Answer("left", 3)}, "style"),
        ({**LEFT, "style": Answer("tie"), "other": Answer("tie")}, "other"),
        ({"overall": Answer("up"), "style": Answer("tie")}, "overall"),
    ]:
        with pytest.raises(InvalidAnswers) as caught:
            decide(case, answers)  # type: ignore[arg-type]
        assert caught.value.field == field
    with pytest.raises(InvalidAnswers, match="longer"):
        decide(case, {**LEFT, "style": Answer("tie")}, "x" * 10_001)
    assert not Adjudication.objects.exists()
    decide(case, {**LEFT, "style": Answer("right", 2)}, "Yes.")
    stored = Adjudication.objects.order_by("criterion__position", "pk")
    assert [(row.criterion.key, row.choice, row.margin, row.reason) for row in stored] == [
        ("overall", "left", None, "Yes."),
        ("style", "right", 2, ""),
    ]


@pytest.mark.parametrize("state", [StudyState.PAUSED, StudyState.CLOSED])
def test_disagreements_are_decided_after_the_votes_are_in(state: StudyState) -> None:
    study = study_of(1)
    Study.objects.filter(pk=study.pk).update(state=state)
    study.refresh_from_db()
    case = take(make_adjudicator(study), study)
    assert decide(case, LEFT).revision == 0


def test_an_archived_study_takes_no_decision() -> None:
    study = study_of(1)
    user = make_adjudicator(study)
    case = take(user, study)
    Study.objects.filter(pk=study.pk).update(state=StudyState.ARCHIVED)
    study.refresh_from_db()
    assert next_case(user, study) is None
    with pytest.raises(StudyNotDecidable):
        decide(case, LEFT)


def test_a_skipped_case_goes_to_others_and_a_decided_one_stays_decided() -> None:
    study = study_of(1)
    one, two = make_adjudicator(study), make_adjudicator(study)
    case = take(one, study)
    assert skip_case(case)
    assert skip_case(case)
    assert next_case(one, study) is None
    taken = take(two, study)
    decide(taken, LEFT)
    assert not skip_case(taken)
    taken.refresh_from_db()
    assert taken.state == CaseState.DECIDED


def test_the_log_says_that_it_was_decided_and_not_how() -> None:
    study = study_of(1)
    user = make_adjudicator(study)
    case = take(user, study)
    decide(case, LEFT, "Because.")
    entry = AuditEntry.objects.get(action="adjudication.decided")
    assert entry.actor == user
    assert entry.detail == {"comparison": case.comparison_id, "revision": 0}
    assert list(audit.verify(study)) == []


def test_the_next_case_costs_the_same_in_a_larger_study(
    django_assert_max_num_queries: Callable[[int], Any],
) -> None:
    for pairs in (3, 60):
        study = study_of(pairs)
        user = make_adjudicator(study)
        with django_assert_max_num_queries(16):
            assert next_case(user, study) is not None


def test_a_large_study_is_searched_in_few_windows() -> None:
    from annotation.adjudication.desk import Search, windows

    study = study_of(1)
    only = Comparison.objects.get()
    found = list(windows(make_adjudicator(study), study, Search()))
    assert [(window.first, window.before) for window in found] == [(only.pk, only.pk + 1)]
