"""Which comparisons of a study need an adjudicator, asked in SQL."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from annotation.adjudication import Waiting, needing_adjudication, waiting_for
from annotation.adjudication.disagreements import Opinion, disagreements
from annotation.adjudication.routing import Window
from annotation.models import (
    Adjudication,
    AssignmentState,
    Choice,
    Comparison,
    ComparisonKind,
    Criterion,
    Exclusion,
    Flag,
    SkipReason,
    Study,
    StudyState,
    Vote,
)
from annotation.rules import rules_of
from tests import factories

from .world import complete_with, make_adjudicator, vote_on

pytestmark = pytest.mark.django_db


def routed(study: Study) -> list[Comparison]:
    return list(needing_adjudication(study).order_by("pk"))


def adjudicate(comparison: Comparison, **fields: Any) -> Adjudication:
    return Adjudication.objects.create(
        comparison=comparison,
        criterion=comparison.study.criteria.get(key=Criterion.OVERALL),
        adjudicator=factories.make_user(),
        choice="left",
        swapped=False,
        verdict="a",
        **fields,
    )


def skip(comparison: Comparison, **fields: Any) -> None:
    factories.make_assignment(
        comparison,
        state=AssignmentState.RELEASED,
        **({"skip_reason": SkipReason.OTHER} | fields),
    )


def test_a_complete_comparison_without_a_plurality_is_routed() -> None:
    study = factories.make_open_study()
    complete_with(study, ["a", "a", "b"])
    split = complete_with(study, ["a", "b", "tie"])
    even = complete_with(study, ["a", "a", "both_bad", "both_bad"])
    assert routed(study) == [split, even]


def test_a_comparison_is_routed_when_everybody_has_answered_and_not_before() -> None:
    study = factories.make_open_study()
    open_slot = complete_with(study, ["a", "b"])
    Comparison.objects.filter(pk=open_slot.pk).update(overlap=3)
    held = factories.make_comparison(study, overlap=3, taken=3)
    vote_on(held, "a")
    vote_on(held, "b")
    factories.make_assignment(held)
    assert routed(study) == []


def test_a_vote_that_does_not_count_makes_no_disagreement() -> None:
    study = factories.make_open_study()
    comparison = complete_with(study, ["a", "a"])
    surplus = factories.make_assignment(
        comparison, state=AssignmentState.LATE_SURPLUS, slot_no=None
    )
    for verdict in ("b", "b"):
        vote_on_surplus = factories.make_vote(
            comparison,
            Choice.RIGHT,
            assignment=surplus,
            revision=Vote.objects.filter(assignment=surplus).count(),
        )
        assert vote_on_surplus.verdict == verdict
    assert routed(study) == []


def test_checks_and_practice_are_never_routed() -> None:
    study = factories.make_open_study()
    gold = factories.make_comparison(
        study, kind=ComparisonKind.GOLD, gold={"overall": ["a"]}, overlap=2, taken=0
    )
    for choice in (Choice.LEFT, Choice.RIGHT, Choice.TIE):
        assignment = factories.make_assignment(gold, state=AssignmentState.SUBMITTED)
        factories.make_vote(gold, choice, assignment=assignment)
        Flag.objects.create(assignment=assignment, reason="other")
    for _ in range(3):
        skip(gold)
    assert routed(study) == []


def test_answers_far_apart_are_routed_on_graded_scales_alone() -> None:
    graded = factories.make_open_study()
    graded.criteria.update(scale="seven")
    near = complete_with(graded, ["a", "a", "tie"], margins=[1, 1, None])
    far = complete_with(graded, ["a", "a", "b"], margins=[1, 1, 1])
    clear = complete_with(graded, ["a", "a", "a"], margins=[1, 1, 3])
    assert routed(graded) == [far, clear]
    Study.objects.filter(pk=graded.pk).update(rules={"adjudication": {"distance": 3}})
    graded.refresh_from_db()
    assert routed(graded) == []
    assert near.pk
    plain = factories.make_open_study()
    complete_with(plain, ["a", "a", "b"])
    assert routed(plain) == []


def test_a_disagreement_on_another_criterion_is_routed() -> None:
    study = factories.make_open_study()
    style = factories.make_criterion(study, "style")
    tone = factories.make_criterion(study, "tone", scale="five")
    split = complete_with(study, ["a", "a"], others={style: ["a", "b"], tone: ["a", "a"]})
    complete_with(study, ["a", "a"], others={style: ["a", "a"], tone: ["b", "b"]})
    # Together the two criteria have no plurality, each of them has one.
    complete_with(study, ["a", "a"], others={style: ["a", "a"], tone: ["tie", "tie"]})
    assert routed(study) == [split]


def test_a_flag_routes_unless_the_one_who_set_it_was_excluded() -> None:
    study = factories.make_open_study()
    flagged, excluded, quiet = (complete_with(study, ["a"]) for _ in range(3))
    for comparison in (flagged, excluded):
        Flag.objects.create(assignment=comparison.assignments.get(), reason="other")
    Exclusion.objects.create(assignment=excluded.assignments.get(), reason="Careless.")
    assert routed(study) == [flagged]
    assert quiet.pk
    Study.objects.filter(pk=study.pk).update(rules={"adjudication": {"flagged": False}})
    study.refresh_from_db()
    assert routed(study) == []


def test_what_as_many_people_skipped_as_should_answer_is_routed_without_votes() -> None:
    study = factories.make_open_study()
    skipped = factories.make_comparison(study, overlap=2)
    skip(skipped)
    assert routed(study) == []
    # Given back without a reason: the annotator was paused, say.
    skip(skipped, skip_reason="")
    assert routed(study) == []
    skip(skipped)
    assert routed(study) == [skipped]
    adjudicate(skipped)
    assert routed(study) == []


def test_a_skip_that_was_answered_after_all_and_one_of_a_repeat_are_none() -> None:
    study = factories.make_open_study()
    comparison = factories.make_comparison(study, overlap=1)
    factories.make_assignment(
        comparison, state=AssignmentState.LATE_SURPLUS, skip_reason=SkipReason.OTHER
    )
    factories.make_assignment(comparison, state=AssignmentState.EXPIRED)
    skip(comparison, pass_no=1)
    assert routed(study) == []


def test_an_adjudication_takes_a_comparison_off_the_list_until_a_later_vote_counts() -> None:
    study = factories.make_open_study()
    comparison = complete_with(study, ["a", "b"])
    adjudicate(comparison)
    assert routed(study) == []
    first = comparison.votes.order_by("pk")[0]
    revised = {"assignment": first.assignment, "revision": 1}
    later = timezone.now() + timedelta(seconds=1)
    factories.make_vote(comparison, Choice.TIE, created_at=later, **revised)
    assert routed(study) == [comparison]
    adjudicate(comparison, revision=1, created_at=later)
    assert routed(study) == []


def test_a_later_vote_after_which_all_agree_brings_nothing_back() -> None:
    study = factories.make_open_study()
    comparison = complete_with(study, ["a", "b"])
    adjudicate(comparison)
    last = comparison.votes.order_by("pk")[1]
    assert last.assignment is not None
    choice = Choice.RIGHT if last.assignment.swapped else Choice.LEFT
    factories.make_vote(
        comparison,
        choice,
        assignment=last.assignment,
        revision=1,
        created_at=timezone.now() + timedelta(seconds=1),
    )
    assert routed(study) == []


def test_other_studies_have_no_part_in_it() -> None:
    study, other = factories.make_open_study(), factories.make_open_study()
    here, there = complete_with(study, ["a", "b"]), complete_with(other, ["a", "b"])
    assert routed(study) == [here]
    assert routed(other) == [there]
    window = Window(here.pk + 1, there.pk + 1)
    assert list(needing_adjudication(study, window)) == []


def test_the_database_routes_what_the_pure_rule_says() -> None:
    """Random votes on three criteria of three scales, counted and not."""
    chance = random.Random(5)
    study = factories.make_open_study(rules={"adjudication": {"distance": 3}})
    study.criteria.update(scale="five")
    style = factories.make_criterion(study, "style")
    tone = factories.make_criterion(study, "tone", scale="seven", required=False)
    graded = {Criterion.OVERALL, "tone"}
    expected = []
    verdicts = ["a", "b", "tie", "both_bad"]
    for _ in range(60):
        size = chance.randint(1, 4)
        overall = [Opinion(chance.choice(verdicts[:3])) for _ in range(size)]
        overall = [
            Opinion(verdict, chance.choice([1, 2]) if verdict in ("a", "b") else None)
            for verdict, _ in overall
        ]
        others = {row: chance.choices(verdicts, k=size) for row in (style, tone)}
        comparison = complete_with(
            study, [o.verdict for o in overall], margins=[o.margin for o in overall], others=others
        )
        given = {row.key: [Opinion(verdict) for verdict in others[row]] for row in others}
        given[Criterion.OVERALL] = overall
        if disagreements(rules_of(study.rules).adjudication, given, graded=graded):
            expected.append(comparison)
    assert routed(study) == expected
    assert 0 < len(expected) < 60


def test_what_waits_is_counted_in_two_queries_for_all_studies(
    django_assert_num_queries: Callable[[int], Any],
) -> None:
    studies = [factories.make_open_study() for _ in range(3)]
    user = make_adjudicator(studies[0])
    for study in studies[:2]:
        complete_with(study, ["a", "b"])
    complete_with(studies[0], ["a", "tie"])
    annotator = factories.make_annotator(studies[0], user)
    rated = factories.make_comparison(studies[0], overlap=2, taken=2)
    vote_on(rated, "a", annotator=annotator)
    vote_on(rated, "b")
    draft = factories.make_study(state=StudyState.DRAFT)
    with django_assert_num_queries(2):
        found = waiting_for(user, [*studies, draft])
    assert found == {
        studies[0].pk: Waiting(2),
        studies[1].pk: Waiting(1),
        studies[2].pk: Waiting(0),
    }
