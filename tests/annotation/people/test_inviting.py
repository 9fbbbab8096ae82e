"""Inviting people by name and address: who may, who is there already, reminders, letters."""

from __future__ import annotations

import smtplib
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone

from annotation import people
from annotation.models import (
    AuditEntry,
    Invitation,
    MailState,
    Membership,
    Role,
    Study,
    StudyState,
)
from annotation.people import BadListError, Invitee, letters
from annotation.tasks import send_letters
from tests import factories
from tests.annotation.people.letters import link_of
from tests.races import at_once

pytestmark = pytest.mark.django_db

ADA = Invitee("Ada", "ada@example.org", Role.ANNOTATOR, "Berlin")


def test_a_letter_brings_somebody_into_their_team(study, owner):
    people.invite_people(study, [ADA], owner, by_email=True)
    assert not mail.outbox
    assert send_letters() == 1
    letter = mail.outbox[0]
    assert letter.to == ["ada@example.org"]
    assert letter.subject == "Invitation to “Capitals”"
    answer = Client().post(
        link_of(letter),
        {"username": "ada", "password": factories.PASSWORD, "repeated": factories.PASSWORD},
    )
    assert answer.status_code == 302
    membership = Membership.objects.get(study=study, role=Role.ANNOTATOR)
    assert membership.team == "Berlin"
    assert membership.user.annotators.get().profile == {"team": "Berlin"}
    invitation = Invitation.objects.get()
    assert (invitation.mail_state, invitation.accepted_by) == (MailState.SENT, membership.user)


def test_no_letter_is_sent_twice_by_two_workers(study, owner):
    people.invite_people(study, [ADA], owner, by_email=True)
    assert send_letters() == 1
    assert send_letters() == 0
    assert len(mail.outbox) == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_one_letter(study, owner):
    people.invite_people(study, [ADA], owner, by_email=True)
    done = at_once([letters.send_letters, letters.send_letters])
    assert sorted(one.sent for one in done) == [0, 1]


def test_neither_a_row_nor_the_log_holds_a_link_or_an_address(study, owner):
    issued = people.invite_people(study, [ADA], owner, by_email=True)
    send_letters()
    token = link_of(mail.outbox[0]).split("/")[2]
    stored = str(list(Invitation.objects.values()))
    assert token not in stored
    assert issued[0].token not in stored
    # What came back is good for nothing once the letter has a secret of its own.
    assert Client().get(f"/invitation/{issued[0].token}/").status_code == 404
    log = str(list(AuditEntry.objects.values()))
    # Not "ada" of any case: a hash in hex may hold it.
    assert ADA.name not in log
    assert ADA.email not in log


def test_a_server_that_is_away_is_tried_again_until_it_is_enough(study, owner, monkeypatch):
    people.invite_people(study, [ADA], owner, by_email=True)
    monkeypatch.setattr(
        "django.core.mail.backends.locmem.EmailBackend.send_messages", fails(OSError("away"))
    )
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        for attempt, pause in enumerate(letters.PAUSES, 1):
            clock.shift(1)
            assert send_letters() == 0
            row = Invitation.objects.get()
            assert (row.mail_state, row.mail_attempts) == (MailState.QUEUED, attempt)
            assert "could not be reached" in row.mail_fault
            clock.shift(pause - timedelta(seconds=2))
            send_letters()
            assert Invitation.objects.get().mail_attempts == attempt
            clock.shift(2)
        send_letters()
    row = Invitation.objects.get()
    assert (row.mail_state, row.mail_attempts) == (MailState.FAILED, letters.MOST_ATTEMPTS)


def fails(fault: Exception):
    def send_messages(self, messages):
        raise fault

    return send_messages


def test_an_address_that_the_server_refuses_fails_at_once_and_the_others_are_sent(
    study, owner, monkeypatch
):
    from django.core.mail.backends import locmem

    right = locmem.EmailBackend.send_messages

    def send_messages(self, messages):
        if messages[0].to == ["ada@example.org"]:
            raise smtplib.SMTPRecipientsRefused({"ada@example.org": (550, b"no such user")})
        return right(self, messages)

    monkeypatch.setattr(locmem.EmailBackend, "send_messages", send_messages)
    grace = Invitee("Grace", "grace@example.org")
    people.invite_people(study, [ADA, grace], owner, by_email=True)
    assert send_letters() == 1
    row = Invitation.objects.get(email="ada@example.org")
    assert (row.mail_state, row.mail_attempts) == (MailState.FAILED, 1)
    assert row.mail_fault == "the server refused the address: 550 no such user"
    # It can be tried again by hand, and that counts as no reminder.
    assert people.remind(row, owner).reminder == 0


def test_a_link_that_was_withdrawn_is_not_sent(study, owner):
    (issued,) = people.invite_people(study, [ADA], owner, by_email=True)
    people.withdraw(issued.invitation, owner)
    assert send_letters() == 0
    assert not mail.outbox
    assert Invitation.objects.get().mail_state == MailState.FAILED


