"""Inviting people who are known by name or address: a link for each, shown or sent by e-mail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from annotation import audit
from annotation.access import roles_of
from annotation.models import (
    Invitation,
    InvitationPurpose,
    MailState,
    Membership,
    Role,
    Study,
    User,
)

from .invitations import (
    JOIN_LIFETIME,
    MAX_INVITATIONS,
    Issued,
    issue,
    live_invitations,
    refuse_over,
    revoke_invitation,
    status_of,
    takes_nobody,
)
from .lists import BadListError, Invitee, ListProblem
from .managing import check_may_manage, manageable
from .refusals import InvitationStatus, LetterRefusedError, PeopleError
from .usernames import normalise_username


@dataclass(frozen=True, slots=True)
class InvitationLine:
    """An invitation as a list shows it."""

    invitation: Invitation
    status: InvitationStatus
    # Why it cannot be reminded of; empty where it can.
    no_reminder: str

    @property
    def is_live(self) -> bool:
        return self.status == InvitationStatus.LIVE


def invite_people(
    study: Study, people: Sequence[Invitee], actor: User | None, *, by_email: bool
) -> list[Issued]:
    """One invitation for each of the people.

    With `by_email` a letter is queued for each in the same transaction, which draws a secret of its
    own when it is sent: the tokens that come back are good until then, and nobody should have them.

    Raises
    ------
    BadListError
        Somebody takes part in that role already, or has a link that is still good; or a letter has
        no address. Nobody was invited.
    NotTheirsError
        The actor does not decide about one of the roles.
    PeopleError
        There is nobody, or there are more than `MAX_INVITATIONS`.
    """
    if not 1 <= len(people) <= MAX_INVITATIONS:
        raise PeopleError(f"{len(people)} invitations: ask for 1 to {MAX_INVITATIONS} at a time.")
    check_may_manage(actor, study, *(person.role for person in people))
    refuse_over(study, *(person.role for person in people))
    with transaction.atomic():
        refuse_known(study, people, by_email=by_email)
        issued = [
            issue(invitation_for(study, person, actor, by_email), JOIN_LIFETIME)
            for person in people
        ]
        counts = Counter(person.role.value for person in people)
        for role, count in sorted(counts.items()):
            audit.record(
                study,
                actor,
                "invitations.issued",
                {"role": role, "count": count, "by_email": by_email},
            )
    return issued


def invitation_for(study: Study, person: Invitee, actor: User | None, by_email: bool) -> Invitation:
    return Invitation(
        purpose=InvitationPurpose.JOIN,
        study=study,
        role=person.role,
        name=person.name,
        email=person.email,
        team=person.team,
        created_by=actor,
        mail_state=MailState.QUEUED if by_email else MailState.NONE,
        mail_due_at=timezone.now() if by_email else None,
    )


def refuse_known(study: Study, people: Sequence[Invitee], *, by_email: bool) -> None:
    """Name everybody of the list who cannot be invited, by their lines or else their numbers."""
    wanted = {person.email.casefold() for person in people if person.email}
    members = members_by_address(study, wanted)
    waiting = {
        (email.casefold(), role)
        for email, role in live_invitations()
        .filter(study=study, purpose=InvitationPurpose.JOIN)
        .exclude(email="")
        .values_list("email", "role")
    }
    problems = []
    for number, person in enumerate(people, 1):
        line = person.line or number
        key = (person.email.casefold(), person.role.value)
        if by_email and not person.email:
            problems.append(ListProblem(line, "there is no address to send the invitation to."))
        elif person.email and key in members:
            problems.append(ListProblem(line, f"{person.email} is {person.role.value} already."))
        elif person.email and key in waiting:
            problems.append(
                ListProblem(
                    line,
                    f"{person.email} has an invitation as {person.role.value} that is still good: "
                    "send a reminder, or withdraw it first.",
                )
            )
    if problems:
        raise BadListError(problems)


def members_by_address(study: Study, wanted: set[str]) -> set[tuple[str, str]]:
    """Address and role of members whose sign-in name or address is one of those wanted."""
    names = {normalise_username(address) for address in wanted}
    rows = Membership.objects.filter(study=study).values_list(
        "user__username", "user__email", "role"
    )
    found = set()
    for username, email, role in rows.iterator():
        if username in names:
            found |= {
                (address, role) for address in wanted if normalise_username(address) == username
            }
        if email.casefold() in wanted:
            found.add((email.casefold(), role))
    return found


# A third letter annoys; more than one a day does, too.
MOST_REMINDERS = 2
BETWEEN_REMINDERS_HOURS = 24


def why_no_reminder(invitation: Invitation, now: datetime) -> str:
    """Why nobody may be reminded of it now; empty where they may."""
    study = invitation.study
    if study is not None and takes_nobody(study, Role(invitation.role)):
        return f"The study is {study.state}."
    status = status_of(invitation)
    if status not in (InvitationStatus.LIVE, InvitationStatus.EXPIRED):
        return f"The invitation was {status.value}."
    if not invitation.email or invitation.mail_state == MailState.NONE:
        return "The link was not sent by e-mail."
    if invitation.mail_state == MailState.QUEUED:
        return "The letter is about to be sent."
    if invitation.mail_state == MailState.FAILED:
        return ""
    if invitation.reminder >= MOST_REMINDERS:
        return f"{MOST_REMINDERS} reminders were sent; no more are."
    last = invitation.mail_sent_at or invitation.created_at
    hours = (now - last).total_seconds() / 3600
    if hours < BETWEEN_REMINDERS_HOURS:
        return f"The last letter is younger than {BETWEEN_REMINDERS_HOURS} hours."
    return ""


def remind(invitation: Invitation, actor: User | None) -> Invitation:
    """Queue a letter with a new link in the place of one that was not used; the old one ends.

    Up to `MOST_REMINDERS` follow a first letter, each a day after the one before at the earliest.
    One that could not be sent is tried again and counts as none.

    Raises
    ------
    LetterRefusedError
        It was used or withdrawn, was not sent by e-mail, or it is too early or was done enough.
    NotTheirsError
        The actor does not decide about the role.
    """
    study, role = study_of(invitation), Role(invitation.role)
    check_may_manage(actor, study, role)
    with transaction.atomic():
        old = Invitation.objects.select_for_update(no_key=True).get(pk=invitation.pk)
        now = timezone.now()
        if why := why_no_reminder(old, now):
            raise LetterRefusedError(f"{why} Nothing was sent.")
        failed = old.mail_state == MailState.FAILED
        Invitation.objects.filter(pk=old.pk, revoked_at=None).update(revoked_at=now)
        person = Invitee(old.name, old.email, role, old.team)
        new = invitation_for(study, person, actor, by_email=True)
        new.reminder = old.reminder if failed else old.reminder + 1
        issued = issue(new, JOIN_LIFETIME)
        audit.record(
            study,
            actor,
            "invitation.reminded",
            {"invitation": issued.invitation.pk, "instead_of": old.pk},
        )
    return issued.invitation


def remind_all(study: Study, actor: User | None) -> int:
    """Remind everybody who may be reminded now; how many letters were queued.

    Invitations to a role that the actor does not decide about are left alone.
    """
    count = 0
    theirs = frozenset(Role) if actor is None else manageable(roles_of(actor, study))
    for line in list_invitations(study, most=None):
        if line.no_reminder or line.invitation.role not in theirs:
            continue
        try:
            remind(line.invitation, actor)
        except LetterRefusedError:
            # Used, or reminded by somebody else, in between.
            continue
        count += 1
    return count


def withdraw(invitation: Invitation, actor: User | None) -> None:
    """End a link, and its letter if that is still to be sent.

    Raises
    ------
    InvitationRefusedError
        It was used, had expired or was withdrawn before.
    NotTheirsError
        The actor does not decide about the role.
    """
    check_may_manage(actor, study_of(invitation), Role(invitation.role))
    revoke_invitation(invitation, actor)


def study_of(invitation: Invitation) -> Study:
    if invitation.study is None:
        raise PeopleError("This link belongs to an account, and to no study.")
    return invitation.study


def invitations_of(study: Study) -> QuerySet[Invitation]:
    """Links to join the study, the newest first, without those that a reminder replaced."""
    return (
        Invitation.objects.filter(study=study, purpose=InvitationPurpose.JOIN)
        .select_related("study", "created_by", "accepted_by", "user")
        .order_by("-pk")
    )


def list_invitations(
    study: Study, *, all_of_them: bool = False, most: int | None = 500
) -> list[InvitationLine]:
    """Invitations with their status: those that are still of use, or all. One query.

    Of use are those that are live, those that expired unused, and letters that failed. At most
    `most` are listed; None is all.
    """
    rows = invitations_of(study)
    if not all_of_them:
        rows = rows.filter(used_at=None, revoked_at=None)
    now = timezone.now()
    return [InvitationLine(row, status_of(row), why_no_reminder(row, now)) for row in rows[:most]]
