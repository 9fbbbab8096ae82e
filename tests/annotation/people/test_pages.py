"""The pages about a study's people, as owners and researchers use them."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from annotation import people, quality
from annotation.lifecycle.states import close_study
from annotation.models import (
    Annotator,
    AnnotatorState,
    AuditEntry,
    Invitation,
    MailState,
    Membership,
    ReviewOutcome,
    Role,
    StudyVersion,
)
from annotation.rules import rules_of
from annotation.selectors import counted_votes
from annotation.tasks import send_letters
from tests import factories
from tests.annotation.queue.world import current_id, make_queue, vote
from tests.pages import text_of

pytestmark = pytest.mark.django_db

LINK = re.compile(r"http://testserver(/(?:invitation|start)/[A-Za-z0-9_-]{43}/)")
COUNT = {"quality": {"own_votes": "count"}}
FIELD = {"key": "field", "text": "What is your field?", "options": ["Law", "Medicine"]}


@pytest.fixture
def study():
    return factories.make_open_study(title="Capitals")


@pytest.fixture
def owner(study) -> Client:
    return signed_in(study, Role.OWNER)


@pytest.fixture
def researcher(study) -> Client:
    return signed_in(study, Role.RESEARCHER)


def signed_in(study, role: Role) -> Client:
    client = Client()
    client.force_login(factories.make_membership(study, role).user)
    return client


def url(name: str, study, **kwargs) -> str:
    return reverse(f"people:{name}", kwargs={"slug": study.slug, **kwargs})


def send(client: Client, name: str, study, data=None, **kwargs):
    return client.post(url(name, study, **kwargs), data or {})


def test_members_stand_with_roles_team_and_work(study, owner):
    annotator = factories.make_annotator(study, factories.make_user("ada@example.org"))
    Annotator.objects.filter(pk=annotator.pk).update(answered=17)
    people.set_team(study, annotator.user, "Berlin", None)
    page = text_of(owner.get(url("members", study)))
    row = page[page.index("ada@example.org") :].split("</tr>")[0]
    for said in ("Annotator", "Berlin", "Active", ">17<"):
        assert said in row


def test_members_are_found_by_name_role_and_team_and_by_nothing_else(study, owner):
    for name, team in (("ada@example.org", "Berlin"), ("grace@example.org", "")):
        user = factories.make_annotator(study, factories.make_user(name)).user
        people.set_team(study, user, team, None)
    for query, there in (("name=ADA", "ada"), ("team=Berlin", "ada"), ("name=grace", "grace")):
        page = text_of(owner.get(url("members", study) + "?" + query))
        assert [name for name in ("ada@", "grace@") if name in page] == [f"{there}@"]
    for query in ("user__password=x", "role=emperor", "page=-1", "page=x", "name=%00"):
        assert owner.get(url("members", study) + "?" + query).status_code == 200


@pytest.mark.parametrize("name", ["members", "invitations", "platform", "questions"])
def test_queries_do_not_grow_with_people(study, owner, name, django_assert_max_num_queries):
    def fill(count: int) -> None:
        for _ in range(count):
            annotator = factories.make_annotator(study, factories.make_user())
            people.set_team(study, annotator.user, f"team {annotator.pk}", None)
        people.invite(study, Role.ANNOTATOR, count)
        for _ in range(count):
            people.issue_crowd_link(study, 5)

    fill(2)
    with django_assert_max_num_queries(15) as few:
        owner.get(url(name, study))
    fill(20)
    with django_assert_max_num_queries(15) as many:
        owner.get(url(name, study))
    assert len(few) == len(many)


def test_a_list_is_invited_by_e_mail_and_the_page_says_how_far_it_is(study, owner):
    listed = "name,email,role,team\nAda,ada@example.org,,Berlin\nGrace,grace@example.org,monitor,\n"
    answer = owner.post(
        url("invite", study), {"people": listed, "role": "annotator", "how": "email"}, follow=True
    )
    page = text_of(answer)
    assert "2 invitations are on the way" in page
    assert "about to be sent" in page
    assert 'hx-trigger="every 5s"' in page
    send_letters()
    assert sorted(letter.to[0] for letter in mail.outbox) == [
        "ada@example.org",
        "grace@example.org",
    ]
    rows = text_of(owner.get(url("invitation_rows", study)))
    assert "hx-trigger" not in rows
    assert rows.count("status--ok") == 2


def test_every_bad_row_is_shown_and_nothing_is_sent_or_lost(study, owner):
    listed = "name,email\nAda,ada\nGrace,grace@example.org\nAlan,\n"
    answer = owner.post(
        url("invite", study), {"people": listed, "role": "annotator", "how": "email"}
    )
    assert answer.status_code == 422
    page = text_of(answer)
    assert "Line 2: &#x27;ada&#x27; is no e-mail address." in page
    assert "Line 4: an e-mail address is missing" in page
    assert "Grace,grace@example.org" in page
    assert not Invitation.objects.exists()


def test_a_file_is_a_list_too_and_links_are_shown_once(study, owner):
    file = SimpleUploadedFile("people.csv", "name;role\nÄda;annotator\n".encode("utf-8-sig"))
    answer = owner.post(url("invite", study), {"file": file, "role": "annotator", "how": "link"})
    page = text_of(answer)
    assert "Äda" in page
    link = LINK.search(page)
    assert link is not None
    assert Client().get(link[1]).status_code == 200
    assert answer.headers["Cache-Control"] == "no-store, private"
    token = link[1].split("/")[2]
    assert token not in text_of(owner.get(url("invitations", study) + "?show=all"))


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"name\n\xff\n", "no UTF-8 from byte 6 on"), (b"x" * 1_000_001, "larger than 1000 kB")],
)
def test_a_file_that_is_no_list(study, owner, content, said):
    file = SimpleUploadedFile("people.csv", content)
    answer = owner.post(url("invite", study), {"file": file, "role": "annotator", "how": "link"})
    assert answer.status_code == 422
    assert said in text_of(answer)


def test_a_researcher_makes_links_for_annotators_only(study, researcher):
    assert "Monitor" not in text_of(researcher.get(url("invitations", study))).split("<table")[0]
    made = send(researcher, "links", study, {"role": "annotator", "count": "2"})
    assert len(set(LINK.findall(text_of(made)))) == 2
    refused = send(researcher, "links", study, {"role": "owner", "count": "1"})
    assert refused.status_code == 422
    listed = {"people": "Eve,eve@example.org,owner", "role": "annotator", "how": "email"}
    assert send(researcher, "invite", study, listed).status_code == 422
    assert set(Invitation.objects.values_list("role", flat=True)) == {"annotator"}


def test_a_researcher_cannot_withdraw_what_an_owner_offered(study, researcher):
    (issued,) = people.invite(study, Role.OWNER)
    answer = send(researcher, "withdraw", study, invitation=issued.invitation.pk)
    assert answer.status_code == 403
    assert Invitation.objects.get().revoked_at is None


def test_another_studys_invitation_is_not_found(study, owner):
    (issued,) = people.invite(factories.make_open_study(), Role.ANNOTATOR)
    for name in ("withdraw", "remind", "crowd_withdraw"):
        assert send(owner, name, study, invitation=issued.invitation.pk).status_code == 404
    stranger = factories.make_user()
    for name in ("roles", "team", "end", "erase"):
        assert send(owner, name, study, account=stranger.pk).status_code == 404


def test_roles_are_set_by_an_owner_and_the_last_owner_stays(study, owner):
    user = factories.make_annotator(study, factories.make_user()).user
    chosen = {"role": ["monitor", "adjudicator"]}
    send(owner, "roles", study, chosen, account=user.pk)
    held = set(Membership.objects.filter(user=user).values_list("role", flat=True))
    # What rates is ended on its own, with its question.
    assert held == {"annotator", "monitor", "adjudicator"}
    own = Membership.objects.get(study=study, role=Role.OWNER).user
    answer = owner.post(url("roles", study, account=own.pk), {"role": []}, follow=True)
    assert "needs an owner" in text_of(answer)
    assert Membership.objects.filter(study=study, role=Role.OWNER).count() == 1
    # Handing on: the other becomes owner before this one ends.
    send(owner, "roles", study, {"role": ["owner"]}, account=user.pk)
    send(owner, "roles", study, {"role": []}, account=own.pk)
    assert owner.get(url("members", study)).status_code == 404


WOULD_LEAVE = "these leave it within a minute"


@pytest.mark.parametrize(
    ("rules", "closed", "said"), [({}, False, True), (COUNT, False, False), ({}, True, False)]
)
def test_the_role_of_owner_says_what_becomes_of_votes_before_it_is_given(rules, closed, said):
    study = make_queue(2, rules=rules)
    rater, other = (factories.make_annotator(study, factories.make_user()) for _ in range(2))
    vote(rater, current_id(rater))
    if closed:
        close_study(study)
    owner = signed_in(study, Role.OWNER)
    page = text_of(owner.get(url("member", study, account=rater.user.pk)))
    assert (WOULD_LEAVE in page, 'aria-describedby="owner-hint"' in page) == (said, said)
    # Who has voted on nothing loses nothing, and only an owner gives the role.
    assert WOULD_LEAVE not in text_of(owner.get(url("member", study, account=other.user.pk)))
    researcher = signed_in(study, Role.RESEARCHER)
    page = text_of(researcher.get(url("member", study, account=rater.user.pk)))
    assert WOULD_LEAVE not in page
    factories.make_membership(study, Role.OWNER, rater.user)
    assert WOULD_LEAVE not in text_of(owner.get(url("member", study, account=rater.user.pk)))


def test_whoevers_votes_were_let_count_loses_none_as_owner():
    study = make_queue(2)
    rater = factories.make_annotator(study, factories.make_user())
    vote(rater, current_id(rater))
    held = factories.make_membership(study, Role.OWNER, rater.user)
    quality.review(rater, ReviewOutcome.COUNT_OWN, "We know.")
    held.delete()
    owner = signed_in(study, Role.OWNER)
    assert WOULD_LEAVE not in text_of(owner.get(url("member", study, account=rater.user.pk)))


def test_ending_a_part_asks_about_the_votes(study, researcher):
    annotator = factories.make_annotator(study, factories.make_user())
    vote = factories.make_vote(factories.make_comparison(study), annotator=annotator)
    undecided = send(researcher, "end", study, {}, account=annotator.user.pk)
    assert undecided.status_code == 422
    assert Annotator.objects.get(pk=annotator.pk).state == AnnotatorState.ACTIVE
    no_reason = send(researcher, "end", study, {"votes": "withdraw"}, account=annotator.user.pk)
    assert no_reason.status_code == 302
    assert Annotator.objects.get(pk=annotator.pk).state == AnnotatorState.ACTIVE
    chosen = {"votes": "withdraw", "reason": "asked for it"}
    send(researcher, "end", study, chosen, account=annotator.user.pk)
    assert Annotator.objects.get(pk=annotator.pk).state == AnnotatorState.REMOVED
    assert not counted_votes(study).filter(pk=vote.pk).exists()
    page = text_of(researcher.get(url("member", study, account=annotator.user.pk)))
    assert "Withdraw their votes" in page


def test_whoever_left_is_turned_away_at_the_next_request(study, owner):
    annotator = factories.make_annotator(study, factories.make_user())
    client = Client()
    client.force_login(annotator.user)
    rate = reverse("rating:page", kwargs={"slug": study.slug})
    assert client.get(rate).status_code == 200
    send(owner, "end", study, {"votes": "keep"}, account=annotator.user.pk)
    assert client.get(rate).status_code == 403


def test_a_person_is_erased_by_an_owner_who_types_the_word(study, owner, researcher):
    annotator = factories.make_annotator(study, factories.make_user("ada@example.org"))
    page = text_of(owner.get(url("member", study, account=annotator.user.pk)))
    assert "Goes" in page
    assert "Remains" in page
    assert "Erase" not in text_of(researcher.get(url("member", study, account=annotator.user.pk)))
    refused = send(owner, "erase", study, {"word": "yes"}, account=annotator.user.pk)
    assert refused.status_code == 422
    assert Annotator.objects.get(pk=annotator.pk).erased_at is None
    done = send(owner, "erase", study, {"word": "Erase"}, account=annotator.user.pk)
    assert done.status_code == 302
    assert Annotator.objects.get(pk=annotator.pk).erased_at is not None
    assert "ada@example.org" not in text_of(owner.get(url("members", study)))


def test_an_erasure_takes_the_invitation_s_name_and_address(study, owner):
    invitee = people.Invitee("Ada", "ada@example.org", team="Berlin")
    (issued,) = people.invite_people(study, [invitee], None, by_email=False)
    user = people.accept_invitation(issued.token, "ada", factories.PASSWORD)
    people.erase(Annotator.objects.get(user=user))
    stored = Invitation.objects.get()
    assert (stored.name, stored.email, stored.team, stored.accepted_by) == ("", "", "", None)


def test_a_platform_s_link_is_made_shown_and_withdrawn(study, owner):
    made = text_of(send(owner, "crowd_link", study, {"most_people": "2", "days": "30"}))
    link = LINK.search(made)
    assert link is not None
    arrival = f"{link[1]}?PROLIFIC_PID=p1&STUDY_ID=s&SESSION_ID=x"
    assert Client().post(arrival).status_code == 302
    page = text_of(owner.get(url("platform", study)))
    assert link[1] not in page
    assert "good until" in page
    send(owner, "crowd_withdraw", study, invitation=Invitation.objects.get().pk)
    assert Client().post(arrival).status_code == 410
    assert ">p1</a>" in text_of(owner.get(url("members", study) + "?name=P1"))


def test_codes_of_an_opened_study_make_a_new_version_with_a_reason(study, owner):
    fields = {
        "participant": "PID", "study": "STUDY_ID", "session": "SESSION_ID",
        "completed_code": "DONE1",
    }  # fmt: skip
    assert send(owner, "platform", study, fields).status_code == 422
    assert StudyVersion.objects.filter(study=study).count() == 1
    answer = send(owner, "platform", study, {**fields, "participant": "no good"})
    assert "must be the name of a parameter" in text_of(answer)


def test_codes_of_a_draft_are_set_in_place():
    study = factories.make_study()
    owner = signed_in(study, Role.OWNER)
    fields = {
        "participant": "PID", "study": "STUDY_ID", "session": "SESSION_ID",
        "completed_code": "DONE1",
    }  # fmt: skip
    assert send(owner, "platform", study, fields).status_code == 302
    study.refresh_from_db()
    assert rules_of(study.rules).crowd.completed_code == "DONE1"
    assert study.rules == {"crowd": {"participant": "PID", "completed_code": "DONE1"}}


def test_questions_are_set_on_a_draft_and_their_answers_counted():
    study = factories.make_study()
    owner = signed_in(study, Role.OWNER)
    asked = {"text_1": "What is your field?", "options_1": "Law\n Medicine \n\n"}
    assert send(owner, "questions", study, asked).status_code == 302
    study.refresh_from_db()
    (question,) = rules_of(study.rules).profile.questions
    assert (question.key, question.options) == ("what_is_your_field", ("Law", "Medicine"))
    for answer in ("Law", None):
        factories.make_annotator(
            study, factories.make_user(), profile={"what_is_your_field": answer}
        )
    page = text_of(owner.get(url("questions", study)))
    assert re.search(r"Law</th><td class=\"number\">1<", page)
    assert re.search(r"did not want to say</th><td class=\"number\">1<", page)
    bad = send(owner, "questions", study, {"text_1": "Alone?", "options_1": "Yes"})
    assert bad.status_code == 422
    assert "2 to 20" in text_of(bad)
    assert send(owner, "questions", study, {}).status_code == 302
    study.refresh_from_db()
    assert study.rules == {}


def test_payments_are_looked_at_and_logged(study, owner):
    issued = people.issue_crowd_link(study, 5)
    people.arrive(issued.token, people.Arrival("p1", "s", "x"))
    page = text_of(owner.get(reverse("people_work:payments", kwargs={"slug": study.slug})))
    assert ">p1</th>" in page
    assert AuditEntry.objects.filter(action="payments.listed").count() == 1
    file = owner.get(reverse("people_work:payments_file", kwargs={"slug": study.slug}))
    assert b'"p1"' in b"".join(file.streaming_content)


def test_the_file_of_annotators_has_answers_and_no_accounts(owner, study):
    study.rules = {"profile": {"questions": [FIELD]}}
    study.save()
    for who, profile in (
        ("a1", {"field": "Law", "team": "=1+1"}),
        ("a2", {"field": None}),
        ("a3", {}),
    ):
        factories.make_annotator(
            study, factories.make_user(f"{who}@example.org"), external_id=who, profile=profile
        )
    for who, role in (("a2", Role.OWNER), ("a3", Role.MONITOR)):
        user = Annotator.objects.get(study=study, external_id=who).user
        factories.make_membership(study, role, user)
    answer = owner.get(reverse("people_work:file", kwargs={"slug": study.slug}))
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert lines == [
        '"annotator_id","state","team","pairs","skipped","own_votes","field"',
        '"a1","active","\'=1+1",0,0,,"Law"',
        '"a2","active",,0,0,"exclude","(did not want to say)"',
        '"a3","active",,0,0,,',
    ]


def test_whoever_is_asked_answers_before_the_first_pair(study):
    study.rules = {"profile": {"questions": [FIELD]}}
    study.save()
    annotator = factories.make_annotator(study, factories.make_user())
    client = Client()
    client.force_login(annotator.user)
    rate, about = (
        reverse(f"rating:{name}", kwargs={"slug": study.slug}) for name in ("page", "about_you")
    )
    assert client.get(rate).headers["Location"] == about
    assert client.post(about, {}).status_code == 422
    assert client.post(about, {"field": "Magic"}).status_code == 422
    assert client.post(about, {"field": " unsaid"}).headers["Location"] == rate
    assert Annotator.objects.get(pk=annotator.pk).profile == {"field": None}
    assert client.get(rate).status_code == 200
    assert client.get(about).headers["Location"] == rate


def test_a_failed_letter_says_why_and_can_be_tried_again(study, owner):
    invitee = people.Invitee("Ada", "ada@example.org")
    (issued,) = people.invite_people(study, [invitee], None, by_email=True)
    Invitation.objects.update(mail_state=MailState.FAILED, mail_fault="no such user")
    page = text_of(owner.get(url("invitations", study)))
    assert "no such user" in page
    assert "Try again" in page
    send(owner, "remind", study, invitation=issued.invitation.pk)
    send_letters()
    assert len(mail.outbox) == 1
