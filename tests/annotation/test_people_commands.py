"""The commands of people and states: links on stdout, words on stderr, exit codes."""

from __future__ import annotations

import io
from dataclasses import dataclass

import pytest
from django.core.management import CommandError, call_command
from django.test import Client, override_settings

from annotation import people
from annotation.lifecycle.drafts import get_or_create_draft
from annotation.models import Invitation, Membership, Role, Study, StudyState, User
from tests import factories

pytestmark = pytest.mark.django_db

PASSWORD = factories.PASSWORD


@dataclass(frozen=True)
class Output:
    stdout: str
    stderr: str

    @property
    def links(self) -> list[str]:
        return self.stdout.splitlines()


def run(command: str, *arguments: str) -> Output:
    stdout, stderr = io.StringIO(), io.StringIO()
    call_command(command, *arguments, stdout=stdout, stderr=stderr)
    return Output(stdout.getvalue(), stderr.getvalue())


def path_of(link: str) -> str:
    assert link.startswith("http://127.0.0.1:8000/invitation/")
    return link.removeprefix("http://127.0.0.1:8000")


def test_the_first_owner_sets_a_password_and_runs_the_site(client: Client) -> None:
    study = get_or_create_draft("before")
    output = run("create_owner", "Ada@Example.org")
    (link,) = output.links
    client.post(path_of(link), {"password": PASSWORD, "repeated": PASSWORD})
    owner = User.objects.get(username="ada@example.org")
    assert owner.is_staff
    assert owner.is_superuser
    assert people_of(study) == {(owner, Role.OWNER)}
    assert client.get("/admin/").status_code == 200
    other = Client()
    other.post("/sign-in/", {"username": "ada@example.org", "password": PASSWORD})
    assert other.get("/").status_code == 200


def people_of(study: Study) -> set[tuple[User, str]]:
    return {
        (membership.user, membership.role)
        for membership in Membership.objects.filter(study=study).select_related("user")
    }


def test_an_owner_cannot_sign_in_before_setting_a_password(client: Client) -> None:
    run("create_owner", "ada@example.org")
    response = client.post("/sign-in/", {"username": "ada@example.org", "password": ""})
    assert response.status_code == 422
    assert not User.objects.get().has_usable_password()


def test_create_owner_again_prints_a_new_link_and_ends_the_old_one(client: Client) -> None:
    (first,) = run("create_owner", "ada@example.org").links
    (second,) = run("create_owner", "ADA@example.org").links
    assert User.objects.count() == 1
    assert client.get(path_of(first)).status_code == 410
    assert client.get(path_of(second)).status_code == 200


def test_an_account_that_an_invited_person_chose_is_not_made_owner() -> None:
    factories.make_user("ada@example.org")
    with pytest.raises(CommandError, match="does not run this site"):
        run("create_owner", "ada@example.org")
    assert not Invitation.objects.exists()
    assert not User.objects.get().is_superuser


@pytest.mark.parametrize("email", ["", "ada", "ada@", "a b@example.org", "ada'o@example.org"])
def test_create_owner_refuses_what_is_no_address(email: str) -> None:
    with pytest.raises(CommandError):
        run("create_owner", email)
    assert not User.objects.exists()


def test_a_study_with_an_owner_is_not_given_to_another() -> None:
    membership = factories.make_membership(factories.make_study(), Role.OWNER)
    run("create_owner", "ada@example.org")
    assert people_of(membership.study) == {(membership.user, Role.OWNER)}


def test_a_study_of_the_command_line_belongs_to_the_owners_of_the_site() -> None:
    run("create_owner", "ada@example.org")
    run("create_owner", "grace@example.org")
    User.objects.filter(username="grace@example.org").update(is_active=False)
    study = get_or_create_draft("after")
    assert {user.username for user, _ in people_of(study)} == {"ada@example.org"}


def test_a_study_made_by_somebody_belongs_to_them() -> None:
    run("create_owner", "ada@example.org")
    user = factories.make_user()
    assert people_of(get_or_create_draft("own", user)) == {(user, Role.OWNER)}


def test_finding_a_draft_again_changes_no_owner() -> None:
    study = get_or_create_draft("twice")
    run("create_owner", "ada@example.org")
    factories.make_user(is_superuser=True)
    get_or_create_draft("twice")
    assert len(people_of(study)) == 1


def test_the_last_owner_stays() -> None:
    membership = factories.make_membership(factories.make_study(), Role.OWNER)
    with pytest.raises(people.LastOwnerError):
        people.remove_role(membership.study, membership.user, Role.OWNER, None)
    assert people_of(membership.study) == {(membership.user, Role.OWNER)}


def test_ending_a_role_that_nobody_has_is_refused() -> None:
    with pytest.raises(people.PeopleError, match="is not monitor"):
        people.remove_role(factories.make_study(), factories.make_user(), Role.MONITOR, None)


