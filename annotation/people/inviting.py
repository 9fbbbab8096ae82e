"""Inviting people who are known by name or address: a link for each, shown or sent by e-mail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from annotation import audit
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
)
from .lists import BadListError, Invitee, ListProblem
from .managing import check_may_manage
from .refusals import PeopleError
from .usernames import normalise_username


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
