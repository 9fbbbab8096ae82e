"""Which votes count."""

from __future__ import annotations

from typing import Any

import pytest

from annotation.models import (
    AssignmentState,
    Choice,
    ComparisonKind,
    Exclusion,
    Study,
    Verdict,
    Vote,
)
from annotation.selectors import (
    counted_assignments,
    counted_votes,
    excluded_votes,
    has_exclusions,
    repeated_votes,
)
from tests.factories import (
    make_annotator,
    make_assignment,
    make_comparison,
    make_imported_vote,
    make_open_study,
    make_prompt,
    make_response,
    make_study,
    make_system,
    make_vote,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def study() -> Study:
    return make_open_study()


def counted(study: Study) -> set[int]:
    """The counted votes; that the assignments which count are theirs is looked at each time."""
    votes = counted_votes(study)
    of_votes = votes.filter(assignment__isnull=False).values_list("assignment", flat=True)
    assert sorted(of_votes) == sorted(counted_assignments(study).values_list("pk", flat=True))
    return set(votes.values_list("pk", flat=True))


def test_a_submitted_vote_counts_and_one_of_another_study_does_not(study: Study) -> None:
    vote = make_vote(make_comparison(study))
    make_vote(make_comparison(make_open_study()))
    assert counted(study) == {vote.pk}


def test_the_newest_revision_counts_alone(study: Study) -> None:
    first = make_vote(make_comparison(study), Choice.LEFT)
    newest = make_vote(first.comparison, Choice.RIGHT, assignment=first.assignment, revision=1)
    assert counted(study) == {newest.pk}


def test_an_older_revision_never_takes_the_place_of_an_excluded_one(study: Study) -> None:
    first = make_vote(make_comparison(study), Choice.LEFT)
    make_vote(first.comparison, Choice.RIGHT, assignment=first.assignment, revision=1)
    Exclusion.objects.create(assignment=first.assignment, reason="careless")
    assert counted(study) == set()


def test_lifting_an_exclusion_brings_the_vote_back(study: Study) -> None:
    vote = make_vote(make_comparison(study))
    exclusion = Exclusion.objects.create(assignment=vote.assignment, reason="by mistake")
    assert counted(study) == set()
    Exclusion.objects.create(assignment=vote.assignment, reason="it was", lifts=exclusion)
    assert counted(study) == {vote.pk}
    Exclusion.objects.create(assignment=vote.assignment, reason="after all")
    assert counted(study) == set()


def test_surplus_votes_do_not_count(study: Study) -> None:
    comparison = make_comparison(study)
    surplus = make_assignment(comparison, state=AssignmentState.LATE_SURPLUS)
    make_vote(comparison, assignment=surplus)
    assert counted(study) == set()


@pytest.mark.parametrize("kind", [kind for kind in ComparisonKind if kind != "work"])
def test_only_work_counts(study: Study, kind: ComparisonKind) -> None:
    fields: dict[str, Any] = {}
    if kind in (ComparisonKind.GOLD, ComparisonKind.TRAINING):
        fields["gold"] = {"overall": ["a"]}
    if kind == ComparisonKind.IDENTICAL:
        prompt = make_prompt(study)
        response = make_response(prompt, make_system(study))
        fields |= {"prompt": prompt, "response_a": response, "response_b": response}
    comparison = make_comparison(study, kind=kind, **fields)
    make_vote(comparison)
    make_imported_vote(comparison)
    assert counted(study) == set()
    assert repeated_votes(study).count() == 0


def test_a_swapped_repeat_is_kept_as_a_repeat(study: Study) -> None:
    first = make_vote(make_comparison(study))
    again = make_assignment(
        first.comparison, first.annotator, pass_no=1, state=AssignmentState.SUBMITTED, swapped=True
    )
    repeat = make_vote(first.comparison, Choice.RIGHT, assignment=again)
    assert counted(study) == {first.pk}
    assert list(repeated_votes(study)) == [repeat]


def test_the_first_imported_label_counts_and_a_later_one_is_a_repeat() -> None:
    study = make_study()
    comparison, annotator = make_comparison(study), make_annotator(study)
    first = make_imported_vote(comparison, Verdict.A, annotator=annotator)
    later = make_imported_vote(comparison, Verdict.B, annotator=annotator, occurrence=1)
    assert counted(study) == {first.pk}
    assert list(repeated_votes(study)) == [later]
    Exclusion.objects.create(vote=first, reason="wrong file")
    assert counted(study) == set(), "a repeat never takes the place of an excluded first label"


def test_an_imported_label_does_not_count_beside_a_vote_of_the_same_person(study: Study) -> None:
    held = make_assignment(make_comparison(study), make_annotator(study))
    label = make_imported_vote(held.comparison, Verdict.B, annotator=held.annotator)
    elsewhere = make_imported_vote(make_comparison(study), annotator=held.annotator)
    somebody = make_imported_vote(held.comparison, Verdict.A)
    others = {elsewhere.pk, somebody.pk}
    assert counted(study) == {label.pk} | others, "a mere reservation is no vote"
    held.state = AssignmentState.SUBMITTED
    held.save()
    vote = make_vote(held.comparison, Choice.LEFT, assignment=held)
    assert counted(study) == {vote.pk} | others
    Exclusion.objects.create(assignment=held, reason="careless")
    assert counted(study) == {label.pk} | others


def test_there_is_at_most_one_counted_vote_for_an_annotator_and_a_comparison(study: Study) -> None:
    comparison = make_comparison(study)
    for choice in (Choice.LEFT, Choice.TIE):
        vote = make_vote(comparison, choice)
        make_vote(comparison, Choice.RIGHT, assignment=vote.assignment, revision=1)
    people = list(counted_votes(study).values_list("annotator", "comparison"))
    assert len(people) == len(set(people)) == 2
    assert Vote.objects.count() == 4


@pytest.mark.postgres
def test_nothing_is_looked_up_for_each_counted_vote(study: Study) -> None:
    """What keeps a vote out is joined once: a condition in an OR would be asked of each vote."""
    make_vote(make_comparison(study))
    make_imported_vote(make_comparison(study))
    assert "SubPlan" not in counted_votes(study).explain()


def test_excluded_votes_are_those_that_would_count_otherwise(study: Study) -> None:
    kept = make_vote(make_comparison(study))
    revised = make_vote(make_comparison(study), Choice.LEFT)
    newest = make_vote(revised.comparison, Choice.RIGHT, assignment=revised.assignment, revision=1)
    label = make_imported_vote(make_comparison(study))
    repeat = make_imported_vote(label.comparison, annotator=label.annotator, occurrence=1)
    assert not has_exclusions(study)
    assert list(excluded_votes(study)) == []
    before = counted(study)
    Exclusion.objects.create(assignment=newest.assignment, reason="careless", rule="speed")
    Exclusion.objects.create(vote=label, reason="wrong file", post_hoc=True)
    Exclusion.objects.create(vote=repeat, reason="wrong file", post_hoc=True)
    assert has_exclusions(study)
    assert counted(study) == {kept.pk}
    out = {vote.pk: vote.post_hoc for vote in excluded_votes(study)}  # type: ignore[attr-defined]
    assert out == {newest.pk: False, label.pk: True}
    assert counted(study) | set(out) == before
