"""People of a recruitment platform: one link for many, each known by the platform's own names.

The link is a secret like any other, lets in so many people and no more, and gives nothing but the
role of an annotator. Whoever comes back by it with the same participant is the same person; an
account that can do anything else is not entered this way.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from annotation import audit
from annotation.models import (
    Annotator,
    AnnotatorState,
    CrowdArrival,
    Invitation,
    InvitationPurpose,
    Membership,
    Role,
    Study,
    User,
)
from annotation.storable import is_storable

from .invitations import Issued, get_invitation, issue, status_of
from .members import add_member
from .refusals import (
    CrowdEndedError,
    CrowdFullError,
    CrowdRefusedError,
    InvitationRefusedError,
    InvitationStatus,
    NoSuchInvitationError,
    PeopleError,
)

# A study on a platform is filled within weeks.
CROWD_LIFETIME = timedelta(days=60)
MOST_DAYS = 365
MOST_PEOPLE = 100_000
LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class Arrival:
    """Who comes, in the platform's words."""

    participant: str
    study: str = ""
    session: str = ""

    def check(self) -> None:
        """Raise CrowdRefusedError unless these can be a platform's names."""
        if not self.participant:
            raise CrowdRefusedError(gettext("The link does not say who you are."))
        for name in (self.participant, self.study, self.session):
            if len(name) > LONGEST_NAME or not is_storable(name) or not name.isprintable():
                raise CrowdRefusedError(gettext("The link says something that no platform sends."))


def issue_crowd_link(
    study: Study,
    most_people: int,
    actor: User | None = None,
    *,
    lifetime: timedelta = CROWD_LIFETIME,
) -> Issued:
    """A link by which up to `most_people` join as annotators."""
    if not 1 <= most_people <= MOST_PEOPLE:
        raise PeopleError(f"{most_people} people: let a link take in 1 to {MOST_PEOPLE}.")
    if not timedelta(days=1) <= lifetime <= timedelta(days=MOST_DAYS):
        raise PeopleError(f"{lifetime.days} days: let a link last 1 to {MOST_DAYS}.")
    with transaction.atomic():
        invitation = Invitation(
            purpose=InvitationPurpose.CROWD,
            study=study,
            role=Role.ANNOTATOR,
            most_people=most_people,
            created_by=actor,
        )
        issued = issue(invitation, lifetime)
        audit.record(study, actor, "crowd_link.issued", {"most_people": most_people})
    return issued


def get_crowd_link(token: str) -> Invitation:
    """The link, if it may be used now.

    Raises
    ------
    NoSuchInvitationError, InvitationRefusedError
        It is none, or was withdrawn, or has expired.
    """
    invitation = get_invitation(token)
    if invitation.purpose != InvitationPurpose.CROWD:
        raise NoSuchInvitationError("There is no such link.")
    check_live(invitation)
    return invitation


def check_live(invitation: Invitation) -> None:
    """Raise InvitationRefusedError unless it may be used now."""
    status = status_of(invitation)
    if status != InvitationStatus.LIVE:
        raise InvitationRefusedError(status)


def arrive(token: str, arrival: Arrival) -> User:
    """The account of whoever comes, made at the first time; the caller signs it in.

    Raises
    ------
    NoSuchInvitationError, InvitationRefusedError
        The link cannot be used.
    CrowdFullError
        The link has let in as many people as it may, and this is a new one.
    CrowdRefusedError
        The parameters name nobody.
    CrowdEndedError
        They name somebody who was removed from the study, or who signs in otherwise.
    """
    invitation = get_crowd_link(token)
    arrival.check()
    try:
        with transaction.atomic():
            return let_in(invitation, arrival)
    except IntegrityError:
        # The same person in two windows at once: the other one was first.
        with transaction.atomic():
            return let_in(invitation, arrival)


def let_in(invitation: Invitation, arrival: Arrival) -> User:
    study = invitation.study
    if study is None:
        raise CrowdRefusedError("The link names no study.")
    # The link's row orders all who come by it, so that it takes in no more than it may.
    # Whoever waited for it may find it withdrawn or past its time.
    check_live(Invitation.objects.select_for_update(no_key=True).get(pk=invitation.pk))
    known = (
        CrowdArrival.objects.filter(study=study, participant=arrival.participant)
        .select_related("annotator__user")
        .first()
    )
    if known is not None:
        return come_back(known, arrival)
    if invitation.arrivals.count() >= (invitation.most_people or 0):
        raise CrowdFullError("This study has all the people it needs.")
    user = User(username=f"crowd-{secrets.token_hex(8)}")
    user.set_unusable_password()
    user.save(force_insert=True)
    act = add_member(study, user, Role.ANNOTATOR, invitation=invitation.pk)
    CrowdArrival.objects.create(
        annotator=Annotator.objects.get(study=study, user=user),
        study=study,
        invitation=invitation,
        participant=arrival.participant,
        platform_study=arrival.study,
        platform_session=arrival.session,
    )
    # Last: nothing is written after an entry.
    if act is not None:
        audit.record_acts(study, user, act)
    return user


def come_back(known: CrowdArrival, arrival: Arrival) -> User:
    """The same account; the platform may have given the person another session."""
    user = known.annotator.user
    if user is None or not user.is_active or not takes_part(known) or may_do_more(user):
        raise CrowdEndedError("This participant cannot come in by the link any more.")
    if arrival.session and arrival.session != known.platform_session:
        CrowdArrival.objects.filter(pk=known.pk).update(platform_session=arrival.session)
    return user


def takes_part(known: CrowdArrival) -> bool:
    """Whether nobody ended the person's part in the study."""
    annotator = known.annotator
    return (
        annotator.state != AnnotatorState.REMOVED
        and Membership.objects.filter(
            study=known.study_id, user=annotator.user_id, role=Role.ANNOTATOR
        ).exists()
    )


def may_do_more(user: User) -> bool:
    """Whether the account opens more than a link of this kind may give."""
    return (
        user.is_staff
        or user.has_usable_password()
        or Membership.objects.filter(user=user).exclude(role=Role.ANNOTATOR).exists()
    )
