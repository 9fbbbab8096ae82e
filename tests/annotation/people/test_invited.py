"""The list of invitations: by what became of them, by name, and a page at a time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from annotation import people
from annotation.models import Invitation, MailState, Role, Study
from annotation.people.invited import ON_A_PAGE, STANDINGS, Wanted
from tests import factories
from tests.pages import text_of

pytestmark = pytest.mark.django_db


def add(study: Study, name: str, **fields: object) -> Invitation:
    values = {
        "token_hash": f"hash of {name}",
        "purpose": "join",
        "study": study,
        "role": Role.ANNOTATOR,
        "name": name,
        "email": f"{name}@example.org",
        "expires_at": timezone.now() + timedelta(days=1),
        **fields,
    }
    return Invitation.objects.create(**values)


@pytest.fixture
def one_of_each(study: Study) -> dict[str, Invitation]:
    past = timezone.now() - timedelta(days=1)
    return {
        "live": add(study, "live", team="Berlin"),
        "failed": add(study, "failed", mail_state=MailState.FAILED, mail_fault="550 <gone>"),
        "expired": add(study, "expired", expires_at=past),
        "used": add(study, "used", used_at=past),
        "withdrawn": add(study, "withdrawn", revoked_at=past),
    }


def names_of(study: Study, show: str, name: str = "") -> list[str]:
    found = people.list_invitations(study, Wanted(show, name))
    return [line.invitation.name for line in found.lines]


@pytest.mark.usefixtures("one_of_each")
def test_each_filter_shows_its_own_and_says_how_many_there_are(study):
    shown = {show: sorted(names_of(study, show)) for show in STANDINGS}
    assert shown == {
        "unused": ["expired", "failed", "live"],
        "failed": ["failed"],
        "expired": ["expired"],
        "used": ["used"],
        "withdrawn": ["withdrawn"],
        "all": ["expired", "failed", "live", "used", "withdrawn"],
    }
    numbers = people.list_invitations(study).numbers
    assert numbers == {show: len(names) for show, names in shown.items()}


@pytest.mark.usefixtures("one_of_each")
@pytest.mark.parametrize("name", ["LIVE", "live@", "berl"])
def test_somebody_is_found_by_name_address_and_team(study, name):
    found = people.list_invitations(study, Wanted("all", name))
    assert [line.invitation.name for line in found.lines] == ["live"]
    assert found.numbers["all"] == 1


def test_every_invitation_stands_on_one_page_and_all_are_counted(study, owner, client: Client):
    many = 2 * ON_A_PAGE + 3
    for number in range(many):
        add(study, f"p{number}")
    client.force_login(owner)
    url = reverse("people:invitations", kwargs={"slug": study.slug})
    seen: list[str] = []
    query = ""
    while True:
        answer = client.get(f"{url}{query}")
        lines = answer.context["lines"]
        seen += [line.invitation.name for line, _ in lines]
        assert len(lines) <= ON_A_PAGE
        assert f">{many}<" in text_of(answer)
        if not answer.context["older"]:
            break
        query = f"?{answer.context['older']}"
    assert seen == [f"p{number}" for number in reversed(range(many))]


def test_the_page_asks_as_much_for_many_invitations_as_for_few(study, owner, client: Client):
    client.force_login(owner)
    url = reverse("people:invitations", kwargs={"slug": study.slug})
    asked = []
    for start, end in ((0, 3), (3, 120)):
        for number in range(start, end):
            add(study, f"p{number}", accepted_by=factories.make_user())
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url).status_code == 200
        asked.append(len(queries))
    assert asked[0] == asked[1] <= 15


@pytest.mark.usefixtures("one_of_each")
@pytest.mark.parametrize(
    "query", ["show=nonsense", "before=abc", "before=1e9", "name=%00", f"before={'9' * 40}"]
)
def test_an_address_that_asks_for_nothing_of_ours_shows_the_list(study, owner, client, query):
    client.force_login(owner)
    url = reverse("people:invitations", kwargs={"slug": study.slug})
    answer = client.get(f"{url}?{query}")
    assert answer.status_code == 200
    assert len(answer.context["lines"]) == 3


def test_letters_that_failed_are_said_and_can_be_sent_again_from_their_list(
    study, owner, client, one_of_each
):
    client.force_login(owner)
    url = reverse("people:invitations", kwargs={"slug": study.slug})
    assert "1 letter could not be sent" in text_of(client.get(url))
    page = text_of(client.get(f"{url}?show=failed"))
    assert "550 &lt;gone&gt;" in page
    assert "Try again" in page
    answer = client.post(
        reverse(
            "people:remind",
            kwargs={"slug": study.slug, "invitation": one_of_each["failed"].pk},
        )
        + "?show=failed"
    )
    assert answer["Location"] == f"{url}?show=failed"
    one_of_each["failed"].refresh_from_db()
    assert one_of_each["failed"].mail_state == MailState.QUEUED
