"""The operator's admin site: for those who run the site only, read-mostly, and blind."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from annotation import people
from annotation.admin import site
from annotation.models import AuditEntry, Invitation, Membership, Role, Study, System, User, Vote
from tests import factories
from tests.pages import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client: Client) -> User:
    user = factories.make_user("operator", is_superuser=True, is_staff=True)
    client.force_login(user)
    return user


def test_an_anonymous_visitor_is_asked_to_sign_in_on_the_one_page_for_it() -> None:
    client = Client()
    asked = client.get("/admin/")
    assert asked["Location"] == "/admin/login/?next=/admin/"
    assert client.get(asked["Location"])["Location"] == "/sign-in/?next=/admin/"


def test_an_owner_of_a_study_does_not_run_the_site(client: Client) -> None:
    client.force_login(factories.make_membership(factories.make_study(), Role.OWNER).user)
    response = client.get("/admin/", follow=True)
    assert response.status_code == 403


@pytest.mark.usefixtures("operator")
def test_every_page_of_the_admin_opens(client: Client) -> None:
    study = factories.make_open_study()
    issued = people.invite(study, Role.MONITOR)[0]
    membership = factories.make_membership(study)
    rows = [study, issued.invitation, membership, membership.user, AuditEntry.objects.get()]
    assert {type(row) for row in rows} == set(site._registry)
    assert client.get("/admin/").status_code == 200
    for row in rows:
        base = f"/admin/annotation/{row._meta.model_name}/"
        assert client.get(base).status_code == 200
        assert client.get(f"{base}{row.pk}/change/").status_code == 200


def test_content_votes_systems_and_groups_are_not_there() -> None:
    assert not {Vote, System, Group}.intersection(site._registry)


@pytest.mark.usefixtures("operator")
@pytest.mark.parametrize("model", [Study, Invitation, Membership, AuditEntry, User])
def test_nothing_is_added_or_deleted_there(client: Client, model: type[User]) -> None:
    study = factories.make_open_study()
    people.invite(study, Role.MONITOR)
    factories.make_membership(study)
    row = model.objects.first()
    assert row is not None
    base = f"/admin/annotation/{model._meta.model_name}/"
    assert client.get(f"{base}add/").status_code == 403
    assert client.post(f"{base}{row.pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.usefixtures("operator")
def test_the_log_and_the_studies_cannot_be_edited_there(client: Client) -> None:
    study = factories.make_open_study()
    people.invite(study, Role.MONITOR)
    entry = AuditEntry.objects.get()
    for row in (study, entry):
        url = f"/admin/annotation/{row._meta.model_name}/{row.pk}/change/"
        assert client.post(url, {"slug": "other", "action": "other"}).status_code == 403


@pytest.mark.usefixtures("operator")
def test_the_hash_of_a_link_is_not_shown(client: Client) -> None:
    issued = people.invite(factories.make_study(), Role.MONITOR)[0]
    url = f"/admin/annotation/invitation/{issued.invitation.pk}/change/"
    assert issued.invitation.token_hash not in text_of(client.get(url))


def test_blocking_an_account_is_recorded_and_works_at_once(client: Client, operator: User) -> None:
    user = factories.make_user()
    other = Client()
    other.force_login(user)
    client.post(f"/admin/annotation/user/{user.pk}/change/", {"is_superuser": "on"})
    user.refresh_from_db()
    assert (user.is_active, user.is_superuser) == (False, False)
    assert other.get("/").status_code == 302
    entry = AuditEntry.objects.get(action="account.blocked")
    assert (entry.actor, entry.detail) == (operator, {"user": user.pk})


def test_roles_are_ended_through_the_usual_door(client: Client, operator: User) -> None:
    study = factories.make_study()
    owner = factories.make_membership(study, Role.OWNER)
    monitor = factories.make_membership(study, Role.MONITOR)
    page = client.post(
        "/admin/annotation/membership/",
        {"action": "end_roles", "_selected_action": [owner.pk, monitor.pk]},
        follow=True,
    )
    assert list(Membership.objects.all()) == [owner]
    assert "needs an owner" in text_of(page)
    assert "Roles ended: 1." in text_of(page)
    assert study.audit_entries.get(action="member.removed").actor == operator


@pytest.mark.usefixtures("operator")
def test_live_links_are_withdrawn_and_used_ones_are_not(client: Client) -> None:
    study = factories.make_study()
    used, live = people.invite(study, Role.MONITOR, 2)
    people.accept_invitation_as(used.token, factories.make_user())
    ids = [used.invitation.pk, live.invitation.pk]
    page = client.post(
        "/admin/annotation/invitation/",
        {"action": "revoke", "_selected_action": ids},
        follow=True,
    )
    assert "Links withdrawn: 1." in text_of(page)
    assert "used before" in text_of(page)
    live.invitation.refresh_from_db()
    assert live.invitation.revoked_at is not None


@pytest.mark.usefixtures("operator")
def test_a_person_who_forgot_the_password_gets_a_link_through_the_operator(client: Client) -> None:
    user = factories.make_user("forgetful")
    blocked = factories.make_user("blocked", is_active=False)
    page = client.post(
        "/admin/annotation/user/",
        {"action": "issue_password_links", "_selected_action": [user.pk, blocked.pk]},
    )
    (link,) = re.findall(r"http://127\.0\.0\.1:8000(/invitation/[^<]+)", text_of(page))
    new = "an entirely new sentence"
    assert Client().post(link, {"password": new, "repeated": new}).status_code == 302
    user.refresh_from_db()
    assert user.check_password(new)
