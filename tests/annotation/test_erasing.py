"""Erasing a person: who they are is gone from every table, what they decided stands as it was."""

from __future__ import annotations

import io
import uuid
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from annotation import audit, people
from annotation.models import (
    Annotator,
    AnnotatorState,
    ApiToken,
    AssignmentState,
    AuditEntry,
    CrowdArrival,
    Draft,
    Exclusion,
    Flag,
    Invitation,
    InvitationPurpose,
    KeyMap,
    MailState,
    Membership,
    RememberedAnswer,
    Role,
    SkipReason,
    Study,
    User,
    Vote,
)
from annotation.people import AccountFate, AlreadyErasedError, Belongings
from annotation.queue import claim, free_excluded, release
from annotation.rating.flagging import flag_pair
from annotation.selectors import counted_votes
from annotation.voting import AnnotatorRemoved, Answer, submit
from tests import factories
from tests.annotation.queue.world import assert_counters_hold, current_id, make_queue, row_of
from tests.races import at_once
from tests.refusals import refused_by

pytestmark = pytest.mark.django_db

# Written wherever a person can leave a trace, in the person's words or in words about them.
TRACE = "sofia-kovalevskaya"
NAME = f"{TRACE}@example.org"


def make_traced(study: Study) -> Annotator:
    """Somebody with two votes, a skip, a flag, a draft, and a name in every place for one."""
    user = factories.make_user(NAME, email=NAME)
    annotator = factories.make_annotator(
        study,
        user,
        external_id=f"{TRACE}-code",
        profile={"born": TRACE},
        state_reason=f"wrote to {TRACE}",
    )
    people.issue_crowd_link(study, 5)
    CrowdArrival.objects.create(
        annotator=annotator,
        study=study,
        invitation=Invitation.objects.get(study=study),
        participant=f"{TRACE}-id",
        platform_session=f"{TRACE}-session",
    )
    KeyMap.objects.create(annotator=annotator, keys={"skip": TRACE})
    first, second, third = (held.id for held in claim(annotator, want=3).held)
    for public_id in (first, second):
        submit(
            annotator,
            public_id,
            {"overall": Answer("left")},
            uuid.uuid4(),
            rationale=f"As {TRACE} I know.",
        )
    flag_pair(annotator, first, "other", f"Ask {TRACE}, who wrote it.")
    flag_pair(annotator, second, "harmful")
    release(annotator, third, SkipReason.OTHER, f"{TRACE} is tired")
    fourth = current_id(annotator)
    Draft.objects.create(
        annotator=annotator, assignment=row_of(fourth), rationale=f"{TRACE} thinks"
    )
    AccessAttempt.objects.create(
        username=NAME, ip_address="192.0.2.0", user_agent=TRACE, failures_since_start=1
    )
    LogEntry.objects.create(
        user=factories.make_user(),
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(user.pk),
        object_repr=NAME,
        action_flag=CHANGE,
    )
    people.issue_set_password_link(user, None)
    Client().force_login(user)
    day = timezone.now() + timedelta(days=1)
    for number, accepted in enumerate((user, None)):
        Invitation.objects.create(
            token_hash=str(number),
            purpose=InvitationPurpose.JOIN,
            study=study,
            role=Role.ANNOTATOR,
            name=TRACE,
            email=NAME,
            team=TRACE,
            mail_state=MailState.FAILED,
            mail_fault=f"No letters for {TRACE}.",
            accepted_by=accepted,
            expires_at=day,
        )
    ApiToken.objects.create(
        user=user,
        name=f"{TRACE}'s script",
        prefix="abc",
        token_hash="abc",
        may_annotate=True,
        expires_at=day,
    )
    RememberedAnswer.objects.create(user=user, key_hash="k", request_hash="r")
    return annotator


def places_of(trace: str) -> set[str]:
    """Every column of every table in which the text stands."""
    return {
        f"{model._meta.label}.{field.attname}"
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.concrete_fields
        for value in model._base_manager.values_list(field.attname, flat=True)
        if trace in str(value)
    }


def rows_of(annotator: Annotator) -> list[dict[str, Any]]:
    return list(Vote.objects.filter(annotator=annotator.pk).order_by("pk").values())


