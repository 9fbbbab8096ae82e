"""People of a recruitment platform: one link for many, each found again by the platform's names."""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial

import pytest
import time_machine
from django.contrib.auth import SESSION_KEY
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from annotation import people
from annotation.accounts import redaction
from annotation.models import (
    Annotator,
    AnnotatorState,
    CrowdArrival,
    Invitation,
    Membership,
    Role,
    Study,
    User,
)
from annotation.people import (
    Arrival,
    CrowdEndedError,
    CrowdFullError,
    CrowdRefusedError,
    InvitationRefusedError,
    PeopleError,
    crowd,
)
from tests import factories
from tests.races import at_once

pytestmark = pytest.mark.django_db

WHO = {"PROLIFIC_PID": "p-1", "STUDY_ID": "s-1", "SESSION_ID": "x-1"}


def make_link(study: Study | None = None, most: int = 3) -> people.Issued:
    return people.issue_crowd_link(study or factories.make_open_study("crowded"), most)


def path_of(issued: people.Issued, **who: str) -> str:
    query = "&".join(f"{name}={value}" for name, value in who.items())
    return f"/start/{issued.token}/?{query}"


def signed_in_as(client: Client) -> int | None:
    key = client.session.get(SESSION_KEY)
    return None if key is None else int(key)


def test_whoever_comes_starts_to_rate_and_is_known_by_the_platforms_names(client: Client) -> None:
    link = make_link()
    page = client.get(path_of(link, **WHO))
    assert page.status_code == 200
    assert not CrowdArrival.objects.exists()  # programs fetch links, too
    answer = client.post(path_of(link, **WHO))
    assert (answer.status_code, answer.headers["Location"]) == (302, "/study/crowded/rate/")
    arrival = CrowdArrival.objects.get()
    assert (arrival.participant, arrival.platform_study, arrival.platform_session) == (
        "p-1",
        "s-1",
        "x-1",
    )
    user = arrival.annotator.user
    assert user is not None
    assert signed_in_as(client) == user.pk
    assert not user.has_usable_password()
    assert [m.role for m in Membership.objects.filter(user=user)] == [Role.ANNOTATOR]
    # The platform's name is nowhere where researchers and exports look.
    assert "p-1" not in (arrival.annotator.external_id, user.username)
    assert client.get("/study/crowded/rate/").status_code == 200


def test_a_reload_and_another_device_find_the_same_person() -> None:
    link = make_link()
    for client in (Client(), Client()):
        client.post(path_of(link, **WHO))
        client.post(path_of(link, **{**WHO, "SESSION_ID": "x-2"}))
    assert Annotator.objects.count() == User.objects.count() == 1
    assert CrowdArrival.objects.get().platform_session == "x-2"


def test_the_link_takes_in_so_many_and_still_knows_those_who_came() -> None:
    link = make_link(most=1)
    people.arrive(link.token, Arrival("first"))
    with pytest.raises(CrowdFullError):
        people.arrive(link.token, Arrival("second"))
    people.arrive(link.token, Arrival("first"))
    page = Client().post(path_of(link, PROLIFIC_PID="second"))
    assert page.status_code == 410
    assert b"all the people it needs" in page.content
    assert CrowdArrival.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_the_link_takes_in_no_more_than_it_may() -> None:
    link = make_link(most=2)
    at_once([partial(arrive_quietly, link.token, f"p{number}") for number in range(6)])
    assert CrowdArrival.objects.count() == Annotator.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_one_person_in_many_windows_is_one_person() -> None:
    link = make_link(most=5)
    at_once([partial(arrive_quietly, link.token, "p")] * 5)
    assert CrowdArrival.objects.count() == Annotator.objects.count() == User.objects.count() == 1


def arrive_quietly(token: str, participant: str) -> bool:
    try:
        people.arrive(token, Arrival(participant))
    except CrowdFullError:
        return False
    return True


@pytest.mark.parametrize("participant", ["", "x" * 256, "a\0b", "a\nb", "\u202eabc"])
def test_a_link_that_names_nobody_lets_nobody_in(participant: str) -> None:
    link = make_link()
    with pytest.raises(CrowdRefusedError):
        people.arrive(link.token, Arrival(participant))
    assert not User.objects.exists()


def test_a_link_without_the_parameters_says_so(client: Client) -> None:
    page = client.get(path_of(make_link()))
    assert page.status_code == 422
    assert b"does not say who you are" in page.content


def test_the_study_names_the_parameters(client: Client) -> None:
    study = factories.make_open_study("named", rules={"crowd": {"participant": "worker"}})
    link = make_link(study)
    assert client.get(path_of(link, PROLIFIC_PID="p-1")).status_code == 422
    assert client.post(path_of(link, worker="p-1")).status_code == 302
    assert CrowdArrival.objects.get().participant == "p-1"


