"""Reminders: the letter of an invitation that nobody used, sent once more.

The invitation stays the same row. The link of the letter before goes on to work, so that nobody
stands before a closed door because a letter is late or lost.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from annotation import audit
from annotation.access import roles_of
from annotation.models import Invitation, InvitationPurpose, MailState, Role, Study, User

from .invitations import JOIN_LIFETIME, draw_link, status_of, takes_nobody
from .inviting import study_of
from .managing import check_may_manage, manageable
from .refusals import InvitationStatus, LetterRefusedError

# A third letter annoys; more than one a day does, too.
MOST_REMINDERS = 2
BETWEEN_REMINDERS_HOURS = 24


def why_no_reminder(invitation: Invitation, now: datetime) -> str:
    """Why nobody may be reminded of it now; empty where they may. As `remindable` has it."""
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
    if now - last < timedelta(hours=BETWEEN_REMINDERS_HOURS):
        return f"The last letter is younger than {BETWEEN_REMINDERS_HOURS} hours."
    return ""


def remindable(study: Study, roles: frozenset[Role], now: datetime) -> QuerySet[Invitation]:
    """The study's invitations in these roles that somebody may be reminded of now."""
    theirs = [role for role in roles if not takes_nobody(study, role)]
    return Invitation.objects.annotate(last_letter=Coalesce("mail_sent_at", "created_at")).filter(
        Q(mail_state=MailState.FAILED)
        | Q(
            mail_state=MailState.SENT,
            reminder__lt=MOST_REMINDERS,
            last_letter__lte=now - timedelta(hours=BETWEEN_REMINDERS_HOURS),
        ),
        study=study,
        purpose=InvitationPurpose.JOIN,
        role__in=theirs,
        used_at=None,
        revoked_at=None,
    )


def remind(invitation: Invitation, actor: User | None) -> Invitation:
    """Queue another letter of an invitation that was not used, which is good for a while again.

    Up to `MOST_REMINDERS` follow a first letter, each a day after the one before at the earliest.
    One that could not be sent is tried again and counts as none.

    Raises
    ------
    LetterRefusedError
        It was used or withdrawn, was not sent by e-mail, or it is too early or was done enough.
    NotTheirsError
        The actor does not decide about the role.
    """
    study = study_of(invitation)
    check_may_manage(actor, study, Role(invitation.role))
    with transaction.atomic():
        row = Invitation.objects.select_for_update(no_key=True).get(pk=invitation.pk)
        now = timezone.now()
        if why := why_no_reminder(row, now):
            raise LetterRefusedError(f"{why} Nothing was sent.")
        # The letter before has its link. Until the next is taken up, nobody has the new one.
        draw_link(row, keep=True)
        if row.mail_state == MailState.SENT:
            row.reminder += 1
        row.mail_state, row.mail_fault, row.mail_attempts = MailState.QUEUED, "", 0
        row.mail_due_at, row.expires_at = now, now + JOIN_LIFETIME
        row.save(
            update_fields=[
                "token_hash",
                "reminder",
                "mail_state",
                "mail_fault",
                "mail_attempts",
                "mail_due_at",
                "expires_at",
            ]
        )
        audit.record(
            study, actor, "invitation.reminded", {"invitation": row.pk, "reminder": row.reminder}
        )
    return row


def remind_all(study: Study, actor: User | None) -> int:
    """Remind everybody who may be reminded now; how many letters were queued.

    Invitations to a role that the actor does not decide about are left alone.
    """
    theirs = frozenset(Role) if actor is None else manageable(roles_of(actor, study))
    due = remindable(study, theirs, timezone.now()).select_related("study").order_by("pk")
    count = 0
    for invitation in list(due):
        try:
            remind(invitation, actor)
        except LetterRefusedError:
            # Used, or reminded by somebody else, in between.
            continue
        count += 1
    return count