PLACES = {
    "annotation.Annotator.external_id",
    "annotation.Annotator.profile",
    "annotation.Annotator.state_reason",
    "annotation.CrowdArrival.participant",
    "annotation.CrowdArrival.platform_session",
    "annotation.KeyMap.keys",
    "annotation.VoteNote.rationale",
    "annotation.Flag.note",
    "annotation.Assignment.skip_note",
    "annotation.Draft.rationale",
    "annotation.Invitation.name",
    "annotation.Invitation.email",
    "annotation.Invitation.team",
    "annotation.Invitation.mail_fault",
    "annotation.ApiToken.name",
    "annotation.User.username",
    "annotation.User.email",
    "axes.AccessAttempt.username",
    "axes.AccessAttempt.user_agent",
    "admin.LogEntry.object_repr",
}


def test_nothing_in_any_table_names_the_person_any_more() -> None:
    study = make_queue(5)
    annotator = make_traced(study)
    assert places_of(TRACE) == PLACES
    user = annotator.user
    assert user is not None

    done = people.erase(annotator)

    assert places_of(TRACE) == set()
    annotator.refresh_from_db()
    assert annotator.external_id == done.new_name
    assert annotator.user is None
    assert annotator.erased_at is not None
    assert annotator.state == AnnotatorState.REMOVED
    user.refresh_from_db()
    assert not user.is_active
    assert not user.has_usable_password()
    assert not user.sessions.exists()
    assert not Membership.objects.filter(user=user).exists()
    assert not Invitation.objects.filter(user=user, revoked_at=None).exists()
    assert not Invitation.objects.filter(
        study=study, purpose=InvitationPurpose.JOIN, revoked_at=None
    ).exists()
    assert not ApiToken.objects.filter(user=user, revoked_at=None).exists()
    assert not RememberedAnswer.objects.filter(user=user).exists()


def test_what_the_person_decided_stands_as_it_was() -> None:
    study = make_queue(5)
    annotator = make_traced(study)
    excluded = annotator.votes.order_by("pk")[0].assignment
    assert excluded is not None
    Exclusion.objects.create(assignment=excluded, reason="In doubt.")
    free_excluded([excluded.pk])
    votes = rows_of(annotator)
    counted = list(counted_votes(study).values_list("pk", flat=True))

    found = people.look_over(annotator)
    assert people.erase(annotator).belongings == found
    assert found == Belongings(
        account=AccountFate.EMPTIED,
        reasons=2,
        flag_notes=1,
        skip_notes=1,
        drafts=1,
        key_maps=1,
        arrivals=1,
        sessions=1,
        links=1,
        votes=2,
        flags=2,
        reservations=found.reservations,
        reviews=0,
        exclusions=1,
        reports=0,
        exports=0,
    )
    assert found.reservations >= 1

    assert rows_of(annotator) == votes
    assert list(counted_votes(study).values_list("pk", flat=True)) == counted
    assert sorted(Flag.objects.values_list("reason", "note")) == [("harmful", ""), ("other", "")]
    assert not annotator.assignments.filter(state=AssignmentState.RESERVED).exists()
    assert_counters_hold(study)


def test_the_log_says_so_without_a_name_and_holds() -> None:
    study = make_queue(5)
    annotator = make_traced(study)
    owner = factories.make_user()
    people.erase(annotator, owner)
    entry = AuditEntry.objects.get(action="annotator.erased")
    assert entry.actor == owner
    assert entry.detail == {"annotator": annotator.pk, "account": "emptied", "votes": 2}
    assert list(audit.verify()) == []


def test_an_account_that_is_needed_elsewhere_is_kept() -> None:
    study, other = make_queue(5), make_queue(2)
    annotator = make_traced(study)
    user = annotator.user
    assert user is not None
    elsewhere = factories.make_annotator(other, user)

    assert people.erase(annotator).belongings.account == AccountFate.KEPT

    user.refresh_from_db()
    assert user.username == NAME
    assert user.is_active
    elsewhere.refresh_from_db()
    assert elsewhere.user == user
    assert not Membership.objects.filter(user=user, study=study).exists()
    # Once it is gone there too, so is the account.
    assert people.erase(elsewhere).belongings.account == AccountFate.EMPTIED
    assert places_of(TRACE) == set()


