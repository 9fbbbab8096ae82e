"""Reminders: who is reminded, and that no letter's link ends before it was used."""

from __future__ import annotations

import itertools
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
    EarlierLink,
    Invitation,
    MailState,
    Membership,
    Role,
    Study,
    StudyState,
    User,
)
from annotation.people import Invitee, letters
from annotation.people.invitations import JOIN_LIFETIME
from annotation.people.reminding import MOST_REMINDERS, remindable, why_no_reminder
from annotation.tasks import send_letters
from tests import factories
from tests.annotation.people.letters import link_of

pytestmark = pytest.mark.django_db

ADA = Invitee("Ada", "ada@example.org", Role.ANNOTATOR, "Berlin")


@pytest.fixture
def invited(study: Study, owner: User) -> Invitation:
    """Somebody whose first letter has left."""
    people.invite_people(study, [ADA], owner, by_email=True)
    assert send_letters() == 1
    return Invitation.objects.get()


def join_by(link: str, name: str = "ada") -> int:
    fields = {"username": name, "password": factories.PASSWORD, "repeated": factories.PASSWORD}
    return Client().post(link, fields).status_code


def test_two_reminders_follow_a_day_apart_and_every_link_works(study, owner, invited):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for number in range(1, MOST_REMINDERS + 1):
            with pytest.raises(people.LetterRefusedError, match="younger than 24 hours"):
                people.remind(invited, owner)
            clock.shift(timedelta(hours=25))
            assert people.remind_all(study, owner) == 1
            send_letters()
            assert mail.outbox[-1].subject == "Reminder: invitation to “Capitals”"
            assert len(mail.outbox) == number + 1
            for letter in mail.outbox:
                assert Client().get(link_of(letter)).status_code == 200
        clock.shift(timedelta(hours=25))
        with pytest.raises(people.LetterRefusedError, match="2 reminders were sent"):
            people.remind(invited, owner)
    assert Invitation.objects.count() == 1
    entries = AuditEntry.objects.filter(action="invitation.reminded").order_by("seq")
    assert [entry.detail["reminder"] for entry in entries] == [1, 2]


def test_the_link_of_the_letter_before_works_while_the_reminder_is_on_its_way(
    study, owner, invited
):
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        people.remind(invited, owner)
        assert join_by(link_of(mail.outbox[0])) == 302
        assert Membership.objects.filter(study=study, role=Role.ANNOTATOR).count() == 1
        # Whoever is there is not written to any more.
        assert send_letters() == 0
    assert len(mail.outbox) == 1


def test_of_several_links_one_is_used_and_the_others_end_with_it(study, owner, invited):
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        people.remind(invited, owner)
        send_letters()
        first, second = map(link_of, mail.outbox)
        assert join_by(second) == 302
        for link in (first, second):
            assert join_by(link, "grace") == 410
    assert Membership.objects.filter(study=study, role=Role.ANNOTATOR).count() == 1


def test_withdrawing_ends_every_link(study, owner, invited):
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        people.remind(invited, owner)
        send_letters()
        people.withdraw(invited, owner)
        assert [Client().get(link_of(letter)).status_code for letter in mail.outbox] == [410, 410]


def test_a_reminder_that_cannot_be_sent_leaves_the_link_before_and_is_tried_again(
    study, owner, invited, monkeypatch
):
    def refuse(*_):
        raise smtplib.SMTPRecipientsRefused({ADA.email: (550, b"no such user")})

    with time_machine.travel(timezone.now() + timedelta(days=2)):
        with monkeypatch.context() as patch:
            patch.setattr(letters, "send", refuse)
            people.remind(invited, owner)
            send_letters()
        invited.refresh_from_db()
        assert (invited.mail_state, invited.reminder) == (MailState.FAILED, 1)
        assert Client().get(link_of(mail.outbox[0])).status_code == 200
        # Again at once, and it is the same reminder.
        assert people.remind(invited, owner).reminder == 1
        assert send_letters() == 1
    assert len(mail.outbox) == 2


