"""The life of a single-use link: issued, shown, used once; or expired, revoked, guessed."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from functools import partial

import pytest
import time_machine
from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from annotation import people
from annotation.accounts import redaction
from annotation.models import (
    Annotator,
    AnnotatorState,
    AuditEntry,
    Invitation,
    InvitationPurpose,
    Membership,
    Role,
    Study,
    StudyState,
    User,
)
from annotation.people import invitations
from annotation.people.tokens import draw_token, hash_token
from tests import factories
from tests.pages import text_of
from tests.races import at_once

pytestmark = pytest.mark.django_db

PASSWORD = factories.PASSWORD
JOIN = {"username": "Alice@Example.org", "password": PASSWORD, "repeated": PASSWORD}


def join_link(role: Role = Role.ANNOTATOR) -> people.Issued:
    return people.invite(factories.make_open_study(), role)[0]


def url_of(issued: people.Issued) -> str:
    return f"/invitation/{issued.token}/"


def test_only_the_hash_of_a_token_is_stored() -> None:
    issued = join_link()
    stored = Invitation.objects.values().get(pk=issued.invitation.pk)
    assert issued.token not in str(stored)
    assert stored["token_hash"] == hash_token(issued.token)
    assert issued.token not in str(list(AuditEntry.objects.values()))


def test_tokens_have_at_least_128_bits_and_never_repeat() -> None:
    tokens = {draw_token() for _ in range(1000)}
    assert len(tokens) == 1000
    # 43 characters of 64 kinds carry 256 bits.
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", token) for token in tokens)


def test_joining_makes_the_account_the_role_and_the_annotator(client: Client) -> None:
    issued = join_link()
    page = client.get(url_of(issued))
    assert page.status_code == 200
    assert "compare pairs" in text_of(page)
    response = client.post(url_of(issued), JOIN)
    assert (response.status_code, response["Location"]) == (302, "/")
    user = User.objects.get(username="alice@example.org")
    assert user.check_password(PASSWORD)
    assert not user.is_staff
    study = issued.invitation.study
    assert Membership.objects.get(user=user).role == Role.ANNOTATOR
    assert Annotator.objects.get(user=user, study=study).state == AnnotatorState.ACTIVE
    assert client.session["_auth_user_id"] == str(user.pk)


def test_joining_as_researcher_makes_no_annotator(client: Client) -> None:
    client.post(url_of(join_link(Role.RESEARCHER)), JOIN)
    assert Membership.objects.get().role == Role.RESEARCHER
    assert not Annotator.objects.exists()


def test_a_person_comes_back_the_next_day_with_name_and_password(client: Client) -> None:
    client.post(url_of(join_link()), JOIN)
    other_browser = Client()
    response = other_browser.post(
        "/sign-in/", {"username": " ALICE@example.org ", "password": PASSWORD}
    )
    assert (response.status_code, response["Location"]) == (302, "/")


def test_showing_the_page_does_not_use_the_link(client: Client) -> None:
    issued = join_link()
    for _ in range(3):
        client.get(url_of(issued))
        client.head(url_of(issued))
    issued.invitation.refresh_from_db()
    assert issued.invitation.used_at is None


def test_a_used_link_says_so_and_makes_nothing(client: Client) -> None:
    issued = join_link()
    client.post(url_of(issued), JOIN)
    response = Client().post(url_of(issued), {**JOIN, "username": "mallory"})
    assert response.status_code == 410
    assert "was used before" in text_of(response)
    assert not User.objects.filter(username="mallory").exists()


def test_an_expired_link_says_so(client: Client) -> None:
    issued = join_link()
    with time_machine.travel(timezone.now() + invitations.JOIN_LIFETIME, tick=False):
        response = client.post(url_of(issued), JOIN)
    assert response.status_code == 410
    assert "has expired" in text_of(response)
    assert not User.objects.exists()


def test_a_link_lives_until_its_last_moment(client: Client) -> None:
    issued = join_link()
    last = issued.invitation.expires_at - timedelta(seconds=1)
    with time_machine.travel(last, tick=False):
        assert client.post(url_of(issued), JOIN).status_code == 302


def test_a_revoked_link_says_so(client: Client) -> None:
    issued = join_link()
    people.revoke_invitation(issued.invitation, None)
    response = client.post(url_of(issued), JOIN)
    assert response.status_code == 410
    assert "was withdrawn" in text_of(response)
    assert not User.objects.exists()


@pytest.mark.parametrize("state", [StudyState.CLOSED, StudyState.ARCHIVED])
def test_an_invitation_to_a_closed_study_says_so(client: Client, state: StudyState) -> None:
    study = factories.make_open_study()
    issued, reader = (people.invite(study, role)[0] for role in (Role.ANNOTATOR, Role.RESEARCHER))
    Study.objects.filter(pk=study.pk).update(state=state)
    signed_in = Client()
    signed_in.force_login(factories.make_user("bob"))
    for browser in (client, signed_in):
        for response in (browser.get(url_of(issued)), browser.post(url_of(issued), JOIN)):
            assert response.status_code == 410
            assert "study is closed" in text_of(response)
    german = client.get(url_of(issued), headers={"accept-language": "de"})
    assert "Diese Studie ist abgeschlossen" in text_of(german)
    issued.invitation.refresh_from_db()
    assert issued.invitation.used_at is None
    assert not Annotator.objects.filter(study=study).exists()
    # Its results are still read.
    assert client.post(url_of(reader), JOIN).status_code == 302


def test_a_used_link_cannot_be_revoked(client: Client) -> None:
    issued = join_link()
    client.post(url_of(issued), JOIN)
    with pytest.raises(people.InvitationRefusedError, match="used before"):
        people.revoke_invitation(issued.invitation, None)


@pytest.mark.parametrize(
    "token", ["x", "x" * 43, "ü" * 43, "%00" * 5, "x" * 3000, "..%2f..%2fetc", "'; drop table--"]
)
def test_a_wrong_token_gets_the_answer_of_a_page_that_does_not_exist(
    client: Client, token: str
) -> None:
    wrong = client.get(f"/invitation/{token}/")
    assert wrong.status_code == 404
    assert text_of(wrong) == text_of(client.get("/no/such/page/"))
    assert text_of(client.post(f"/invitation/{token}/", JOIN)) == text_of(wrong)


def test_a_token_of_a_used_link_is_not_told_from_a_wrong_one_by_its_shape() -> None:
    with pytest.raises(people.NoSuchInvitationError):
        people.get_invitation(draw_token())


def test_the_address_of_a_link_is_not_passed_on(client: Client) -> None:
    issued = join_link()
    assert client.get(url_of(issued))["Referrer-Policy"] == "strict-origin"
    people.revoke_invitation(issued.invitation, None)
    assert client.get(url_of(issued))["Referrer-Policy"] == "strict-origin"


@pytest.mark.parametrize("data", [JOIN, {**JOIN, "password": "short", "repeated": "short"}, {}])
def test_no_log_line_holds_the_token(
    client: Client, caplog: pytest.LogCaptureFixture, data: dict[str, str]
) -> None:
    caplog.set_level("DEBUG")
    issued = join_link()
    strict = Client(enforce_csrf_checks=True)
    strict.post(url_of(issued), data)
    client.get(url_of(issued))
    client.post(url_of(issued), data)
    client.get(url_of(issued))
    for name in redaction.LOGGERS:
        logging.getLogger(name).error("Internal Server Error: %s", url_of(issued))
    assert "/invitation/[redacted]/" in caplog.text
    assert issued.token not in caplog.text


def test_a_name_that_is_taken_keeps_the_link_good(client: Client) -> None:
    factories.make_user("alice@example.org")
    issued = join_link()
    response = client.post(url_of(issued), JOIN)
    assert response.status_code == 422
    assert "has this name already" in text_of(response)
    assert client.post(url_of(issued), {**JOIN, "username": "alice2"}).status_code == 302


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"password": "short", "repeated": "short"}, "too short"),
        ({"password": "password123", "repeated": "password123"}, "too common"),
        ({"repeated": PASSWORD + "."}, "differ"),
        ({"username": "two words"}, "without spaces"),
        ({"username": "   "}, "Choose a name"),
        ({"username": ""}, "Choose a name"),
        ({"username": "a" * 151}, "150"),
        ({"password": "x" * 300, "repeated": "x" * 300}, "256"),
    ],
)
def test_a_bad_name_or_password_is_explained_and_keeps_the_link_good(
    client: Client, changes: dict[str, str], message: str
) -> None:
    issued = join_link()
    response = client.post(url_of(issued), {**JOIN, **changes})
    assert response.status_code == 422
    assert message in text_of(response)
    assert not User.objects.exists()
    issued.invitation.refresh_from_db()
    assert issued.invitation.used_at is None


def test_someone_signed_in_joins_with_their_account(client: Client) -> None:
    issued = join_link()
    user = factories.make_user("bob")
    client.force_login(user)
    assert "Join as bob" in text_of(client.get(url_of(issued)))
    assert client.post(url_of(issued))["Location"] == "/"
    assert Membership.objects.get(user=user).role == Role.ANNOTATOR
    assert User.objects.count() == 1


def test_someone_who_has_the_role_leaves_the_link_good(client: Client) -> None:
    study = factories.make_open_study()
    issued = people.invite(study, Role.ANNOTATOR)[0]
    user = factories.make_user()
    factories.make_annotator(study, user)
    client.force_login(user)
    client.post(url_of(issued))
    issued.invitation.refresh_from_db()
    assert issued.invitation.used_at is None


def test_a_removed_annotator_comes_back_by_a_new_invitation_with_the_same_row() -> None:
    study = factories.make_open_study()
    user = factories.make_user()
    annotator = factories.make_annotator(study, user)
    people.remove_role(study, user, Role.ANNOTATOR, None)
    people.accept_invitation_as(people.invite(study, Role.ANNOTATOR)[0].token, user)
    annotator.refresh_from_db()
    assert annotator.state == AnnotatorState.ACTIVE
    assert Annotator.objects.filter(user=user).count() == 1


def test_a_paused_annotator_does_not_lift_the_pause_by_an_invitation() -> None:
    study = factories.make_open_study()
    user = factories.make_user()
    annotator = factories.make_annotator(study, user, state=AnnotatorState.PAUSED)
    Membership.objects.filter(user=user).delete()
    people.accept_invitation_as(people.invite(study, Role.ANNOTATOR)[0].token, user)
    annotator.refresh_from_db()
    assert annotator.state == AnnotatorState.PAUSED


def test_a_link_leads_to_its_own_place_within_the_site_only(client: Client) -> None:
    study = factories.make_open_study()
    inside, outside = (
        people.invite(study, Role.RESEARCHER, next_path=path)[0]
        for path in ("/sign-in/?next=/", "//evil.example/")
    )
    assert client.post(url_of(inside), JOIN)["Location"] == "/sign-in/?next=/"
    assert Client().post(url_of(outside), {**JOIN, "username": "bob"})["Location"] == "/"


def test_setting_a_password_ends_other_sessions_and_links(client: Client) -> None:
    user = factories.make_user("carol")
    client.force_login(user)
    issued = people.issue_set_password_link(user)
    other = people.issue_sign_in_link(user)
    owner = Client()
    assert "carol" in text_of(owner.get(url_of(issued)))
    new = "an entirely new sentence"
    assert owner.post(url_of(issued), {"password": new, "repeated": new})["Location"] == "/"
    user.refresh_from_db()
    assert check_password(new, user.password)
    assert "_auth_user_id" in owner.session
    assert client.get("/")["Location"].startswith("/sign-in/")
    assert Client().get(url_of(other)).status_code == 410


def test_a_new_link_to_set_a_password_ends_the_one_before() -> None:
    user = factories.make_user()
    first = people.issue_set_password_link(user)
    second = people.issue_set_password_link(user)
    with pytest.raises(people.InvitationRefusedError, match="revoked"):
        people.set_password(first.token, "an entirely new sentence")
    people.set_password(second.token, "an entirely new sentence")


def test_a_weak_password_keeps_the_link_good() -> None:
    issued = people.issue_set_password_link(factories.make_user())
    with pytest.raises(ValidationError, match="too short"):
        people.set_password(issued.token, "short")
    issued.invitation.refresh_from_db()
    assert issued.invitation.used_at is None


def test_a_sign_in_link_works_once_and_needs_a_post(client: Client) -> None:
    user = factories.make_user("dave")
    issued = people.issue_sign_in_link(user, next_path="/?from=link")
    page = client.get(url_of(issued))
    assert page.status_code == 200
    assert "_auth_user_id" not in client.session
    assert client.post(url_of(issued))["Location"] == "/?from=link"
    assert client.session["_auth_user_id"] == str(user.pk)
    assert Client().post(url_of(issued)).status_code == 410


def test_a_sign_in_link_asks_before_it_replaces_another_account(client: Client) -> None:
    issued = people.issue_sign_in_link(factories.make_user("dave"))
    assert "data-continue" in text_of(client.get(url_of(issued)))
    client.force_login(factories.make_user("erin"))
    page = text_of(client.get(url_of(issued)))
    assert "data-continue" not in page
    assert "signed in as erin" in page


def test_a_link_of_a_blocked_account_is_withdrawn(client: Client) -> None:
    user = factories.make_user(is_active=False)
    issued = people.issue_sign_in_link(user)
    assert client.post(url_of(issued)).status_code == 410


@pytest.mark.parametrize("count", [0, -1, invitations.MAX_INVITATIONS + 1])
def test_a_senseless_number_of_invitations_is_refused(count: int) -> None:
    with pytest.raises(people.PeopleError, match="1 to 1000"):
        people.invite(factories.make_study(), Role.ANNOTATOR, count)
    assert not Invitation.objects.exists()


def test_a_token_of_one_purpose_serves_no_other() -> None:
    join = join_link()
    user = factories.make_user()
    sign_in = people.issue_sign_in_link(user)
    with pytest.raises(people.NoSuchInvitationError):
        people.sign_in(join.token)
    with pytest.raises(people.NoSuchInvitationError):
        people.set_password(sign_in.token, "an entirely new sentence")
    with pytest.raises(people.NoSuchInvitationError):
        people.accept_invitation_as(sign_in.token, user)


def test_an_act_with_a_link_is_in_the_log_without_personal_data() -> None:
    study = factories.make_open_study()
    people.accept_invitation(people.invite(study, Role.ANNOTATOR)[0].token, "frank", PASSWORD)
    entries = {entry.action: entry.detail for entry in study.audit_entries.all()}
    assert entries["invitations.issued"] == {"role": "annotator", "count": 1}
    assert entries["member.added"]["role"] == "annotator"
    assert "frank" not in str(entries)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_use_a_link_at_the_same_moment_one_gets_in() -> None:
    issued = join_link()
    results = at_once(
        [
            partial(people.accept_invitation, issued.token, name, PASSWORD)
            for name in ("gina", "henry")
        ]
    )
    refused = [result for result in results if isinstance(result, Exception)]
    assert [type(error) for error in refused] == [people.InvitationRefusedError]
    assert User.objects.count() == 1
    assert Membership.objects.count() == 1
    assert Annotator.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_who_choose_a_name_at_the_same_moment_one_chooses_another() -> None:
    study = factories.make_open_study()
    links = people.invite(study, Role.ANNOTATOR, 2)
    results = at_once(
        [partial(people.accept_invitation, link.token, "iris", PASSWORD) for link in links]
    )
    refused = [result for result in results if isinstance(result, Exception)]
    assert [type(error) for error in refused] == [people.UsernameTakenError]
    assert Invitation.objects.filter(used_at__isnull=True).count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_who_open_a_sign_in_link_at_the_same_moment_one_is_signed_in() -> None:
    issued = people.issue_sign_in_link(factories.make_user())
    results = at_once([partial(people.sign_in, issued.token)] * 4)
    assert sum(isinstance(result, Invitation) for result in results) == 1
    assert issued.invitation.purpose == InvitationPurpose.SIGN_IN
