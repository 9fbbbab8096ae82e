"""Letters with an invitation's link: sent in the background, tried again, and their fate seen.

The queue is the invitation's row, so a broker may lose every message. The secret of a link is drawn
at the moment of sending, and each try draws another: neither a row nor a message ever holds one. A
worker that dies between sending and noting it sends a second letter. Whichever of the letters the
person opens, its link works, until one of them was used.
"""

from __future__ import annotations

import smtplib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from annotation.models import Invitation, MailState, Role

from .invitations import draw_link, status_of, takes_nobody
from .links import invitation_url
from .refusals import InvitationStatus

log = structlog.get_logger(__name__)

# After a failure the next try waits so long; after the last of these it failed for good.
PAUSES = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
)
MOST_ATTEMPTS = len(PAUSES) + 1
# Somebody else may take a letter up again after this: longer than a task lives.
CLAIM = timedelta(minutes=10)
# In one run of the task, over one connection.
AT_ONCE = 50
LONGEST_FAULT = 200

TASKS = {
    Role.OWNER: "run the study and decide who takes part",
    Role.RESEARCHER: "set the study up and read its results",
    Role.MONITOR: "watch the progress and the quality of the work",
    Role.ADJUDICATOR: "decide where annotators disagree",
    Role.ANNOTATOR: "compare pairs of texts and say which is better",
}


@dataclass(frozen=True, slots=True)
class Sending:
    """What one run of the task did."""

    sent: int = 0
    failed: int = 0
    # Whether there may be more that are due.
    more: bool = False


def send_letters() -> Sending:
    """Send letters that are due, up to `AT_ONCE`; safe to run at the same time elsewhere."""
    due = list(due_letters()[: AT_ONCE + 1])
    claimed = [found for pk in due[:AT_ONCE] if (found := claim(pk)) is not None]
    if not claimed:
        return Sending(more=len(due) > AT_ONCE)
    sent = send_all(claimed)
    return Sending(sent, len(claimed) - sent, len(due) > AT_ONCE)


def due_letters() -> Sequence[int]:
    rows = Invitation.objects.filter(mail_state=MailState.QUEUED, mail_due_at__lte=timezone.now())
    return rows.order_by("mail_due_at", "pk").values_list("pk", flat=True)  # type: ignore[return-value]


def claim(pk: int) -> tuple[Invitation, str] | None:
    """Take a letter up with a secret drawn for it; None where somebody else did, or it ended."""
    with transaction.atomic():
        invitation = (
            Invitation.objects.select_for_update(no_key=True, of=("self",))
            .select_related("study")
            .get(pk=pk)
        )
        now = timezone.now()
        due = invitation.mail_due_at
        if invitation.mail_state != MailState.QUEUED or due is None or due > now:
            return None
        status = status_of(invitation)
        if status != InvitationStatus.LIVE or invitation.study is None:
            invitation.mail_state = MailState.FAILED
            invitation.mail_fault = f"The invitation was {status.value} before it was sent."
            invitation.save(update_fields=["mail_state", "mail_fault"])
            return None
        study = invitation.study
        if takes_nobody(study, Role(invitation.role)):
            invitation.mail_state = MailState.FAILED
            invitation.mail_fault = f"The study was {study.state} before it was sent."
            invitation.save(update_fields=["mail_state", "mail_fault"])
            return None
        # An earlier try may have arrived. The first takes the place of a secret that nobody has.
        token = draw_link(invitation, keep=invitation.mail_attempts > 0)
        invitation.mail_attempts += 1
        invitation.mail_due_at = now + CLAIM
        invitation.save(update_fields=["token_hash", "mail_attempts", "mail_due_at"])
    return invitation, token


def send_all(claimed: Sequence[tuple[Invitation, str]]) -> int:
    """Send each over one connection; how many were sent."""
    connection = get_connection(fail_silently=False)
    sent = 0
    try:
        for invitation, token in claimed:
            try:
                send(connection, invitation, token)
            # What a mail server and the way to it can do: refuse, end, be slow, be unknown.
            except (smtplib.SMTPException, OSError, ValueError) as fault:
                note_fault(invitation, fault)
                close_quietly(connection)
            else:
                note_sent(invitation)
                sent += 1
    finally:
        close_quietly(connection)
    return sent