def test_invite_prints_one_link_a_line_and_nothing_else_on_stdout() -> None:
    study = factories.make_study()
    output = run("invite", study.slug, "--role", "annotator", "--count", "3")
    assert len(set(output.links)) == 3
    assert all(Client().get(path_of(link)).status_code == 200 for link in output.links)
    assert "3 for the role annotator" in output.stderr
    assert Invitation.objects.filter(study=study, role=Role.ANNOTATOR).count() == 3


def test_links_stand_below_the_given_address() -> None:
    slug = factories.make_study().slug
    output = run("invite", slug, "--role", "owner", "--base-url", "https://a.example/sub/")
    assert output.stdout.startswith("https://a.example/sub/invitation/")
    with override_settings(SITE_URL="https://b.example"):
        assert run("invite", slug, "--role", "owner").stdout.startswith("https://b.example/inv")


@pytest.mark.parametrize("base", ["example.org", "ftp://example.org", "https://", "https://a/?b"])
def test_a_wrong_address_leaves_no_invitation_behind(base: str) -> None:
    with pytest.raises(CommandError, match="no address of a site"):
        run("invite", factories.make_study().slug, "--role", "owner", "--base-url", base)
    assert not Invitation.objects.exists()


@pytest.mark.parametrize("count", ["0", "1001"])
def test_invite_refuses_a_senseless_number(count: str) -> None:
    with pytest.raises(CommandError, match="1 to 1000"):
        run("invite", factories.make_study().slug, "--role", "owner", "--count", count)


def test_invite_refuses_an_unknown_role() -> None:
    with pytest.raises(CommandError, match="invalid choice"):
        run("invite", factories.make_study().slug, "--role", "king")


@pytest.mark.parametrize("command", ["open_study", "pause_study", "close_study", "unblind_study"])
def test_a_study_that_does_not_exist_is_named(command: str) -> None:
    with pytest.raises(CommandError, match="There is no study 'nowhere'"):
        run(command, "nowhere")


def test_a_study_is_led_through_its_life_from_the_command_line() -> None:
    study = factories.make_study()
    factories.make_comparison(study)
    opened = run("open_study", study.slug)
    assert opened.stdout == ""
    assert "1 comparison " in opened.stderr
    assert "Warning: The study has no instructions" in opened.stderr
    assert state_of(study) == StudyState.OPEN
    assert f"open_study {study.slug} continues it" in run("pause_study", study.slug).stderr
    assert state_of(study) == StudyState.PAUSED
    assert "is open again" in run("open_study", study.slug).stderr
    assert state_of(study) == StudyState.OPEN
    assert f"sealed until unblind_study {study.slug}" in run("close_study", study.slug).stderr
    assert state_of(study) == StudyState.CLOSED
    run("unblind_study", study.slug, "--reason", "All votes are in.")
    study.refresh_from_db()
    assert study.unblinded_at is not None
    assert study.audit_entries.get(action="study.unblinded").detail["reason"] == "All votes are in."


def state_of(study: Study) -> str:
    study.refresh_from_db()
    return study.state


def test_faults_are_listed_and_the_study_stays_a_draft() -> None:
    study = factories.make_study()
    with pytest.raises(CommandError, match="cannot be opened:\n- There is nothing to rate"):
        run("open_study", study.slug)
    assert state_of(study) == StudyState.DRAFT


def test_a_disconnected_study_is_opened_on_purpose_only() -> None:
    study = factories.make_study()
    factories.make_comparison(study, "north", "south")
    factories.make_comparison(study, "east", "west")
    with pytest.raises(CommandError, match="--allow-disconnected"):
        run("open_study", study.slug)
    run("open_study", study.slug, "--allow-disconnected")
    assert state_of(study) == StudyState.OPEN


def test_unblinding_a_running_study_needs_early_and_a_reason() -> None:
    study = factories.make_open_study()
    with pytest.raises(CommandError, match="Close it first"):
        run("unblind_study", study.slug)
    with pytest.raises(CommandError, match="--reason"):
        run("unblind_study", study.slug, "--early")
    run("unblind_study", study.slug, "--early", "--reason", "A safety question.")
    study.refresh_from_db()
    assert not study.is_sealed


def test_removing_an_annotator_gives_their_pairs_to_the_others() -> None:
    study = factories.make_open_study()
    user = factories.make_user()
    annotator = factories.make_annotator(study, user)
    comparison = factories.make_comparison(
        study, taken=1, open_seq=7, first_swapped=False, overlap=1
    )
    assignment = factories.make_assignment(comparison, annotator)
    people.remove_role(study, user, Role.ANNOTATOR, None)
    assignment.refresh_from_db()
    comparison.refresh_from_db()
    assert (assignment.state, assignment.slot_no) == ("expired", None)
    assert (comparison.open, comparison.taken) == (True, 0)