def test_whoever_is_there_or_was_invited_is_named_and_nobody_is_invited(study, owner):
    ada = factories.make_user("ada@example.org")
    factories.make_annotator(study, ada)
    people.invite_people(study, [Invitee("Grace", "grace@example.org")], owner, by_email=False)
    with pytest.raises(BadListError) as caught:
        people.invite_people(
            study,
            [
                Invitee("", "ADA@example.org", line=7),
                Invitee("", "Grace@example.org", line=9),
                Invitee("", "alan@example.org", line=10),
            ],
            owner,
            by_email=True,
        )
    assert [str(problem) for problem in caught.value.problems] == [
        "Line 7: ADA@example.org is annotator already.",
        "Line 9: Grace@example.org has an invitation as annotator that is still good: send a "
        "reminder, or withdraw it first.",
    ]
    assert Invitation.objects.count() == 1
    # In another role they can be invited.
    people.invite_people(
        study, [Invitee("", "ada@example.org", Role.MONITOR)], owner, by_email=True
    )


@pytest.mark.parametrize("role", [role for role in Role if role != Role.ANNOTATOR])
def test_a_researcher_invites_annotators_and_nobody_else(study, role):
    researcher = factories.make_membership(study, Role.RESEARCHER).user
    people.invite_people(study, [ADA], researcher, by_email=True)
    with pytest.raises(people.NotTheirsError, match="Only an owner"):
        people.invite_people(study, [Invitee("X", "", role)], researcher, by_email=False)
    assert Invitation.objects.count() == 1


@pytest.mark.parametrize("role", [Role.MONITOR, Role.ADJUDICATOR, Role.ANNOTATOR])
def test_others_invite_nobody(study, role):
    member = factories.make_membership(study, role).user
    with pytest.raises(people.NotTheirsError):
        people.invite_people(study, [ADA], member, by_email=False)
    with pytest.raises(people.NotTheirsError):
        people.invite_people(study, [ADA], factories.make_user(), by_email=False)


def test_a_name_cannot_write_into_the_head_of_a_letter(study, owner):
    study.title = "Capitals\nBcc: eve@example.org"
    study.save()
    people.invite_people(study, [ADA], owner, by_email=True)
    send_letters()
    assert "\n" not in mail.outbox[0].subject
    assert mail.outbox[0].bcc == []


@pytest.mark.parametrize("fails", [False, True])
def test_an_erasure_while_letters_are_sent_ends_no_run(study, owner, monkeypatch, fails):
    grace = Invitee("Grace", "grace@example.org", Role.ANNOTATOR, "")
    people.invite_people(study, [ADA, grace], owner, by_email=True)
    send = letters.send

    def erased_meanwhile(connection, invitation, token) -> None:
        if invitation.email == ADA.email:
            # As `forget_invitee` leaves it.
            Invitation.objects.filter(pk=invitation.pk).update(
                revoked_at=timezone.now(), email="", name="", team="",
                mail_state=MailState.NONE, mail_due_at=None,
            )  # fmt: skip
            if fails:
                raise smtplib.SMTPServerDisconnected
        send(connection, invitation, token)

    monkeypatch.setattr(letters, "send", erased_meanwhile)
    send_letters()
    states = Invitation.objects.order_by("pk").values_list("mail_state", flat=True)
    assert list(states) == [MailState.NONE, MailState.SENT]


@pytest.mark.parametrize("state", [StudyState.CLOSED, StudyState.ARCHIVED])
def test_nobody_is_invited_to_rate_in_a_study_that_is_over(study, owner, state):
    people.invite_people(study, [ADA], owner, by_email=True)
    Study.objects.filter(pk=study.pk).update(state=state, closed_at=timezone.now())
    study.refresh_from_db()
    assert send_letters() == 0
    letter = Invitation.objects.get()
    assert (letter.mail_state, letter.mail_fault) == (
        MailState.FAILED,
        f"The study was {state.value} before it was sent.",
    )
    grace = Invitee("Grace", "grace@example.org", Role.ANNOTATOR, "")
    with pytest.raises(people.PeopleError, match="takes no annotators"):
        people.invite_people(study, [grace], owner, by_email=True)
    with pytest.raises(people.PeopleError, match="takes no annotators"):
        people.invite(study, Role.ANNOTATOR, 1, owner)
    assert people.remind_all(study, owner) == 0
    # Its results are still read.
    assert people.invite(study, Role.RESEARCHER, 1, owner)


def test_an_erasure_finds_an_address_in_any_letters(study, owner):
    shouted = Invitee("Ada", "ADA@Example.org", Role.ANNOTATOR, "")
    people.invite_people(study, [shouted], owner, by_email=True)
    annotator = factories.make_annotator(study, factories.make_user(email="ada@example.org"))
    people.erase(annotator, owner)
    assert Invitation.objects.get().email == ""
