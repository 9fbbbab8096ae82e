"""The life of an opened study: every step from every state, races, and unblinding."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from django.core.management import CommandError, call_command

from annotation.lifecycle.refusals import LifecycleError
from annotation.lifecycle.states import (
    archive_study,
    close_study,
    pause_study,
    resume_study,
    unblind_study,
)
from annotation.models import ResultsPolicy, Role, Study, StudyState
from tests import factories
from tests.races import at_once

pytestmark = pytest.mark.django_db

STEPS: list[tuple[Callable[[Study], Study], str, set[StudyState], StudyState]] = [
    (pause_study, "paused", {StudyState.OPEN}, StudyState.PAUSED),
    (resume_study, "resumed", {StudyState.PAUSED}, StudyState.OPEN),
    (close_study, "closed", {StudyState.OPEN, StudyState.PAUSED}, StudyState.CLOSED),
    (archive_study, "archived", {StudyState.CLOSED}, StudyState.ARCHIVED),
]


@pytest.mark.parametrize(("step", "action", "sources", "target"), STEPS)
@pytest.mark.parametrize("state", StudyState)
def test_each_step_is_taken_from_its_states_and_refused_from_all_others(
    step: Callable[[Study], Study],
    action: str,
    sources: set[StudyState],
    target: StudyState,
    state: StudyState,
) -> None:
    study = factories.make_study(state=state)
    if state in sources:
        assert step(study).state == target
        assert [entry.action for entry in study.audit_entries.all()] == [f"study.{action}"]
    else:
        with pytest.raises(LifecycleError, match=f"{study.slug} cannot be {action}: "):
            step(study)
        study.refresh_from_db()
        assert study.state == state
        assert not study.audit_entries.exists()


def test_a_step_notes_its_moment() -> None:
    study = factories.make_study(state=StudyState.OPEN)
    paused = pause_study(study)
    assert paused.state_changed_at > study.state_changed_at
    assert paused.closed_at is None
    closed = close_study(paused)
    assert closed.closed_at > paused.state_changed_at


def test_the_grace_runs_from_when_a_study_stopped_being_open() -> None:
    paused = pause_study(factories.make_study(state=StudyState.OPEN))
    resumed = resume_study(paused)
    assert resumed.state_changed_at > paused.state_changed_at
    closed = close_study(resumed)
    assert closed.state_changed_at == closed.closed_at > resumed.state_changed_at
    assert archive_study(closed).state_changed_at == closed.state_changed_at


@pytest.mark.parametrize("state", [StudyState.CLOSED, StudyState.ARCHIVED])
def test_a_closed_study_is_unblinded_once(state: StudyState) -> None:
    study = factories.make_study(state=state)
    owner = factories.make_membership(study, Role.OWNER).user
    factories.make_vote(factories.make_comparison(study))
    assert study.is_sealed
    unblinded = unblind_study(study, owner, reason="All votes are in.")
    assert not unblinded.is_sealed
    entry = study.audit_entries.get(action="study.unblinded")
    assert entry.actor == owner
    assert entry.detail == {
        "state": state,
        "early": False,
        "reason": "All votes are in.",
        "counted_votes": 1,
    }
    with pytest.raises(LifecycleError, match="already"):
        unblind_study(study)


def test_a_draft_has_nothing_sealed() -> None:
    with pytest.raises(LifecycleError, match="never opened"):
        unblind_study(factories.make_study(), early=True, reason="Curiosity.")


@pytest.mark.parametrize("state", [StudyState.OPEN, StudyState.PAUSED])
@pytest.mark.parametrize(
    ("early", "reason", "message"),
    [
        (False, "", "still collects votes"),
        (False, "Curiosity.", "still collects votes"),
        (True, "", "needs a --reason"),
        (True, "   ", "needs a --reason"),
    ],
)
def test_a_running_study_is_unblinded_only_early_and_with_a_reason(
    state: StudyState, early: bool, reason: str, message: str
) -> None:
    study = factories.make_study(state=state)
    with pytest.raises(LifecycleError, match=message):
        unblind_study(study, early=early, reason=reason)
    study.refresh_from_db()
    assert study.unblinded_at is None
    assert not study.audit_entries.exists()


def test_an_owner_or_the_operator_may_unblind_early_and_nobody_else() -> None:
    study = factories.make_open_study()
    researcher = factories.make_membership(study, Role.RESEARCHER).user
    with pytest.raises(LifecycleError, match="Only an owner"):
        unblind_study(study, researcher, early=True, reason="A safety question.")
    owner = factories.make_membership(study, Role.OWNER).user
    unblind_study(study, owner, early=True, reason="A safety question.")
    assert study.audit_entries.get().detail["early"] is True
    unblind_study(factories.make_open_study(), early=True, reason="The operator's.")


@pytest.mark.parametrize("reason", ["\udcff", "a \x00 b"])
def test_a_reason_that_is_no_text_is_refused_in_words(reason: str) -> None:
    study = factories.make_open_study()
    with pytest.raises(CommandError, match="reason is no text"):
        call_command("unblind_study", study.slug, "--early", "--reason", reason)
    study.refresh_from_db()
    assert study.unblinded_at is None


def test_unblinding_does_not_change_the_state() -> None:
    study = factories.make_open_study()
    assert unblind_study(study, early=True, reason="A safety question.").state == StudyState.OPEN


def test_a_study_with_open_results_is_never_sealed() -> None:
    study = factories.make_open_study(results=ResultsPolicy.OPEN)
    assert not study.is_sealed


@pytest.mark.django_db(transaction=True)
def test_of_many_who_close_a_study_at_the_same_moment_one_does() -> None:
    study = factories.make_open_study()
    results = at_once([partial(close_study, study)] * 4)
    assert sum(isinstance(result, Study) for result in results) == 1
    assert study.audit_entries.filter(action="study.closed").count() == 1


@pytest.mark.django_db(transaction=True)
def test_pausing_and_closing_at_the_same_moment_end_closed() -> None:
    study = factories.make_open_study()
    at_once([partial(pause_study, study), partial(close_study, study)])
    study.refresh_from_db()
    assert study.state == StudyState.CLOSED
    actions = list(study.audit_entries.order_by("seq").values_list("action", flat=True))
    assert actions in (["study.closed"], ["study.paused", "study.closed"])


@pytest.mark.django_db(transaction=True)
def test_a_study_is_unblinded_by_one_of_many() -> None:
    study = factories.make_study(state=StudyState.CLOSED)
    results = at_once([partial(unblind_study, study)] * 3)
    assert sum(isinstance(result, Study) for result in results) == 1
    assert study.audit_entries.filter(action="study.unblinded").count() == 1