def test_a_letter_that_arrived_though_its_sending_failed_has_a_link_that_works(
    study, owner, monkeypatch
):
    people.invite_people(study, [ADA], owner, by_email=True)
    send = letters.send

    def answered_too_late(connection, invitation, token):
        send(connection, invitation, token)
        raise TimeoutError

    with time_machine.travel(timezone.now(), tick=False) as clock:
        with monkeypatch.context() as patch:
            patch.setattr(letters, "send", answered_too_late)
            assert send_letters() == 0
        clock.shift(letters.PAUSES[0] + timedelta(seconds=1))
        assert send_letters() == 1
        assert len(mail.outbox) == 2
        for letter in mail.outbox:
            assert Client().get(link_of(letter)).status_code == 200


def test_no_row_holds_the_secret_of_an_earlier_letter(study, owner, invited):
    token = link_of(mail.outbox[0]).split("/")[2]
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        people.remind(invited, owner)
    assert EarlierLink.objects.count() == 1
    assert token not in str(list(EarlierLink.objects.values()) + list(Invitation.objects.values()))


def test_a_reminder_makes_an_expired_link_good_again(study, owner, invited):
    with time_machine.travel(timezone.now() + timedelta(days=20), tick=False):
        assert Client().get(link_of(mail.outbox[0])).status_code == 410
        assert people.remind_all(study, owner) == 1
        invited.refresh_from_db()
        assert invited.expires_at == timezone.now() + JOIN_LIFETIME
        assert Client().get(link_of(mail.outbox[0])).status_code == 200


def test_nobody_is_reminded_of_a_link_that_was_used(study, owner, invited):
    Invitation.objects.update(used_at=timezone.now(), mail_sent_at=timezone.now() - timedelta(9))
    with pytest.raises(people.LetterRefusedError, match="was used"):
        people.remind(invited, owner)


def test_a_researcher_reminds_annotators_and_leaves_other_roles_alone(study, owner):
    researcher = factories.make_membership(study, Role.RESEARCHER).user
    boss = Invitee("Bo", "bo@example.org", Role.OWNER, "")
    people.invite_people(study, [boss, ADA], owner, by_email=True)
    send_letters()
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        assert people.remind_all(study, researcher) == 1
        assert people.remind_all(study, owner) == 1


def test_everybody_of_a_long_list_is_reminded(study, owner):
    many = [Invitee("", f"p{n}@example.org", Role.ANNOTATOR, "") for n in range(501)]
    people.invite_people(study, many, owner, by_email=True)
    Invitation.objects.update(mail_state=MailState.SENT, mail_sent_at=timezone.now())
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        assert people.remind_all(study, owner) == 501


@pytest.mark.parametrize("state", [StudyState.OPEN, StudyState.CLOSED])
def test_who_can_be_reminded_is_the_same_one_by_one_and_in_the_database(study, owner, state):
    now = timezone.now()
    past, day = now - timedelta(days=3), timedelta(days=1)
    choices = itertools.product(
        [Role.ANNOTATOR, Role.OWNER],
        MailState,
        [None, past],
        [None, past],
        [now - day, now + day],
        [0, MOST_REMINDERS],
        [None, past, now - timedelta(hours=1)],
    )
    for n, (role, mail_state, used, revoked, expires, reminder, sent) in enumerate(choices):
        Invitation.objects.create(
            token_hash=str(n), purpose="join", study=study, role=role, email="a@example.org",
            mail_state=mail_state, used_at=used, revoked_at=revoked, expires_at=expires,
            reminder=reminder, mail_sent_at=sent, created_at=now - timedelta(days=9),
        )  # fmt: skip
    Study.objects.filter(pk=study.pk).update(state=state, closed_at=now)
    study.refresh_from_db()
    rows = Invitation.objects.select_related("study")
    one_by_one = {row.pk for row in rows if not why_no_reminder(row, now)}
    assert one_by_one
    assert set(remindable(study, frozenset(Role), now).values_list("pk", flat=True)) == one_by_one