def close_quietly(connection: BaseEmailBackend) -> None:
    """A connection that cannot be ended well has ended all the same."""
    try:
        connection.close()
    except (smtplib.SMTPException, OSError):
        log.info("letters.connection_lost")


def send(connection: BaseEmailBackend, invitation: Invitation, token: str) -> None:
    connection.open()
    subject, body = compose(invitation, invitation_url(token))
    message = EmailMessage(
        subject,
        body,
        settings.DEFAULT_FROM_EMAIL,
        [invitation.email],
        connection=connection,
        # Answering machines leave letters of machines alone.
        headers={"Auto-Submitted": "auto-generated"},
    )
    message.send()


def compose(invitation: Invitation, url: str) -> tuple[str, str]:
    """Subject and text. No system, no result and no other person stands in it."""
    study = invitation.study
    title = " ".join(((study.title or study.slug) if study else "").split())
    greeting = f"Hello {' '.join(invitation.name.split())}," if invitation.name else "Hello,"
    again = invitation.reminder > 0
    lines = [
        greeting,
        "",
        f"you are invited to take part in “{title}” as {Role(invitation.role).value}: to "
        f"{TASKS[Role(invitation.role)]}.",
        "",
        "Open this link to join:",
        "",
        url,
        "",
        f"It works once, until {invitation.expires_at:%d %B %Y} (UTC), and is for you alone: "
        "please do not pass it on.",
    ]
    if again:
        lines += ["The link of the letter before leads to the same place."]
    lines += [
        "",
        "If you did not expect this, you need not do anything: nothing is stored of you but this "
        "address, by those who run the study.",
        "",
    ]
    subject = f"{'Reminder: invitation' if again else 'Invitation'} to “{title}”"
    return subject, "\n".join(lines)


def taken_up(invitation: Invitation) -> QuerySet[Invitation]:
    """The row, as long as it still stands as it was claimed.

    Another worker may have drawn another secret, or the person been erased, while it was sent.
    """
    return Invitation.objects.filter(
        pk=invitation.pk,
        token_hash=invitation.token_hash,
        mail_state=MailState.QUEUED,
        revoked_at=None,
    )


def note_sent(invitation: Invitation) -> None:
    taken_up(invitation).update(
        mail_state=MailState.SENT, mail_sent_at=timezone.now(), mail_due_at=None, mail_fault=""
    )


def note_fault(invitation: Invitation, fault: Exception) -> None:
    """Try again later, or give up: what a server refuses for good, and what failed too often."""
    for_good = is_for_good(fault) or invitation.mail_attempts >= MOST_ATTEMPTS
    words = " ".join(describe(fault).split())[:LONGEST_FAULT]
    taken_up(invitation).update(
        mail_state=MailState.FAILED if for_good else MailState.QUEUED,
        mail_due_at=None
        if for_good
        else timezone.now() + PAUSES[min(invitation.mail_attempts, len(PAUSES)) - 1],
        mail_fault=words,
    )
    # Without the address: logs are read by others than those who run the study.
    log.warning(
        "letters.not_sent",
        invitation=invitation.pk,
        attempt=invitation.mail_attempts,
        fault=type(fault).__name__,
    )


def is_for_good(fault: Exception) -> bool:
    """Whether the server said that it will never take the letter."""
    if isinstance(fault, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in fault.recipients.values())
    # An address or a header that cannot be written.
    return isinstance(fault, ValueError)


def describe(fault: Exception) -> str:
    if isinstance(fault, smtplib.SMTPRecipientsRefused):
        return "; ".join(
            f"the server refused the address: {code} {bytes_to_text(said)}"
            for code, said in fault.recipients.values()
        )
    if isinstance(fault, smtplib.SMTPResponseException):
        return f"the mail server said {fault.smtp_code} {bytes_to_text(fault.smtp_error)}"
    return f"the mail server could not be reached or stopped answering ({type(fault).__name__})"


def bytes_to_text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said