def test_an_account_that_may_do_more_is_not_entered_by_the_link(client: Client) -> None:
    link = make_link()
    user = people.arrive(link.token, Arrival("p-1"))
    factories.make_membership(factories.make_study(), Role.OWNER, user)
    with pytest.raises(CrowdEndedError):
        people.arrive(link.token, Arrival("p-1"))
    assert client.post(path_of(link, PROLIFIC_PID="p-1")).status_code == 403
    assert signed_in_as(client) is None


@pytest.mark.parametrize("end", ["membership", "state"])
def test_whose_part_has_ended_is_not_signed_in_and_told_why(client: Client, end: str) -> None:
    link = make_link()
    user = people.arrive(link.token, Arrival("p-1"))
    annotator = Annotator.objects.get()
    if end == "membership":
        Membership.objects.filter(user=user).delete()
    else:
        Annotator.objects.update(state=AnnotatorState.REMOVED)
    page = client.post(path_of(link, **WHO))
    assert page.status_code == 403
    assert b"You cannot come in by this link any more" in page.content
    assert b"not complete" not in page.content
    assert signed_in_as(client) is None
    assert CrowdArrival.objects.get().platform_session == ""
    if end == "membership":
        people.grant_role(annotator.study, user, Role.ANNOTATOR, None)
    else:
        Annotator.objects.update(state=AnnotatorState.ACTIVE)
    assert client.post(path_of(link, **WHO)).status_code == 302


@pytest.mark.parametrize("end", ["withdrawn", "expired"])
def test_a_link_that_ends_while_somebody_waits_for_it_lets_nobody_in(
    monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    link = make_link()
    look = crowd.get_crowd_link

    def overtaken(token: str) -> Invitation:
        found = look(token)
        now = timezone.now()
        if end == "withdrawn":
            Invitation.objects.filter(pk=found.pk).update(revoked_at=now)
        else:
            Invitation.objects.filter(pk=found.pk).update(
                created_at=now - timedelta(days=2), expires_at=now - timedelta(days=1)
            )
        return found

    monkeypatch.setattr(crowd, "get_crowd_link", overtaken)
    with pytest.raises(InvitationRefusedError):
        people.arrive(link.token, Arrival("p-1"))
    assert not User.objects.exists()


def test_the_link_of_a_crowd_is_no_invitation_and_an_invitation_no_such_link() -> None:
    study = factories.make_open_study("both")
    crowd, single = make_link(study), people.invite(study, Role.ANNOTATOR)[0]
    assert Client().get(f"/invitation/{crowd.token}/").status_code == 404
    assert Client().post(f"/invitation/{crowd.token}/").status_code == 404
    assert Client().get(path_of(single, **WHO)).status_code == 404
    assert Client().get("/start/x/").status_code == 404


def test_a_link_ends_by_time_and_by_hand() -> None:
    link = make_link()
    with time_machine.travel(timezone.now() + timedelta(days=61)):
        assert Client().post(path_of(link, **WHO)).status_code == 410
    people.revoke_invitation(link.invitation, None)
    assert Client().post(path_of(link, **WHO)).status_code == 410
    assert not CrowdArrival.objects.exists()


def test_the_start_needs_the_forms_token() -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post(path_of(make_link(), **WHO)).status_code == 403


def test_the_page_is_kept_by_nobody_and_told_to_nobody(client: Client) -> None:
    page = client.get(path_of(make_link(), **WHO))
    assert page.headers["Referrer-Policy"] == "same-origin"
    assert page.headers["Cache-Control"] == "no-store, private"


def test_no_log_holds_the_link_or_the_person(caplog: pytest.LogCaptureFixture) -> None:
    link = make_link()
    record = logging.makeLogRecord({"msg": "Gone: %s", "args": (path_of(link, **WHO),)})
    redaction.RedactTokens().filter(record)
    assert record.getMessage() == "Gone: /start/[redacted]"


@pytest.mark.parametrize(("most", "days"), [(0, 60), (100_001, 60), (5, 0), (5, 366)])
def test_a_link_needs_sensible_limits(most: int, days: int) -> None:
    with pytest.raises(PeopleError):
        people.issue_crowd_link(factories.make_open_study(), most, lifetime=timedelta(days=days))
    assert not Invitation.objects.exists()


def test_the_command_prints_the_link_with_the_platforms_places(
    capsys: pytest.CaptureFixture[str],
) -> None:
    factories.make_open_study("crowded")
    call_command("invite", "crowded", "--role", "annotator", "--crowd", "30")
    said = capsys.readouterr()
    link = said.out.strip()
    assert link.startswith("http://127.0.0.1:8000/start/")
    assert link.endswith(
        "/?PROLIFIC_PID={{%PROLIFIC_PID%}}&STUDY_ID={{%STUDY_ID%}}&SESSION_ID={{%SESSION_ID%}}"
    )
    assert "no completion code" in said.err
    with pytest.raises(CommandError, match="role annotator"):
        call_command("invite", "crowded", "--role", "owner", "--crowd", "30")
