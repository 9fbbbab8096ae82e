"""What researchers write to annotators: who may, what is refused, where it is seen."""

from __future__ import annotations

import json
import uuid

import pytest
from django.test import Client
from django.urls import reverse

from annotation import messages
from annotation.messages import MOST_CHARACTERS, MOST_UNREAD, MessageRefusedError
from annotation.models import Annotator, AnnotatorState, AuditEntry, Message, Role
from annotation.people.erasing import erase
from tests.annotation.quality.world import make_rater
from tests.factories import make_annotator, make_membership, make_open_study

pytestmark = pytest.mark.django_db

TEXT = "Please read <b>both</b> responses."


@pytest.fixture
def rater() -> Annotator:
    return make_rater(make_open_study())


def researcher_of(rater: Annotator):
    return make_membership(rater.study, Role.RESEARCHER).user


def client_of(rater: Annotator, **headers: str) -> Client:
    client = Client(**headers)
    client.force_login(rater.user)
    return client


def page_of(rater: Annotator) -> str:
    return reverse("rating:page", kwargs={"slug": rater.study.slug})


def test_a_message_stands_on_the_page_until_it_was_read(rater: Annotator) -> None:
    message = messages.send(rater, f"  {TEXT} ", researcher_of(rater))
    client = client_of(rater)
    page = client.get(page_of(rater)).content.decode()
    assert "Please read &lt;b&gt;both&lt;/b&gt; responses." in page
    url = reverse(
        "rating:read_message", kwargs={"slug": rater.study.slug, "message": message.public_id}
    )
    assert client.post(url).headers["Location"] == page_of(rater)
    assert client.post(url).status_code == 302
    assert "Please read" not in client.get(page_of(rater)).content.decode()
    acts = AuditEntry.objects.order_by("seq").values_list("action", flat=True)
    assert list(acts) == ["annotator.message_sent", "annotator.message_read"]
    details = json.dumps(list(AuditEntry.objects.values_list("detail", flat=True)))
    assert "Please read" not in details


def test_it_is_said_in_german_too(rater: Annotator) -> None:
    messages.send(rater, TEXT, researcher_of(rater))
    url = reverse("rating:messages", kwargs={"slug": rater.study.slug})
    page = client_of(rater, headers={"accept-language": "de"}).get(url)
    assert "Eine Nachricht von denen, die diese Studie leiten" in page.content.decode()
    assert "no-store" in page.headers["Cache-Control"]


def test_nobody_reads_or_ends_the_message_of_another(rater: Annotator) -> None:
    message = messages.send(rater, TEXT, researcher_of(rater))
    other = make_rater(rater.study)
    url = reverse(
        "rating:read_message", kwargs={"slug": rater.study.slug, "message": message.public_id}
    )
    assert client_of(other).post(url).status_code == 404
    assert "Please read" not in client_of(other).get(page_of(other)).content.decode()
    missing = url.replace(str(message.public_id), str(uuid.uuid4()))
    assert client_of(rater).post(missing).status_code == 404
    message.refresh_from_db()
    assert message.read_at is None


@pytest.mark.parametrize("role", [Role.MONITOR, Role.ADJUDICATOR, Role.ANNOTATOR])
def test_others_write_to_nobody(rater: Annotator, role: Role) -> None:
    with pytest.raises(MessageRefusedError, match="Only an owner or a researcher"):
        messages.send(rater, TEXT, make_membership(rater.study, role).user)
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("  ", "Write what"),
        ("x" * (MOST_CHARACTERS + 1), "1001 characters"),
        ("a\x00b", "no text"),
    ],
)
def test_what_is_no_message_is_refused(rater: Annotator, text: str, said: str) -> None:
    with pytest.raises(MessageRefusedError, match=said):
        messages.send(rater, text, researcher_of(rater))


def test_nobody_is_written_to_who_would_not_see_it(rater: Annotator) -> None:
    actor = researcher_of(rater)
    for unseen in (
        make_annotator(rater.study),
        make_rater(rater.study, state=AnnotatorState.REMOVED),
    ):
        with pytest.raises(MessageRefusedError, match="would not see"):
            messages.send(unseen, TEXT, actor)


def test_whoever_does_not_read_is_not_written_to_without_end(rater: Annotator) -> None:
    actor = researcher_of(rater)
    for _ in range(MOST_UNREAD):
        messages.send(rater, TEXT, actor)
    with pytest.raises(MessageRefusedError, match="5 messages unread"):
        messages.send(rater, TEXT, actor)


def test_an_erasure_takes_the_messages(rater: Annotator) -> None:
    messages.send(rater, TEXT, researcher_of(rater))
    erase(rater)
    assert not Message.objects.exists()
