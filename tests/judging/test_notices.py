"""That a run paused by itself is told once, to those who run the study."""

from __future__ import annotations

import smtplib
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from annotation.models import Role
from annotation.people.letters import MOST_ATTEMPTS
from judging.models import JudgeRun, PauseNotice
from judging.notices import tell_of_pauses
from judging.runs.conducting import CAUSES, pause, resume
from judging.runs.starting import start_run
from tests import factories
from tests.judging.asked import add, make_judged_study

SIMULATED = "simulator://built-in/v1"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def post_office(settings) -> None:
    settings.EMAIL_HOST = "mail.example.org"
    settings.SITE_URL = "https://evaluations.example.org"


@pytest.fixture
def study(db):
    study = make_judged_study(1, title="Mails")
    factories.make_membership(study, Role.OWNER, factories.make_user(email="owner@example.org"))
    factories.make_membership(study, Role.MONITOR, factories.make_user(email="eye@example.org"))
    return study


def start(study, name: str = "judge", actor=None) -> JudgeRun:
    return start_run(add(study, SIMULATED, "fair:delay=0", name=name), actor=actor)


def test_a_pause_by_the_breaker_is_told_once_with_its_cause(study) -> None:
    run = start(study)
    pause(run, None, "unauthorised")
    assert [tell_of_pauses() for _ in range(3)] == [1, 0, 0]
    letter = mail.outbox[0]
    assert letter.to == ["owner@example.org"]
    assert letter.subject == "A run of a judge has paused in “Mails”"
    assert CAUSES["unauthorised"] in letter.body
    assert f"https://evaluations.example.org/study/{study.slug}/judges/" in letter.body
    for name in study.systems.values_list("name", flat=True):
        assert name not in letter.body
    # The next pause is another one.
    pause(resume(run, None), None, "failing")
    assert tell_of_pauses() == 1
    assert len(mail.outbox) == 2


def test_who_started_the_run_is_told_as_long_as_they_run_the_study(study) -> None:
    user = factories.make_user(email="starter@example.org")
    membership = factories.make_membership(study, Role.RESEARCHER, user)
    run = start(study, actor=user)
    pause(run, None, "quota")
    tell_of_pauses()
    membership.delete()
    pause(resume(run, None), None, "quota")
    tell_of_pauses()
    assert [letter.to for letter in mail.outbox] == [["starter@example.org"], ["owner@example.org"]]


def test_a_panel_that_one_endpoint_stops_is_told_in_one_letter(study) -> None:
    for name in ("one", "two", "three"):
        pause(start(study, name), None, "not_found")
    assert tell_of_pauses() == 1
    letter = mail.outbox[0]
    assert letter.subject == "3 runs of judges have paused in “Mails”"
    assert [name for name in ("one", "two", "three") if f"- {name}, version 1" in letter.body] == [
        "one",
        "two",
        "three",
    ]


@pytest.mark.parametrize("cause", ["person", "limits"])
def test_what_needs_nobody_is_told_to_nobody(study, cause) -> None:
    pause(start(study), None, cause)
    assert tell_of_pauses() == 0
    assert not PauseNotice.objects.exists()


def test_a_run_that_went_on_before_is_not_told_of(study) -> None:
    run = start(study)
    pause(run, None, "failing")
    resume(run, None)
    assert tell_of_pauses() == 0
    assert PauseNotice.objects.get().due_at is None


def test_a_run_that_paused_again_is_told_of_once(study) -> None:
    run = start(study)
    pause(run, None, "failing")
    pause(resume(run, None), None, "failing")
    assert tell_of_pauses() == 1
    older, newer = PauseNotice.objects.order_by("pk")
    assert (older.sent_at, older.due_at) == (None, None)
    assert newer.sent_at is not None
    assert mail.outbox[0].body.count(CAUSES["failing"]) == 1


def test_a_letter_that_fails_is_tried_again_and_given_up_in_the_end(study, monkeypatch) -> None:
    pause(start(study), None, "failing")

    def refuse(telling) -> None:
        raise smtplib.SMTPServerDisconnected("canary of a mail server")

    with monkeypatch.context() as broken:
        broken.setattr("judging.notices.send", refuse)
        assert tell_of_pauses() == 0
        notice = PauseNotice.objects.get()
        assert notice.due_at > timezone.now()
        assert "could not be reached" in notice.fault
        assert tell_of_pauses() == 0, "not before it is due"
    PauseNotice.objects.update(due_at=timezone.now())
    assert tell_of_pauses() == 1
    assert PauseNotice.objects.get().fault == ""

    with monkeypatch.context() as broken:
        broken.setattr("judging.notices.send", refuse)
        PauseNotice.objects.update(due_at=timezone.now(), attempts=0, sent_at=None)
        for _ in range(MOST_ATTEMPTS):
            tell_of_pauses()
            rows = PauseNotice.objects.filter(due_at__isnull=False)
            rows.update(due_at=timezone.now() - timedelta(seconds=1))
    assert PauseNotice.objects.get().due_at is None


def test_a_notice_is_taken_up_by_one_worker(study, monkeypatch) -> None:
    pause(start(study), None, "failing")
    told = []

    def meanwhile(telling) -> None:
        told.append(telling)
        # Another worker looks while this one talks to the mail server.
        if len(told) == 1:
            tell_of_pauses()

    monkeypatch.setattr("judging.notices.send", meanwhile)
    assert tell_of_pauses() == 1
    assert len(told) == 1


@pytest.mark.parametrize(("host", "said"), [("", "No mail server"), ("mail.example.org", "Nobody")])
def test_where_nobody_can_be_written_to_the_notice_says_why(study, settings, host, said) -> None:
    settings.EMAIL_HOST = host
    if host:
        study.memberships.all().delete()
    pause(start(study), None, "failing")
    assert tell_of_pauses() == 0
    assert mail.outbox == []
    notice = PauseNotice.objects.get()
    assert (notice.due_at, said in notice.fault) == (None, True)
