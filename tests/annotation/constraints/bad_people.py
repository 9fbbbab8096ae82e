"""Rows about people, their links and the log that the database must refuse."""

from __future__ import annotations

import uuid
from typing import Any

from django.utils import timezone

from annotation.models import (
    ApiToken,
    AuditEntry,
    CrowdArrival,
    InvitationPurpose,
    MailState,
    Membership,
    Message,
    RememberedAnswer,
    Role,
    User,
)
from tests import factories

from .world import BadRow, change, twice


def make_token(**fields: Any) -> ApiToken:
    values = {
        "user": factories.make_user(),
        "token_hash": uuid.uuid4().hex * 2,
        "may_read": True,
        "expires_at": timezone.now(),
    }
    return ApiToken.objects.create(**values | fields)


def remember_twice(user: User) -> None:
    twice(
        lambda: RememberedAnswer.objects.create(user=user, key_hash="0" * 64, request_hash="1" * 64)
    )


BAD_PEOPLE: list[BadRow] = [
    # People
    (
        "one role given twice",
        "membership_once",
        lambda w: factories.make_membership(w.study, user=factories.make_membership(w.study).user),
    ),
    (
        "a role that is none",
        "membership_role_known",
        lambda w: Membership.objects.create(
            study=w.study, user=factories.make_user(), role="emperor"
        ),
    ),
    (
        "two annotators of one name",
        "annotator_id_once",
        lambda w: twice(lambda: factories.make_annotator(w.study, external_id="ann")),
    ),
    (
        "two annotators of one account",
        "annotator_user_once",
        lambda w: factories.make_annotator(
            w.study, factories.make_annotator(w.study, factories.make_user()).user
        ),
    ),
    (
        "a state that no annotator has",
        "annotator_state_known",
        lambda w: change(w.holder.annotator, state="asleep"),
    ),
    (
        "a letter in a state that is none",
        "invitation_mail_state_known",
        lambda w: w.invite(mail_state="lost", email="ann@example.org"),
    ),
    (
        "a letter to nobody",
        "invitation_mail_has_an_address",
        lambda w: w.invite(mail_state=MailState.QUEUED),
    ),
    (
        "a key that opens nothing",
        "api_token_opens_something",
        lambda w: make_token(may_read=False),
    ),
    (
        "two answers to one key of a person",
        "remembered_answer_once",
        lambda w: remember_twice(factories.make_user()),
    ),
    (
        "a purpose that no link has",
        "invitation_purpose_known",
        lambda w: w.invite(purpose="fun", user=factories.make_user()),
    ),
    (
        "a link to a role that is none",
        "invitation_role_known",
        lambda w: w.invite(role="emperor"),
    ),
    (
        "a link into a study without a role",
        "invitation_says_for_what",
        lambda w: w.invite(role=""),
    ),
    (
        "a link to sign in nobody",
        "invitation_says_for_what",
        lambda w: w.invite(purpose=InvitationPurpose.SIGN_IN),
    ),
    (
        "a link of a crowd without a limit",
        "invitation_says_for_what",
        lambda w: w.invite(purpose=InvitationPurpose.CROWD),
    ),
    (
        "a link of a crowd that gives another role",
        "invitation_says_for_what",
        lambda w: w.invite(purpose=InvitationPurpose.CROWD, role=Role.OWNER, most_people=3),
    ),
    (
        "a single-use link with a number of people",
        "invitation_most_people_of_a_crowd",
        lambda w: w.invite(most_people=3),
    ),
    (
        "one participant twice in a study",
        "crowd_arrival_once",
        lambda w: twice(
            lambda: CrowdArrival.objects.create(
                annotator=factories.make_annotator(w.study),
                study=w.study,
                invitation=w.invite(purpose=InvitationPurpose.CROWD, most_people=3),
                participant="p1",
            )
        ),
    ),
    (
        "a message without words",
        "message_says_something",
        lambda w: Message.objects.create(annotator=w.holder.annotator, text=""),
    ),
    # The log
    (
        "two entries at one place of a chain",
        "audit_entry_in_order",
        lambda w: twice(
            lambda: AuditEntry.objects.create(scope="site", seq=1, action="x", hash="0" * 64)
        ),
    ),
]
