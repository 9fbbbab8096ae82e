"""Teams, what annotators say about themselves, and the end of somebody's part."""

from __future__ import annotations

import pytest

from annotation import people, queue
from annotation.models import (
    Annotator,
    AnnotatorState,
    Assignment,
    AssignmentState,
    AuditEntry,
    Comparison,
    Membership,
    Role,
)
from annotation.quality import ReviewRefusedError
from annotation.selectors import counted_votes
from tests import factories

pytestmark = pytest.mark.django_db

FIELD = {"key": "field", "text": "What is your field?", "options": ["Law", "Medicine"]}


def test_a_team_is_what_eligibility_goes_by():
    study = factories.make_open_study(rules={"eligibility": {"law": {"team": ["Berlin"]}}})
    prompt = factories.make_prompt(study, category="law")
    comparison = factories.make_comparison(study, prompt=prompt)
    annotator = factories.make_annotator(study, factories.make_user())
    work = Comparison.objects.filter(pk=comparison.pk)
    assert not queue.that_fit(study, annotator, work).exists()
    people.set_team(study, annotator.user, "Berlin", None)
    annotator.refresh_from_db()
    assert queue.that_fit(study, annotator, work).exists()
    people.set_team(study, annotator.user, "", None)
    annotator.refresh_from_db()
    assert annotator.profile == {}
    assert not queue.that_fit(study, annotator, work).exists()
    assert "Berlin" not in str(list(AuditEntry.objects.values()))


def test_a_team_leaves_answers_alone():
    study = factories.make_open_study()
    annotator = factories.make_annotator(study, factories.make_user(), profile={"field": "Law"})
    people.set_team(study, annotator.user, "Berlin", None)
    annotator.refresh_from_db()
    assert annotator.profile == {"field": "Law", "team": "Berlin"}


@pytest.mark.parametrize("team", ["x" * 81, "two\nlines", "N\0L"])
def test_a_team_has_a_name_on_one_line(team):
    annotator = factories.make_annotator(factories.make_open_study(), factories.make_user())
    with pytest.raises(people.PeopleError, match="one line of at most 80"):
        people.set_team(annotator.study, annotator.user, team, None)


def test_a_stranger_has_no_team():
    with pytest.raises(people.PeopleError, match="takes no part"):
        people.set_team(factories.make_open_study(), factories.make_user(), "Berlin", None)


def test_questions_are_asked_once():
    study = factories.make_open_study(rules={"profile": {"questions": [FIELD]}})
    annotator = factories.make_annotator(study, factories.make_user())
    assert [question.key for question in people.questions_for(annotator)] == ["field"]
    people.answer_questions(annotator, {"field": "Law"})
    people.answer_questions(annotator, {"field": "Medicine", "admin": "yes"})
    annotator.refresh_from_db()
    assert annotator.profile == {"field": "Law"}
    assert people.questions_for(annotator) == ()


@pytest.mark.parametrize(
    ("answers", "said"), [({}, "has no answer"), ({"field": "Magic"}, "is no answer")]
)
def test_an_answer_is_one_of_the_options(answers, said):
    study = factories.make_open_study(rules={"profile": {"questions": [FIELD]}})
    annotator = factories.make_annotator(study, factories.make_user())
    with pytest.raises(people.PeopleError, match=said):
        people.answer_questions(annotator, answers)
    annotator.refresh_from_db()
    assert annotator.profile == {}


def vote_of(study):
    user = factories.make_user()
    annotator = factories.make_annotator(study, user)
    return annotator, factories.make_vote(factories.make_comparison(study), annotator=annotator)


def test_votes_stay_where_somebody_leaves_and_their_pairs_go_back():
    study = factories.make_open_study()
    annotator, vote = vote_of(study)
    held = factories.make_assignment(factories.make_comparison(study), annotator=annotator)
    owner = factories.make_membership(study, Role.OWNER).user
    people.end_part(study, annotator.user, owner, withdraw_votes=False)
    annotator.refresh_from_db()
    assert annotator.state == AnnotatorState.REMOVED
    assert not Membership.objects.filter(user=annotator.user).exists()
    assert Assignment.objects.get(pk=held.pk).state != AssignmentState.RESERVED
    assert counted_votes(study).filter(pk=vote.pk).exists()


def test_votes_can_be_withdrawn_at_once_or_later():
    study = factories.make_open_study()
    owner = factories.make_membership(study, Role.OWNER).user
    (first, vote), (second, other) = vote_of(study), vote_of(study)
    people.end_part(study, first.user, owner, withdraw_votes=True, reason="asked for it")
    assert not counted_votes(study).filter(pk=vote.pk).exists()
    people.end_part(study, second.user, owner, withdraw_votes=False)
    assert counted_votes(study).filter(pk=other.pk).exists()
    with pytest.raises(people.PeopleError, match="has ended before"):
        people.end_part(study, second.user, owner, withdraw_votes=False)
    people.end_part(study, second.user, owner, withdraw_votes=True, reason="asked for it")
    assert not counted_votes(study).filter(pk=other.pk).exists()
    states = set(Annotator.objects.filter(study=study).values_list("state", flat=True))
    assert states == {AnnotatorState.REMOVED}


def test_a_withdrawal_without_a_reason_changes_nothing():
    study = factories.make_open_study()
    annotator, _ = vote_of(study)
    with pytest.raises(ReviewRefusedError, match="needs a reason"):
        people.end_part(study, annotator.user, None, withdraw_votes=True)
    annotator.refresh_from_db()
    assert annotator.state == AnnotatorState.ACTIVE