@pytest.mark.parametrize("role", [Role.OWNER, Role.MONITOR])
def test_who_also_runs_the_study_keeps_the_account_and_that_role(role: Role) -> None:
    study = make_queue(5)
    annotator = make_traced(study)
    user = annotator.user
    assert user is not None
    factories.make_membership(study, role, user)
    assert people.erase(annotator).belongings.account == AccountFate.KEPT
    assert [str(member.role) for member in Membership.objects.filter(user=user)] == [role]


def test_an_imported_rater_has_no_account_to_lose() -> None:
    study = factories.make_study()
    annotator = factories.make_annotator(study, external_id=TRACE)
    factories.make_imported_vote(factories.make_comparison(study), annotator=annotator)
    assert people.erase(annotator).belongings.account == AccountFate.NONE
    assert places_of(TRACE) == set()


def test_nobody_is_erased_twice() -> None:
    annotator = factories.make_annotator(make_queue())
    done = people.erase(annotator)
    with pytest.raises(AlreadyErasedError, match=f"{done.new_name} was erased on"):
        people.erase(annotator)
    annotator.refresh_from_db()
    assert annotator.external_id == done.new_name
    assert AuditEntry.objects.filter(action="annotator.erased").count() == 1


def test_a_vote_under_way_is_refused_once_the_person_is_erased() -> None:
    study = make_queue()
    annotator = factories.make_annotator(study, factories.make_user())
    pair = current_id(annotator)
    people.erase(annotator)
    with pytest.raises(AnnotatorRemoved):
        submit(annotator, pair, {"overall": Answer("left")}, uuid.uuid4(), rationale=TRACE)
    assert places_of(TRACE) == set()


@pytest.mark.django_db(transaction=True)
def test_two_erasures_at_once_make_one() -> None:
    annotator = factories.make_annotator(make_queue(), factories.make_user(NAME))
    outcomes = at_once([lambda: people.erase(annotator)] * 2)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == [
        "AlreadyErasedError",
        "Erasure",
    ]
    assert list(audit.verify()) == []


@pytest.mark.parametrize("change", [{"note": "other"}, {"note": "", "reason": "harmful"}])
def test_a_flag_can_lose_its_note_and_nothing_else(change: dict[str, str]) -> None:
    pair = factories.make_comparison(factories.make_open_study())
    flag = Flag.objects.create(
        assignment=factories.make_assignment(pair), reason="other", note="A note."
    )
    with refused_by("annotation_flag is append-only"):
        Flag.objects.filter(pk=flag.pk).update(**change)


# -- the command ------------------------------------------------------------------------------


def run(*arguments: str) -> tuple[str, str]:
    stdout, stderr = io.StringIO(), io.StringIO()
    call_command("erase_annotator", *arguments, stdout=stdout, stderr=stderr)
    return stdout.getvalue(), stderr.getvalue()


def test_the_command_says_what_goes_and_what_remains_and_changes_nothing() -> None:
    study = make_queue(5)
    make_traced(study)
    stdout, stderr = run(study.slug, f"{TRACE}-code")
    assert stdout == ""
    goes, remains = stderr.split("Remains:")
    assert "reasons and tags with votes: 2" in goes
    assert "answers that were begun: 1" in goes
    assert "votes as they are" in remains
    assert "Nothing was changed" in remains
    assert places_of(TRACE) == PLACES


@pytest.mark.parametrize("who", [f"{TRACE}-code", NAME, NAME.upper(), f"{TRACE}-id"])
def test_the_command_finds_a_person_by_any_of_their_names_and_erases(who: str) -> None:
    study = make_queue(5)
    annotator = make_traced(study)
    stdout, stderr = run(study.slug, who, "--erase")
    annotator.refresh_from_db()
    assert stdout == f"{annotator.external_id}\n"
    assert f"The votes stand under {annotator.external_id}" in stderr
    assert places_of(TRACE) == set()


def test_the_command_refuses_who_is_not_there_and_a_name_of_two() -> None:
    study = make_queue(5)
    make_traced(study)
    with pytest.raises(CommandError, match="has no annotator 'nobody'"):
        run(study.slug, "nobody", "--erase")
    factories.make_annotator(study, external_id=NAME)
    with pytest.raises(CommandError, match="several people"):
        run(study.slug, NAME, "--erase")
    assert places_of(TRACE) == PLACES
